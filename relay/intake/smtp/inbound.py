"""The inbound port: answers to the relay's own mail, and letters to its operator.

Adapter between the SMTP session and ``relay.feedback.inbound``, which decides.
"""

from __future__ import annotations

import asyncio
from typing import Final

from relay.feedback.inbound import Inbound
from relay.intake.parameters import (
    FORWARD_PATH_NEEDS_SMTPUTF8,
    REVERSE_PATH_NEEDS_SMTPUTF8,
    ParameterError,
    mail_parameters,
    rcpt_parameters,
)
from relay.intake.smtp.channel import Shared
from relay.intake.smtp.session import IN_CHUNKS, BaseSession
from relay.mail.address import AddressError, parse_path
from relay.mail.status import Status, ok, permanent, temporary

MOST_RECIPIENTS: Final = 100


class InboundSession(BaseSession):
    """RFC 5321 without AUTH and without relaying.

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
        if argument[:5].upper() != b"FROM:":
            return permanent(1, 5, 4, "the argument must be FROM:<address>")
        try:
            path = parse_path(argument[5:].decode("utf-8"))
            parameters = mail_parameters(path.parameters, extended=self.extended)
        except (AddressError, UnicodeDecodeError) as error:
            return permanent(1, 1, 7, str(error) if isinstance(error, AddressError) else "not valid UTF-8")
        except ParameterError as error:
            return error.status
        if parameters.size_octets > self.shared.message_octets:
            return permanent(52, 3, 4, f"the message is larger than {self.shared.message_octets} octets")
        if path.address is not None and path.address.needs_smtputf8 and not parameters.smtputf8:
            return REVERSE_PATH_NEEDS_SMTPUTF8
        self._reverse_path = str(path.address) if path.address else ""
        self._smtputf8 = parameters.smtputf8
        self.in_transaction = True
        return ok(50, 1, 0, "reverse-path ok")

    def do_rcpt(self, argument: bytes) -> Status | None:
        if self._reverse_path is None:
            return permanent(3, 5, 1, "MAIL comes before RCPT")
        if self._chunks is not None:
            return IN_CHUNKS
        if argument[:3].upper() != b"TO:":
            return permanent(1, 5, 4, "the argument must be TO:<address>")
        try:
            text = argument[3:].decode("utf-8")
            if text.strip().lower() == "<postmaster>":  # RFC 5321 §4.5.1 has it without a domain, too
                return self._add("postmaster")
            path = parse_path(text)
            rcpt_parameters(path.parameters, extended=self.extended)
        except (AddressError, UnicodeDecodeError) as error:
            return permanent(1, 1, 3, str(error) if isinstance(error, AddressError) else "not valid UTF-8")
        except ParameterError as error:
            return error.status
        if path.address is None:
            return permanent(1, 1, 3, "a forward-path must not be empty")
        if path.address.needs_smtputf8 and not self._smtputf8:
            return FORWARD_PATH_NEEDS_SMTPUTF8
        return self._add(str(path.address))

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
