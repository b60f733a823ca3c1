"""The logic behind the inbound port: which address is taken, and what its mail does.

Only addresses that the relay gave out itself are taken, known by their signed
tag; all else is refused at RCPT, so that the port is of no use to anyone else.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from config.settings import Settings
from relay.feedback.analyse import Finding, Kind, analyse, automatic, complaint, named_in
from relay.feedback.mime import Mail, parse, readable
from relay.feedback.record import Item, address_of, record, sharers
from relay.feedback.shared import is_shared
from relay.mail.address import Address, AddressError, parse_address
from relay.mail.status import UNEXPECTED, Status, ok, permanent
from relay.queue.model import encode_id
from relay.registry.secrets import Secrets
from relay.registry.tokens import Mark, read_local_part

T = TypeVar("T")

MAX_OCTETS = 10 * 1024 * 1024
_INLINE_OCTETS = 16 * 1024
"""What is larger is read in a thread, so that mail on its way out doesn't wait."""

ACCEPTED_RECIPIENT = ok(50, 1, 5, "recipient ok")
ACCEPTED = ok(50, 0, 0, "accepted")
TOO_LARGE = permanent(52, 3, 4, f"the message is larger than {MAX_OCTETS} octets")
RELAYING = permanent(50, 7, 1, "relaying denied, this host takes only mail that answers its own")
UNKNOWN = permanent(50, 1, 1, "no such address here")
NO_MAILBOX = permanent(50, 1, 1, "no mailbox is kept on this host, write to the operator's own address")


class Writer(Protocol):
    """Runs a unit of work in a durable transaction; its result comes after the commit."""

    def __call__(self, work: Callable[[sqlite3.Connection], T], /) -> Awaitable[T]: ...


@dataclass(frozen=True, slots=True)
class Target:
    """Somebody whom a message that came back may be about."""

    prefix: str
    mark: Mark
    address: str
    one_of_several: bool = False
    """Shared a copy with others: it is about this one only if it says so."""


class Inbound:
    """Decides about mail that comes back; holds no state of its own."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        read_conn: sqlite3.Connection,
        write: Writer,
        clock: Callable[[], float],
        log: logging.Logger,
    ) -> None:
        self._secrets = secrets
        self._read = read_conn
        self._write = write
        self._clock = clock
        self._log = log
        self._hostname = settings.server.hostname.lower()
        self._domains = {self._hostname, (settings.links.mail_domain or self._hostname).lower()}

    # -- RCPT ----------------------------------------------------------------

    def rcpt(self, address: str, reverse_path: str) -> Status:
        """The reply to one forward-path (without angle brackets)."""
        try:
            status = self._decide(address)
        except sqlite3.Error as error:
            self._log.error("inbound rcpt failed: %s", error)
            return UNEXPECTED
        if status is not ACCEPTED_RECIPIENT:
            self._log.info("inbound rcpt refused to=%a from=%a: %s", address[:320], reverse_path[:320], status.reply)
        return status

    def _decide(self, text: str) -> Status:
        if text.lower() == "postmaster":  # RFC 5321 §4.5.1 has it without a domain, too
            return NO_MAILBOX
        try:
            address = parse_address(text)
        except AddressError as error:
            return permanent(50, 1, 3, str(error))
        if not self._ours(address.domain):
            return RELAYING
        if self._mark(address) is not None:
            return ACCEPTED_RECIPIENT
        return NO_MAILBOX if address.local.lower() in ("postmaster", "abuse") else UNKNOWN

    def _ours(self, domain: str) -> bool:
        if domain in self._domains:
            return True
        if not domain.startswith("rp."):
            return False
        row = self._read.execute(
            "SELECT 1 FROM domain WHERE name = ? AND verified_at IS NOT NULL LIMIT 1", (domain[3:],)
        ).fetchone()
        return row is not None

    def _mark(self, address: Address) -> tuple[str, Mark] | None:
        return read_local_part(self._secrets, address.local)

    # -- the message ---------------------------------------------------------

    async def message(self, reverse_path: str, recipients: Sequence[str], raw: bytes) -> Status:
        """Take a whole message; the reply comes after what it says is durable."""
        try:
            if len(raw) > MAX_OCTETS:
                return TOO_LARGE
            marks = self._marks(recipients)
            if not marks:
                return UNKNOWN
            targets = [target for prefix, mark in marks for target in self._targets(prefix, mark)]
            if len(raw) > _INLINE_OCTETS:
                items = await asyncio.to_thread(understand, reverse_path, targets, raw)
            else:
                items = understand(reverse_path, targets, raw)
            now = self._clock()
            changed = await self._write(lambda conn: [record(conn, item, now) for item in items])
        except Exception:
            self._log.exception("inbound message from %a failed", reverse_path[:320])
            return UNEXPECTED
        for item, new in zip(items, changed, strict=True):
            self._say(item, new)
        return ACCEPTED

    def _marks(self, recipients: Sequence[str]) -> list[tuple[str, Mark]]:
        """The tags of all recipients, each once."""
        found: dict[tuple[str, Mark], None] = {}
        for text in recipients:
            tag = self._mark(parse_address(text))
            if tag is not None:
                found[tag] = None
        return list(found)

    def _targets(self, prefix: str, mark: Mark) -> list[Target]:
        """Whom a tag names: one person, or all who shared a copy."""
        if is_shared(mark):
            return [
                Target(prefix, Mark(subscriber_id, mark.topic_id, mark.submission_id, number), address, True)
                for number, subscriber_id, address in sharers(self._read, mark.submission_id)
            ]
        return [Target(prefix, mark, address_of(self._read, mark.subscriber_id) or "")]

    def _say(self, item: Item, new: bool) -> None:
        finding = item.finding
        self._log.info(
            "inbound kind=%s id=%s/%d status=%s type=%s%s",
            "unsubscribed" if finding is None else finding.kind.value,
            encode_id(item.mark.submission_id),
            item.mark.number,
            finding.status if finding else "",
            finding.type if finding else "",
            "" if new else " (nothing new)",
        )


def understand(reverse_path: str, targets: Sequence[Target], raw: bytes) -> list[Item]:
    """What the message means for each of those it may concern. Pure."""
    mail = parse(raw)
    named = named_in(mail) if any(target.one_of_several for target in targets) else None
    return [
        _unsubscribe(mail, reverse_path, target.mark, target.address)
        if target.prefix == "u"
        else Item(target.mark, analyse(mail, target.address))
        for target in targets
        if not target.one_of_several or (named is not None and named(target.address))
    ]


def _unsubscribe(mail: Mail, reverse_path: str, mark: Mark, address: str) -> Item:
    """Mail to an unsubscribe address asks for it, unless a program wrote it."""
    if complaint(mail) is not None:
        return Item(mark, analyse(mail, address))
    if automatic(mail, reverse_path):
        return Item(mark, Finding(Kind.AUTOMATIC))
    evidence = {
        "reverse_path": reverse_path,
        "from": readable(mail.get("from")),
        "message_id": mail.get("message-id"),
        "subject": readable(mail.get("subject")),
    }
    return Item(mark, None, tuple((name, value[:320]) for name, value in evidence.items() if value))
