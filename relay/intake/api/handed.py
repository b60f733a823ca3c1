"""What the HTTP process hands to a mail process, and what it is told: values on a Unix socket of the relay's own.

A frame is its length in four octets and a value in msgpack. Both ends are
processes of one relay, so a frame of an unknown shape is a fault, not an attack.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

import msgspec

from relay.mail.stored import SlotForm

HEAD: Final = struct.Struct(">I")
MOST_OCTETS: Final = 192 * 1024 * 1024
"""Of a frame: a message as compiled and as seen, and its recipients' values."""


class HandedRecipient(msgspec.Struct, frozen=True, array_like=True, gc=False):
    email: str
    """As the application wrote it."""
    slots: dict[str, str] = {}
    """Values of its own copy."""


class HandedPlace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place of the message that differs from copy to copy, by its number in the marks."""

    name: str
    form: SlotForm
    utf8: bool = False


class HandedStep(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which step of a mailing the message is (``relay.mailings.progress``): taken in the commit, or not at all."""

    mailing: int
    after: int
    """How far the mailing had come before."""
    up_to: int
    """How far it is afterwards."""
    people: tuple[int, ...]
    """Ids of the recipients' people, in their order."""
    again: bool = False
    """They were refused for the moment before."""


class HandedMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One message of an API request, complete."""

    number: int
    """Of this frame, for the answer."""
    tenant_id: int
    stream: str
    """By name; empty: the tenant's first."""
    reverse_path: str
    raw: bytes
    """With ``Relay-*`` fields, as by SMTP, and with marks where copies differ."""
    recipients: tuple[HandedRecipient, ...]
    client: str
    smtputf8: bool = False
    seen: bytes = b""
    """What policies read in place of ``raw``: the marks filled with what recipients get. Empty: ``raw``."""
    mark: str = ""
    places: tuple[HandedPlace, ...] = ()
    sandbox: bool = False
    """Judged and stored as any, and reaches nobody."""
    key: str = ""
    """Of an answer to keep; empty: none."""
    request: bytes = b""
    """What stands for the request, beside the key."""
    keep_until: float = 0.0
    login: str = ""
    """What it was sent with: ``token:ID``."""
    part_of: int = 0
    """Id of the message whose other copies these are."""
    step: HandedStep | None = None
    look: bool = False
    """It is only looked at: judged as any, and neither stored nor put on record."""


class ToldRefusal(msgspec.Struct, frozen=True, gc=False):
    """One recipient refused; as in the API's answer."""

    email: str
    code: str
    detail: str


class AcceptedMessage(msgspec.Struct, frozen=True, gc=False):
    """The API's answer, 202."""

    id: str
    message_id: str
    accepted: list[str]
    refused: list[ToldRefusal]


class HandedLook(msgspec.Struct, frozen=True, gc=False):
    """What would have been stored of a message that is only looked at, for its first recipient."""

    template: bytes
    slots: dict[str, str]
    from_domain: str
    hold: str = ""
    """Why the copy would be held, stages apart; empty: it wouldn't."""


class Told(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of it."""

    number: int
    body: bytes
    """JSON of the answer if anyone was accepted, after the commit; else empty."""
    replayed: bool = False
    """The answer is the one kept for the key."""
    refused: tuple[ToldRefusal, ...] = ()
    """All were refused: each why."""
    code: str = ""
    """What refused the whole message, if nobody was accepted."""
    detail: str = ""
    permanent: bool = True
    fault: str = ""
    """``key``: it was used for another request; ``full``: no more answers can be kept."""
    later: tuple[int, ...] = ()
    """Of a mailing's step of which nobody was accepted: places of recipients that were refused for the moment only."""
    whole: bool = False
    """The message was refused, not its recipients one by one."""
    looked: HandedLook | None = None


def socket_path(data_dir: Path, index: int) -> Path:
    """Where the mail process of that index waits."""
    return data_dir / f"intake-{index}.sock"


def framed(value: HandedMessage | Told) -> bytes:
    octets = _ENCODER.encode(value)
    return HEAD.pack(len(octets)) + octets


_ENCODER: Final = msgspec.msgpack.Encoder()
HANDED: Final = msgspec.msgpack.Decoder(HandedMessage)
TOLD: Final = msgspec.msgpack.Decoder(Told)
