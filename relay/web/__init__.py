"""The HTTP side, a process of its own so that a slow page never slows mail.

Enters: HTTP requests (behind the operator's TLS proxy), signed links, API
tokens. Leaves: pages, JSON, withdrawals and consents in the store. It never
touches the queue, and a GET never changes anything.
"""
