"""Bytes to members and members to bytes, for each of AWS's protocols; no I/O and no meaning.

`protocols.protocol(model)` gives the one object that reads requests and writes responses of a service. One file is one
protocol, with parsing and serialising side by side, compiled once per operation into closures. Nothing here knows who
calls, or what the call does; whatever is malformed ends in `SerializationException`.
"""
