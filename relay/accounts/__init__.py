"""People who log in to the pages: tenants' users and the operator's staff, their roles, passwords and sessions.

Enters: an address, a password, a code, a cookie. Leaves: who it is, and what
their role may do (``roles``). Everything works in the caller's transaction;
slow hashes are made before one is begun. Knows no pages, and decides nothing about mail.
"""
