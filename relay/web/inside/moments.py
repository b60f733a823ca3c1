"""Times in forms, as a browser's field gives them."""

from __future__ import annotations

from datetime import UTC, datetime

from relay.values.errors import RegistryError


def moment_of(text: str) -> float:
    """Seconds UTC of ``2026-12-24T08:00``, in UTC; with a zone where somebody types one. Raises RegistryError."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise RegistryError(f"{text!r} is no time; write it as 2026-12-24T08:00, in UTC") from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
