"""Works mailings off as long as the relay runs: one loop, one step of each mailing in turn.

A step is a batch of people. It is handed to the door, and taken in the commit
that stores the copies; what comes back without a commit, since nobody was
accepted, is taken here. A process that dies loses nothing: the next one reads
how far each mailing has come.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from relay.intake.api.handed import HandedMessage, Told
from relay.intake.api.line import DoorShut, MailLine
from relay.mailings import audience, mailings, progress
from relay.mailings.mailings import Mailing, MailingState
from relay.store.contract import Connection
from relay.store.database import connect, transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection
from relay.store.thread import to_its_end
from relay.store.words import failed
from relay.values.errors import RegistryError

if TYPE_CHECKING:
    from config.settings import Settings

_log = logging.getLogger("relay.mailings")

BATCH: Final = 250
"""People of a step."""
IDLE_S: Final = 1.0
"""Between looks while there is nothing to do."""
AGAIN_S: Final = 5.0
"""After a turn that failed, or a door that was shut."""
WAIT_S: Final = 3.0
"""After a step of which nobody could be taken for the moment."""
QUOTA_WAIT_S: Final = 600.0
"""While the plan is used up: another one may be taken meanwhile."""


@dataclass(frozen=True, slots=True)
class MailingStep:
    """What is handed over next of one mailing; ``handed`` None: it was its end."""

    row: Mailing
    handed: HandedMessage | None = None


class MailingRun:
    """``clock`` gives seconds UTC. Use from one loop."""

    def __init__(self, path: StoreAddress, line: MailLine, clock: Callable[[], float], *, batch: int = BATCH) -> None:
        self._path = path
        self._kept = KeptConnection(path)
        self._line = line
        self._clock = clock
        self._batch = batch

    async def run(self) -> None:
        """Until cancelled; what is begun at the store is ended."""
        try:
            while True:
                try:
                    busy = await self.turn()
                except DoorShut:
                    await asyncio.sleep(AGAIN_S)
                    continue
                except Exception as error:
                    failed(_log, "mailings can't be worked off, trying again", error, self._path)
                    await asyncio.sleep(AGAIN_S)
                    continue
                if not busy:
                    await asyncio.sleep(IDLE_S)
        finally:
            self._kept.close()
            await self._line.close()

    async def turn(self) -> bool:
        """One step of each mailing that is due; whether there was one. Raises DoorShut."""
        steps = await to_its_end(self._next)
        for step in steps:
            if step.handed is not None:
                told = await self._line.hand(step.handed)
                if not told.body:
                    await to_its_end(self._settle, step.row, step.handed, told)
        return bool(steps)

    def _next(self) -> list[MailingStep]:
        """In a thread."""
        with self._kept.use() as conn:
            now = self._clock()
            return [step for row in mailings.active(conn, now) if (step := self._step(conn, row, now)) is not None]

    def _step(self, conn: Connection, row: Mailing, now: float) -> MailingStep | None:
        try:
            if row.last_at is not None and row.last_at <= now:
                raise RegistryError("its last hour is past")
            if row.state is MailingState.PLANNED:
                with transaction(conn):
                    mailings.begin(conn, row, now)
                return MailingStep(row)
            return self._batch_of(conn, row, now)
        except RegistryError as error:  # its topic or text was right when it began
            with transaction(conn):
                progress.halt(conn, row.id, row.reached, str(error))
            return None

    def _batch_of(self, conn: Connection, row: Mailing, now: float) -> MailingStep:
        who = audience.of(conn, row.tenant_id, row.content.topic, row.content.groups)
        # Here, not above: texts are filled by libraries of some megabytes, and few relays run a mailing at all.
        from relay.mailings.running import handing

        members = audience.batch(conn, who, row.reached, row.up_to, self._batch)
        if members:
            up_to = members[-1].id if len(members) == self._batch else row.up_to
            return MailingStep(row, handing.step_of(row, members, up_to, again=False))
        members = audience.again(conn, row.id, who, self._batch)
        if members:
            return MailingStep(row, handing.step_of(row, members, row.reached, again=True))
        with transaction(conn):
            progress.end(conn, row.id, row.reached, now)
        return MailingStep(row)

    def _settle(self, row: Mailing, handed: HandedMessage, told: Told) -> None:
        """In a thread: nobody of a step was accepted."""
        step = handed.step
        assert step is not None
        if told.code == "mailing":
            return  # somebody else took it, or stopped the mailing
        why = f"{told.code}: {told.detail}"
        with contextlib.suppress(_Moved), closing(connect(self._path)) as conn, transaction(conn):
            if told.later:
                wait_s = QUOTA_WAIT_S if told.code.startswith("quota-") else WAIT_S
                progress.wait(conn, row.id, row.reached, why, self._clock() + wait_s)
            elif told.whole:
                progress.halt(conn, row.id, row.reached, why)
            elif not progress.take(
                conn, row.id, (step.after, step.up_to), step.people if step.again else (),
                accepted=0, refused=[one.code for one in told.refused], later=(),
            ):  # fmt: skip
                raise _Moved


class _Moved(Exception):
    """It isn't the next step any more."""


async def run(settings: Settings, clock: Callable[[], float]) -> None:
    """Until cancelled."""
    line = MailLine(settings.server.data_dir, settings.server.workers)
    batch = min(BATCH, settings.limits.recipients)
    await MailingRun(settings.stored, line, clock, batch=batch).run()
