"""Function URLs: an HTTP address of a function or an alias, and what happens between a request to it and an invocation.

    host or path -> which URL (addresses) -> CORS (cors) -> who may (site) -> event (event) -> invoke -> answer (answer)

`config` is what the five operations keep; `site` is the page on which the steps stand in their order. Nothing here knows
how an invocation works, or what a policy says: it asks.
"""
