"""The data plane: an invocation's way from the operation to an execution environment and back.

`path` is that way, on one page; `placement` decides which environment runs it. Nothing here reads a database.
"""
