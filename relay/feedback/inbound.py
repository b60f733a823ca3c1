"""The logic behind the inbound port: which address is taken, and what its mail does.

Taken are the addresses that the relay gave out itself, known by their signed
tag; those that feedback loops were told (``[feedback] addresses``); and
``postmaster@`` and ``abuse@`` of our own domains, for the operator (RFC 5321
§4.5.1, RFC 2142). All else is refused at RCPT, so that the port is of no use to
anyone else. Nobody who writes is ever answered.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Protocol, TypeVar

from config.settings import Settings
from relay.feedback.handed_on import Handed, Handing, OperatorDesk
from relay.feedback.mime import split_header
from relay.feedback.operator_letter import Incoming
from relay.feedback.record import Item, address_of, record, repeated, sharers
from relay.feedback.shared import is_shared
from relay.feedback.understand import Concerned, Opened, inside, open_mail, understand
from relay.keys.secrets import Secrets
from relay.keys.tokens import Mark, read_local_part
from relay.mail.address import Address, AddressError, parse_address
from relay.mail.status import UNEXPECTED, Status, ok, permanent, temporary
from relay.observe.sparingly import Sparingly
from relay.store.contract import Failure, Tx
from relay.values.ids import encode_id

T = TypeVar("T")

MAX_OCTETS = 10 * 1024 * 1024
_INLINE_OCTETS = 16 * 1024
"""What is larger is read in a thread, so that mail on its way out doesn't wait."""
ROLES = ("postmaster", "abuse")
_PLAIN = re.compile(r"[a-z0-9-]+", re.I)
MOST_LINES = 60
"""A minute, of what strangers are refused."""

ACCEPTED_RECIPIENT = ok(50, 1, 5, "recipient ok")
ACCEPTED = ok(50, 0, 0, "accepted")
TOO_LARGE = permanent(52, 3, 4, f"the message is larger than {MAX_OCTETS} octets")
RELAYING = permanent(50, 7, 1, "relaying denied, this host takes only mail that answers its own")
UNKNOWN = permanent(50, 1, 1, "no such address here")
TOO_MUCH = temporary(50, 7, 1, "too much mail for the operator, try again in an hour")
MAILBOX_FULL = temporary(52, 2, 2, "the operator's mailbox is full, try again later")


class Writer(Protocol):
    """Runs a unit of work in a durable transaction; its result comes after the commit."""

    def __call__(self, work: Callable[[Tx], T], /) -> Awaitable[T]: ...


class Role(Enum):
    """Addresses that stand for nobody in particular."""

    LOOP = "loop"
    OPERATOR = "operator"


class Inbound:
    """Decides about mail that comes back; what it decides depends on no state of its own."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        read_conn: Tx,
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
        self._loops = {parse_address(text).canonical for text in settings.feedback.addresses}
        self._domains = {
            self._hostname,
            (settings.links.mail_domain or self._hostname).lower(),
            *(text.rpartition("@")[2] for text in self._loops),
        }
        self._desk = OperatorDesk(settings, secrets)
        self._refusals = Sparingly(MOST_LINES)

    # -- RCPT ----------------------------------------------------------------

    def rcpt(self, address: str, reverse_path: str) -> Status:
        """The reply to one forward-path (without angle brackets)."""
        try:
            status = self._decide(address)
        except Failure as error:
            self._log.error("inbound rcpt failed: %s", error)
            return UNEXPECTED
        if status is not ACCEPTED_RECIPIENT and (left_out := self._refusals.take()) is not None:
            if left_out:
                self._log.info("inbound rcpt %d more were refused; their lines are left out", left_out)
            self._log.info("inbound rcpt refused to=%a from=%a: %s", address[:320], reverse_path[:320], status.reply)
        return status

    def _decide(self, text: str) -> Status:
        try:
            address = self._address(text)
        except AddressError as error:
            return permanent(50, 1, 3, str(error))
        if address.canonical in self._loops:
            return ACCEPTED_RECIPIENT
        if not self._ours(address.domain):
            return RELAYING
        if self._role(address) is not None or self._mark(address) is not None:
            return ACCEPTED_RECIPIENT
        return UNKNOWN

    def _address(self, text: str) -> Address:
        """``postmaster`` has no domain (RFC 5321 §4.5.1); raises AddressError."""
        if text.lower() == "postmaster":
            return Address("postmaster", self._hostname)
        address = parse_address(text)
        plain = address.local.strip('"')  # quoted it is the same mailbox (RFC 5321 §4.1.2)
        return Address(plain, address.domain) if _PLAIN.fullmatch(plain) else address

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

    def _role(self, address: Address) -> Role | None:
        if address.canonical in self._loops:
            return Role.LOOP
        return Role.OPERATOR if address.local.lower() in ROLES else None

    # -- the message ---------------------------------------------------------

    async def message(self, reverse_path: str, recipients: Sequence[str], raw: bytes, ip: str = "") -> Status:
        """Take a whole message; the reply comes after what it says is durable. ``ip``: the client's."""
        try:
            if len(raw) > MAX_OCTETS:
                return TOO_LARGE
            addresses = [self._address(text) for text in recipients]
            marks = self._marks(addresses)
            roles = {address.canonical: role for address in addresses if (role := self._role(address)) is not None}
            if not marks and not roles:
                return UNKNOWN
            return await self._take(reverse_path, marks, roles, raw, ip)
        except Exception:
            self._log.exception("inbound message from %a failed", reverse_path[:320])
            return UNEXPECTED

    async def _take(
        self, reverse_path: str, marks: list[tuple[str, Mark]], roles: dict[str, Role], raw: bytes, ip: str
    ) -> Status:
        opened = await _run(raw, lambda: open_mail(self._secrets, raw, loop=Role.LOOP in roles.values()))
        targets = [target for prefix, mark in marks for target in self._targets(prefix, mark)]
        items = await _run(raw, lambda: understand(reverse_path, opened, targets))
        found, unclear = inside(opened, lambda mark: self._targets("b", mark), marked=bool(marks))
        items += found
        why = self._why(opened, roles, bool(marks), unclear)
        now = self._clock()
        incoming = None
        if why:
            to = ", ".join(roles) or "a signed address"
            incoming = await self._desk.before(self._read, Incoming(opened.mail, raw, reverse_path, to, ip, why), now)
        changed, handed = await self._write(lambda conn: self._record(conn, items, incoming, now))
        for item, new in zip(items, changed, strict=True):
            self._say(item, new)
        if why:
            self._log.info("inbound kind=operator to=%a from=%a: %s: %s", to, reverse_path[:320], handed.value, why)
        # People write to these too where loops were told one of them; what counts was taken, and need not come again.
        wanted = any(to.partition("@")[0] in ROLES for to in roles) and not items
        return {Handed.TOO_MUCH: TOO_MUCH, Handed.FULL: MAILBOX_FULL}.get(handed, ACCEPTED) if wanted else ACCEPTED

    def _record(
        self, conn: Tx, items: Sequence[Item], incoming: Handing | None, now: float
    ) -> tuple[list[bool], Handed]:
        changed = [record(conn, item, now, self._desk.operator) for item in items]
        for item, new in zip(items, changed, strict=True):
            if item.unproved and new:
                repeated(conn, self._desk.operator, item.mark.submission_id, now)
        return changed, Handed.NOTHING if incoming is None else self._desk.hand_on(conn, incoming, now)

    def _why(self, opened: Opened, roles: dict[str, Role], marked: bool, unclear: Sequence[str]) -> str:
        """Why the operator should see it; ``""`` if all of it was worked off."""
        if unclear:
            return " ".join((*dict.fromkeys(unclear), *self._hint(opened)))
        if opened.inside or not roles:
            return ""
        if Role.OPERATOR in roles.values():
            return "A letter to the operator of this relay."
        return "" if marked else "A letter to the address of the feedback loops that is no report."

    def _hint(self, opened: Opened) -> tuple[str, ...]:
        """Which message a copy's Message-ID names: no proof, since many know it, but where to look."""
        for copy in (copy for report in opened.reports for copy in report.copies):
            fields, _ = split_header(copy.replace(b"\r\n", b"\n"))
            message_id = next((value for name, value in fields if name == "message-id"), "").strip()
            row = self._read.execute(
                "SELECT s.id, t.name FROM submission s JOIN tenant t ON t.id = s.tenant_id WHERE s.message_id = ?"
                " ORDER BY s.id DESC LIMIT 1",
                (message_id[:998],),
            ).fetchone()
            if message_id and row is not None:
                return (f"Its copy bears the Message-ID of a message of {row[1]}: `relay trace {encode_id(row[0])}`.",)
        return ()

    def _marks(self, addresses: Sequence[Address]) -> list[tuple[str, Mark]]:
        """The tags of all recipients, each once."""
        found: dict[tuple[str, Mark], None] = {}
        for address in addresses:
            tag = self._mark(address)
            if tag is not None:
                found[tag] = None
        return list(found)

    def _targets(self, prefix: str, mark: Mark) -> list[Concerned]:
        """Whom a tag names: one person, or all who shared a copy."""
        if is_shared(mark):
            return [
                Concerned(prefix, Mark(subscriber_id, mark.topic_id, mark.submission_id, number), address, True)
                for number, subscriber_id, address in sharers(self._read, mark.submission_id)
            ]
        return [Concerned(prefix, mark, address_of(self._read, mark.subscriber_id) or "")]

    def _say(self, item: Item, new: bool) -> None:
        finding = item.finding
        self._log.info(
            "inbound kind=%s id=%s/%d status=%s type=%s%s%s",
            item.says,
            encode_id(item.mark.submission_id),
            item.mark.number,
            finding.status if finding else "",
            finding.type if finding else "",
            " (of a shared copy: told, counts for nobody)" if item.unproved else "",
            "" if new else " (nothing new)",
        )


async def _run(raw: bytes, work: Callable[[], T]) -> T:
    """At once, or in a thread for a large mail."""
    return await asyncio.to_thread(work) if len(raw) > _INLINE_OCTETS else work()
