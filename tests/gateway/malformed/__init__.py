"""Requests that are almost right, made of AWS's models, on their way over a socket, and what an answer has to be.

`members` draws members that are wrong within, from `values`; `drafts` makes a request of them; `spoilt` is what else may
happen to it; `visits` sends it and says whether the answer is one that an SDK can read.
"""
