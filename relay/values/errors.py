"""The one exception of the registry: something asked for is refused."""

from __future__ import annotations


class RegistryError(Exception):
    """A refusal for a reason the caller can mend; the text is one line that says how."""
