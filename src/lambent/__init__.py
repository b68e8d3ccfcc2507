"""Lambent is AWS Lambda that you own: the Lambda API, its execution environments and the services around them.

`app.py` is the whole system on one page; `cli` is how a person starts it and speaks to it. docs/ARCHITECTURE.md says
which folder holds what, and which may import which.
"""

__version__ = "0.1.0"
