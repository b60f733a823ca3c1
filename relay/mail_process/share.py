"""Which part of the relay one mail process is."""

from __future__ import annotations

from dataclasses import dataclass

from relay.intake.smtp.balance import Balance


@dataclass(frozen=True, slots=True)
class Share:
    """Which of ``workers`` mail processes this is: limits of the whole relay are divided among them."""

    index: int = 0
    workers: int = 1
    balance: Balance | None = None
    """Of sessions; None where there is one process only."""

    def of(self, limit: int) -> int:
        return max(1, limit // self.workers)

    @property
    def first(self) -> bool:
        return self.index == 0
