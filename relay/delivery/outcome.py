"""What goes in (an attempt) and what comes out (its outcome, a closed union)."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

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


@dataclass(frozen=True, slots=True)
class Delivered:
    """The remote took responsibility."""

    status: str
    """The reply to the final dot, e.g. ``250 2.0.0 Ok: queued as 4F1``."""
    remote: str
    """``mx.example.com [192.0.2.1]``."""
    tls: str
    """``TLSv1.3 TLS_AES_256_GCM_SHA384``, empty in plaintext."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. ``reason`` is temporary."""

    reason: Status
    remote: str
    reach: Reach
    not_before: float | None = None
    """Seconds UTC: the site is in back-off until then."""
    diagnostic: str = ""
    """The remote's reply on one line, empty if it gave none."""

    @property
    def status(self) -> str:
        """Reply code, enhanced code and text on one line."""
        return self.reason.reply


@dataclass(frozen=True, slots=True)
class Bounced:
    """Never. ``reason`` is permanent."""

    reason: Status
    remote: str
    reach: Reach
    address_dead: bool = False
    """The reply says that the address itself doesn't exist (any more)."""
    diagnostic: str = ""

    @property
    def status(self) -> str:
        """Reply code, enhanced code and text on one line."""
        return self.reason.reply


@dataclass(frozen=True, slots=True)
class Returned:
    """Handed back without an attempt (the engine is closing)."""


Outcome = Delivered | Retry | Bounced | Returned


@dataclass(frozen=True, slots=True)
class Prepared:
    """One copy, rendered and signed.

    ``data`` is header and body with CRLF line ends, not dot-stuffed.
    ``notify``, ``orcpt``, ``ret`` and ``envid`` are parameter values as on the
    wire (RFC 3461, xtext) and are passed on where the remote offers DSN.
    """

    reverse_path: str
    """``local@domain``, empty for the null reverse-path."""
    data: bytes
    smtputf8: bool = False
    """The envelope or the header needs RFC 6531."""
    eight_bit: bool = False
    notify: str = ""
    ret: str = ""
    envid: str = ""
    orcpt: str = ""


class Attempt(Protocol):
    """One copy that is due."""

    @property
    def domain(self) -> str:
        """The forward-path's domain: lower-case A-labels, or an address literal in brackets."""

    @property
    def address(self) -> str:
        """The forward-path, ``local@domain``."""

    def prepare(self, eight_bit: bool) -> Awaitable[Prepared | None]:
        """Called when a connection is (nearly) free for the copy.

        Again if it then waited for more than a minute, or for a remote of another
        kind. ``eight_bit``: the remote offers 8BITMIME (RFC 6152).

        None: the copy is not to be sent any more; ``done`` is then not called.
        """

    def done(self, outcome: Outcome) -> None:
        """Called exactly once unless ``prepare`` gave None; must not block."""
