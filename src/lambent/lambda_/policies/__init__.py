"""Resource policies: who besides its own account may use a function, a version or an alias, and for what.

`statements` writes what AddPermission asks for, `documents` puts statements into a policy's text and takes them out,
`rules` says what a whole document may say, `policy` is the part of a function that keeps one, `access` asks it. The
language itself is `core.policies`. Layer versions have policies too: `statements` and `documents` know nothing of
functions.
"""
