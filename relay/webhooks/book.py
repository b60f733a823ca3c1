"""Webhooks as stored: made, changed, listed, rotated, removed. All functions work in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from relay.audit import actions
from relay.events import stream
from relay.events.types import MEANINGS
from relay.keys.secrets import Secrets
from relay.store import marks
from relay.store.contract import Tx
from relay.values.errors import RegistryError
from relay.values.suggest import did_you_mean
from relay.webhooks import keys
from relay.webhooks.address import address_of
from relay.webhooks.keys import WebhookKey

MARK: Final = "webhooks"
"""Moves with every change; who calls them reads them anew."""
PREFIX: Final = "wh_"
MOST: Final = 20
"""Of one tenant."""
BOTH_S: Final = 86_400.0
"""So long the key before signs beside the new one."""
GONE: Final = "its server said that it is gone (410)"


@dataclass(frozen=True, slots=True)
class WebhookRow:
    """One webhook as stored; times in seconds UTC."""

    id: int
    tenant_id: int
    url: str
    types: frozenset[str]
    """Empty: all."""
    created_at: float
    place: stream.StreamPlace
    failing_since: float | None
    paused_until: float | None
    ended_at: float | None
    ended_why: str

    @property
    def word(self) -> str:
        return f"{PREFIX}{self.id}"

    @property
    def state(self) -> str:
        """``active``, ``failing`` or ``ended``."""
        if self.ended_at is not None:
            return "ended"
        return "active" if self.failing_since is None else "failing"


_COLUMNS: Final = (
    "id, tenant_id, url, types, created_at, at_row, at_number, failing_since, paused_until, ended_at, ended_why"
)


def add(
    conn: Tx,
    secrets: Secrets,
    tenant_id: int,
    url: str,
    types: Iterable[str],
    *,
    allow_private: bool,
    actor: str,
    now: float,
) -> tuple[WebhookRow, WebhookKey]:
    """A new webhook, told of what happens from now on; raises RegistryError."""
    address = address_of(url, allow_private=allow_private)
    chosen = checked(types)
    if len(of_tenant(conn, tenant_id)) >= MOST:
        raise RegistryError(f"there are {MOST} webhooks already, which is the most; remove one that isn't needed")
    row, number = stream.head(conn, tenant_id)
    (id_,) = conn.execute(
        "INSERT INTO webhook (tenant_id, url, types, created_at, at_row, at_number) VALUES (?, ?, ?, ?, ?, ?)"
        " RETURNING id",
        (tenant_id, address.url, " ".join(chosen), now, row, number),
    ).fetchone()
    key = _key(conn, secrets, id_, now)
    marks.move(conn, MARK)
    actions.record(conn, actor, "webhook-added", tenant_id, {"webhook": id_, "url": address.url}, now)
    return find(conn, tenant_id, id_), key


def checked(types: Iterable[str]) -> list[str]:
    """Types of events in the order of their list; raises RegistryError for one that there isn't."""
    chosen = {word for word in types if word}
    if unknown := sorted(chosen - MEANINGS.keys()):
        hint = did_you_mean(unknown[0], MEANINGS)
        raise RegistryError(f"there is no event {unknown[0][:60]!r}{hint or ';'} there are {', '.join(MEANINGS)}")
    return [name for name in MEANINGS if name in chosen]


def id_of(text: str) -> int:
    """``wh_12`` or ``12``; raises RegistryError."""
    word = text.strip().removeprefix(PREFIX)
    if not (word.isascii() and word.isdecimal() and len(word) < 19):
        raise RegistryError(f"{text[:60]!r} is no webhook's id; it is like {PREFIX}1")
    return int(word)


def find(conn: Tx, tenant_id: int | None, webhook_id: int) -> WebhookRow:
    """The tenant's (None: whosever); raises RegistryError if there is none."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM webhook WHERE id = ? AND (? IS NULL OR tenant_id = ?)",
        (webhook_id, tenant_id, tenant_id),
    ).fetchone()
    if row is None:
        raise RegistryError(f"there is no webhook {PREFIX}{webhook_id}; `relay webhook list` shows all")
    return _row(row)


def of_tenant(conn: Tx, tenant_id: int | None) -> list[WebhookRow]:
    """The tenant's, or all, in the order they were made."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM webhook WHERE ? IS NULL OR tenant_id = ? ORDER BY id", (tenant_id, tenant_id)
    )
    return [_row(row) for row in rows.fetchall()]


def live(conn: Tx) -> list[WebhookRow]:
    """All that are to be called."""
    return [_row(row) for row in conn.execute(f"SELECT {_COLUMNS} FROM webhook WHERE ended_at IS NULL").fetchall()]


def change(
    conn: Tx,
    webhook: WebhookRow,
    *,
    url: str | None,
    types: Iterable[str] | None,
    allow_private: bool,
    actor: str,
    now: float,
) -> WebhookRow:
    """What is None stays; raises RegistryError."""
    told: dict[str, object] = {"webhook": webhook.id}
    if url is not None:
        told["url"] = address_of(url, allow_private=allow_private).url
        conn.execute("UPDATE webhook SET url = ? WHERE id = ?", (told["url"], webhook.id))
    if types is not None:
        told["events"] = " ".join(checked(types))
        conn.execute("UPDATE webhook SET types = ? WHERE id = ?", (told["events"], webhook.id))
    marks.move(conn, MARK)
    actions.record(conn, actor, "webhook-changed", webhook.tenant_id, told, now)
    return find(conn, webhook.tenant_id, webhook.id)


def remove(conn: Tx, webhook: WebhookRow, *, actor: str, now: float) -> None:
    """It is called no more; what waited for it and its log go with it."""
    for table in ("webhook_try", "webhook_again", "webhook_key"):
        conn.execute(_OF[table], (webhook.id,))
    conn.execute("DELETE FROM webhook WHERE id = ?", (webhook.id,))
    marks.move(conn, MARK)
    actions.record(conn, actor, "webhook-removed", webhook.tenant_id, {"webhook": webhook.id, "url": webhook.url}, now)


_OF: Final = {
    "webhook_try": "DELETE FROM webhook_try WHERE webhook_id = ?",
    "webhook_again": "DELETE FROM webhook_again WHERE webhook_id = ?",
    "webhook_key": "DELETE FROM webhook_key WHERE webhook_id = ?",
}


def end(conn: Tx, webhook: WebhookRow, why: str, now: float) -> bool:
    """Call it no more, until a test succeeds; False if it has ended before."""
    done = conn.execute(
        "UPDATE webhook SET ended_at = ?, ended_why = ? WHERE id = ? AND ended_at IS NULL", (now, why, webhook.id)
    )
    if done.rowcount:
        marks.move(conn, MARK)
        told = {"webhook": webhook.id, "url": webhook.url, "reason": why}
        actions.record(conn, "relay", "webhook-ended", webhook.tenant_id, told, now)
    return done.rowcount == 1


def resume(conn: Tx, webhook: WebhookRow, *, actor: str, now: float) -> None:
    """Its server answers again: it goes on where it stopped."""
    conn.execute(
        "UPDATE webhook SET ended_at = NULL, ended_why = '', failing_since = NULL, paused_until = NULL WHERE id = ?",
        (webhook.id,),
    )
    marks.move(conn, MARK)
    actions.record(conn, actor, "webhook-resumed", webhook.tenant_id, {"webhook": webhook.id}, now)


# --- keys --------------------------------------------------------------------------


def rotate(conn: Tx, secrets: Secrets, webhook: WebhookRow, *, actor: str, now: float) -> WebhookKey:
    """A new key; the one before signs beside it for BOTH_S more, older ones no more."""
    conn.execute("DELETE FROM webhook_key WHERE webhook_id = ? AND ends_at IS NOT NULL", (webhook.id,))
    conn.execute("UPDATE webhook_key SET ends_at = ? WHERE webhook_id = ?", (now + BOTH_S, webhook.id))
    key = _key(conn, secrets, webhook.id, now)
    marks.move(conn, MARK)
    actions.record(conn, actor, "webhook-rotated", webhook.tenant_id, {"webhook": webhook.id}, now)
    return key


def signing(conn: Tx, secrets: Secrets, webhook_id: int, now: float) -> list[tuple[WebhookKey, float | None]]:
    """Keys in force, the newest first, and until when; raises SecretsError."""
    rows = conn.execute(
        "SELECT sealed, ends_at FROM webhook_key WHERE webhook_id = ? AND (ends_at IS NULL OR ends_at > ?)"
        " ORDER BY id DESC",
        (webhook_id, now),
    ).fetchall()
    return [(keys.unseal(secrets, sealed, webhook_id), ends_at) for sealed, ends_at in rows]


def public_keys(conn: Tx, webhook_id: int, now: float) -> Sequence[str]:
    """For ``v1a``, the newest first."""
    rows = conn.execute(
        "SELECT public FROM webhook_key WHERE webhook_id = ? AND (ends_at IS NULL OR ends_at > ?) ORDER BY id DESC",
        (webhook_id, now),
    )
    return [keys.public_text(public) for (public,) in rows]


def _key(conn: Tx, secrets: Secrets, webhook_id: int, now: float) -> WebhookKey:
    key = keys.make()
    conn.execute(
        "INSERT INTO webhook_key (webhook_id, sealed, public, created_at) VALUES (?, ?, ?, ?)",
        (webhook_id, keys.seal(secrets, key, webhook_id), key.public, now),
    )
    return key


def _row(row: Sequence[object]) -> WebhookRow:
    id_, tenant_id, url, types, created_at, at_row, at_number, *rest = row
    place = (int(str(at_row)), int(str(at_number)))
    return WebhookRow(id_, tenant_id, url, frozenset(str(types).split()), created_at, place, *rest)  # type: ignore[arg-type]
