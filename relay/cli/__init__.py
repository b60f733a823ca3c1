"""The command line: one module for each command group.

Enters: words a person or a script typed. Leaves: text or JSON on stdout, one
line on stderr and an exit status. It decides nothing by itself: rules and SQL
live in ``relay.tenants``, ``relay.people``, ``relay.queue`` and their neighbours.
"""
