"""Whoever can write the database edits the log: `relay audit verify --head` tells, and says where (R31).

Every column, row and order of the log is tried by ``tests/unit/test_audit_attacks``; here stands what an operator sees.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.keys.secrets import Secrets
from tests.support.store import of_a_file
from tests.unit.test_audit_attacks import cut_off, exchange, rehash

pytestmark = of_a_file("it is edited behind the relay's back; on both engines: tests/unit/test_audit_attacks.py")

ANN, BOB = "ann@people.example", "bob@people.example"
Answer = tuple[int, str, str]


class Books:
    """A relay's directory with a log, and a head that is kept elsewhere."""

    def __init__(self, directory: Path, kept: Path) -> None:
        self.directory = directory
        self.kept = kept
        self.database = directory / "data/relay.db"
        made = CliRunner().invoke(relay, ["init", "--dir", str(directory), "--hostname", "relay.test", "--dev"])
        assert made.exit_code == 0, made.output
        self.run("tenant", "add", "acme", "--contact", "post@acme.example")
        for who in (ANN, BOB):
            self.run("consent", "add", "acme", who, "--topic", "news", "--source", "form", "--wording", "Yes, news.")
        self.run("consent", "withdraw", "acme", ANN)
        with closing(sqlite3.connect(self.database)) as conn, conn:  # ids that nobody got, as where several write
            conn.execute("UPDATE sqlite_sequence SET seq = seq + 3 WHERE name LIKE 'audit%'")
        self.run("tenant", "warn", "acme", "--reason", "complaints")
        kept.write_text(self.run("audit", "head", "--json")[1])
        self.run("suppression", "add", "acme", BOB, "--reason", "asked by phone")
        self.run("audit", "head")
        with closing(sqlite3.connect(self.database)) as conn:
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.whole = self.database.read_bytes()
        self.secrets = (directory / "data/secrets").read_bytes()

    def run(self, *words: str, ends: int = 0) -> Answer:
        result = CliRunner().invoke(relay, ["-c", str(self.directory / "relay.toml"), *words])
        assert result.exit_code == ends, result.output
        return result.exit_code, result.stdout, result.stderr

    def verify(self, ends: int, *heads: Path) -> Answer:
        kept = [word for head in (self.kept, *heads) for word in ("--head", str(head))]
        return self.run("audit", "verify", *kept, ends=ends)

    def restore(self) -> None:
        for path in self.database.parent.glob("relay.db*"):
            path.unlink()
        self.database.write_bytes(self.whole)
        (self.directory / "data/secrets").write_bytes(self.secrets)

    def edit(self, change: Callable[[sqlite3.Connection], object]) -> None:
        """As whoever can write the file does it: without the rules of the schema."""
        with closing(sqlite3.connect(self.database, isolation_level=None)) as conn:
            conn.execute("PRAGMA foreign_keys = OFF")
            conn.execute("DROP TRIGGER IF EXISTS wording_kept")
            change(conn)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Books:
    return Books(tmp_path_factory.mktemp("books"), tmp_path_factory.mktemp("elsewhere") / "head.json")


@pytest.fixture
def books(once: Books) -> Iterator[Books]:
    once.restore()
    yield once


def test_an_honest_log_is_whole(books: Books) -> None:
    """The others can tell."""
    _, out, _ = books.verify(0)
    assert out.endswith("whole: nothing was changed, taken out, moved or added\n")
    told = json.loads(books.run("audit", "verify", "--head", str(books.kept), "--json")[1])
    assert told["whole"] and told["faults"] == [] and told["warnings"] == []


GIVEN = "(SELECT id FROM consent_history WHERE action = 'given' ORDER BY id LIMIT 1)"
WITHDRAWN = "(SELECT id FROM consent_history WHERE action = 'withdrawn' ORDER BY id LIMIT 1)"
EDITS = {
    "a consent is dated back": f"UPDATE consent_history SET at = at - 86400 WHERE id = {GIVEN}",
    "without the time it was written": f"UPDATE consent_history SET recorded_at = at - 86400 WHERE id = {GIVEN}",
    "a withdrawal is dated on": f"UPDATE consent_history SET at = at + 86400 WHERE id = {WITHDRAWN}",
    "a withdrawal becomes a consent": f"UPDATE consent_history SET action = 'given' WHERE id = {WITHDRAWN}",
    "a withdrawal is deleted": f"DELETE FROM consent_history WHERE id = {WITHDRAWN}",
    "a withdrawal's suppression is deleted": "DELETE FROM suppression WHERE reason = 'unsubscribed'",
    "a withdrawn consent is live": "UPDATE consent SET withdrawn_at = NULL",
    "a consent's person is another": "UPDATE subscriber SET address = 'eve@people.example' WHERE address LIKE 'bob%'",
    "the wording says more": "UPDATE wording SET text = text || ' And offers of partners.'",
    "the source is better": "UPDATE consent_history SET evidence = replace(evidence, 'form', 'shop')",
    "a warning is deleted": "DELETE FROM audit WHERE action = 'tenant-warned'",
    "a warning says something else": "UPDATE audit SET detail = replace(detail, 'complaints', 'nothing')",
    "a warning was given by another": "UPDATE audit SET actor = 'nobody' WHERE action = 'tenant-warned'",
    "a consent is slipped in": "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id,"
    " ip, page, means, recorded_at) SELECT subscriber_id, topic_id + 1, channel, given_at, source, wording_id, ip,"
    " page, means, recorded_at FROM consent LIMIT 1",
    "a record is slipped in": "INSERT INTO consent_history (subscriber_id, topic_id, action, at, recorded_at, evidence,"
    " leaf_id, salt) SELECT subscriber_id, topic_id, 'given', at, recorded_at, evidence, leaf_id, salt"
    f" FROM consent_history WHERE id = {WITHDRAWN}",
    "a leaf is deleted": "DELETE FROM audit_leaf WHERE id = 3",
    "the first leaf is deleted": "DELETE FROM audit_leaf WHERE number = 0",
    "the newest leaf in the tree is deleted": "DELETE FROM audit_leaf WHERE number ="
    " (SELECT max(size) - 1 FROM audit_head)",
    "a leaf is deleted with its record": "DELETE FROM audit_leaf WHERE id ="
    " (SELECT leaf_id FROM audit WHERE action = 'tenant-warned')",
    "a leaf was never in the tree": "UPDATE audit_leaf SET number = NULL WHERE number ="
    " (SELECT max(size) - 1 FROM audit_head)",
    "no leaf was ever in the tree": "UPDATE audit_leaf SET number = NULL",
    "a leaf has a number beyond the newest head": "UPDATE audit_leaf SET number = 99 WHERE number = 3",
    "leaves have other places": "UPDATE audit_leaf SET number = -1 - number",
    "a head is edited": "UPDATE audit_head SET root = randomblob(32) WHERE id = 1",
    "the newest head is gone": "DELETE FROM audit_head WHERE size = (SELECT max(size) FROM audit_head)",
    "a head is signed by nobody": "UPDATE audit_head SET signature = zeroblob(64)",
    "the heads are gone": "DELETE FROM audit_head",
    "the key is gone": "DELETE FROM audit_key",
    "the key is another": "UPDATE audit_key SET public = randomblob(32)",
}


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_told(books: Books, name: str) -> None:
    books.edit(lambda conn: conn.execute(EDITS[name]))
    _, out, err = books.verify(1)
    assert "the audit log is not what was written" in err and "whole:" not in out
    told = json.loads(books.run("audit", "verify", "--head", str(books.kept), "--json", ends=1)[1])
    assert not told["whole"] and told["faults"], told


def test_an_edit_with_everything_above_it_is_told(books: Books) -> None:
    """Record, salt, leaf and hash fit each other again; the signed head doesn't."""

    def rewrite(conn: sqlite3.Connection) -> None:
        conn.execute(f"UPDATE consent_history SET at = at - 86400, salt = randomblob(16) WHERE id = {GIVEN}")
        conn.execute("UPDATE consent SET given_at = given_at - 86400 WHERE withdrawn_at IS NOT NULL")
        (leaf,) = conn.execute(f"SELECT leaf_id FROM consent_history WHERE id = {GIVEN}").fetchone()
        rehash(conn, leaf - 1, "consent_history")

    books.edit(rewrite)
    _, out, _ = books.verify(1)
    assert "the head kept elsewhere" in out and "another root" in out


def test_leaves_that_change_places_are_told(books: Books) -> None:
    """With nothing else changed: as if Bob had agreed before Ann."""

    def swap(conn: sqlite3.Connection) -> None:
        for new, old in ((-1, 4), (4, 5), (5, -1)):
            assert conn.execute("UPDATE audit_leaf SET number = ? WHERE number = ?", (new, old)).rowcount == 1

    books.edit(swap)
    _, out, _ = books.verify(1)
    assert "another root" in out


def test_a_gap_in_ids_is_no_damage(books: Books) -> None:
    """The log that all these tests begin with has one; here leaves and heads get others, with their records."""

    def move(conn: sqlite3.Connection) -> None:
        for table in ("audit", "consent_history"):
            conn.execute(f"UPDATE {table} SET leaf_id = leaf_id * 1000")
        conn.execute("UPDATE audit_leaf SET id = id * 1000")
        conn.execute("UPDATE audit_head SET id = id * 1000")

    books.edit(move)
    _, out, _ = books.verify(0)
    assert out.endswith("whole: nothing was changed, taken out, moved or added\n")
    books.run("tenant", "warn", "acme", "--reason", "again")
    books.run("audit", "head")
    books.verify(0)
    assert "is the beginning" in books.run("audit", "prove", "--from", str(books.kept))[1]


def test_another_order_is_told(books: Books) -> None:
    """As if Ann had left before she agreed."""

    def swap(conn: sqlite3.Connection) -> None:
        ids = [id_ for (id_,) in conn.execute(f"SELECT id FROM consent_history WHERE id IN ({GIVEN}, {WITHDRAWN})")]
        names = [info[1] for info in conn.execute("PRAGMA table_info(consent_history)") if info[1] != "id"]
        assert exchange(conn, "consent_history", names, *ids)

    books.edit(swap)
    books.verify(1)


def test_a_tail_that_was_cut_off_is_told_by_the_kept_head_alone(books: Books) -> None:
    def cut(conn: sqlite3.Connection) -> None:
        conn.execute("DELETE FROM consent")
        conn.execute("DELETE FROM suppression")
        cut_off(conn, 3)

    books.edit(cut)
    _, out, _ = books.verify(1)
    assert "the end was cut off" in out


def test_a_log_that_was_begun_anew_is_told(books: Books, tmp_path: Path) -> None:
    """The forger makes a whole new relay, with its own key, that never heard of the withdrawal."""
    other = Books(tmp_path / "other", tmp_path / "other.json")
    books.database.unlink()
    books.database.write_bytes(other.whole)
    (books.directory / "data/secrets").write_bytes(other.secrets)
    assert books.run("audit", "verify")[1].endswith("whole: nothing was changed, taken out, moved or added\n")
    _, out, _ = books.verify(1)
    assert "another root" in out or "key" in out, out


def test_other_secrets_open_no_key(books: Books, tmp_path: Path) -> None:
    Secrets.create(tmp_path / "secrets")
    (books.directory / "data/secrets").write_bytes((tmp_path / "secrets").read_bytes())
    _, out, err = books.verify(1)
    assert "key" in out + err


@pytest.mark.parametrize("member", ["root", "size", "at", "signature", "previous", "key"])
def test_a_kept_head_that_was_edited_proves_nothing_and_says_so(books: Books, tmp_path: Path, member: str) -> None:
    """Edited so that it fits a forged log, or to cast doubt on an honest one."""
    head = json.loads(books.kept.read_text())
    edited = {
        "root": "00" * 32, "size": head["size"] - 1, "at": "2020-01-01T00:00:00Z", "signature": "A" * 86 + "==",
        "previous": "00" * 32, "key": "0" * 16,
    }  # fmt: skip
    names = [name for name in head if name.startswith(member)]
    assert names
    false = tmp_path / "false.json"
    false.write_text(json.dumps({**head, **dict.fromkeys(names, edited[member])}))
    words = ("audit", "verify", "--head", str(false))
    status, out, err = books.run(*words, ends=1)
    assert status == 1 and "whole:" not in out and (str(false) in err or "head" in out), (out, err)
