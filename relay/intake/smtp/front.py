"""aiosmtpd's protocol object, in front of a session of ours.

The event loop calls it, and what it calls is the session's own: a compiled
class, which can't derive from one that isn't. See docs/decisions/0006-aiosmtpd.md
for what of aiosmtpd is replaced and why.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable

from aiosmtpd.smtp import SMTP

from relay.intake.smtp.channel import ClientConnection

_log = logging.getLogger("relay")


class _NoHandler:
    """aiosmtpd wants a handler object; ours has no hooks."""

    def __dir__(self) -> list[str]:
        return []


class Front(SMTP):
    """One connection, as the event loop sees it. Made by ``fronts``, whose classes hold what all connections share."""

    def __init__(self, channel: ClientConnection) -> None:
        self.__dict__.update(
            connection_made=channel.connection_made,
            connection_lost=channel.connection_lost,
            data_received=channel.data_received,
            eof_received=channel.eof_received,
            pause_writing=channel.pause_writing,
            resume_writing=channel.resume_writing,
        )


def fronts(
    session: Callable[[], ClientConnection], hostname: str, loop: asyncio.AbstractEventLoop
) -> Callable[[], asyncio.BaseProtocol]:
    """For ``create_server``: a protocol with a session behind it for each connection.

    aiosmtpd's constructor looks through all attributes: it runs once, and what it made stands in the class.
    """
    shared = type("Front", (Front,), vars(SMTP(_NoHandler(), hostname=hostname, loop=loop)))
    return lambda: shared(session())


def adopting(
    front: Callable[[], asyncio.BaseProtocol], loop: asyncio.AbstractEventLoop
) -> Callable[[socket.socket], None]:
    """Serves a connection that another process accepted."""
    running: set[asyncio.Task[None]] = set()

    async def serve(connection: socket.socket) -> None:
        try:
            await loop.connect_accepted_socket(front, connection)
        except OSError as error:
            _log.info("a connection from another mail process was lost: %s", error)
            connection.close()

    def adopt(connection: socket.socket) -> None:
        task = loop.create_task(serve(connection))
        running.add(task)
        task.add_done_callback(running.discard)

    return adopt
