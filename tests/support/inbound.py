"""A store with one delivered copy, and what may come back for it, through the real committer."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from config.settings import Settings
from relay.feedback.inbound import Inbound
from relay.keys.secrets import Secrets
from relay.keys.tokens import SHARED, Mark, link_token, local_part
from relay.mail.status import Status
from relay.store.database import connect, migrate
from relay.store.sqlite.committer import Committer
from relay.values.states import State
from tests.support.store import ON_SERVER

T = TypeVar("T")
SAMPLES = Path(__file__).parent.parent / "samples" / "bounces"
NOW = 1790000000.0
ANN, TOPIC, SUBMISSION = 7, 3, 1_000_001
MARK = Mark(ANN, TOPIC, SUBMISSION, 0)
SHARED_MARK = Mark(0, 0, SUBMISSION, SHARED)
BEN = 8
HOST = "relay.example.com"

ROWS = f"""
INSERT INTO tenant (id, name, contact, plan, plan_started_at, created_at)
 VALUES (1,'shop','a@shop.example','free',0,0);
INSERT INTO stream (id, tenant_id, name, kind, consent, created_at) VALUES (1,1,'bulk','bulk','required',0);
INSERT INTO domain (tenant_id, name, token, verified_at, created_at) VALUES (1,'shop.example','t',1,0);
INSERT INTO domain (tenant_id, name, token, created_at) VALUES (1,'new.example','t',0);
INSERT INTO topic (id, tenant_id, name) VALUES ({TOPIC},1,'news');
INSERT INTO wording (id, tenant_id, text, created_at) VALUES (1,1,'I want the news',0);
INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES ({ANN},1,'ann@example.net',0);
INSERT INTO consent (subscriber_id, topic_id, given_at, source, wording_id, means, recorded_at)
 VALUES ({ANN},{TOPIC},1,'form',1,'form',1);
INSERT INTO campaign (id, tenant_id, stream_id, name, state, created_at, delivered) VALUES (5,1,1,'offers','open',0,1);
INSERT INTO submission (id, tenant_id, stream_id, campaign_id, reverse_path, message_id, from_domain, size_octets,
 accepted_at, expires_at, open_recipients) VALUES ({SUBMISSION},1,1,5,'a@shop.example','<1@shop.example>','x.example',
 10,0,9e9,0);
INSERT INTO recipient (submission_id, number, tenant_id, campaign_id, subscriber_id, address, domain, state, due_at,
 changed_at) VALUES ({SUBMISSION},0,1,5,{ANN},'ann@example.net','example.net',{int(State.DELIVERED)},0,0);
"""


@functools.cache
def _empty() -> bytes:
    """A migrated database, as octets: made once, since there is a store for every row of long tables."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "relay.db"
        migrate(path)
        conn = connect(path)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        conn.close()
        return path.read_bytes()


_TOLD = "FROM event WHERE coalesce(number, 0) >= 0 AND kind NOT IN ('suppressed', 'consent.given', 'returned')"


class World:
    """A store with one delivered copy to Ann, and what may come back for it."""

    def __init__(self, path: Path, **tables: object) -> None:
        self.path = path / "relay.db"
        if ON_SERVER:
            migrate(self.path)
        else:
            self.path.write_bytes(_empty())
        self.conn = connect(self.path)
        self.conn.executescript(ROWS)
        self.secrets = Secrets.create(path / "secrets")
        self.settings = Settings.model_validate(
            {"server": {"hostname": HOST, "data_dir": path}, "links": {"mail_domain": "rp.relay.example"}, **tables}
        )

    def inbound(self, write: Callable[[Callable[[sqlite3.Connection], Any]], Awaitable[Any]]) -> Inbound:
        return Inbound(self.settings, self.secrets, self.conn, write, lambda: NOW, logging.getLogger("test"))

    def address(self, prefix: str = "b", mark: Mark = MARK, domain: str = HOST) -> str:
        return f"{local_part(self.secrets, prefix, mark)}@{domain}"

    def rcpt(self, address: str) -> Status:
        async def unused(work: Callable[[sqlite3.Connection], T]) -> T:
            raise AssertionError("RCPT writes nothing")

        return self.inbound(unused).rcpt(address, "x@example.org")

    def send(self, raw: bytes, *recipients: str, reverse_path: str = "", times: int = 1, ip: str = "") -> Status:
        async def run() -> Status:
            committer = Committer(self.path)
            try:
                inbound = self.inbound(committer.submit)
                for _ in range(times):
                    status = await inbound.message(reverse_path, recipients or (self.address(),), raw, ip)
                return status
            finally:
                await committer.close()

        return asyncio.run(run())

    def events(self) -> list[str]:
        """Kinds of events but those that say of the person, or of a delivery, what another one says of the copy."""
        return [kind for (kind,) in self.conn.execute(f"SELECT kind {_TOLD} ORDER BY id")]

    def detail(self) -> dict[str, object]:
        (text,) = self.conn.execute(f"SELECT detail {_TOLD} ORDER BY id DESC LIMIT 1").fetchone()
        found = json.loads(text)
        assert isinstance(found, dict)
        return found

    def suppressions(self) -> list[tuple[str, int]]:
        return list(self.conn.execute("SELECT reason, topic_id FROM suppression ORDER BY reason"))

    def figures(self) -> tuple[int, int, int]:
        row = self.conn.execute("SELECT bounced, unsubscribed, complained FROM campaign").fetchone()
        return row[0], row[1], row[2]

    def state(self) -> State:
        return State(self.conn.execute("SELECT state FROM recipient").fetchone()[0])

    def consent_is_live(self) -> bool:
        return bool(self.conn.execute("SELECT withdrawn_at IS NULL FROM consent").fetchone()[0])

    def link(self, page: str = "u", mark: Mark = MARK) -> str:
        return f"https://{HOST}/{page}/{link_token(self.secrets, mark)}"

    def kept(self) -> list[bytes]:
        """What waits for the operator in the Maildir."""
        new = self.settings.operator_mail / "new"
        return [path.read_bytes() for path in sorted(new.iterdir())] if new.exists() else []

    def share(self) -> Mark:
        """Ann and Ben had one copy of it; the mark of that copy."""
        self.conn.executescript(f"""
            INSERT INTO subscriber (id, tenant_id, address, created_at) VALUES ({BEN},1,'ben@example.net',0);
            INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,
             changed_at) VALUES ({SUBMISSION},1,1,{BEN},'Ben@example.net','example.net',{int(State.DELIVERED)},0,0);
            UPDATE submission SET shared = 1;
        """)
        return SHARED_MARK

    def suppressed(self) -> list[tuple[int, str]]:
        return list(self.conn.execute("SELECT subscriber_id, reason FROM suppression ORDER BY subscriber_id"))


def sample(name: str) -> bytes:
    """One of ``tests/samples/bounces``."""
    return (SAMPLES / f"{name}.eml").read_bytes()
