"""The HTTP door of every service: who calls, what they call, whether they may, and the answer in their own protocol.

`Gateway.handle` is the whole of it on one page: identify, authenticate, authorise, parse, call, serialise; each step
is one function in a file of its own. It knows services only as `core.kernel.Service` and never one by name, except
where AWS's own wire is irregular (the tables in `limits` and `dialects`). It is not an HTTP server: that is
`core.http`.
"""
