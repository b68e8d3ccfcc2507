"""IAM's policy language: the grammar of a document, and whether one admits a request.

Every service that keeps policies stands on it (IAM's trust policies, Lambda's resource policies); what a service
demands of a document beyond the grammar, and in which sentence it refuses one, is the service's own. Policy variables
(`${aws:username}`) are not resolved. What cannot be evaluated falls on the side of refusal: it never allows, and as a
Deny it denies.
"""
