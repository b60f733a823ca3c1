"""The consent to being tracked: a person's own, with proof, apart from any topic; and its end (R33).

It is for all mail of a tenant. Who switched tracking off comes back by its own
hand only: on its preferences page, or by a double opt-in that is newer. All
functions work in the caller's transaction; each giving and withdrawing is a
row of the history with a leaf of the audit log, like other consents'.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from relay.audit import log
from relay.events import write as events
from relay.people import consents, erased, wordings
from relay.people.consent_rules import DOUBLE_OPT_IN, PREFERENCES, ConsentRefused, check_ip, check_time, terms
from relay.store.contract import Tx

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets
    from relay.mail.address import Address

Law = Literal["required", "tenant"]
"""``[tracking] consent``: who agreed alone, or all but those who switched it off."""
GIVEN: Final = "tracking-given"
WITHDRAWN: Final = "tracking-withdrawn"
_OWN: Final = frozenset((DOUBLE_OPT_IN, PREFERENCES))
"""Means by which nobody but the person itself speaks."""
_OFF: Final = (
    "EXISTS (SELECT 1 FROM spelling x JOIN tracking_consent o ON o.subscriber_id = x.other_id"
    " WHERE x.subscriber_id = {0} AND o.withdrawn_at IS NOT NULL)"
)
_LIVE: Final = "c.withdrawn_at IS NULL AND NOT " + _OFF.format("c.subscriber_id")
_AGREED: Final = f"SELECT 1 FROM tracking_consent c WHERE c.subscriber_id = ? AND {_LIVE}"
_NOT_OFF: Final = "SELECT 1 FROM subscriber s WHERE s.id = ? AND NOT " + _OFF.format("s.id")
_COPIES: Final = "r.submission_id = ? AND r.number >= ? AND r.number < ?"
_AGREED_AMONG: Final = (
    "SELECT c.subscriber_id FROM recipient r JOIN tracking_consent c ON c.subscriber_id = r.subscriber_id"
    f" WHERE {_COPIES} AND {_LIVE}"
)
_NOT_OFF_AMONG: Final = (
    "SELECT s.id FROM recipient r JOIN subscriber s ON s.id = r.subscriber_id"
    f" WHERE {_COPIES} AND NOT " + _OFF.format("s.id")
)


@dataclass(frozen=True, slots=True)
class TrackingConsent:
    """What is recorded of a person; times in seconds UTC."""

    given_at: float | None
    withdrawn_at: float | None
    source: str = ""
    wording: str = ""
    means: str = ""
    ip: str = ""
    page: str = ""

    @property
    def live(self) -> bool:
        return self.given_at is not None and self.withdrawn_at is None


NEVER_ASKED: Final = TrackingConsent(None, None)


def tracked(conn: Tx, subscriber_id: int, law: Law) -> bool:
    """Whether this person may be tracked now; one statement over indexes."""
    sql = _AGREED if law == "required" else _NOT_OFF
    return conn.execute(sql, (subscriber_id,)).fetchone() is not None


def tracked_among(conn: Tx, submission_id: int, numbers: range, law: Law) -> frozenset[int]:
    """Ids of those among a message's copies with these numbers who may be tracked now."""
    sql = _AGREED_AMONG if law == "required" else _NOT_OFF_AMONG
    return frozenset(row[0] for row in conn.execute(sql, (submission_id, numbers.start, numbers.stop)))


def of(conn: Tx, subscriber_id: int) -> TrackingConsent:
    row = conn.execute(
        "SELECT c.given_at, c.withdrawn_at, c.source, coalesce(w.text, ''), c.means, c.ip, c.page"
        " FROM tracking_consent c LEFT JOIN wording w ON w.id = c.wording_id WHERE c.subscriber_id = ?",
        (subscriber_id,),
    ).fetchone()
    return NEVER_ASKED if row is None else TrackingConsent(*row)


def shown(conn: Tx, subscriber_id: int) -> dict[str, object]:
    """The same for commands and the API."""
    found = of(conn, subscriber_id)
    return {
        "live": found.live,
        "given_at": found.given_at,
        "withdrawn_at": found.withdrawn_at,
        "source": found.source,
        "wording": found.wording,
        "means": found.means,
        "ip": found.ip,
        "page": found.page,
    }


def give(
    conn: Tx,
    secrets: Secrets,
    tenant_id: int,
    address: Address,
    *,
    source: str,
    wording: str,
    means: str,
    given_at: float,
    now: float,
    ip: str = "",
    page: str = "",
    language: str = "",
    actor: str = "cli",
    evidence: Mapping[str, object] | None = None,
) -> None:
    """Record that a person agreed to being tracked by a tenant; raises ConsentRefused, then nothing is changed."""
    agreed = terms(topic="tracking", source=source, wording=wording, means=means, page=page)
    check_time(given_at, now)
    ip = check_ip(ip)
    person = conn.execute(
        "SELECT id FROM subscriber WHERE tenant_id = ? AND address = ?", (tenant_id, address.canonical)
    ).fetchone()
    others = consents.same_mailbox(conn, tenant_id, address.canonical)
    spellings = [*([] if person is None else [int(person[0])]), *others]
    off = [at for at in (of(conn, one).withdrawn_at for one in spellings) if at is not None]
    if off and not (means in _OWN and given_at > max(off)):
        raise ConsentRefused(
            "tracking-off",
            f"{address.canonical} switched tracking off; only the person itself (preferences page, double opt-in) can"
            " switch it on again",
        )
    if means not in _OWN and erased.find(conn, secrets, tenant_id, address.canonical) is not None:
        raise ConsentRefused(
            "unsubscribed", f"{address.canonical} was erased; only its own double opt-in brings it back"
        )
    subscriber_id = consents.subscriber(conn, tenant_id, address.canonical, now)
    for other in others:  # who agrees under one spelling is off under none
        conn.execute("DELETE FROM tracking_consent WHERE subscriber_id = ? AND withdrawn_at IS NOT NULL", (other,))
    wording_id = wordings.make(conn, tenant_id, agreed.wording, now)
    conn.execute(
        "INSERT INTO tracking_consent (subscriber_id, given_at, withdrawn_at, source, wording_id, ip, page, means,"
        " language, recorded_at) VALUES (?, ?, NULL, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (subscriber_id) DO UPDATE SET"
        " given_at = excluded.given_at, withdrawn_at = NULL, source = excluded.source,"
        " wording_id = excluded.wording_id, ip = excluded.ip, page = excluded.page, means = excluded.means,"
        " language = excluded.language, recorded_at = excluded.recorded_at"
        " WHERE tracking_consent.withdrawn_at IS NOT NULL OR tracking_consent.given_at IS NULL",
        (subscriber_id, given_at, agreed.source, wording_id, ip, agreed.page, means, language, now),
    )
    story = {**(evidence or {}), "source": agreed.source, "wording_id": wording_id, "means": means, "ip": ip}
    _history(conn, subscriber_id, GIVEN, given_at, now, {**story, "page": agreed.page, "actor": actor})
    events.of_account(conn, tenant_id, "consent.given", {"recipient": address.canonical, "tracking": True}, now)


def withdraw(
    conn: Tx,
    tenant_id: int,
    subscriber_id: int,
    *,
    means: str,
    now: float,
    evidence: Mapping[str, object],
) -> bool:
    """Nothing of this person is recorded any more, of mail that is out either; True if that changed something.

    It holds for all spellings of the mailbox, and also where nobody had agreed: then it is switched off beforehand.
    """
    person = conn.execute(
        "SELECT address FROM subscriber WHERE id = ? AND tenant_id = ?", (subscriber_id, tenant_id)
    ).fetchone()
    if person is None:
        return False
    if of(conn, subscriber_id).withdrawn_at is not None:
        return False
    for one in (subscriber_id, *consents.same_mailbox(conn, tenant_id, person[0])):
        conn.execute(
            "INSERT INTO tracking_consent (subscriber_id, withdrawn_at, means, recorded_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (subscriber_id) DO UPDATE SET withdrawn_at = excluded.withdrawn_at"
            " WHERE tracking_consent.withdrawn_at IS NULL",
            (one, now, means, now),
        )
        story = {**evidence, "means": means, **({} if one == subscriber_id else {"mailbox_of": person[0]})}
        _history(conn, one, WITHDRAWN, now, now, story)
    events.of_account(conn, tenant_id, "consent.withdrawn", {"recipient": person[0], "tracking": True}, now)
    return True


def _history(conn: Tx, subscriber_id: int, action: str, at: float, now: float, evidence: Mapping[str, object]) -> None:
    kept = {name: value for name, value in evidence.items() if value not in ("", None)}
    text = json.dumps(kept, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    log.history(conn, subscriber_id, 0, action, at, now, text)
