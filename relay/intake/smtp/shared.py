"""What the sessions of one listener share, and how a session ends early."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import Final, Protocol

from relay.intake.smtp.balance import Balance
from relay.intake.smtp.shares import Budget, Guest, Holder, Sessions
from relay.observe.sparingly import Sparingly

MOST_LINES: Final = 60
"""A minute, of those that a stranger can cause without an end."""


class Closed(Exception):
    """The client is gone or was sent away; nothing more is said."""


class Severed(Closed):
    """The client was sent away for what it sends; more of that may be under way, and none of it counts."""


class OpenSession(Holder, Guest, Protocol):
    """A session as whoever ends them all sees it."""

    deciding: bool
    """A whole message has been taken and its reply is to come: cut off now, the client would send it again."""

    def stop_if_idle(self) -> None:
        """The relay is being stopped: send the client away unless a transaction runs."""

    def stop(self) -> None:
        """Send the client away, whatever it is about."""


@dataclass(slots=True)
class Shared:
    """What the sessions of one listener share."""

    hostname: str
    sessions: Sessions
    budget: Budget
    message_octets: int
    recipients: int
    command_timeout_s: float
    data_timeout_s: float
    transactions: int = 0
    """Most transactions in a session; 0: no limit."""
    tls: ssl.SSLContext | None = None
    balance: Balance | None = None
    """Among several mail processes."""
    role: int = 0
    """Which listener this is, for the process that a connection is passed on to."""
    live: set[OpenSession] = field(default_factory=set)
    stopping: bool = False
    tls_lines: Sparingly = field(default_factory=lambda: Sparingly(MOST_LINES))
    """Lines about TLS that failed."""
