"""Heads that mislead: whose mail it claims to be, and what it claims to be about.

Enters: names and subject of a message, what stands in it, and whose names are
taken. Leaves: reasons with weights. ``brands.toml`` has well-known names,
``names`` compares them, ``subjects`` looks at what a subject promises.
"""
