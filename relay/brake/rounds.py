"""What is left to do of brakes: copies to let go or to drop after a decision, and what nobody asks for any more."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing
from typing import Final

from relay.brake import brakes, habits
from relay.store.database import transaction
from relay.store.engines import StoreAddress
from relay.store.kept import KeptConnection
from relay.store.thread import to_its_end
from relay.store.words import failed

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

    with closing(kept):
        while True:
            try:
                await to_its_end(turn)
            except Exception as error:
                failed(_log, "what is braked can't be worked off, trying again", error, path)
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(EVERY_S)
