"""AWS Signer, so far as Lambda asks it: what the signature on a package says, and whether it is to be believed.

There is no AWS Signer service of our own yet, and so no API: profiles and their certificates are files that the operator
keeps (`profiles`), and packages are signed by a command (`signing`). docs/designs/code-signing.md has the format, and which
of it is AWS's.

A signature comes from a stranger, and reading one takes an ASN.1 parser and a cryptography library. So that is done by a
process of its own, for each package that has one (`process`): the server never loads either, which would be a sixth of its
start and a quarter of its idle memory, and a signature that breaks the reader breaks nothing else.
"""
