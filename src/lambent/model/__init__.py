"""AWS's own description of its services, read as data.

`ServiceModel` gives operations, shapes, constraints and errors of one service out of botocore's JSON files; the files
are the only thing of botocore that runs here, because importing the package costs half a second. What can be derived
from a model (constraint sentences, snake case names, patterns in Python's dialect) is here too. Nothing in this package
knows bytes on a wire, and nothing knows what an operation does.
"""
