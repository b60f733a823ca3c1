"""What goes in (an attempt) and what comes out (its outcome, a closed union)."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import StrEnum
from typing import Protocol

import msgspec

from relay.mail.status import Status


class Where(StrEnum):
    """The moment an attempt had reached."""

    ROUTE = "route"
    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"


class Reach(StrEnum):
    """How far an answer holds."""

    RECIPIENT = "recipient"
    MESSAGE = "message"
    SESSION = "session"
    """This connection only; another one may do."""
    SITE = "site"
    """Everything for this site, now."""


class Delivered(msgspec.Struct, frozen=True, gc=False):
    """The remote took responsibility."""

    status: str
    """The reply to the final dot, e.g. ``250 2.0.0 Ok: queued as 4F1``."""
    remote: str
    """``mx.example.com [192.0.2.1]``."""
    tls: str
    """``TLSv1.3 TLS_AES_256_GCM_SHA384``, empty in plaintext."""


class Retry(msgspec.Struct, frozen=True, gc=False):
    """Not now. ``reason`` is temporary."""

    reason: Status
    remote: str
    reach: Reach
    not_before: float | None = None
    """Seconds UTC: the site is in back-off until then."""
    diagnostic: str = ""
    """The remote's reply on one line, empty if it gave none."""
    cut: bool = False
    """This relay's stop ended it after its last octet and before the reply: it may arrive twice."""

    @property
    def status(self) -> str:
        """Reply code, enhanced code and text on one line."""
        return self.reason.reply


class Bounced(msgspec.Struct, frozen=True, gc=False):
    """Never. ``reason`` is permanent."""

    reason: Status
    remote: str
    reach: Reach
    address_dead: bool = False
    """The reply says that the address itself doesn't exist (any more)."""
    diagnostic: str = ""
    kind: str = ""
    """Class of the reply (``relay.verdict.values.AnswerKind``), empty where there was none."""
    doubt: str = ""
    """The same where it is said of living addresses too: it counts against this one if it is said again a day later."""

    @property
    def status(self) -> str:
        """Reply code, enhanced code and text on one line."""
        return self.reason.reply


class Returned(msgspec.Struct, frozen=True, gc=False):
    """Handed back without an attempt (the engine is closing)."""


Outcome = Delivered | Retry | Bounced | Returned


class Interrupted(msgspec.Struct, frozen=True, gc=False):
    """This transaction came to nothing for the recipient, another one may do: the session ended, or a limit was met."""

    retry: Retry
    alone: bool = False
    """The reply to a message for several was about one of them: each is to go alone."""


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """One copy, rendered and signed, for one recipient or for several.

    ``data`` is header and body with CRLF line ends, not dot-stuffed.
    ``ret`` and ``envid`` are parameter values as on the wire (RFC 3461, xtext)
    and are passed on where the remote offers DSN.
    """

    reverse_path: str
    """``local@domain``, empty for the null reverse-path."""
    data: bytes
    smtputf8: bool = False
    """The envelope or the header needs RFC 6531."""
    eight_bit: bool = False
    ret: str = ""
    envid: str = ""
    clean: bool = False
    """``data`` is known to have no bare CR, bare LF or NUL; else it is searched."""
    dotless: bool = False
    """No line of ``data`` is known to begin with a dot; else it is searched."""


class Attempt(Protocol):
    """One recipient's copy that is due."""

    @property
    def domain(self) -> str:
        """The forward-path's domain: lower-case A-labels, or an address literal in brackets."""

    @property
    def address(self) -> str:
        """The forward-path, ``local@domain``."""

    @property
    def typed(self) -> bool:
        """The address is one that anyone may have typed in at a form: its domain may be nonsense."""

    @property
    def group(self) -> object | None:
        """Attempts of an equal group may share one copy and one transaction; None: this one goes alone."""

    @property
    def notify(self) -> str:
        """NOTIFY for the next hop (RFC 3461 §4.1), as on the wire; empty for none."""

    @property
    def orcpt(self) -> str:
        """ORCPT (RFC 3461 §4.2), as on the wire; empty for none."""

    @property
    def octets(self) -> int:
        """Size of the message; a large one isn't prepared before its turn."""

    def prepare(self, eight_bit: bool, shared: bool) -> Prepared | Awaitable[Prepared] | None:
        """Render and sign. None: there is nothing to send, and ``wanted`` says so too.

        Again if it then waited for more than a minute, or for a remote of another
        kind. ``eight_bit``: the remote offers 8BITMIME (RFC 6152). ``shared``: the
        copy is for several attempts of one group.
        """

    @property
    def asks(self) -> bool:
        """The re-check has to wait for an answer (``ask``), so it can't be made in passing."""

    async def ask(self) -> None:
        """Get what ``wanted`` needs to know of others; right before it, each time. Within a limit; never raises."""

    def wanted(self) -> bool:
        """The re-check, right before what was prepared is sent.

        False: its end is written, ``done`` is not called.
        """

    def still_wanted(self) -> bool:
        """The re-check once more, for a copy whose envelope went out a moment before its message.

        False: as for ``wanted``.
        """

    def done(self, outcome: Outcome) -> None:
        """Called exactly once unless it wasn't wanted; must not block."""
