"""One transaction as it goes over the wire: commands, parameters, dot-stuffing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from relay.delivery.outcome import Bounced, Prepared
from relay.delivery.smtp.classify import not_sent
from relay.mail.scan import is_clean


@dataclass(frozen=True, slots=True)
class Features:
    """What the remote offered after EHLO."""

    pipelining: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    size: bool = False
    largest_octets: int = 0
    """0: not told."""


def in_steps(features: Features) -> Features:
    """The same for a remote that offers PIPELINING and isn't up to it."""
    return replace(features, pipelining=False)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: for a reply to a command, for the whole message with its reply."""

    command_s: float
    data_s: float


class Addressee(Protocol):
    """What goes into RCPT."""

    @property
    def address(self) -> str: ...
    @property
    def notify(self) -> str: ...
    @property
    def orcpt(self) -> str: ...


def unfit(features: Features, remote: str, to: Sequence[Addressee], copy: Prepared) -> Bounced | None:
    """What this remote is known not to take."""
    if not features.smtputf8 and (
        copy.smtputf8 or not copy.reverse_path.isascii() or not all(one.address.isascii() for one in to)
    ):
        text = f"{remote} does not take internationalised addresses (SMTPUTF8)"
        return not_sent(6, 7, text, remote, basic=53)
    if 0 < features.largest_octets < len(copy.data):
        text = f"{len(copy.data)} octets are more than {remote} takes ({features.largest_octets})"
        return not_sent(3, 4, text, remote, basic=52)
    if not copy.clean and not is_clean(copy.data):  # the last guard before the wire
        return not_sent(6, 0, "the message has a bare CR, bare LF or NUL", remote, basic=54)
    return None


def commands_for(features: Features, to: Sequence[Addressee], copy: Prepared) -> list[bytes] | None:
    """MAIL, RCPT for each, DATA; None if a control character would get onto the wire."""
    mail = f"MAIL FROM:<{copy.reverse_path}>"
    if features.size:
        mail += f" SIZE={len(copy.data)}"
    if copy.eight_bit and features.eight_bit:
        mail += " BODY=8BITMIME"
    if copy.smtputf8 or not (mail.isascii() and all(one.address.isascii() for one in to)):
        mail += " SMTPUTF8"
    if features.dsn:
        mail += (copy.ret and f" RET={copy.ret}") + (copy.envid and f" ENVID={copy.envid}")
    lines = [mail, *(_rcpt(features, one) for one in to), "DATA"]
    if not all(line.isprintable() for line in lines):
        return None
    return [f"{line}\r\n".encode() for line in lines]


def _rcpt(features: Features, to: Addressee) -> str:
    line = f"RCPT TO:<{to.address}>"
    if features.dsn:
        line += (to.notify and f" NOTIFY={to.notify}") + (to.orcpt and f" ORCPT={to.orcpt}")
    return line


def stuffed(data: bytes, behind: bytes = b"", dotless: bool = False) -> bytes:
    """``data`` as it goes over the wire: dots doubled, final dot added (RFC 5321 §4.5.2), ``behind`` after it.

    ``dotless``: no line is known to begin with a dot.
    """
    if not dotless:
        if b"\r\n." in data:
            data = data.replace(b"\r\n.", b"\r\n..")
        if data.startswith(b"."):
            data = b"." + data
    return data + ((b".\r\n" if data.endswith(b"\r\n") or not data else b"\r\n.\r\n") + behind)
