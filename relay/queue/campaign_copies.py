"""Each recipient of a campaign with what became of their copy: in the order they came, page by page, with search.

Copies have no index by campaign, since mail on its way would pay for it: the
submissions of the campaign's time are walked by their key, a piece at a time.
How many are looked at for one page has an end, and a page may then hold fewer
and still name a next one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from relay.campaigns.campaigns import Campaign
from relay.queue.held import word
from relay.queue.messages import AddressMatch, in_state
from relay.queue.view import LEASED
from relay.store.contract import Tx
from relay.values.ids import encode_id, first_id
from relay.values.states import State

PIECE: Final = 1_000
MOST_LOOKED_AT: Final = 10_000
"""Messages looked at for one page, of whomever: some hundredths of a second."""
STATES: Final = (
    "ready", "leased", "held", "delivered", "bounced", "expired", "cancelled", "declined", "withdrawn",
)  # fmt: skip
_STATUS: Final = re.compile(r"(?:[245]\d\d[ -])?([245]\.\d{1,3}\.\d{1,3})(?![\w.])")
_LAST: Final = (1 << 63) - 1
_AROUND_S: Final = 5.0
"""A campaign is made a moment before its first message has its id, or after it."""
CopyPlace = tuple[int, int]
"""Submission and number of the last copy looked at."""


@dataclass(frozen=True, slots=True)
class CampaignCopy:
    """One recipient's copy; times in seconds UTC."""

    message: str
    """Id of its message."""
    email: str
    state: str
    status: str
    """Enhanced status code (RFC 3463) of the last answer; empty: none as yet."""
    reason: str
    """What was answered last, or why it is held; empty: nothing as yet."""
    remote: str
    """Who answered: host and address."""
    attempts: int
    accepted_at: float
    changed_at: float


def page(
    conn: Tx, campaign: Campaign, search: str, state: str, after: CopyPlace | None, limit: int
) -> tuple[list[CampaignCopy], CopyPlace | None]:
    """Up to ``limit`` copies behind ``after``, and where the next page begins; None: there is none.

    ``search``: an address, ``@domain``, or a part of an address; ``state``: one of STATES. Empty: all.
    """
    low = first_id(max(0.0, campaign.created_at - _AROUND_S)) if after is None else after[0]
    last_at = float(conn.execute("SELECT last_at FROM campaign WHERE id = ?", (campaign.id,)).fetchone()[0])
    high = first_id(last_at + _AROUND_S) if last_at else _LAST  # campaigns of earlier releases don't say
    match, found, looked = AddressMatch(search), list[CampaignCopy](), 0
    while True:
        heads = conn.execute(
            "SELECT id, campaign_id FROM submission WHERE id >= ? AND id <= ? ORDER BY id LIMIT ?", (low, high, PIECE)
        ).fetchall()
        own = [int(head[0]) for head in heads if head[1] == campaign.id]
        for place, copy in _copies(conn, campaign.id, own, state, match.domain, after) if own else ():
            if not match(copy.email):
                continue
            found.append(copy)
            if len(found) == limit:
                return found, place
        if len(heads) < PIECE:
            return found, None
        low, looked = int(heads[-1][0]) + 1, looked + len(heads)
        if looked >= MOST_LOOKED_AT:
            return found, (low, -1)


def _copies(
    conn: Tx, campaign_id: int, own: list[int], state: str, domain: str, after: CopyPlace | None
) -> Iterator[tuple[CopyPlace, CampaignCopy]]:
    first, number = after if after is not None and after[0] == own[0] else (own[0], -1)
    rows = conn.execute(
        "SELECT r.submission_id, r.number, r.address, r.state, r.owner IS NOT NULL, r.status, r.remote,"
        " r.held_by, r.hold_reason, r.attempts, s.accepted_at, r.changed_at"
        " FROM recipient r JOIN submission s ON s.id = r.submission_id"
        " WHERE r.submission_id >= ? AND r.submission_id <= ? AND r.campaign_id = ?"
        f" AND (r.submission_id > ? OR r.number > ?){in_state(state, 'r.')} AND (? = '' OR r.domain = ?)"
        " ORDER BY r.submission_id, r.number",
        (first, own[-1], campaign_id, first, number, domain, domain),
    )
    for (
        submission_id,
        at,
        address,
        code,
        leased,
        status,
        remote,
        held_by,
        held,
        attempts,
        accepted_at,
        changed_at,
    ) in rows:
        shown = LEASED if code == State.READY and leased else State(code).name.lower()
        said = (word(held_by, held) or held) if shown == "held" else status
        yield (
            (submission_id, at),
            CampaignCopy(
                encode_id(submission_id), address, shown, _code(status or ""),
                said or "", remote or "", attempts, accepted_at,
                changed_at,
            ),
        )  # fmt: skip


def _code(answer: str) -> str:
    found = _STATUS.match(answer)
    return found[1] if found else ""
