"""Layers: archives that functions share, published in numbered versions, and what of them a function finds at /opt.

It is not about extensions (/opt/extensions): their files are mounted like any others, and nothing starts them yet.
"""
