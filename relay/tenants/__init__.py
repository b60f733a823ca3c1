"""Customers: tenants, their streams, credentials, API tokens and domains; and the snapshot of them that mail reads.

Enters: what the operator and the customer set up. Leaves: facts for policies,
answers to log-ins. It knows no person on a list and no message.
"""
