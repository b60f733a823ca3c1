"""What waits of a domain's mail, for whoever is about to take the domain away."""

from __future__ import annotations

from dataclasses import dataclass

from relay.store.contract import Tx


@dataclass(frozen=True, slots=True)
class WaitingCopies:
    """Copies of a tenant from one domain."""

    due: int
    """On their way, or to be tried again."""
    held: int

    @property
    def total(self) -> int:
        return self.due + self.held


def of_domain(conn: Tx, tenant_id: int, name: str) -> WaitingCopies:
    """What waits of the tenant's mail from a domain (A-labels)."""
    due, held = (
        conn.execute(
            f"SELECT count(*) FROM recipient r JOIN submission s ON s.id = r.submission_id WHERE r.state = {state}"
            f" AND r.tenant_id = ? AND s.from_domain = ?",
            (tenant_id, name),
        ).fetchone()[0]
        for state in (0, 1)
    )
    return WaitingCopies(due, held)
