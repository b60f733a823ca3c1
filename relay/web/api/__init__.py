"""The HTTP API ``/v1/``: JSON in and out, tokens, problems, idempotency, its own description.

Enters: requests of programs. Leaves: the same effects as the commands have.
"""
