"""What a verification found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

KEPT: Final = 1_000
"""Faults told one by one; all are counted."""


@dataclass(frozen=True, slots=True)
class AuditFault:
    """One thing that is wrong; ``leaf`` is the number of the leaf it concerns, None where it concerns none."""

    leaf: int | None
    text: str

    def __str__(self) -> str:
        return self.text if self.leaf is None else f"leaf {self.leaf}: {self.text}"


@dataclass(slots=True)
class Findings:
    """How much was looked at, and what is wrong with it."""

    leaves: int = 0
    records: int = 0
    erased: int = 0
    """Of the records: those whose data was erased."""
    heads: int = 0
    size: int = 0
    """Leaves under the newest head; the rest is taken in by the next sequencing."""
    faults: list[AuditFault] = field(default_factory=list)
    count: int = 0
    """All faults, also those not kept."""
    warnings: list[str] = field(default_factory=list)

    def fault(self, text: str, leaf: int | None = None) -> None:
        self.count += 1
        if len(self.faults) < KEPT:
            self.faults.append(AuditFault(leaf, text))

    def warn(self, text: str) -> None:
        if len(self.warnings) < KEPT:
            self.warnings.append(text)
