"""The tables of functions and their versions, in numbered steps that only go forward."""
