"""A relay that is going to be killed, with a sink behind it that counts arrivals."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.load import Load, Tally, recipient
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Sink

INFLIGHT = 200
PEOPLE = 50


class Victim:
    """Bulk mail for consented recipients, so that every message touches counters, campaign and consent."""

    def __init__(self, directory: Path, url: str = "") -> None:
        """``url``: of an empty database on a server; SQLite's file otherwise."""
        self.sink = Sink()
        self.settings: dict[str, dict[str, object]] = {
            "delivery": {
                "smart_host": f"127.0.0.1:{self.sink.port}",
                "inflight": INFLIGHT,
                "retry": ["1s"],
                "jitter": 0,
            },
            "policy.staged_sending": {"new_below": 0},
            "log": {"level": "warning"},
        }
        self.relay = relay = Relay(directory, self.settings, url=url)
        relay.tenant()
        agreed = directory / "agreed.txt"
        agreed.write_text("\n".join(recipient(number) for number in range(PEOPLE)) + "\n")
        relay.cli(
            "consent", "import", "acme", str(agreed), "--topic", "news", "--source", "form on acme.example",
            "--wording", "Yes, send me the news", "--attest",
        )  # fmt: skip
        self.login = relay.credential()
        self.database = directory / "data/relay.db"

    def load(self, count: int, name: str = "m") -> Load:
        return Load(self.relay.submission, self.login, count, name=name).start()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self.relay.store:
            with self.relay.database() as conn:
                return conn.execute(sql).fetchall()
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)) as conn:
            return conn.execute(sql).fetchall()

    def children(self) -> list[int]:
        """Processes of the relay, in the order in which they were started: at first the HTTP process is the last."""
        assert self.relay.process is not None
        pid = self.relay.process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def mail_process(self) -> int:
        """The first process that takes and delivers mail, as long as none was started again."""
        return self.children()[0]

    def whole(self) -> None:
        """The database file as a crash left it is sound: looked at in a copy, so that nothing is mended by looking."""
        copy = self.database.parent / "copy"
        copy.mkdir(exist_ok=True)
        for path in self.database.parent.glob("relay.db*"):
            shutil.copyfile(path, copy / path.name)
        (copy / "relay.db-shm").unlink(missing_ok=True)
        with closing(sqlite3.connect(copy / "relay.db")) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert conn.execute("PRAGMA foreign_key_check").fetchall() == []

    def consistent(self) -> None:
        """What one commit writes together stands together."""
        [(copies,)] = self.rows("SELECT count(*) FROM recipient")
        assert self.rows("SELECT sum(value) FROM counter WHERE name LIKE 'messages/%'") == [(copies,)]
        assert self.rows("SELECT sum(recipients), sum(delivered) FROM campaign") == [(copies, copies)]
        assert self.rows("SELECT count(*) FROM submission") == [(copies,)]
        assert self.rows("SELECT count(*) FROM event WHERE kind = 'accepted'") == [(copies,)]
        assert self.rows("SELECT count(*) FROM body") == [(0,)]

    def drained(self) -> None:
        waiting = "SELECT count(*) FROM recipient WHERE state IN (0, 1)"
        until(lambda: self.rows(waiting) == [(0,)], "the queue is empty", 60)

    def judge(self, load: Load) -> Tally:
        """Compare once the queue is empty; nothing that was promised may be missing."""
        self.drained()
        tally = load.compare(self.sink.messages)
        assert not tally.lost, f"{len(tally.lost)} of {tally.promised} lost, e.g. {sorted(tally.lost)[:5]}"
        return tally

    def close(self) -> None:
        self.relay.kill()
        self.sink.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    made = Victim(tmp_path_factory.mktemp("victim"))
    yield made
    made.close()


@pytest.fixture
def victim(prepared: Victim) -> Iterator[Victim]:
    """The relay, stopped; what earlier tests sent stays in its database."""
    prepared.sink.messages.clear()
    yield prepared
    prepared.sink.answering.set()
    prepared.relay.kill()


def asked(name: str, default: int) -> int:
    """A number from the environment, such as ``KILLS=1000 make crash``."""
    return int(os.environ.get(name) or default)
