"""The inbound port: answers to the relay's own mail, and letters to its operator.

Adapter between the SMTP session and ``relay.feedback.inbound``, which decides.
"""

from __future__ import annotations

import asyncio
from typing import Final

from relay.feedback.inbound import Inbound
from relay.intake.parameters import ArgumentError, mail_argument, rcpt_argument
from relay.intake.smtp.session import IN_CHUNKS, BaseSession
from relay.intake.smtp.shared import Shared
from relay.mail.status import Status, ok, permanent, temporary

MOST_RECIPIENTS: Final = 100


class InboundSession(BaseSession):
    """RFC 5321 without AUTH, DSN and relaying.

    Addresses with other letters need SMTPUTF8 (RFC 6531 §3.5). Header fields with such letters are taken without, as
    old senders write them so: a person's word counts all the same.
    """

    def __init__(
        self, shared: Shared, inbound: Inbound, *, implicit_tls: bool = False, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(shared, implicit_tls=implicit_tls, loop=loop)
        self._inbound = inbound
        self._reverse_path: str | None = None
        self._smtputf8 = False
        self._recipients: list[str] = []

    @property
    def most_recipients(self) -> int:
        return min(MOST_RECIPIENTS, self.shared.recipients)

    def reset(self) -> None:
        super().reset()
        self._reverse_path = None
        self._smtputf8 = False
        self._recipients = []

    def do_mail(self, argument: bytes) -> Status | None:
        if not self.helo:
            return permanent(3, 5, 1, "say EHLO first")
        if self._reverse_path is not None:
            return permanent(3, 5, 1, "a transaction is running, end it with RSET")
        try:
            address, parameters = mail_argument(
                argument, extended=self.extended, largest=self.shared.message_octets, dsn=False
            )
        except ArgumentError as error:
            return error.status
        self._reverse_path = str(address) if address else ""
        self._smtputf8 = parameters.smtputf8
        self.in_transaction = True
        return ok(50, 1, 0, "reverse-path ok")

    def do_rcpt(self, argument: bytes) -> Status | None:
        if self._reverse_path is None:
            return permanent(3, 5, 1, "MAIL comes before RCPT")
        if self._chunks is not None:
            return IN_CHUNKS
        if argument[:3].upper() == b"TO:" and argument[3:].strip().lower() == b"<postmaster>":
            return self._add("postmaster")  # RFC 5321 §4.5.1 has it without a domain, too
        try:
            address, _ = rcpt_argument(argument, extended=self.extended, smtputf8=self._smtputf8, dsn=False)
        except ArgumentError as error:
            return error.status
        return self._add(str(address))

    def _add(self, address: str) -> Status:
        """Ask for one forward-path."""
        assert self._reverse_path is not None
        if len(self._recipients) >= self.most_recipients:
            return temporary(52, 5, 3, "too many recipients")
        status = self._inbound.rcpt(address, self._reverse_path)
        if status.code == 250:
            self._recipients.append(address)
        return status

    def data_refused(self) -> Status | None:
        if not self._recipients:
            return permanent(3, 5, 1, "MAIL and RCPT come before DATA")
        return None

    def on_message(self, raw: bytes) -> None:
        assert self._reverse_path is not None
        self.start(self._take(self._reverse_path, self._recipients, raw))

    async def _take(self, reverse_path: str, recipients: list[str], raw: bytes) -> None:
        self.answer(await self._inbound.message(reverse_path, recipients, raw, self.peer_address))
