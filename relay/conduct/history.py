"""Which entries of the audit log say what the operator did to a tenant, and the tenant to itself."""

from __future__ import annotations

from typing import Final

HISTORY: Final = (
    "tenant-frozen", "tenant-unfrozen", "tenant-warned", "tenant-terminated", "tenant-watched", "tenant-watch-ended",
    "tenant-reinstated", "tenant-resembles",
)  # fmt: skip
