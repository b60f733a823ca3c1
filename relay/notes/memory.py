"""The notes of one process's policies: read at its start, then written and read every second or two."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Final

from relay.pipeline.contract import BasePolicy, Policy
from relay.store.contract import Failure, Tx
from relay.store.units import StoreBusy

_log = logging.getLogger("relay.policy")

EVERY_S: Final = 1.5
MOST_OCTETS: Final = 64 * 1024
MOST_READ: Final = 500
"""Rows in one go; others of the loop come between."""
FORGET_S: Final = 600.0
MOST_KEPT: Final = 50_000
"""Rows of a policy; the oldest go."""


class PolicyMemory:
    """Use from the loop's thread. ``submit`` writes one unit of work, some time; ``conn`` is for reading."""

    def __init__(
        self,
        policies: Sequence[Policy],
        conn: Tx,
        submit: Callable[[Callable[[Any], Any]], asyncio.Future[Any]],
        clock: Callable[[], float],
    ) -> None:
        self._policies = {
            one.name: one
            for one in policies
            if getattr(type(one), "take_notes", BasePolicy.take_notes) is not BasePolicy.take_notes
        }
        self._conn = conn
        self._submit = submit
        self._clock = clock
        self._writer = secrets.token_hex(8)
        self._read_up_to = 0
        self._forgot_at = float("-inf")

    @property
    def wanted(self) -> bool:
        """Whether any policy has something to remember."""
        return bool(self._policies)

    async def run(self) -> None:
        """Until cancelled. What can't be read or written now is for the next time."""
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                self.write()
                await self.read()
            except (StoreBusy, Failure) as error:
                _log.error("policies' notes could not be kept, trying again: %s", error)
            except Exception:
                _log.exception("policies' notes could not be kept, trying again")

    async def read(self) -> None:
        """What others wrote since the last time; at first all that still counts."""
        while True:
            rows = self._conn.execute(
                "SELECT id, policy, writer, octets, until FROM policy_note WHERE id > ? ORDER BY id LIMIT ?",
                (self._read_up_to, MOST_READ),
            ).fetchall()
            now = self._clock()
            for id_, name, writer, octets, until in rows:
                self._read_up_to = int(id_)
                policy = self._policies.get(name)
                if policy is None or writer == self._writer or until <= now:
                    continue
                try:
                    policy.read_note(bytes(octets), now)
                except Exception:
                    _log.exception("policy=%s could not read its note", name)
            if len(rows) < MOST_READ:
                return
            await asyncio.sleep(0)

    def write(self) -> None:
        """Hand over what the policies noticed."""
        now = self._clock()
        rows = [
            (name, self._writer, now + note.keep_s, note.octets)
            for name, policy in self._policies.items()
            for note in policy.take_notes()
            if len(note.octets) <= MOST_OCTETS
        ]
        forget = not 0 <= now - self._forgot_at < FORGET_S
        if not rows and not forget:
            return
        names = list(self._policies) if forget else []

        def work(conn: Tx) -> None:
            conn.executemany("INSERT INTO policy_note (policy, writer, until, octets) VALUES (?, ?, ?, ?)", rows)
            for name in names:
                _forget(conn, name, now)

        if forget:
            self._forgot_at = now
        self._submit(work).add_done_callback(_ended)


def _forget(conn: Tx, name: str, now: float) -> None:
    """What nobody asks for any more, and what is more than there is room for."""
    conn.execute("DELETE FROM policy_note WHERE policy = ? AND until <= ?", (name, now))
    row = conn.execute(
        "SELECT id FROM policy_note WHERE policy = ? ORDER BY id DESC LIMIT 1 OFFSET ?", (name, MOST_KEPT)
    ).fetchone()
    if row is not None:
        conn.execute("DELETE FROM policy_note WHERE policy = ? AND id <= ?", (name, row[0]))


def _ended(done: asyncio.Future[Any]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("policies' notes could not be kept: %s", error)
