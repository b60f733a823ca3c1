"""What ``/readyz`` says: can mail be taken and stored now, and if not, why in words for whoever is called.

Three witnesses: the mail processes themselves (``liveness``: they beat, and say
what troubles them), the database as this process sees it, and each table's
root. All are asked anew, so the answer turns green by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from relay.observe.trouble import WORDS, Trouble
from relay.store.contract import Failure
from relay.store.database import StoreError
from relay.store.pool import Storage, Unavailable
from relay.store.sqlite import roots
from relay.store.words import StoreFault, fault

_log = logging.getLogger("relay.web")

NO_BEAT: Final = "a mail process does not answer: the log says why; restart the relay if it goes on"
BUSY: Final = "the database can't be reached: it is locked by another program, or the disk does not answer"
SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Readiness:
    store: bool
    mail: bool
    reasons: tuple[str, ...]

    @property
    def ready(self) -> bool:
        return self.store and self.mail

    def members(self, *, reasons: bool) -> dict[str, object]:
        """The body of the answer; without ``reasons`` only whether it is ready."""
        status: dict[str, object] = {"status": "ready" if self.ready else "not ready"}
        if not reasons:
            return status
        state = {True: "ok", False: "down"}
        words = {**status, "store": state[self.store], "mail": state[self.mail]}
        if not self.ready:
            words["reasons"] = list(self.reasons)
        return words


def answer(found: Sequence[str], alive: bool, troubles: Sequence[Trouble]) -> Readiness:
    """``found``: what the look at the store found wrong."""
    reasons = [*found, *([] if alive else [NO_BEAT]), *(WORDS[trouble] for trouble in troubles)]
    return Readiness(not found, alive and not troubles, tuple(dict.fromkeys(reasons)))


def look(storage: Storage, say: Callable[[str], None] = _log.warning) -> list[str]:
    """Look at each root, and take and leave the write lock; what is wrong."""
    try:
        with storage.read() as conn:
            wrong = roots.faults(conn)
            conn.execute("BEGIN IMMEDIATE")
            conn.execute("ROLLBACK")
    except (Unavailable, StoreError, Failure) as error:
        say(f"not ready: {error}")
        return [words(error)]
    if wrong:
        text = ", ".join(str(fault) for fault in wrong[:SHOWN])
        say(f"not ready: {text}")
        return [f"the database is damaged: {text}; {roots.MEND if wrong[0].mendable else roots.RESTORE}"]
    return []


def words(error: BaseException) -> str:
    """Of a database that can't be used."""
    cause: BaseException | None = error
    while cause is not None:
        found = fault(cause)
        if found in _CAUSES:
            return _CAUSES[found]
        if isinstance(cause, StoreError):
            return str(cause)
        cause = cause.__cause__
    return BUSY


_CAUSES: Final = {
    StoreFault.FULL: WORDS[Trouble.FULL],
    StoreFault.DAMAGED: WORDS[Trouble.DAMAGED],
    StoreFault.DISK: "the disk of server.data_dir has errors (I/O error): look at the system's log",
    StoreFault.READ_ONLY: "the disk of server.data_dir can't be written (read-only): remount it for writing",
    StoreFault.CLOSED: "the database's file can't be opened: is server.data_dir still there, and may it be read?",
    StoreFault.AWAY: "the database server can't be reached: is it running? The relay goes on by itself once it is",
}
