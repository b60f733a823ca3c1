"""Work in a thread that outlasts nobody who waits for it.

``asyncio.to_thread`` leaves its thread behind when its caller is cancelled. A
connection that is closed then, while the thread still uses it, takes the whole
process down with a segmentation fault (tried with a checkpoint: 60 times of 60).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def to_its_end(work: Callable[..., T], *arguments: object) -> T:
    """``work`` in a thread; a caller that is cancelled goes on once it has ended."""
    running = asyncio.ensure_future(asyncio.to_thread(work, *arguments))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise
