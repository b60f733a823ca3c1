"""No malware is sent or stored (R18): clamd looks at each message, service mail too, and at uploads.

The whole message goes to it (``INSTREAM``), archives and messages inside are
its business. A dead or slow clamd defers, or is passed over where the settings
say so; a message larger than ``most`` is handled by ``when_larger``.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Mapping
from typing import Final

from policies.scanning import Daemon
from policies.settings import PolicyTable
from relay.mail.status import refusal
from relay.pipeline.contract import PASS, BasePolicy, Message, MessageVerdict, Reject, Transaction, Upload, Verdict

CHUNK: Final = 64 * 1024
MOST_ANSWER: Final = 2048


class Policy(BasePolicy):
    name = "clamav"
    reads_content = True

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._daemon = Daemon("malware", table, "127.0.0.1:3310")
        self._most = table.whole("most", 25 * 1024 * 1024, 1024, 2**31 - 1)
        """Octets; clamd's own limit is StreamMaxLength, 25 MiB there too."""
        self._larger = table.word("when_larger", "refuse", ("refuse", "continue"))
        table.done()

    async def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        return await self._verdict(msg.content.raw, "the message")

    async def on_upload(self, upload: Upload) -> Verdict:
        return await self._verdict(upload.octets, upload.name or "the file")

    async def _verdict(self, octets: bytes, what: str) -> Verdict:
        if len(octets) > self._most:
            return self._too_large(what)
        answer = await self._daemon.ask(lambda: self._asked(octets))
        return answer if not isinstance(answer, str) else self._understood(answer, what)

    def _too_large(self, what: str) -> Verdict:
        if self._larger == "continue":
            return PASS
        return Reject(
            refusal("content", f"{what} is larger than what can be scanned for malware ({self._most} octets)")
        )

    def _understood(self, answer: str, what: str) -> Verdict:
        """``stream: OK``, ``stream: NAME FOUND`` or an error."""
        if answer == "stream: OK":
            return PASS
        if answer.endswith(" FOUND"):
            found = answer.removeprefix("stream: ").removesuffix(" FOUND")
            return Reject(refusal("content", f"{what} holds malware ({_plain(found)})"))
        if "size limit exceeded" in answer:
            return self._too_large(what)
        return self._daemon.away()

    async def _asked(self, octets: bytes) -> str:
        with contextlib.closing(await self._daemon.connected()) as sock:
            # Past its own limit it answers and closes while octets are still on their way to it: a write fails, and
            # the answer stands in the socket. A transport of asyncio would drop it with the connection.
            with contextlib.suppress(ConnectionError):
                await _streamed(sock, octets)
            return (await _answer(sock)).decode("utf-8", "replace").strip()


async def _streamed(sock: socket.socket, octets: bytes) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, b"zINSTREAM\0")
    for start in range(0, len(octets), CHUNK):
        piece = octets[start : start + CHUNK]
        await loop.sock_sendall(sock, len(piece).to_bytes(4, "big") + piece)
    await loop.sock_sendall(sock, bytes(4))


async def _answer(sock: socket.socket) -> bytes:
    """What comes before the first NUL; EOFError if none comes."""
    loop, got = asyncio.get_running_loop(), b""
    while b"\0" not in got:
        more = await loop.sock_recv(sock, MOST_ANSWER)
        if not more or len(got) > MOST_ANSWER:
            raise EOFError
        got += more
    return got.partition(b"\0")[0]


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name)[:100]
