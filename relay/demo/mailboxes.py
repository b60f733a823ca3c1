"""The receiving side: an aiosmtpd server that keeps every message, and one mailbox that doesn't exist."""

from __future__ import annotations

import email
import email.policy
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Final

from aiosmtpd.controller import Controller

_LOOK_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class ArrivedLetter:
    """One message as it arrived."""

    reverse_path: str
    recipient: str
    octets: bytes

    def parsed(self) -> EmailMessage:
        message = email.message_from_bytes(self.octets, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        return message

    def field(self, name: str) -> str:
        """A header field, unfolded; empty if absent."""
        return " ".join(str(self.parsed().get(name, "")).split())

    def text(self) -> str:
        """The plain-text part."""
        part = self.parsed().get_body(("plain",))
        return "" if part is None else str(part.get_content())


class Mailboxes:
    """The mailbox provider: takes mail for everyone but ``dead``."""

    def __init__(self, port: int, hostname: str, dead: str) -> None:
        self._dead = dead
        self._changed = threading.Condition()
        self._letters: list[ArrivedLetter] = []
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=port,
            server_hostname=hostname,
            ident="mailbox provider of the demonstration",
        )
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()

    # aiosmtpd finds its hooks by these names.
    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        if address == self._dead:
            return f"550 5.1.1 <{address}>: there is no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        with self._changed:
            for recipient in envelope.rcpt_tos:
                self._letters.append(ArrivedLetter(envelope.mail_from or "", recipient, bytes(envelope.content)))
            self._changed.notify_all()
        return "250 2.0.0 stored"

    def count(self) -> int:
        with self._changed:
            return len(self._letters)

    def to(self, recipient: str) -> ArrivedLetter | None:
        """The newest message to a mailbox."""
        with self._changed:
            return next((letter for letter in reversed(self._letters) if letter.recipient == recipient), None)

    def wait(self, total: int, limit_s: float, seen: Callable[[int], None]) -> bool:
        """Wait until ``total`` messages came; tells ``seen`` how many there are. False when the time is over."""
        end = time.monotonic() + limit_s
        while True:
            with self._changed:
                if len(self._letters) < total:
                    self._changed.wait(_LOOK_S)
                there = len(self._letters)
            seen(min(there, total))
            if there >= total or time.monotonic() > end:
                return there >= total
