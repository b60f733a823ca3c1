"""Ending the sessions when the relay is being stopped: nobody is left between a final dot and its reply."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from relay.intake.smtp.shared import OpenSession, Shared

GRACE_S = 10.0
"""For transactions under way; then a client that has not sent its final dot is sent away."""
REPLY_S = 60.0
"""More for a message that was taken: cut off before its reply, the client would send it again."""
LOOK_S = 0.05


async def farewell(listeners: Sequence[Shared], hurry: asyncio.Event) -> None:
    """Send each client away with ``421`` (RFC 5321 §3.8) as soon as its transaction has ended.

    ``hurry``: whoever is in a transaction gets no more time.
    """
    now = asyncio.get_running_loop().time
    for shared in listeners:
        shared.stopping = True
    begun = now()
    while open_ := list(_open(listeners)):
        late = hurry.is_set() or now() > begun + GRACE_S
        over = now() > begun + GRACE_S + REPLY_S
        for session in open_:
            if over or (late and not session.deciding):
                session.stop()
            else:
                session.stop_if_idle()
        if over or (late and not any(session.deciding for session in _open(listeners))):
            return
        await asyncio.sleep(LOOK_S)


def _open(listeners: Sequence[Shared]) -> Iterator[OpenSession]:
    for shared in listeners:
        yield from shared.live
