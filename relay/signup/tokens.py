"""What forms and confirmation mails carry: signed, opaque tokens, each for one purpose.

``stamp`` goes with a form and says when it was shown with which wording.
``confirm`` names one request; ``never`` one mailbox with one tenant, so that it
works for good, also when the request is long deleted.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from relay.keys.sealed_tokens import read_token, write_token
from relay.keys.secrets import Secrets
from relay.people.mailboxes import OCTETS

_STAMP: Final = struct.Struct(">IIQ")
_CONFIRM: Final = struct.Struct(">QI")
_NEVER: Final = struct.Struct(f">IQ{OCTETS}s")


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a form was shown (seconds UTC; 0: it stands in a page of the tenant's own), and its wording."""

    form_id: int
    wording_id: int
    shown_at: float


@dataclass(frozen=True, slots=True)
class Confirm:
    request_id: int
    form_id: int


@dataclass(frozen=True, slots=True)
class Never:
    tenant_id: int
    request_id: int
    person: bytes


def stamp(secrets: Secrets, value: Stamp) -> str:
    return write_token(secrets, "form", _STAMP.pack(value.form_id, value.wording_id, int(value.shown_at * 1000)))


def read_stamp(secrets: Secrets, text: str) -> Stamp | None:
    """None for anything forged, damaged or of another kind; so it is for the others."""
    fields = read_token(secrets, "form", text, _STAMP)
    return None if fields is None else Stamp(fields[0], fields[1], fields[2] / 1000)


def confirm(secrets: Secrets, value: Confirm) -> str:
    return write_token(secrets, "confirm", _CONFIRM.pack(value.request_id, value.form_id))


def read_confirm(secrets: Secrets, text: str) -> Confirm | None:
    fields = read_token(secrets, "confirm", text, _CONFIRM)
    return None if fields is None else Confirm(*fields)


def never(secrets: Secrets, value: Never) -> str:
    return write_token(secrets, "never", _NEVER.pack(value.tenant_id, value.request_id, value.person))


def read_never(secrets: Secrets, text: str) -> Never | None:
    fields = read_token(secrets, "never", text, _NEVER)
    return None if fields is None else Never(*fields)
