"""From events to spans: one trace for each copy that is done, one span for each wait between two attempts.

All ids come of the copy's own, so that a copy that is told twice is the same trace.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from relay.events.write import DELIVERED, TOLD
from relay.store.contract import Tx
from relay.values.ids import encode_id

ENDS: Final = (DELIVERED, "bounced", "expired", "cancelled", "declined", "withdrawn")
"""What a copy ends with."""
MOST_REPLY: Final = 300
_ADDRESS: Final = re.compile(r"[^\s<>:;,]*@[^\s<>:;,]*")
"""Other servers like to name it in their replies."""
_BAD: Final = ("bounced", "expired")
_OK, _ERROR = 1, 2
"""``StatusCode`` of a span."""
_INTERNAL, _CLIENT = 1, 3
"""``SpanKind``: of this process alone, and a request to others."""


class WalkedCopy(NamedTuple):
    """A copy that is done; ``at`` in seconds UTC."""

    tenant_id: int
    submission_id: int
    number: int
    kind: str
    at: float


def ended(conn: Tx, after: int, until: int) -> Iterator[WalkedCopy]:
    """Copies that ended by an event of (after, until]."""
    marks = ", ".join("?" * len(ENDS))
    rows = conn.execute(
        "SELECT tenant_id, at, kind, submission_id, number, detail FROM event"
        f" WHERE id > ? AND id <= ? AND kind IN ({marks}) ORDER BY id",
        (after, until, *ENDS),
    ).fetchall()
    for tenant_id, at, kind, submission_id, number, detail in rows:
        if number == TOLD:
            for told_tenant, _, one, copy in json.loads(detail):
                yield WalkedCopy(told_tenant, one, copy, kind, at)
        elif submission_id is not None and number is not None:
            yield WalkedCopy(tenant_id, submission_id, number, kind, at)


def sampled(copies: Iterable[WalkedCopy], share: float) -> Iterator[WalkedCopy]:
    """The same copies whoever asks, and whenever."""
    limit = int(share * (1 << 32))
    for copy in copies:
        if int.from_bytes(_digest(copy, "sample")[:4], "big") < limit:
            yield copy


def spans_of(conn: Tx, copy: WalkedCopy) -> list[dict[str, Any]]:
    """As OTLP's JSON has them (ids in hexadecimal, times in nanoseconds as text); empty where its beginning is gone."""
    steps, accepted_at = [], None
    rows = conn.execute(
        "SELECT at, kind, number, detail FROM event"
        " WHERE submission_id = ? AND (number IS NULL OR number = ?) ORDER BY id",
        (copy.submission_id, copy.number),
    )
    for at, kind, number, detail in rows:
        if kind == "accepted" and number is None:
            accepted_at = at
        elif kind == "deferred" and at <= copy.at:
            steps.append((at, kind, json.loads(detail) if detail else {}))
    row = conn.execute(
        "SELECT domain, status, remote FROM recipient WHERE submission_id = ? AND number = ?",
        (copy.submission_id, copy.number),
    ).fetchone()
    if accepted_at is None or row is None:
        return []
    domain, status, remote = row
    steps.append((copy.at, copy.kind, {"status": status, "remote": remote}))
    about = {
        "relay.queue_id": encode_id(copy.submission_id), "relay.copy": copy.number, "relay.tenant": copy.tenant_id,
        "relay.outcome": copy.kind, "relay.attempts": len(steps), "server.address": domain,
    }  # fmt: skip
    root = _span(copy, "message", "", accepted_at, copy.at, _INTERNAL, about, copy.kind in _BAD)
    made, since = [root], accepted_at
    for number, (at, kind, told) in enumerate(steps):
        name = "to the first attempt" if number == 0 else f"to attempt {number + 1}"
        reply = _ADDRESS.sub("…", str(told.get("status", "")))[:MOST_REPLY]
        said = {"relay.outcome": kind, "server.address": told.get("remote", ""), "relay.reply": reply}
        child = _span(copy, name, root["spanId"], since, at, _CLIENT, said, kind in ("deferred", *_BAD))
        made.append(child)
        since = at
    return made


def _span(
    copy: WalkedCopy,
    name: str,
    parent: str,
    start: float,
    end: float,
    kind: int,
    about: Mapping[str, object],
    bad: bool,
) -> dict[str, Any]:
    return {
        "traceId": _digest(copy, "trace")[:16].hex(),
        "spanId": _digest(copy, name)[:8].hex(),
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(int(start * 1e9)),
        "endTimeUnixNano": str(int(max(start, end) * 1e9)),
        "attributes": [attribute(key, value) for key, value in about.items() if value != ""],
        "status": {"code": _ERROR if bad else _OK},
    }


def attribute(key: str, value: object) -> dict[str, Any]:
    """``KeyValue``."""
    return {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}}


def _digest(copy: WalkedCopy, what: str) -> bytes:
    return hashlib.sha256(f"{copy.submission_id}/{copy.number}/{what}".encode()).digest()
