"""Work in a thread that outlasts nobody who waits for it, and threads that are there before they are needed.

``asyncio.to_thread`` leaves its thread behind when its caller is cancelled. A
connection that is closed then, while the thread still uses it, takes the whole
process down with a segmentation fault (tried with a checkpoint: 60 times of 60).

An executor makes its threads when they are first asked for. Where none can be
made at that moment (a limit of processes or memory) it raises, and the work may
be done all the same once there is one: nobody knows. So threads are made at the
start, where that there are none ends it with a reason.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from relay.store.database import StoreError

T = TypeVar("T")

START_S = 30.0


async def to_its_end(work: Callable[..., T], *arguments: object) -> T:
    """``work`` in a thread; a caller that is cancelled goes on once it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


class NoThread(StoreError):
    """A thread can't be made; the text says what to do."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(
            f"no thread can be started ({error}): allow this user or service more processes"
            " (LimitNPROC=, TasksMax=, `ulimit -u`) or more memory (LimitAS=, MemoryMax=)"
        )


class Hand:
    """One thread that does what it is handed, in that order; work sees to its own exceptions."""

    def __init__(self, name: str) -> None:
        """Raises NoThread."""
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # A daemon: what hangs in the kernel (a disk that answers no more) must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        try:
            self._thread.start()
        except (RuntimeError, MemoryError) as error:
            raise NoThread(error) from error

    def do(self, work: Callable[[], None]) -> None:
        self._work.put(work)

    def end(self, limit_s: float) -> bool:
        """After what it was handed; False if that was not done in time."""
        self._work.put(None)
        self._thread.join(limit_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def ready(threads: int, name: str) -> ThreadPoolExecutor:
    """An executor whose threads are there already. Raises NoThread."""
    pool = ThreadPoolExecutor(threads, name)
    together = threading.Barrier(threads + 1)
    try:
        for _ in range(threads):
            pool.submit(together.wait, START_S)
        together.wait(START_S)
    except (RuntimeError, MemoryError) as error:  # BrokenBarrierError is one
        together.abort()
        pool.shutdown(wait=False, cancel_futures=True)
        raise NoThread(error) from error
    return pool


def usual_number() -> int:
    """Of asyncio's own executor, which it would make one by one."""
    return min(32, (os.cpu_count() or 1) + 4)
