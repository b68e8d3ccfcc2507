"""Concurrency as its owners configure it: what a function has reserved, and what is provisioned for a version or an alias.

These are parts of functions with the rules of their numbers, and what all functions together claim of the account's
concurrent executions. Keeping to the numbers is the data plane's: `invoke/admission.py`, `invoke/provisioning.py`.
"""
