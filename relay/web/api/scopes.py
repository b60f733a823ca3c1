"""Which scope of a token a request needs; said in one place, so that no route can forget it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_CHANGES: Final[Mapping[str, frozenset[str]]] = {
    "messages": frozenset({"send"}),
    "emails": frozenset({"send"}),
    "consents": frozenset({"consents"}),
    "topics": frozenset({"consents"}),
    "forms": frozenset({"consents"}),
    "contests": frozenset({"consents"}),
    "suppressions": frozenset({"consents"}),
}
"""By the first part of the path: who may change things there, and look at them too."""
_ADMIN: Final = frozenset({"admin"})
_NONE: Final[frozenset[str]] = frozenset()


def needed(method: str, path: str) -> frozenset[str]:
    """One of these is enough; ``path`` begins behind ``/v1``."""
    first, _, rest = path.lstrip("/").partition("/")
    if first == "templates" and rest.endswith("/render"):
        return frozenset({"send", "read", "admin"})
    if method in _READS:
        return _CHANGES.get(first, _NONE) | {"read"}
    return _CHANGES.get(first, _ADMIN)
