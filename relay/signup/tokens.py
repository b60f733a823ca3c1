"""What forms and confirmation mails carry: signed, opaque tokens, each for one purpose.

``stamp`` goes with a form and says when it was shown with which wording.
``confirm`` names one request; ``never`` one mailbox with one tenant, so that it
works for good, also when the request is long deleted.
"""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from typing import Any, Final

from relay.keys.secrets import Secrets
from relay.people.mailboxes import OCTETS

_STAMP: Final = struct.Struct(">IIQ")
_CONFIRM: Final = struct.Struct(">QI")
_NEVER: Final = struct.Struct(f">IQ{OCTETS}s")
MAX_LENGTH: Final = 128


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
    return _write(secrets, "form", _STAMP.pack(value.form_id, value.wording_id, int(value.shown_at * 1000)))


def read_stamp(secrets: Secrets, text: str) -> Stamp | None:
    """None for anything forged, damaged or of another kind; so it is for the others."""
    fields = _read(secrets, "form", text, _STAMP)
    return None if fields is None else Stamp(fields[0], fields[1], fields[2] / 1000)


def confirm(secrets: Secrets, value: Confirm) -> str:
    return _write(secrets, "confirm", _CONFIRM.pack(value.request_id, value.form_id))


def read_confirm(secrets: Secrets, text: str) -> Confirm | None:
    fields = _read(secrets, "confirm", text, _CONFIRM)
    return None if fields is None else Confirm(*fields)


def never(secrets: Secrets, value: Never) -> str:
    return _write(secrets, "never", _NEVER.pack(value.tenant_id, value.request_id, value.person))


def read_never(secrets: Secrets, text: str) -> Never | None:
    fields = _read(secrets, "never", text, _NEVER)
    return None if fields is None else Never(*fields)


def _write(secrets: Secrets, purpose: str, payload: bytes) -> str:
    return base64.urlsafe_b64encode(secrets.sign(purpose, payload)).rstrip(b"=").decode()


def _read(secrets: Secrets, purpose: str, text: str, form: struct.Struct) -> tuple[Any, ...] | None:
    if len(text) > MAX_LENGTH or not text.isascii():
        return None
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return None
    if base64.urlsafe_b64encode(raw).rstrip(b"=") != text.encode():
        return None  # one token, one spelling
    payload = secrets.verify(purpose, raw)
    return None if payload is None or len(payload) != form.size else form.unpack(payload)
