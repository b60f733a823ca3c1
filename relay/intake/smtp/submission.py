"""Submission: sessions of tenants' applications, authenticated and asked about.

Facts are looked up inline (an indexed look-up costs microseconds, a hop to a
thread ten times that), the chain of policies decides, and ``Acceptor`` makes
the promise.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from relay.intake import asking, sandbox
from relay.intake.accept import NO_ROOM, Acceptor
from relay.intake.ahead import StandingsAhead, waiting
from relay.intake.arrival import Arrived
from relay.intake.parameters import ArgumentError, MailParameters, auth_response, mail_argument, rcpt_argument
from relay.intake.refusals import DATA, RCPT
from relay.intake.smtp.limits import Failures, KnownAccounts
from relay.intake.smtp.session import IN_CHUNKS, BaseSession
from relay.intake.smtp.shared import Closed, Shared
from relay.keys.secrets import Secrets
from relay.mail.status import Status, ok, permanent, temporary
from relay.pipeline.chain import Chain
from relay.pipeline.contract import Transaction
from relay.pipeline.judged import Accepted
from relay.pipeline.waiting import Patience
from relay.store.as_of import MOMENT_S, NEVER, AsOf
from relay.store.contract import Tx
from relay.tenants import login
from relay.tenants.facts import Facts
from relay.tenants.parts import CredentialRecord
from relay.tenants.snapshot import SnapshotSource
from relay.values.facts import Freeze, Recipient, Standing
from relay.values.sandbox import SANDBOX

_log = logging.getLogger("relay.submission")

AUTH_REQUIRED: Final = permanent(30, 7, 0, "authentication required")
REVERSE_PATH_OK: Final = ok(50, 1, 0, "reverse-path ok")
FORWARD_PATH_OK: Final = ok(50, 1, 5, "forward-path ok")
AUTH_FAILED: Final = permanent(35, 7, 8, "user name or password is wrong, or not allowed from this address")
MOST_AUTH_FAILURES_A_SESSION: Final = 3
AND_MORE_S: Final = 30.0
"""Beyond what hooks may wait: for the commit."""
AUTH_BLOCKED: Final = temporary(21, 7, 0, "too many failed log-ins from your address, try again later")
_BAD_RESPONSE: Final = permanent(1, 5, 2, "the response is not base64 of what the mechanism asks for")

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class SubmissionDesk:
    """What submission sessions work with, put together once in ``relay.mail_process``."""

    snapshots: SnapshotSource
    secrets: Secrets
    conn: Tx
    """For look-ups only."""
    chain: Chain
    acceptor: Acceptor
    failures: Failures
    """Failed log-ins by client's network."""
    lately: KnownAccounts
    """Who got in from where: let in again while others there are made to wait."""
    accounts: Failures
    """By account, for the log only: 160 random bits can't be guessed, and a lock would serve attackers."""
    clock: Callable[[], float]
    plaintext_on_loopback: bool
    facts: Facts
    has_room: Callable[[int], bool]
    """False when the disk can't take a message of so many octets."""
    far: bool
    """Each look-up is a round trip: those of RCPTs that a client has sent together are made together."""


class SubmissionSession(BaseSession):
    """RFC 6409 submission with AUTH PLAIN and LOGIN (RFC 4954) and DSN (RFC 3461)."""

    verbs: ClassVar[dict[bytes, str]] = {**BaseSession.verbs, b"AUTH": "do_auth"}

    def __init__(
        self, shared: Shared, desk: SubmissionDesk, *, implicit_tls: bool = False, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(shared, implicit_tls=implicit_tls, loop=loop)
        self.desk = desk
        self._credential: CredentialRecord | None = None
        self._logged_in = False
        self._charged: CredentialRecord | None = None
        """Whose tenant's memory is charged."""
        self._auth_failures = 0
        self._txn: Transaction | None = None
        self._parameters = MailParameters()
        self._login = ""
        """What the transaction is sent with."""
        self._accepted: list[Accepted] = []
        self._seen: set[str] = set()
        self._recipients: list[Recipient] = []
        self._turned_away: list[tuple[str, Status]] = []
        """Refused at RCPT: on record once the message's campaign is known, or the transaction is given up."""
        self._handed_over = False
        """The acceptor has the message, and says what became of it."""
        self._as_of = NEVER
        self._ahead: StandingsAhead | None = StandingsAhead() if desk.far else None
        self._patience: Patience | None = None
        """Of the transaction, for hooks that wait; None: no hook does."""
        self._period = ""
        """Of the plan, where one of the transaction's recipients could pass its limit of different subscribers."""

    # -- identity ------------------------------------------------------------

    @property
    def _may_auth(self) -> bool:
        loopback = self.peer_address.startswith("127.") or self.peer_address == "::1"
        return self.encrypted or (self.desk.plaintext_on_loopback and loopback)

    def extensions(self) -> list[str]:
        lines = super().extensions()
        lines.append("DSN")
        if self._may_auth:
            lines.append("AUTH PLAIN LOGIN")
        return lines

    def secured(self) -> None:
        super().secured()
        self._credential = None
        self._logged_in = self.known = False

    def do_auth(self, argument: bytes) -> Status | None:
        if not self.extended:
            return permanent(3, 5, 1, "say EHLO first")
        if not self._may_auth:
            return permanent(38, 7, 11, "encryption is required for authentication, use STARTTLS first")
        if self._logged_in or self.in_transaction:
            return permanent(3, 5, 1, "already authenticated" if self._logged_in else "a transaction is running")
        self._without_mail()
        if self.desk.failures.blocked(self.network) and not self.desk.lately.any(self.network):
            self._say(AUTH_BLOCKED)
            raise Closed
        mechanism, _, initial = argument.partition(b" ")
        if mechanism.upper() == b"PLAIN":
            return self._plain(initial) if initial else self._challenge(b"", self._plain)
        if mechanism.upper() == b"LOGIN":
            return self._user(initial) if initial else self._challenge(b"User Name\x00", self._user)
        return permanent(4, 5, 4, "mechanism not known, there are PLAIN and LOGIN")

    def _challenge(self, text: bytes, handler: Callable[[bytes], Status | None]) -> Status | None:
        """Ask for the next response; ``*`` ends the exchange (RFC 4954 §4)."""
        self.say_line(b"334 " + base64.b64encode(text))
        self.expect(lambda line: permanent(1, 7, 0, "authentication cancelled") if line == b"*" else handler(line))
        return None

    def _plain(self, response: bytes) -> Status:
        """RFC 4616: authorisation identity, NUL, user name, NUL, password. Nobody may act for another user."""
        try:
            identity, user, password = auth_response(response).split(b"\0")
            return self._log_in(user.decode(), password.decode(), foreign=identity not in (b"", user))
        except ValueError:
            return _BAD_RESPONSE

    def _user(self, response: bytes) -> Status | None:
        """The first half of LOGIN."""
        try:
            user = auth_response(response).decode()
        except ValueError:
            return _BAD_RESPONSE
        return self._challenge(b"Password\x00", lambda line: self._password(user, line))

    def _password(self, user: str, response: bytes) -> Status:
        try:
            return self._log_in(user, auth_response(response).decode())
        except ValueError:
            return _BAD_RESPONSE

    def _log_in(self, user: str, password: str, *, foreign: bool = False) -> Status:
        desk = self.desk
        if desk.failures.blocked(self.network) and not desk.lately.has(self.network, user):
            self._say(AUTH_BLOCKED)
            raise Closed
        account = "account " + user[:100]
        snapshot = desk.snapshots.current()
        found = login.verify(snapshot, desk.secrets, user, password, self.peer_address)
        if found is None or foreign:
            desk.failures.failed(self.network)
            desk.accounts.failed(account)
            self._auth_failures += 1
            _log.warning("client=%s user=%s log-in failed", self.peer_address, ascii(user[:100]))
            if desk.accounts.blocked(account):  # told apart by the log; the right password is never locked out
                _log.warning("user=%s is being guessed at from many addresses", ascii(user[:100]))
            if self._auth_failures >= MOST_AUTH_FAILURES_A_SESSION or desk.failures.blocked(self.network):
                self._say(AUTH_FAILED)
                raise Closed
            return AUTH_FAILED
        tenant = snapshot.tenant(found.tenant_id, desk.clock())
        if tenant.freeze is Freeze.ALL:
            return asking.frozen(tenant)
        self._credential, self._logged_in, self.known = found, True, True
        desk.lately.logged_in(self.network, user)
        return ok(35, 7, 0, "authenticated")

    # -- MAIL ------------------------------------------------------------------

    def reset(self) -> None:
        super().reset()
        self._give_up()
        self._txn = None
        self._parameters = MailParameters()
        self._accepted = []
        self._seen = set()
        self._recipients = []
        if self._ahead is not None:
            self._ahead.forget()

    def _give_up(self) -> None:
        """No message will tell more about those that were refused."""
        if self._turned_away and self._txn is not None:
            for address, status in self._turned_away:
                self.desk.acceptor.refusals.note(self._txn, address, status, RCPT)
        self._turned_away = []

    def answer(self, status: Status) -> None:
        if not self._handed_over and self._txn is not None:  # what the session itself refuses: size, bare CR
            for accepted in self._accepted:
                self.desk.acceptor.refusals.note(self._txn, accepted.recipient.canonical, status, DATA)
        self._handed_over = False
        super().answer(status)

    def connection_lost(self, error: Exception | None) -> None:
        self._give_up()
        super().connection_lost(error)

    def do_mail(self, argument: bytes) -> Status | None:
        if self._txn is not None:
            return permanent(3, 5, 1, "a transaction is running, end it with RSET")
        if not self.helo:
            return permanent(3, 5, 1, "say EHLO first")
        desk = self.desk
        snapshot = desk.snapshots.current()
        credential = self._credential or login.by_address(snapshot, self.peer_address)
        if credential is None:
            return AUTH_REQUIRED
        if credential is not self._charged:
            self._charged = credential
            self.charged = self.shared.budget.tenant(credential.tenant_id)
            self.known = True
        if credential.username and _ended(snapshot.by_username.get(credential.username), credential):
            self._credential, self._logged_in = None, False
            return AUTH_REQUIRED
        try:
            address, parameters = mail_argument(argument, extended=self.extended, largest=self.shared.message_octets)
        except ArgumentError as error:
            return error.status
        if not desk.has_room(parameters.size_octets):
            return NO_ROOM
        now = desk.clock()
        tenant = desk.facts.tenant(snapshot, credential.tenant_id, now)
        stream = snapshot.streams[credential.stream_id]
        if asking.stream_frozen(tenant, stream):
            return asking.frozen(tenant)
        txn = Transaction(
            tenant,
            stream,
            str(address) if address else "",
            self.peer_address,
            now,
            desk.facts.usage(snapshot, tenant.id, now),
            self._recipients,
        )
        self._login = f"password:{credential.id}"
        self._patience = desk.chain.patience() if desk.chain.waits else None
        # As of before a hook waits: what changes meanwhile is looked up again at the re-check.
        as_of = desk.snapshots.as_of
        refused = desk.chain.reverse_path(txn, self._patience)
        if refused is None or isinstance(refused, Status):
            return self._begun(txn, parameters, as_of, refused)
        self._later(refused, partial(self._begun, txn, parameters, as_of))
        return None

    def _begun(self, txn: Transaction, parameters: MailParameters, as_of: AsOf, refused: Status | None) -> Status:
        """The answer to MAIL."""
        if refused is not None:
            return refused
        self._txn, self._parameters, self.in_transaction = txn, parameters, True
        self._as_of = as_of
        self._period = asking.period_near_limit(txn.tenant, txn.usage, self.shared.recipients)
        return REVERSE_PATH_OK

    # -- RCPT ------------------------------------------------------------------

    def do_rcpt(self, argument: bytes) -> Status | None:
        txn = self._txn
        if txn is None:
            return permanent(3, 5, 1, "MAIL comes before RCPT")
        if self._chunks is not None:
            return IN_CHUNKS
        try:
            address, parameters = rcpt_argument(argument, extended=self.extended, smtputf8=self._parameters.smtputf8)
        except ArgumentError as error:
            return error.status
        canonical = address.canonical
        if canonical in self._seen:
            return FORWARD_PATH_OK
        if len(self._accepted) + len(self._turned_away) >= self.shared.recipients:
            return temporary(52, 5, 3, f"at most {self.shared.recipients} recipients a message")
        if address.domain == SANDBOX:
            unreal = sandbox.recipient(str(address), canonical, txn.tenant)
            return self._judged(txn, canonical, unreal)
        standing = self._standing(txn.tenant.id, canonical)
        recipient = Recipient(str(address), canonical, address.domain, standing, parameters.notify, parameters.orcpt)
        verdict = self.desk.chain.recipient(txn, recipient, self._patience)
        if isinstance(verdict, Accepted | Status):
            return self._judged(txn, canonical, verdict)
        self._later(verdict, partial(self._judged, txn, canonical))
        return None

    def _standing(self, tenant_id: int, canonical: str) -> Standing:
        desk, ahead = self.desk, self._ahead
        if ahead is None:
            return asking.standing_of(desk.conn, desk.secrets, tenant_id, canonical, self._period)
        following = partial(waiting, self._in, extended=self.extended, smtputf8=self._parameters.smtputf8)
        return ahead.standing(desk.conn, desk.secrets, tenant_id, canonical, self._period, following)

    def _judged(self, txn: Transaction, canonical: str, verdict: Accepted | Status) -> Status:
        """The answer to RCPT."""
        if isinstance(verdict, Status):
            _log.info("tenant=%s rcpt=%s refused: %s", txn.tenant.name, canonical, verdict.reply)
            self._turned_away.append((canonical, verdict))
            return verdict
        self._seen.add(canonical)
        self._accepted.append(verdict)
        self._recipients.append(verdict.recipient)
        return FORWARD_PATH_OK

    # -- DATA ------------------------------------------------------------------

    def data_refused(self) -> Status | None:
        if self._txn is None:
            return permanent(3, 5, 1, "MAIL and RCPT come before DATA")
        if not self._accepted:
            return permanent(54, 5, 1, "no recipient was accepted")
        return None

    def on_message(self, raw: bytes) -> None:
        assert self._txn is not None
        # RFC 3848 and RFC 6531 §4.3 name these.
        protocol = "UTF8SMTP" if self._parameters.smtputf8 else "ESMTP" if self.extended else "SMTP"
        if self.extended:
            protocol += ("S" if self.encrypted else "") + ("A" if self._logged_in else "")
        accepted = tuple(self._accepted)
        turned_away, self._turned_away, self._handed_over = tuple(self._turned_away), [], True
        arrived = Arrived(
            sandbox.asking_of(self._txn, accepted),
            accepted,
            raw,
            self._parameters,
            protocol,
            self._as_of,
            self._patience,
            turned_away,
            login=self._login,
            braked=self._braked(),
        )
        self.desk.acceptor.accept(arrived, self.answer, self._work_on)

    def _braked(self) -> bool:
        """Whether what it is sent with seems to be used by another."""
        snapshots, now = self.desk.snapshots, self.desk.clock()
        at_once = self._txn is not None and 0 <= now - self._txn.now < MOMENT_S  # MAIL has just looked
        brakes = (snapshots.latest if at_once else snapshots.current()).brakes
        brake = brakes.get(self._login) if brakes else None
        return brake is not None and brake.holds(self.peer_address, now)

    # -- hooks that wait -------------------------------------------------------

    def _later(self, judging: Coroutine[Any, Any, _Answer], then: Callable[[_Answer], Status]) -> None:
        """Answer the command once the policies have: what the client sends meanwhile waits, and so keeps its order."""
        self._work_on(self._awaited(judging, then))
        assert self._job is not None
        self._job.add_done_callback(lambda _: judging.close())  # one that was cancelled before it began left it

    async def _awaited(self, judging: Coroutine[Any, Any, _Answer], then: Callable[[_Answer], Status]) -> None:
        self._say(then(await judging))
        self._reset_timeout()
        self.resume()

    def _work_on(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a job whose end answers the command; it ends with the connection."""
        if self.transport is None:
            job.close()
            return
        # The hooks have a limit of their own, and the client is not to blame for it.
        self._reset_timeout(max(self._deadline - self.loop.time(), self.desk.chain.wait_s + AND_MORE_S))
        self.start(job)


def _ended(now: CredentialRecord | None, then: CredentialRecord) -> bool:
    """Whether a credential was revoked since it logged in, or its password was exchanged."""
    return now is None or now.secret_hash != then.secret_hash
