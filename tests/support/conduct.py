"""A store whose tenants' outcomes and complaints are made up, and the watch over them with a clock of its own."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.settings import Settings
from relay.conduct.watch import TenantWatch
from relay.events import write as events
from relay.mail.address import parse_address
from relay.store.database import connect, migrate, transaction
from relay.tenants import streams, tenants
from relay.values.states import State

NOW = 1_790_000_000.0
HOUR, DAY = 3600.0, 86_400.0


@functools.cache
def _empty() -> bytes:
    """A migrated database, as octets: made once for many worlds."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "relay.db"
        migrate(path)
        conn = connect(path)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        conn.close()
        return path.read_bytes()


class Clock:
    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class World:
    """Tenants ``acme`` and ``rival`` with a bulk and a transactional stream each."""

    def __init__(self, directory: Path, **tables: Mapping[str, object]) -> None:
        self.settings = Settings.model_validate(
            {
                "server": {"hostname": "relay.example.com", "data_dir": str(directory)},
                "operator": {"name": "Post & Co", "contact": "ops@relay.example.com"},
                **tables,
            }
        )
        self.settings.database.parent.mkdir(parents=True, exist_ok=True)
        self.settings.database.write_bytes(_empty())
        self.conn = connect(self.settings.database)
        self.clock = Clock()
        self.ids: dict[str, int] = {}
        self.streams: dict[tuple[str, str], int] = {}
        for name in ("acme", "rival"):
            self.tenant(name)
        self.watch = TenantWatch(self.settings.database, self.settings, self.clock)
        self._number = 0
        self.watch.turn()  # it follows from here on

    def tenant(self, name: str, contact: str = "", language: str = "") -> int:
        with transaction(self.conn):
            row = tenants.add(
                self.conn, name, parse_address(contact or f"post@{name}.example"), language=language, actor="test",
                now=NOW,
            )  # fmt: skip
            streams.add_defaults(self.conn, row, transactional=True, actor="test", now=NOW)
        self.ids[name] = row.id
        for stream in streams.of_tenant(self.conn, row.id):
            self.streams[name, stream.name] = stream.id
        return row.id

    # -- what became of mail -------------------------------------------------------

    def message(
        self,
        domain: str = "rcpt.example",
        *,
        tenant: str = "acme",
        stream: str = "bulk",
        campaign: int | None = None,
        person: int = 7,
    ) -> int:
        """A submission with one recipient, done; its id."""  # fmt: skip
        self._number += 1
        id_ = 1_000_000 + self._number
        self.conn.execute(
            "INSERT INTO submission (id, tenant_id, stream_id, campaign_id, reverse_path, message_id, from_domain,"
            " size_octets, accepted_at, expires_at, open_recipients)"
            " VALUES (?, ?, ?, ?, '', '<m@x>', 'x', 1, 0, 9e9, 0)",
            (id_, self.ids[tenant], self.streams[tenant, stream], campaign),
        )
        self.conn.execute(
            "INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain,"
            " state, due_at, changed_at) VALUES (?, 0, ?, ?, ?, ?, ?, ?, 0, 0)",
            (id_, self.ids[tenant], campaign, person, f"p@{domain}", domain, int(State.DELIVERED)),
        )
        return id_

    def delivered(
        self,
        count: int,
        domain: str = "rcpt.example",
        *,
        tenant: str = "acme",
        stream: str = "bulk",
        ago: float = 0.0,
    ) -> None:
        """So many copies, as the commits of the queue tell followers."""  # fmt: skip
        whose, where = self.ids[tenant], self.streams[tenant, stream]
        with transaction(self.conn):
            events.told(self.conn, events.DELIVERED, [(whose, where, 1, n) for n in range(count)], self.clock.now - ago)
            events.places(self.conn, {(whose, where, domain, 0): count}, self.clock.now - ago)

    def event(self, kind: str, count: int = 1, *, ago: float = 0.0, amount: int = 1, **about: Any) -> None:
        """So many events, each of a message of its own. ``detail``: what they say; the rest is the message's."""
        detail = about.pop("detail", {})
        for _ in range(count):
            id_ = self.message(**about)
            with transaction(self.conn):
                events.of_copy(
                    self.conn, self.ids[about.get("tenant", "acme")], kind, id_, 0, about.get("campaign"), detail,
                    self.clock.now - ago, amount,
                )  # fmt: skip

    def dead(self, count: int, **about: Any) -> None:
        self.event("bounced", count, detail={"type": "hard", "code": "5.1.1"}, **about)

    def complained(self, count: int, source: str = "report", **about: Any) -> None:
        self.event("complained", count, detail={"type": "abuse", "source": source}, **about)

    # -- what came of it -----------------------------------------------------------

    def look(self, later: float = 0.0) -> None:
        """A turn of the watch, so many seconds later."""
        self.clock.now += later
        self.watch.turn()

    def told(self, tenant: str = "acme") -> list[str]:
        """Kinds of the account's events, in order."""
        rows = self.conn.execute(
            "SELECT kind FROM event WHERE tenant_id = ? AND submission_id IS NULL ORDER BY id", (self.ids[tenant],)
        )
        return [row[0] for row in rows if row[0].startswith("tenant.")]

    def calls(self) -> list[dict[str, Any]]:
        """What the operator was called for."""
        rows = self.conn.execute("SELECT detail FROM event WHERE kind = 'operator.called' ORDER BY id")
        return [json.loads(row[0]) for row in rows]

    def letters(self, to: str) -> list[str]:
        """Subjects of letters to an address, in order."""
        sql = (
            "SELECT s.subject FROM submission s JOIN recipient r ON r.submission_id = s.id"
            " WHERE r.address = ? ORDER BY s.id"
        )
        return [row[0] for row in self.conn.execute(sql, (to,))]

    def frozen(self, tenant: str = "acme") -> str:
        return str(self.conn.execute("SELECT freeze FROM tenant WHERE name = ?", (tenant,)).fetchone()[0])

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.conn.execute(sql, values).fetchall()

    def close(self) -> None:
        self.conn.close()
