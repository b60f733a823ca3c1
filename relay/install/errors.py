"""What ends an installation."""

from __future__ import annotations


class InstallError(Exception):
    """It can't be set up so; the text says what to do."""
