"""What ClamAV and Rspamd have in common: where they listen, how long is waited, and what a silence means."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from policies.settings import PolicyTable
from relay.mail.status import temporary
from relay.pipeline.contract import PASS, Defer, Verdict

T = TypeVar("T")
AWAY: Final = (OSError, EOFError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)
"""What a scanner that can't be asked looks like."""
_WHERE: Final = re.compile(r"(?:unix:(?P<path>/.+)|(?P<host>\[[^\]]+\]|[^:\[\]]+):(?P<port>\d{1,5}))\Z")


class Daemon:
    """A daemon at ``host:port`` or ``unix:/path``; ``when_away``: what its silence means."""

    def __init__(self, name: str, table: PolicyTable, at: str) -> None:
        self._name = name
        where = table.text("at", at)
        found = _WHERE.match(where)
        if found is None or (found["port"] and not 0 < int(found["port"]) < 65_536):
            raise ValueError(f'at must be "host:port" or "unix:/path", not "{where}"')
        self._path, self._host, self._port = (
            found["path"] or "",
            (found["host"] or "").strip("[]"),
            int(found["port"] or 0),
        )
        self._away = table.word("when_away", "defer", ("defer", "continue"))
        self.timeout_s = table.number("timeout", 2.0, 0.05, 25.0)

    @property
    def host(self) -> str:
        return self._host or "localhost"

    async def open(self, limit: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection whose lines have at most ``limit`` octets."""
        if self._path:
            return await asyncio.open_unix_connection(self._path, limit=limit)
        return await asyncio.open_connection(self._host, self._port, limit=limit)

    async def connected(self) -> socket.socket:
        """The same without a reader and a writer; it doesn't block, the caller closes it."""
        loop = asyncio.get_running_loop()
        if self._path:
            wanted: list[tuple[int, Any]] = [(socket.AF_UNIX, self._path)]
        else:
            found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            wanted = [(family, address) for family, _, _, _, address in found]
        refused: OSError = ConnectionRefusedError()
        for family, address in wanted:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                refused = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise refused

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T | Verdict:
        """The answer within the time, else what a silence means."""
        try:
            async with asyncio.timeout(self.timeout_s):
                return await question()
        except (TimeoutError, *AWAY):
            return self.away()

    def away(self) -> Verdict:
        if self._away == "continue":
            return PASS
        return Defer(temporary(50, 7, 1, f"content: the {self._name} scanner doesn't answer, try again later"))
