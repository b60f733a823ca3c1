"""SMTP in: sockets, TLS, sessions and their limits; submission by customers, and what comes back on port 25.

Enters: octets. Leaves: transactions for ``relay.intake.accept``, and messages
for ``relay.feedback``. Decides nothing about mail.
"""
