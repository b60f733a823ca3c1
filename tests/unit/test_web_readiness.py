"""``/readyz``: red with a reason in words, for each thing that keeps mail from being stored; green again by itself."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Scope

from relay.observe.trouble import WORDS, Trouble
from relay.store.database import connect, migrate
from relay.store.sqlite.pool import Pool
from relay.web import health, readiness
from relay.web.health import Health
from relay.web.peer import Insiders
from relay.web.server.liveness import STALE_AFTER_S, Heartbeat


@pytest.fixture
def db(tmp_path: Path) -> Path:
    path = tmp_path / "relay.db"
    migrate(path)
    return path


class Everybody(Insiders):
    def __init__(self) -> None:
        super().__init__([])

    def has(self, scope: Scope) -> bool:
        return True


class Page:
    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(health, "KEPT_S", 0.0)
        self.alive, self.troubles = True, list[Trouble]()
        made = Health(Pool(path, size=1, lock_wait_s=0.05), lambda: self.alive, Everybody(), self._troubles)
        self._client = TestClient(Starlette(routes=made.routes()))

    def _troubles(self) -> Sequence[Trouble]:
        return self.troubles

    def get(self) -> tuple[int, Any]:
        answer = self._client.get("/readyz")
        assert self._client.get("/healthz").status_code == 200
        return answer.status_code, answer.json()


@pytest.fixture
def page(db: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(db, monkeypatch)


def test_all_is_well(page: Page) -> None:
    assert page.get() == (200, {"status": "ready", "store": "ok", "mail": "ok"})


@pytest.mark.parametrize("trouble", [one for one in Trouble if one])
def test_what_a_mail_process_says_is_told(page: Page, trouble: Trouble) -> None:
    page.troubles = [trouble]
    status, body = page.get()
    assert (status, body["mail"], body["reasons"]) == (503, "down", [WORDS[trouble]])
    page.troubles = []
    assert page.get()[0] == 200


def test_a_mail_process_that_does_not_answer(page: Page) -> None:
    page.alive = False
    assert page.get()[1]["reasons"] == [readiness.NO_BEAT]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE event", "table event is missing"),
        ("DROP TABLE recipient", "table recipient is missing"),
        ("DROP INDEX recipient_due", "index recipient_due is missing; no row is lost"),
    ],
)
def test_a_table_that_is_gone(page: Page, db: Path, sql: str, said: str) -> None:
    assert page.get()[0] == 200
    with closing(sqlite3.connect(db)) as conn:
        conn.execute(sql)
    status, body = page.get()
    assert (status, body["store"]) == (503, "down")
    assert said in body["reasons"][0]


def test_a_write_lock_that_another_program_keeps(page: Page, db: Path) -> None:
    with closing(connect(db)) as other:
        other.execute("BEGIN IMMEDIATE")
        status, body = page.get()
        assert (status, body["reasons"]) == (503, [readiness.BUSY])
        other.execute("ROLLBACK")
    assert page.get()[0] == 200


def test_a_database_that_is_gone_or_is_none(page: Page, db: Path) -> None:
    for path in db.parent.glob("relay.db*"):
        path.unlink()
    assert "relay init" in page.get()[1]["reasons"][0]
    db.write_bytes(b"hello world\n" * 500)
    assert "is no SQLite database" in page.get()[1]["reasons"][0]


def test_each_mail_process_has_a_heart_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    heart = Heartbeat(2)
    first, second = heart.slot(0), heart.slot(1)
    first.beat()
    second.beat()
    assert heart.alive()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + STALE_AFTER_S + 1)
    first.beat()
    assert not heart.alive()  # the second is stopped
    second.beat(Trouble.DISK)
    assert heart.alive()
    assert Heartbeat(2, heart.fd).troubles() == [Trouble.DISK]  # as a web process that was started again sees it
    second.beat()
    assert heart.troubles() == []


def test_what_is_about_to_be_written_is_known_to_the_others() -> None:
    heart = Heartbeat(9)
    slots = [heart.slot(number) for number in range(9)]
    for number, slot in enumerate(slots):
        slot.beat()
        slot.tell(number)
    assert slots[5].others() == sum(range(9)) - 5
