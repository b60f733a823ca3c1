"""The values of a judgement: what kind of answer it was, and what it says of the address."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class AnswerKind(StrEnum):
    """The class of an answer, as ``relay bounce explain`` and events name it (docs/BOUNCES.md)."""

    UNKNOWN_ADDRESS = "unknown-address"
    MOVED = "moved"
    NO_MAIL_DOMAIN = "no-mail-domain"
    """The domain doesn't exist or takes no mail, says another host than its own."""
    DISABLED = "disabled"
    FULL = "mailbox-full"
    TOO_LARGE = "too-large"
    CONTENT = "content"
    SPAM = "spam"
    BLOCKED = "blocked"
    AUTHENTICATION = "authentication"
    """SPF, DKIM, DMARC, the client's name in DNS."""
    SENDER = "sender"
    """The reverse-path or From isn't liked."""
    RELAYING = "relay-denied"
    TLS = "tls-required"
    POLICY = "policy"
    FILTERED = "filtered"
    """Refused for one person after the message was seen; the words speak of an unknown user, and mean a filter."""
    RATE = "rate"
    GREYLISTED = "greylisted"
    TEMPORARY = "temporary"
    LOOP = "loop"
    EXPIRED = "expired"
    NETWORK = "network"
    SYSTEM = "system"
    PROTOCOL = "protocol"
    OTHER = "other"


class AddressSays(StrEnum):
    """What the answer says of the address itself."""

    DEAD = "dead"
    """It takes no mail any more, beyond doubt."""
    DOUBTED = "doubted"
    """It takes no mail, in words that are sometimes said of living ones: it counts if it is said again a day later."""
    SUSPECTED = "suspected"
    """So too, but the words are as often a filter's, or it may come back (a disabled mailbox): not called permanent."""
    ALIVE = "alive"
    """Nothing was said against it."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One answer's meaning."""

    kind: AnswerKind
    address: AddressSays
    lasting: bool
    """The same message will be refused again: no use in another try."""
    status: str
    """The enhanced code that tells most, ``""`` if there is none."""
    reply: int | None
    why: str
    """What decided: a code, or the words as they stood there."""

    @property
    def permanent(self) -> bool:
        """Whether mail to the address is over, for good."""
        return self.lasting and self.address in (AddressSays.DEAD, AddressSays.DOUBTED)

    @property
    def dead(self) -> bool:
        return self.address is AddressSays.DEAD

    @property
    def doubt(self) -> str:
        """The kind where it takes a second answer to believe it, else ``""``."""
        return self.kind.value if self.address in (AddressSays.DOUBTED, AddressSays.SUSPECTED) else ""
