"""What only PostgreSQL speaks: its dialect, its connections, the group commit, its schema; loaded where a URL names it.

Everything goes through ``translate``: the house writes the SQL of both engines,
in SQLite's spelling of what they spell apart.
"""
