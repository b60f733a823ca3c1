"""Processes: how they are begun, looked after and ended.

Enters: what is to run. Leaves: children and their ends. Loaded by the small
parent alone, so it imports next to nothing.
"""
