"""Content is scored by Rspamd (R18): what it rejects is refused or kept for the operator, with its score and symbols.

Its HTTP protocol (``POST /checkv2``); service mail isn't shown to it. A dead or
slow Rspamd defers, or is passed over where the settings say so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from policies.scanning import Daemon
from policies.settings import PolicyTable
from relay.mail.status import refusal, temporary
from relay.pipeline.contract import (
    PASS,
    BasePolicy,
    Continue,
    Defer,
    Message,
    MessageVerdict,
    Reject,
    Suspect,
    Transaction,
)
from relay.values.facts import Kind

MOST_ANSWER: Final = 1024 * 1024
HELD: Final = ("add header", "rewrite subject", "quarantine")
"""Its actions that keep a campaign."""
TOLD: Final = 5
"""Symbols that a reason names, the heaviest first."""


class Policy(BasePolicy):
    name = "rspamd"
    reads_content = True

    def __init__(self, settings: Mapping[str, object]) -> None:
        table = PolicyTable(settings)
        self._daemon = Daemon("spam", table, "127.0.0.1:11333")
        self._password = table.text("password", "")
        self._hold_at = table.number("hold_at", 8.0, -1000, 1000)
        self._refuse_at = table.number("refuse_at", 15.0, -1000, 1000)
        self._most = table.whole("most", 10 * 1024 * 1024, 1024, 2**31 - 1)
        table.done()
        if self._refuse_at < self._hold_at:
            raise ValueError("refuse_at must not be less than hold_at")
        if not self._password.isascii() or not self._password.isprintable():
            raise ValueError("password must be printable ASCII")

    async def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        if txn.stream.kind is not Kind.BULK and not txn.stream.consent_required:
            return PASS
        octets = msg.content.raw
        if len(octets) > self._most:
            return PASS
        answer = await self._daemon.ask(lambda: self._asked(txn, octets))
        if not isinstance(answer, dict):
            return answer
        return self._understood(answer)

    def _understood(self, answer: Mapping[str, Any]) -> MessageVerdict:
        score, action = answer.get("score"), answer.get("action")
        if isinstance(score, bool) or not isinstance(score, int | float) or not isinstance(action, str):
            return self._daemon.away()
        told = f"score {score:.1f}: {_symbols(answer.get('symbols'))}"
        if action == "reject" or score >= self._refuse_at:
            return Reject(refusal("content", f"the message looks like spam ({told})"))
        if action in HELD or score >= self._hold_at:
            return Continue(effects=(Suspect(f"Rspamd gives {told}"),))
        if action == "soft reject":
            return Defer(temporary(50, 7, 1, "content: the spam scanner asks to try again later"))
        return PASS

    async def _asked(self, txn: Transaction, octets: bytes) -> dict[str, Any]:
        reader, writer = await self._daemon.open(MOST_ANSWER)
        try:
            head = [
                "POST /checkv2 HTTP/1.1",
                f"Host: {self._daemon.host}",
                "Connection: close",
                f"Content-Length: {len(octets)}",
                f"From: {_header(txn.reverse_path)}",
                f"IP: {_header(txn.client) or '127.0.0.1'}",
                f"User: {_header(txn.tenant.name)}",
                *(f"Rcpt: {_header(rcpt.address)}" for rcpt in txn.recipients[:50]),
                *([f"Password: {self._password}"] if self._password else ()),
            ]
            writer.write("\r\n".join((*head, "", "")).encode() + octets)
            await writer.drain()
            status, _, _ = (await reader.readuntil(b"\r\n\r\n")).partition(b"\r\n")
            if status.split()[1:2] != [b"200"]:
                raise ValueError(status)
            body = await reader.read(MOST_ANSWER)
            while more := await reader.read(MOST_ANSWER):
                body += more
                if len(body) > MOST_ANSWER:
                    raise ValueError("the answer is too long")
        finally:
            writer.close()
        found = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
        if not isinstance(found, dict):
            raise ValueError("no object")
        return found


def _header(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:300]


def _symbols(symbols: object) -> str:
    """The heaviest, with their points."""
    if not isinstance(symbols, dict):
        return "no symbols"
    weighed = [(one.get("score", 0), str(name)) for name, one in symbols.items() if isinstance(one, dict)]
    heavy = sorted(((s, n) for s, n in weighed if isinstance(s, int | float)), reverse=True)[:TOLD]
    return ", ".join(f"{_header(str(name))[:60]} {score:.1f}" for score, name in heavy) or "no symbols"
