"""Secrets: the relay's own, signed links and addresses, DKIM keys, and RSA signatures made together.

Enters: the secrets file, sealed keys, marks to be signed. Leaves: tokens, opened
keys, signatures. Nothing in here is logged, and nothing decides about mail.
"""
