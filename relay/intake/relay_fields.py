"""``Relay-*`` header fields: what applications tell the relay inside the message.

They are read here and removed before the message leaves. A field that is not
known, or that this release does not act on, is refused by name: silently
ignoring a wish would be worse.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import NamedTuple

from relay.mail.decode import decode_field
from relay.mail.scan import Malformed, Scanned

MOST_META = 20
LONGEST_VALUE = 200
TRACKS = ("none", "opens", "clicks", "all")
FURTHEST_S = 30 * 86400.0
"""How far ahead ``Relay-Send-At`` may lie."""
LAST_S = 60 * 86400.0
"""The same of ``Relay-Expire``."""

_META = re.compile(rb"relay-meta-([a-z0-9][a-z0-9_-]{0,39})\Z")


class RelayFields(NamedTuple):
    topic: str = ""
    campaign: str = ""
    tag: str = ""
    meta: Mapping[str, str] = MappingProxyType({})
    send_at: float | None = None
    track: str = ""
    """``none``, ``opens``, ``clicks`` or ``all``; empty: what the stream has."""
    expire: float | None = None
    """What hasn't left then is dropped; seconds UTC."""


def read(scanned: Scanned, now: float) -> RelayFields:
    """The message's wishes; raises Malformed that names a field which can't be honoured."""
    plain: dict[str, str] = {}
    meta: dict[str, str] = {}
    send_at = expire = None
    for name, fields in scanned.index.items():
        if not name.startswith(b"relay-"):
            continue
        shown = _shown(name)
        if len(fields) > 1:
            raise Malformed(f"{shown} stands in the header {len(fields)} times, once is allowed")
        value = _value(shown, scanned.value(fields[0]))
        found = _META.match(name)
        if found is not None:
            meta[found.group(1).decode()] = value
        elif name in (b"relay-topic", b"relay-campaign", b"relay-tag"):
            plain[name.decode()] = value
        elif name == b"relay-send-at":
            send_at = _time(shown, value, now, FURTHEST_S)
        elif name == b"relay-expire":
            expire = _time(shown, value, now, LAST_S)
        elif name == b"relay-track":
            plain["relay-track"] = value.lower()
            if plain["relay-track"] not in TRACKS:
                raise Malformed(f"{shown}: {value[:20]} is nothing to track; there are {', '.join(TRACKS)}")
        else:
            raise Malformed(f"{shown} is not a field of the relay")
    if len(meta) > MOST_META:
        raise Malformed(f"more than {MOST_META} Relay-Meta fields")
    if expire is not None and expire <= max(now, send_at or now):
        raise Malformed("Relay-Expire lies before the message could leave")
    topic, campaign, tag = (plain.get(f"relay-{name}", "") for name in ("topic", "campaign", "tag"))
    return RelayFields(topic, campaign, tag, meta, send_at, plain.get("relay-track", ""), expire)


def _shown(name: bytes) -> str:
    return "-".join(word.capitalize() for word in name[:60].decode("ascii", "replace").split("-"))


def _value(shown: str, raw: bytes) -> str:
    value = decode_field(raw).strip()
    if not value:
        raise Malformed(f"{shown} is empty")
    if len(value) > LONGEST_VALUE or not value.isprintable():
        raise Malformed(f"{shown} must be at most {LONGEST_VALUE} printable characters")
    return value


def _time(shown: str, value: str, now: float, furthest_s: float) -> float:
    """ISO 8601 (``2026-12-24T08:00:00Z``) or RFC 5322 date with its zone."""
    try:
        when = datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        try:
            when = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            raise Malformed(f"{shown} must be a time like 2026-12-24T08:00:00Z") from None
    if when.tzinfo is None:
        raise Malformed(f"{shown} needs a time zone, like 2026-12-24T08:00:00Z")
    try:
        at = when.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise Malformed(f"{shown} is out of range") from None
    if at > now + furthest_s:
        raise Malformed(f"{shown} lies more than {furthest_s / 86400:.0f} days ahead")
    return at
