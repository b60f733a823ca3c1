"""No malware is sent or stored (R18): clamd looks at each message, service mail too, and at uploads.

The whole message goes to it (``INSTREAM``), archives and messages inside are
its business. A dead or slow clamd defers, or is passed over where the settings
say so; a message larger than ``most`` is handled by ``when_larger``.
"""

from __future__ import annotations

import asyncio
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
        reader, writer = await self._daemon.open(MOST_ANSWER)
        # Read from the start: past its own limit it answers and closes while octets are still on their way to it.
        answer = asyncio.ensure_future(reader.readuntil(b"\0"))
        try:
            writer.write(b"zINSTREAM\0")
            for start in range(0, len(octets), CHUNK):
                piece = octets[start : start + CHUNK]
                writer.write(len(piece).to_bytes(4, "big") + piece)
                try:
                    await writer.drain()
                    await asyncio.sleep(0)
                except ConnectionError:
                    break
                if answer.done():
                    break
            else:
                writer.write(bytes(4))
            return (await answer).rstrip(b"\0").decode("utf-8", "replace").strip()
        finally:
            answer.cancel()
            writer.close()


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name)[:100]
