"""What holds now against what was recorded: consents, suppressions, freezes, verdicts.

The log shows any change of a record. This shows a change of what is made of
records, e.g. a withdrawal taken out of ``consent`` so that mail goes out again.
"""

from __future__ import annotations

import json
from typing import Final

from relay.audit.findings import Findings
from relay.store.contract import Failure, Tx

_MOST: Final = 1_000


def _of(name: str) -> str:
    # A forged evidence that is no JSON must not end the look.
    return f"CASE WHEN json_valid(h.evidence) THEN json_extract(h.evidence, '$.{name}') END"


_HISTORY: Final = " FROM consent_history h WHERE h.subscriber_id = x.subscriber_id AND h.topic_id"
_LAST: Final = (
    f"(SELECT h.action{_HISTORY} IN (0, x.topic_id) AND h.action IN ('given', 'withdrawn', 'undone')"
    " ORDER BY h.id DESC LIMIT 1)"
)
_GIVEN: Final = (
    f"EXISTS (SELECT 1{_HISTORY} = x.topic_id AND h.action = 'given' AND h.at = x.given_at"
    f" AND h.recorded_at = x.recorded_at AND {_of('source')} = x.source"
    f" AND CAST({_of('wording_id')} AS TEXT) = CAST(x.wording_id AS TEXT)"
    f" AND {_of('means')} = x.means AND coalesce({_of('ip')}, '') = x.ip AND coalesce({_of('page')}, '') = x.page)"
)
_ENDED: Final = f"EXISTS (SELECT 1{_HISTORY} IN (0, x.topic_id) AND h.action IN ('withdrawn', 'undone') AND h.at = x."
# Who was erased may stay suppressed without a history.
_KNOWN: Final = "EXISTS (SELECT 1 FROM consent_history k WHERE k.subscriber_id = x.subscriber_id)"

_CHECKS: Final = (
    ("consent x", f"x.channel = 'email' AND NOT {_GIVEN}", "the consent isn't what was recorded"),
    (
        "consent x",
        f"x.channel = 'email' AND x.withdrawn_at IS NULL AND {_LAST} IS NOT 'given'",
        "the consent counts as live and was withdrawn",
    ),
    (
        "consent x",
        f"x.channel = 'email' AND x.withdrawn_at IS NOT NULL AND (coalesce({_LAST}, '') NOT IN ('withdrawn', 'undone')"
        f" OR NOT {_ENDED}withdrawn_at))",
        "the consent counts as withdrawn, and that isn't recorded so",
    ),
    (
        "consent x",
        "x.suppressed <> CASE WHEN EXISTS (SELECT 1 FROM spelling y JOIN suppression p"
        " ON p.subscriber_id = y.other_id WHERE y.subscriber_id = x.subscriber_id) THEN 1 ELSE 0 END",
        "the consent doesn't say rightly whether the person is suppressed",
    ),
    (
        "consent_history x",
        "x.action = 'given' AND NOT EXISTS (SELECT 1 FROM consent c WHERE c.subscriber_id = x.subscriber_id"
        " AND c.topic_id = x.topic_id AND c.channel = 'email')",
        "a consent was recorded and is gone",
    ),
    (
        "consent_history x",
        # What another spelling of the mailbox ended has no suppression of its own: the consent is looked at above.
        "x.action = 'withdrawn' AND CASE WHEN json_valid(x.evidence) THEN json_extract(x.evidence, '$.mailbox_of')"
        " END IS NULL AND NOT EXISTS (SELECT 1 FROM consent_history h WHERE"
        " h.subscriber_id = x.subscriber_id AND h.id > x.id AND x.topic_id IN (0, h.topic_id)"
        f" AND (h.action = 'given' OR h.action = 'lifted' AND {_of('reason')} = 'unsubscribed'))"
        " AND NOT EXISTS (SELECT 1 FROM suppression p WHERE p.subscriber_id = x.subscriber_id"
        " AND p.topic_id IN (0, x.topic_id) AND p.reason = 'unsubscribed')",
        "the person unsubscribed, and would get mail",
    ),
    (
        "consent_history x",
        "x.action = 'suppressed' AND NOT EXISTS (SELECT 1 FROM consent_history h WHERE"
        " h.subscriber_id = x.subscriber_id AND h.id > x.id AND h.action = 'lifted' AND h.topic_id = x.topic_id"
        f" AND {_of('reason')} = json_extract(x.evidence, '$.reason'))"
        " AND NOT EXISTS (SELECT 1 FROM suppression p WHERE p.subscriber_id = x.subscriber_id"
        " AND p.topic_id = x.topic_id AND p.reason = json_extract(x.evidence, '$.reason'))",
        "a suppression was recorded and is gone",
    ),
    (
        "suppression x",
        f"x.reason <> 'unsubscribed' AND {_KNOWN}"
        f" AND NOT EXISTS (SELECT 1{_HISTORY} = x.topic_id AND h.action = 'suppressed'"
        f" AND h.at = x.since_at AND {_of('reason')} = x.reason AND coalesce({_of('detail')}, '') = x.detail)",
        "the suppression isn't what was recorded",
    ),
    (
        "suppression x",
        # Its detail is that of the record, where it has one; earlier releases kept the means alone.
        f"x.reason = 'unsubscribed' AND {_KNOWN} AND NOT {_ENDED}since_at"
        f" AND x.detail IN (coalesce({_of('means')}, ''), coalesce({_of('detail')}, {_of('means')}, '')))",
        "the suppression isn't what was recorded",
    ),
)


def check(conn: Tx, found: Findings) -> None:
    """Add to ``found`` whatever holds without a record, or is recorded and doesn't hold."""
    for table, where, text in _CHECKS:
        try:
            _people(conn, found, table, where, text)
        except Failure as error:
            found.fault(f"{table.split()[0]} holds what can't be read: {error}")
    _tenants(conn, found)
    _campaigns(conn, found)


def _people(conn: Tx, found: Findings, table: str, where: str, text: str) -> None:
    rows = conn.execute(
        f"SELECT x.subscriber_id, x.topic_id, (SELECT name FROM topic WHERE id = x.topic_id) FROM {table}"
        f" WHERE {where} LIMIT {_MOST}"
    )
    for subscriber_id, topic_id, topic in rows:
        about = "all topics" if topic_id == 0 else f"topic {topic!r}"
        found.fault(f"subscriber {subscriber_id}, {about}: {text}")


def _tenants(conn: Tx, found: Findings) -> None:
    recorded: dict[int, tuple[str, str]] = {}
    names: dict[int, str] = {}
    for tenant_id, action, detail in conn.execute(
        "SELECT tenant_id, action, detail FROM audit"
        " WHERE action IN ('tenant-added', 'tenant-frozen', 'tenant-unfrozen') ORDER BY id"
    ):
        told = _object(detail)
        if action == "tenant-added":
            names[tenant_id] = str(told.get("name"))
            continue
        frozen = action == "tenant-frozen"
        recorded[tenant_id] = (str(told.get("streams")), str(told.get("reason"))) if frozen else ("none", "")
    for tenant_id, name, freeze, reason in conn.execute("SELECT id, name, freeze, freeze_reason FROM tenant"):
        if recorded.get(tenant_id, ("none", "")) != (freeze, reason):
            found.fault(f"tenant {name}: its freeze isn't what was recorded last")
        if names.get(tenant_id, name) != name:
            found.fault(f"tenant {name}: it was added as {names[tenant_id]}")


def _campaigns(conn: Tx, found: Findings) -> None:
    said: dict[object, tuple[str, str]] = {}
    decided: dict[object, tuple[float, str]] = {}
    for at, actor, action, detail in conn.execute(
        "SELECT at, actor, action, detail FROM audit WHERE action LIKE 'campaign-%' ORDER BY id"
    ):
        told, state = _object(detail), action.removeprefix("campaign-")
        said[told.get("campaign")] = state, str(told.get("why"))
        if state in ("released", "declined"):
            decided[told.get("campaign")] = at, actor
    for id_, state, why, at, actor in conn.execute("SELECT id, state, why, decided_at, decided_by FROM campaign"):
        running = state in ("open", "staged", "watching") and why == ""
        if (said[id_] != (state, why) if id_ in said else not running) or decided.get(id_, (None, "")) != (at, actor):
            found.fault(f"campaign {id_}: its state {state!r} isn't the verdict that was recorded last")


def _object(text: object) -> dict[str, object]:
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
