"""Execution environments: their life cycle, the Runtime API that they speak, and what they write to the log.

It does not decide which function runs where (`lambda_.invoke`), nor how a guest is kept in (`lambent.sandbox`).
"""
