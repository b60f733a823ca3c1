"""Where copies are signed, together where that is quicker.

Where eight RSA signatures made together take the time of two or three (``relay.keys.rsa8``), what one round of
the event loop asks for is signed together, at the round's end or as soon as it is eight. Nobody waits for more to
come. Elsewhere each copy is signed alone: at once, or in a pool where there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from relay.delivery.outcome import Prepared
from relay.delivery.smtp.sign import Pending, finish
from relay.keys import rsa8

TOGETHER: Final = rsa8.LANES

Made = Callable[[list[bytes]], Prepared]
"""Puts a copy together with its signatures."""


class Signatures:
    """One for a process. ``pool``: where they are made; None: on the loop, by a process with a core of its own."""

    def __init__(self, pool: ThreadPoolExecutor | None, together: bool = rsa8.USABLE) -> None:
        self._pool = pool
        self.together = together
        self._asked: list[tuple[Pending, Made, asyncio.Future[Prepared]]] = []
        self._scheduled = False

    @property
    def places(self) -> int:
        """Copies that are signed almost for nothing if they are asked for now."""
        return TOGETHER - len(self._asked) if self._asked else 0

    def sign(self, pending: Pending, made: Made) -> Prepared | asyncio.Future[Prepared]:
        """The copy: at once if it can be had so. May raise."""
        if self._pool is None and not self.together:
            return made(finish([pending])[0])
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Prepared] = loop.create_future()
        self._asked.append((pending, made, future))
        if not self.together or len(self._asked) >= TOGETHER:
            self._begin()
        elif not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._end_of_round)
        return future

    def _end_of_round(self) -> None:
        self._scheduled = False
        if self._asked:
            self._begin()

    def _begin(self) -> None:
        asked, self._asked = self._asked, []
        pending = [one for one, _, _ in asked]
        if self._pool is None:
            self._give(asked, lambda: finish(pending))
            return
        job = asyncio.get_running_loop().run_in_executor(self._pool, finish, pending)
        job.add_done_callback(lambda done: self._give(asked, done.result))

    @staticmethod
    def _give(
        asked: list[tuple[Pending, Made, asyncio.Future[Prepared]]], signatures: Callable[[], list[list[bytes]]]
    ) -> None:
        try:
            found = signatures()
        except Exception:
            # The fault is in one of them; the others must not suffer for it.
            for one in asked:
                _give_one(*one)
            return
        for (_, made, future), fields in zip(asked, found, strict=True):
            if not future.done():
                future.set_result(made(fields))


def _give_one(pending: Pending, made: Made, future: asyncio.Future[Prepared]) -> None:
    if future.done():
        return
    try:
        future.set_result(made(finish([pending])[0]))
    except Exception as error:
        future.set_exception(error)
