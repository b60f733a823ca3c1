"""What is left to do of brakes: copies to let go or to drop after a decision, and what nobody asks for any more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from relay.brake import brakes, habits
from relay.store.chores import turns
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection

_log = logging.getLogger("relay.brake")

EVERY_S: Final = 5.0
AGAIN_S: Final = 30.0
FORGET_S: Final = 6 * 3600.0


async def run(path: StoreAddress, clock: Callable[[], float]) -> None:
    """Until cancelled; a turn that is begun is ended. By one process of a relay."""
    forgot_at, kept = float("-inf"), KeptConnection(path)

    def turn() -> None:
        nonlocal forgot_at
        now = clock()
        with kept.use() as conn:
            brakes.work_off(conn, now)
            if not 0 <= now - forgot_at < FORGET_S:
                with transaction(conn):
                    habits.forget(conn, now)
                forgot_at = now

    fault = "what is braked can't be worked off, trying again"
    await turns(kept, turn, every_s=EVERY_S, again_s=AGAIN_S, log=_log, fault=fault)
