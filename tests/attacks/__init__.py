"""The attacker's suite: a tenant with all it has (log-in, API token, forms, imports), or a stranger, against the rules.

Each attack meets one clear answer and leaves nothing half taken: it is looked
at on the wire and in the store of a running relay. What works on parts alone
stands in ``tests/unit``: ``test_signup_attacks`` (forms and their tokens) and
``test_audit_attacks`` (every column, row and order of the log).
``docs/RULES.md`` lists all of them by rule.
"""
