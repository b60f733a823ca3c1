"""The HTTP process's side of the door: hands messages over, many at a time, and hears what became of each.

A mail process that ended is tried again for a moment, for another takes its
place. What was handed over and got no answer is unknown; with a key it is safe
to hand it over once more.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from relay.intake.api.handed import HEAD, TOLD, HandedMessage, Told, framed, socket_path

OPEN_S: Final = 5.0
"""So long a door is looked for before the client is sent away."""
AGAIN_S: Final = 0.1
ANSWER_S: Final = 90.0
"""Hooks of policies may wait for half a minute, and a commit as long."""


class DoorShut(Exception):
    """No mail process takes it now; ``unknown``: it may have been taken, and nobody said so."""

    def __init__(self, unknown: bool) -> None:
        super().__init__("the mail process doesn't answer")
        self.unknown = unknown


class MailLine:
    """A connection to each mail process. Use from the loop's thread."""

    def __init__(self, data_dir: Path, workers: int) -> None:
        self._ends = [_End(socket_path(data_dir, index)) for index in range(workers)]
        self._turn = itertools.cycle(range(workers))
        self._numbers = itertools.count(1)

    async def hand(self, handed: HandedMessage, open_s: float = OPEN_S) -> Told:
        """What became of it; ``open_s``: so long a door is looked for. Raises DoorShut."""
        loop = asyncio.get_running_loop()
        until = loop.time() + open_s
        unknown = False
        while True:
            end = self._ends[next(self._turn)]
            for other in range(len(self._ends)):
                if not end.shut:
                    break
                end = self._ends[other]
            try:
                await end.open()
                return await end.ask(replace(handed, number=next(self._numbers)))
            except OSError:
                pass
            except _Lost:
                unknown = True
                if not handed.key:
                    raise DoorShut(unknown) from None
            if loop.time() > until:
                raise DoorShut(unknown)
            await asyncio.sleep(AGAIN_S)

    async def close(self) -> None:
        for end in self._ends:
            end.close()


class _Lost(Exception):
    """The connection ended before the answer."""


class _End:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: asyncio.StreamWriter | None = None
        self._opening: asyncio.Lock | None = None
        self._waiting: dict[int, asyncio.Future[Told]] = {}
        self._reader: asyncio.Task[None] | None = None
        self.shut = False
        """It could not be opened the last time."""

    async def open(self) -> None:
        """Raises OSError."""
        if self._opening is None:
            self._opening = asyncio.Lock()
        async with self._opening:
            if self._writer is not None and not self._writer.is_closing():
                return
            self.shut = True
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                name = f"/proc/self/fd/{directory}/{self._path.name}"
                reader, self._writer = await asyncio.open_unix_connection(name, limit=1024 * 1024)
            finally:
                os.close(directory)
            self.shut = False
            loop = asyncio.get_running_loop()
            self._reader = loop.create_task(self._read(reader, self._writer))

    async def ask(self, handed: HandedMessage) -> Told:
        """Raises _Lost."""
        writer = self._writer
        if writer is None or writer.is_closing():
            raise OSError("closed")
        answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting[handed.number] = answer
        try:
            async with asyncio.timeout(ANSWER_S):
                writer.write(framed(handed))
                await writer.drain()
                return await answer
        except (TimeoutError, ConnectionError):
            raise _Lost from None
        finally:
            self._waiting.pop(handed.number, None)

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                octets = HEAD.unpack(await reader.readexactly(HEAD.size))[0]
                told = TOLD.decode(await reader.readexactly(octets))
                answer = self._waiting.get(told.number)
                if answer is not None and not answer.done():
                    answer.set_result(told)
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.MsgspecError):
            pass
        finally:
            writer.close()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(_Lost())

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        if self._reader is not None:
            self._reader.cancel()
