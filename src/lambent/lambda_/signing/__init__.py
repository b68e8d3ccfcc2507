"""Code signing: configurations that say whose packages a function takes, and the check when a package is deployed.

What a signature is and whether it can be believed, the port `Signatures` knows; here is what Lambda makes of it.
"""
