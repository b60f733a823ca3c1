"""A chore of a process: one turn after the other in a thread, over a connection that is kept between them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import closing

from relay.store.kept import KeptConnection
from relay.store.thread import to_its_end
from relay.store.words import failed


async def turns(
    kept: KeptConnection,
    turn: Callable[[], bool | None],
    *,
    every_s: float,
    again_s: float,
    log: logging.Logger,
    fault: str,
) -> None:
    """Until cancelled, after a turn that is begun has ended; closes the connection then.

    ``turn``: True where there is more to do at once; else the next one comes after ``every_s`` seconds, and ``again_s``
    later where it raised, which is logged as ``fault``.
    """
    with closing(kept):
        while True:
            wait_s = every_s
            try:
                if await to_its_end(turn):
                    continue
            except Exception as error:
                failed(log, fault, error, kept.where)
                wait_s += again_s
            await asyncio.sleep(wait_s)
