"""What every service stands on: the kernel that binds functions to the model, errors, ARNs, clock, ids and paging.

It knows no service by name, and nothing of HTTP.
"""
