"""What only SQLite speaks: the group commit, its turns and checkpoints, its schema, and what it alone keeps.

Named functions for the rest of the house; no PRAGMA stands anywhere else.
"""
