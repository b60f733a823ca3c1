"""Threads between a tenant and the staff, as pages of either side find, write and close them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from relay.store.contract import Tx
from relay.support import threads
from relay.support.values import SupportThread, ThreadState
from relay.values.errors import RegistryError
from relay.web.inside.gate import PageRequest

LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class CorrespondenceSide:
    """The tenant's pages or the staff's; ``path`` is where theirs begin."""

    path: str
    staff: bool

    def listed(self, conn: Tx, asked: PageRequest, owner: int | None) -> dict[str, Any]:
        """What a list by state and subject shows; ``owner``: of one tenant, None: of all. 404 for no such state."""
        state, sought = asked.query("state", 10), asked.query("q", 100)
        if state not in {*ThreadState, ""}:
            raise HTTPException(404)
        rows = threads.listing(conn, owner, state, sought, asked.before(), LENGTH + 1)
        return {
            "rows": rows[:LENGTH],
            "following": rows[LENGTH - 1].id if len(rows) > LENGTH else None,
            "states": list(ThreadState),
            "state": state,
            "sought": sought,
        }

    def find(self, conn: Tx, asked: PageRequest) -> SupportThread:
        """The one that the path names; of another tenant's nobody learns that it is there."""
        try:
            return threads.by_id(conn, asked.number(), None if self.staff else asked.tenant_id)
        except RegistryError:
            raise HTTPException(404) from None

    def write(self, asked: PageRequest) -> Response:
        office, text = asked.context.office, asked.field("text", 2 * threads.MOST_TEXT)
        with asked.context.storage.write() as conn:
            row = self.find(conn, asked)
            threads.write(
                conn, office.operator, office.base_url, row, text,
                staff=self.staff, actor=asked.visitor.shown, now=asked.now,
            )  # fmt: skip
            asked.note(conn, "did", f"thread {row.id}: {'answered' if self.staff else 'written'}")
        return asked.to(f"{self.path}/{row.id}")

    def close(self, asked: PageRequest) -> Response:
        with asked.context.storage.write() as conn:
            row = threads.close(conn, self.find(conn, asked), actor=asked.visitor.shown, now=asked.now)
            asked.note(conn, "did", f"thread {row.id}: closed")
        return asked.to(self.path)
