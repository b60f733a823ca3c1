"""Stored records for tests: a database with one tenant, and messages as the intake commits them."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.mail.status import refusal
from relay.people import consents, topics
from relay.pipeline.contract import Add, Effect, Hold, Stage
from relay.queue.enqueue import enqueue
from relay.queue.values import Claim, Enqueued, NewRecipient, NewSubmission
from relay.store.database import connect, migrate, transaction
from relay.values.facts import Recipient
from relay.values.ids import new_submission_id

NOW = 1_790_000_000.0
SHOP = 1
SECRETS = Secrets({1: b"records" * 5}, 1)
BULK = 1
COUNTER = "messages/2026-09"


def open_shop(path: Path) -> sqlite3.Connection:
    """A fresh database: the tenant ``shop`` (1), its stream ``bulk`` (1), topic ``news`` (1); and ``rival`` (2)."""
    migrate(path)
    conn = connect(path)
    with transaction(conn):
        for tenant_id, name in ((SHOP, "shop"), (2, "rival")):
            conn.execute(  # ids are given: a server doesn't learn of those that it is told
                "INSERT INTO tenant (name, contact, plan_started_at, created_at) VALUES (?, 'a@b.example', 0, 0)",
                (name,),
            )
            conn.execute(
                "INSERT INTO stream (tenant_id, name, kind, consent, created_at)"
                " VALUES (?, 'bulk', 'bulk', 'required', 0)",
                (tenant_id,),
            )
        make_topic(conn, "news")
    return conn


def agree(conn: sqlite3.Connection, email: str, *, topic: str = "news", now: float = NOW, **more: object) -> int:
    """Record a consent; returns the subscriber's id."""
    said = {"source": "sign-up form", "wording": "Send me news.", "means": "form", "given_at": now, **more}
    address = parse_address(email)
    with transaction(conn):
        if topic.strip() not in ("", "*"):
            make_topic(conn, topic.strip())
        consents.give(conn, SECRETS, SHOP, address, topic=topic, now=now, **said)  # type: ignore[arg-type]
        return consents.subscriber(conn, SHOP, address.canonical, now)


def make_topic(conn: sqlite3.Connection, name: str, tenant_id: int = SHOP) -> int:
    """The id of the tenant's topic, made where it isn't there."""
    found = topics.find(conn, tenant_id, name)
    if found is None:
        conn.execute("INSERT INTO topic (tenant_id, name) VALUES (?, ?)", (tenant_id, name))
    return found or make_topic(conn, name, tenant_id)


def put(
    conn: sqlite3.Connection,
    emails: Sequence[str],
    *,
    now: float = NOW,
    campaign: str = "",
    stage: Stage | None = None,
    hold: str | Hold = "",
    due_at: float | None = None,
    claim: Claim | None = None,
    tenant_id: int = SHOP,
    message_id: str = "<m@shop.example>",
    random: int = 0,
) -> tuple[int, Enqueued]:
    """Accept one message as the intake would; returns its id and what became of it."""
    counted = Add(COUNTER, 1, None, refusal("quota-messages", "used up"))
    effects: tuple[Effect, ...] = (counted,) if stage is None else (counted, stage)
    recipients = []
    for email in emails:
        address = parse_address(email)
        standing = consents.standing(conn, tenant_id, address.canonical, "2026-09")
        rcpt = Recipient(email, address.canonical, address.domain, standing)
        recipients.append(NewRecipient(rcpt, {}, effects, _hold(hold)))
    new = NewSubmission(
        id=new_submission_id(now, lambda bits: random),
        tenant_id=tenant_id,
        stream_id=tenant_id,
        campaign=campaign,
        campaign_explicit=True,
        topic="news",
        reverse_path="news@shop.example",
        message_id=message_id,
        from_address="news@shop.example",
        from_domain="shop.example",
        subject="Autumn",
        size_octets=1000,
        accepted_at=now,
        due_at=now if due_at is None else due_at,
        expires_at=now + 5 * 86400,
        template=b"template",
        recipients=tuple(recipients),
        client="127.0.0.1",
    )
    with transaction(conn):
        return new.id, enqueue(conn, new, claim)


def _hold(hold: str | Hold) -> Hold | None:
    return hold if isinstance(hold, Hold) else Hold(hold) if hold else None


def column(conn: sqlite3.Connection, sql: str, *values: object) -> list[object]:
    """The first column of all rows."""
    return [row[0] for row in conn.execute(sql, values)]


def one(conn: sqlite3.Connection, sql: str, *values: object) -> object:
    """The first column of the only row."""
    (value,) = column(conn, sql, *values)
    return value
