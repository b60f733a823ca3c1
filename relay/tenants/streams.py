"""Streams: a tenant's channels, each bulk or transactional (R1)."""

from __future__ import annotations

import re
from typing import Any

from relay.audit import actions
from relay.people import topics
from relay.store.contract import Conflict, Tx
from relay.values.errors import RegistryError
from relay.values.facts import Kind, Stream
from relay.values.grounds import CONTRACT, GROUNDS
from relay.values.suggest import did_you_mean
from relay.values.tenant import TenantRow

ANY_TOPIC = "*"
MAX_TOPIC = 100
MAX_REASON = 500
BULK_ASKS = "a bulk stream can't be exempt from consent; make the stream transactional if it is that"
FOOTERS = ("full", "short", "headers")
TRACKS = ("none", "opens", "clicks", "all")
BY_CONTRACT = "replies to what people themselves ordered, asked for or have an account for; said with the tenant"
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
COLUMNS = "id, tenant_id, name, kind, topic, consent, default_topic, footer, ground, essential, track, decoy, flow"
"""For ``from_row``."""


def add(
    conn: Tx,
    tenant: TenantRow,
    name: str,
    kind: Kind,
    *,
    topic: str = ANY_TOPIC,
    ground: str = "",
    essential: bool = False,
    flow: bool = False,
    footer: str = "",
    reason: str = "",
    actor: str,
    now: float,
) -> Stream:
    """A new stream. Consent is required, whatever its kind, but where a ``ground`` frees it, with the reason (R1)."""
    if not _NAME.fullmatch(name):
        raise RegistryError(f"{name!r} is no stream name: use 1 to 63 of a-z, 0-9 and -, and don't begin with -")
    _exempt(kind, ground, reason)
    _essential(kind, essential, reason)
    if flow and kind is not Kind.BULK:
        raise RegistryError("a flow is bulk mail that goes as things happen; service mail isn't staged anyway")
    required = not ground
    footer = _footer(kind, footer, reason)
    topic = _topic(topic)
    if topic != ANY_TOPIC:
        topics.first_or_known(conn, tenant.id, topic)
    try:
        conn.execute(
            "INSERT INTO stream (tenant_id, name, kind, topic, consent, created_at, footer, ground, essential, flow)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(tenant.id, name, kind, topic, "required" if required else "exempt"),
                *(now, footer, ground, int(essential), int(flow)),
            ),
        )
    except Conflict as error:
        raise RegistryError(f"{tenant.name} has a stream {name!r} already; choose another name") from error
    stream = find(conn, tenant, name)
    detail = {"name": name, "kind": str(kind), "topic": stream.topic, "consent_required": required}
    detail |= {"footer": footer} if footer else {}
    detail |= {"ground": ground} if ground else {}
    detail |= {"essential": True} if essential else {}
    detail |= {"flow": True} if flow else {}
    detail |= {"reason": " ".join(reason.split())} if reason.strip() else {}
    actions.record(conn, actor, "stream-added", tenant.id, detail, now)
    return stream


def add_defaults(conn: Tx, tenant: TenantRow, *, transactional: bool = False, actor: str, now: float) -> list[Stream]:
    """What a tenant begins with: ``bulk``, and where the operator says so ``transactional``, freed from consent."""
    made = [add(conn, tenant, "bulk", Kind.BULK, actor=actor, now=now)]
    if transactional:
        name, kind = "transactional", Kind.TRANSACTIONAL
        made.append(add(conn, tenant, name, kind, ground=CONTRACT, reason=BY_CONTRACT, actor=actor, now=now))
    return made


def set_default_topic(conn: Tx, tenant: TenantRow, name: str, topic: str, *, actor: str, now: float) -> Stream:
    """Under which topic mail on a stream for all goes that names none; ``""``: the tenant's first again."""
    stream = find(conn, tenant, name)
    if stream.topic != ANY_TOPIC:
        raise RegistryError(f"stream {name} is for the topic {stream.topic} alone, so there is nothing to choose")
    topic = topic.strip()
    if topic:
        topics.known(conn, tenant.id, topic)
    conn.execute("UPDATE stream SET default_topic = ? WHERE id = ?", (topic, stream.id))
    actions.record(conn, actor, "stream-edited", tenant.id, {"name": name, "default_topic": topic}, now)
    return find(conn, tenant, name)


def set_track(
    conn: Tx,
    tenant: TenantRow,
    name: str,
    *,
    track: str | None = None,
    decoy: bool | None = None,
    actor: str,
    now: float,
) -> Stream:
    """What is to be known of the copies of persons who agreed to it (R33), and whether machines are to give themselves
    away by a link that nobody sees; None: as it is."""
    stream = find(conn, tenant, name)
    if track is not None and track not in TRACKS:
        raise RegistryError(f"{track!r} is nothing to track; there are: {', '.join(TRACKS)}")
    wanted = stream.track if track is None else track
    if stream.essential and wanted != "none":
        raise RegistryError(f"stream {name} is essential: its mail is never tracked")
    found = stream.decoy if decoy is None else decoy
    conn.execute("UPDATE stream SET track = ?, decoy = ? WHERE id = ?", (wanted, int(found), stream.id))
    detail = {"name": name, "track": wanted, "decoy": found}
    actions.record(conn, actor, "stream-edited", tenant.id, detail, now)
    return find(conn, tenant, name)


def find(conn: Tx, tenant: TenantRow, name: str) -> Stream:
    """The tenant's stream of that name; RegistryError if there is none."""
    row = conn.execute(f"SELECT {COLUMNS} FROM stream WHERE tenant_id = ? AND name = ?", (tenant.id, name)).fetchone()
    if row is None:
        names = [stream.name for stream in of_tenant(conn, tenant.id)]
        hint = did_you_mean(name, names) or ";"
        raise RegistryError(f"{tenant.name} has no stream {name!r}{hint} there are: {', '.join(names) or 'none'}")
    return from_row(row)


def of_tenant(conn: Tx, tenant_id: int) -> list[Stream]:
    """The tenant's streams in the order they were made."""
    rows = conn.execute(f"SELECT {COLUMNS} FROM stream WHERE tenant_id = ? ORDER BY id", (tenant_id,))
    return [from_row(row) for row in rows]


def from_row(row: tuple[Any, ...]) -> Stream:
    """From ``COLUMNS``."""
    id_, tenant_id, name, kind, topic, consent, default_topic, footer, ground, essential, *rest = row
    required = consent == "required"
    track, decoy, flow = rest
    return Stream(
        id_,
        tenant_id,
        name,
        Kind(kind),
        topic,
        required,
        default_topic,
        footer,
        ground=ground,
        essential=bool(essential),
        track=track,
        decoy=bool(decoy),
        flow=bool(flow),
    )


def _exempt(kind: Kind, ground: str, reason: str) -> None:
    """What frees a stream from consent is the operator's word, with its ground and why it holds (R1)."""
    if not ground:
        return
    if kind is Kind.BULK:
        raise RegistryError(BULK_ASKS)
    if ground not in GROUNDS:
        raise RegistryError(f"{ground[:40]!r} is no ground; there are: {', '.join(GROUNDS)}")
    _said(reason, "a stream freed from consent needs --reason: why the ground holds for its messages")


def _essential(kind: Kind, essential: bool, reason: str) -> None:
    if not essential:
        return
    if kind is Kind.BULK:
        raise RegistryError("bulk mail is never essential; make the stream transactional if it is that")
    _said(reason, "an essential stream needs --reason: which codes, resets or alerts go through it")


def _said(reason: str, otherwise: str) -> None:
    line = " ".join(reason.split())
    if not line:
        raise RegistryError(otherwise)
    if len(line) > MAX_REASON or not line.isprintable():
        raise RegistryError(f"a reason is printable text of at most {MAX_REASON} characters")


def _footer(kind: Kind, footer: str, reason: str) -> str:
    """Less than the kind's own footer is the operator's word, with a reason that goes to the log (R6)."""
    if not footer:
        return ""
    if footer not in FOOTERS:
        raise RegistryError(f"{footer!r} is no footer; there are: {', '.join(FOOTERS)}")
    if kind is Kind.BULK and footer != "full":
        raise RegistryError("bulk mail has the full footer: each reader can end it in the message (R6)")
    if footer == "headers":
        _said(reason, "a stream without a footer needs --reason: why its readers can do without the way out")
    return footer


def _topic(text: str) -> str:
    topic = text.strip()
    if not topic:
        raise RegistryError(f"the topic is empty; name it, or write {ANY_TOPIC} where each message names its own")
    if len(topic) > MAX_TOPIC or not topic.isprintable():
        raise RegistryError(f"a topic is printable text of at most {MAX_TOPIC} characters")
    return topic
