"""The embedded store: connections, migrations and the group commit.

Callers bring SQL and get rows; nothing in here knows what the rows mean.
"""
