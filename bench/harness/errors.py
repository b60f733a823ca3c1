"""The one exception that is told to the user in one line."""

from __future__ import annotations


class BenchError(Exception):
    """A load or a contestant failed; the text says which, and what to look at."""


class Absent(BenchError):
    """A contestant isn't installed, or has no such mode."""
