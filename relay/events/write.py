"""Events: what a tenant is told, and what followers (``follow``) read; written in the transaction of what they tell.

``kind`` is a word such as ``bounced``; ``detail`` is kept as JSON. A copy that
was delivered has no event of its own, its row is it: those of one tenant in one
commit share a row that names them (``told``), as do those that a verdict let go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from relay.store.contract import Tx

TOLD: Final = -1
"""``number`` of rows that name many copies (``told``)."""
PLACES: Final = -2
"""``tenant_id`` of rows that tell followers where copies were delivered to: no tenant sees them, and once all have read
one it goes."""
DELIVERED: Final = "delivered"
RELEASED: Final = "released"
RETURNED: Final = "returned"
"""A copy that was delivered, or will be told so, came back: from now on it counts as bounced."""
ToldCopy = tuple[int, int, int, int]
"""(tenant_id, stream_id, submission_id, number) of a copy."""

_INSERT: Final = (
    "INSERT INTO event (tenant_id, at, kind, submission_id, number, campaign_id, detail, amount)"
    " VALUES (?,?,?,?,?,?,?,?)"
)
_JSON: Final = msgspec.json.Encoder(order="deterministic")


def encoded(detail: object) -> str:
    """JSON with sorted keys and no spaces, as ``event.detail`` has it."""
    try:
        return _JSON.encode(detail).decode()
    except UnicodeEncodeError:  # a lone surrogate, out of other people's mail
        return json.dumps(detail, separators=(",", ":"), sort_keys=True)


def accepted(
    conn: Tx,
    tenant_id: int,
    submission_id: int,
    campaign_id: int | None,
    recipients: int,
    detail: Mapping[str, object],
    at: float,
    *,
    counts: bool = True,
) -> None:
    """A submission for so many was taken; ``detail``: what else there is to say. The relay's own letters count not."""
    text = encoded({**detail, "recipients": recipients})
    amount = recipients if counts else 0
    conn.execute(_INSERT, (tenant_id, at, "accepted", submission_id, None, campaign_id, text, amount))


def of_copy(
    conn: Tx,
    tenant_id: int,
    kind: str,
    submission_id: int | None,
    number: int | None,
    campaign_id: int | None,
    detail: Mapping[str, object],
    at: float,
    amount: int = 1,
) -> None:
    """Something that concerns one copy of a message; of an unsubscribing that came by no copy, none is named.

    ``amount`` 0: it tells of something that is counted already.
    """
    conn.execute(_INSERT, (tenant_id, at, kind, submission_id, number, campaign_id, encoded(detail), amount))


def of_copies(
    conn: Tx,
    kind: str,
    copies: Iterable[tuple[int, int, int, int | None]],
    detail: Mapping[str, object],
    at: float,
) -> None:
    """The same for many: (tenant_id, submission_id, number, campaign_id) of each."""
    text = encoded(detail)
    conn.executemany(
        _INSERT,
        [
            (tenant_id, at, kind, submission_id, number, campaign_id, text, 1)
            for tenant_id, submission_id, number, campaign_id in copies
        ],
    )


def of_campaign(conn: Tx, tenant_id: int, kind: str, campaign_id: int, detail: Mapping[str, object], at: float) -> None:
    """Something that concerns a whole campaign."""
    conn.execute(_INSERT, (tenant_id, at, kind, None, None, campaign_id, encoded(detail), 1))


def of_account(conn: Tx, tenant_id: int, kind: str, detail: Mapping[str, object], at: float, amount: int = 1) -> None:
    """Something that concerns the account, not one message; tenant 0: the whole relay. ``amount`` as ``of_copy``'s."""
    conn.execute(_INSERT, (tenant_id, at, kind, None, None, None, encoded(detail), amount))


def told(conn: Tx, kind: str, copies: Sequence[ToldCopy], at: float) -> None:
    """Tell of copies that have no event of their own for it; all of one tenant and commit in one row."""
    by_tenant: dict[int, list[ToldCopy]] = {}
    for copy in copies:
        by_tenant.setdefault(copy[0], []).append(copy)
    conn.executemany(
        _INSERT,
        [(tenant_id, at, kind, None, TOLD, None, encoded(named), len(named)) for tenant_id, named in by_tenant.items()],
    )


def places(conn: Tx, delivered: Mapping[tuple[int, int, str, int], int], at: float) -> None:
    """Tell followers where the copies of one commit went: how many by (tenant_id, stream_id, domain, campaign_id or 0).

    Read as ``relay.events.places.ToldPlace``.
    """
    found = [
        (tenant_id, stream_id, domain, n, campaign) for (tenant_id, stream_id, domain, campaign), n in delivered.items()
    ]
    conn.execute(_INSERT, (PLACES, at, DELIVERED, None, None, None, encoded(found), 0))
