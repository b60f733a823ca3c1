"""Keeping a relay: all that makes it, in one file, while it runs; and back again, checked before anything is replaced.

Enters: the settings, a passphrase or age keys. Leaves: one archive (``archive``:
a compressed tar, locked by ``sealing``), or a relay as it was. Never decides
about mail, and never replaces anything beside a running relay.
"""
