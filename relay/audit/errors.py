"""The one exception of the audit log."""

from __future__ import annotations


class AuditError(Exception):
    """The log can't do what was asked; the text is one line that says why and what to do."""
