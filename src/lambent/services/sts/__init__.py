"""STS: who am I, and sessions of a role; and the access keys that sign requests.

Sessions are stateless: the token itself carries, sealed, whose it is and until when, so that issuing one writes
nothing and looking one up reads nothing. It does not evaluate session policies, federate (SAML, web identity) or check
MFA: those operations answer NotImplemented, and a session policy is refused.
"""
