"""``relay demo``: a real relay on loopback, a mailbox provider beside it, and a story told with both.

Nothing here is used by the service. The demonstration drives the relay as its
users do: by its commands, by SMTP and by HTTP. It never looks into the store.
"""
