"""Importing lists: what files are understood, what is taken, what is told (R2, R4, R8)."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from relay.audit.verify import verify
from relay.lists import consent_import, suppression_import
from relay.lists.consent_book import EXPORT_COLUMNS, export
from relay.lists.consent_import import UNSUBSCRIBED, ImportReport, Order
from relay.lists.list_file import Bad, Entry, ListError, open_list
from relay.lists.list_write import escape, write_list
from relay.mail.address import parse_address
from relay.people import consents, profiles, topics
from relay.people.consent_rules import ConsentRefused, terms
from relay.store.sqlite import in_turn
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from tests.support.store import dump
from tests.unit.records import NOW, SECRETS, SHOP, agree, column, make_topic, one, open_shop

TERMS = terms(topic="news", source="sign-up form", wording="Send me news.", means="import")


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def listing(tmp_path: Path, content: str | bytes, name: str = "list.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def entries(path: Path) -> list[tuple[int, str]]:
    return [(e.line, e.address.canonical if isinstance(e, Entry) else f"BAD {e.why}") for e in open_list(path).read()]


def take(
    conn: sqlite3.Connection, path: Path, *, chunk: int = 1000, dry_run: bool = False
) -> tuple[ImportReport, list[Bad]]:
    bad: list[Bad] = []
    order = Order(SHOP, SECRETS, TERMS, "root", NOW, dry_run)
    return consent_import.run(conn, open_list(path), order, refused=bad.append, chunk=chunk), bad


A, B, C = "ann@people.example", "bob@people.example", "cy@people.example"

FILES = [
    ("one a line", f"{A}\n{B}\n", [(1, A), (2, B)]),
    ("no last line end, CR LF, empty lines", f"{A}\r\n\r\n  \r\n{B}", [(1, A), (4, B)]),
    ("old Mac line ends", f"{A}\r{B}\r", [(1, A), (2, B)]),
    ("header", f"email\n{A}\n", [(2, A)]),
    ("header in any case, other columns", f"Name,E-Mail Address,Age\nAnn,{A},30\n", [(2, A)]),
    ("semicolons", f"Name;E-mail\nAnn;{A}\nBob;{B}\n", [(2, A), (3, B)]),
    ("tabs", f"name\temail\nAnn\t{A}\n", [(2, A)]),
    ("bars", f"name|email\nAnn|{A}\n", [(2, A)]),
    ("separator said as Excel does", f"sep=;\nemail;name\n{A};Ann, the first\n", [(3, A)]),
    ("no header, second column", f"Ann,{A}\nBob,{B}\n", [(1, A), (2, B)]),
    ("quotes", f'email,name\n"{A}","Ann ""the"" first, of all"\n', [(2, A)]),
    ("a field over lines", f'email,post\n{A},"1 Road\nTown"\n{B},x\n', [(2, A), (4, B)]),
    (
        "a quote never closed",
        f'email,post\n{A},"1 Road\n{B},x\n',
        [(2, "BAD a quote is opened but never closed"), (3, B)],
    ),
    ("short lines", f"name,email\nAnn\nBob,{B}\n", [(2, "BAD there is no address in this line"), (3, B)]),
    ("Russian header", f"Имя;Почта\nИлья;{A}\n", [(2, A)]),
    ("escaped by our own export", f"email\n'=x@people.example\n'{A}\n", [(2, "=x@people.example"), (3, "'" + A)]),
    ("no address", f"{A}\nnobody\n", [(1, A), (2, "BAD the @ is missing")]),
]


@pytest.mark.parametrize(("content", "expected"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_files_understood(tmp_path: Path, content: str, expected: list[tuple[int, str]]) -> None:
    assert entries(listing(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "Jürgen Ж"),
        ("utf-8-sig", "Jürgen"),
        ("utf-16", "Иван"),
        ("utf-16-le", "Ann"),
        ("utf-16-be", "Ann"),
        ("cp1251", "Иван Петрович"),
        ("latin-1", "Jürgen, André"),
    ],
)
def test_encodings_recognised(tmp_path: Path, encoding: str, name: str) -> None:
    path = listing(tmp_path, f"name;email\n{name};{A}\n".encode(encoding))
    found = open_list(path)
    assert found.kind.encoding == encoding
    assert entries(path) == [(2, A)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"\n\n", "no addresses"),
        (b"name,email\nAnn,nobody\n", "no addresses"),
        (b"PK\x03\x04rest", "damaged workbook"),
        (b"\xd0\xcf\x11\xe0rest", "old office document"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not text"),
        (b"ann@people.example\n" * 500 + b"\x01\x02", "no text"),
        (("\ufeff" + A).encode("utf-16-le") + b"\x00\xd8", "no text"),
    ],
)
def test_broken_files_change_nothing(conn: sqlite3.Connection, tmp_path: Path, content: bytes, told: str) -> None:
    before = dump(conn)
    with pytest.raises(ListError, match=told):
        take(conn, listing(tmp_path, content))
    assert dump(conn) == before


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ListError, match=r"gone\.csv can't be read: No such file"):
        open_list(tmp_path / "gone.csv")


def test_a_long_line_costs_itself_only(tmp_path: Path) -> None:
    path = listing(tmp_path, f"{A}\n{'x' * 300_000}@people.example\n{B}\n", "list.txt")
    assert [line for line, _ in entries(path)] == [1, 2, 3]
    assert entries(path)[2] == (3, B) and "longer than" in entries(path)[1][1]


def test_taken_with_their_proof(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = listing(tmp_path, f"email,at,ip\n{A},2026-01-02T03:04:05Z,192.0.2.7\n{B},,\n")
    report, bad = take(conn, path)
    assert (report.lines, report.taken, report.duplicates, report.refused, bad) == (2, 2, 0, 0, [])
    rows = conn.execute(
        "SELECT s.address, c.given_at, c.ip, c.means, c.source, c.recorded_at FROM consent c"
        " JOIN subscriber s ON s.id = c.subscriber_id ORDER BY s.address"
    ).fetchall()
    assert rows == [
        (A, 1767323045.0, "192.0.2.7", "import", "sign-up form", NOW),
        (B, NOW, "", "import", "sign-up form", NOW),
    ]
    story = json.loads(str(one(conn, "SELECT evidence FROM consent_history WHERE at < ?", NOW)))
    assert story["ip"] == "192.0.2.7" and story["means"] == "import" and len(story["file"]) == 64
    assert one(conn, "SELECT text FROM wording WHERE id = ?", story["wording_id"]) == "Send me news."
    assert column(conn, "SELECT action FROM audit") == ["consents-import-begun", "consents-imported"]
    assert "neither bought" in json.loads(str(column(conn, "SELECT detail FROM audit")[0]))["attested"]


@pytest.mark.parametrize("chunk", [1, 2, 1000])
def test_bad_lines_are_told_and_the_others_taken(conn: sqlite3.Connection, tmp_path: Path, chunk: int) -> None:
    rows = [
        "email,at,ip,topic,withdrawn_at",
        f"{A},,,,",
        "nobody,,,,",
        f"{A.upper()},,,,",
        f"{B},yesterday,,,",
        f"{B},2999-01-01,,,",
        f"{B},,1.2.3,,",
        f"{B},,,offers,",
        f"{C},,,,2026-01-01",
        f"{B},,,news,",
        f"{C},,,news,",
    ]
    report, bad = take(conn, listing(tmp_path, "\n".join(rows)), chunk=chunk)
    assert (report.lines, report.taken, report.duplicates, report.refused) == (10, 2, 1, 6)
    assert (report.offered, report.left, report.offers) == (1, 1, {"unsubscribed": 1})
    told = {b.line: b.why for b in bad}
    assert sorted(told) == [3, 5, 6, 7, 8, 9, 11]
    words = {3: "@ is missing", 5: "no time", 6: "future", 7: "IP address", 8: "topic 'offers'", 9: "left"}
    assert all(word in told[line] for line, word in words.items())
    assert sum(report.reasons.values()) == 7
    assert column(conn, "SELECT address FROM subscriber ORDER BY address") == [A, B]


def test_who_unsubscribed_stays_so(conn: sqlite3.Connection, tmp_path: Path) -> None:
    people = {email: agree(conn, email) for email in (A, B, C)}
    agree(conn, "di@people.example", topic="offers")
    news = topics.find(conn, SHOP, "news")
    assert news is not None
    for person, topic in ((people[A], news), (people[B], 0)):
        consents.withdraw(conn, SHOP, person, topic_id=topic, means="link", now=NOW + 1, evidence={})
    # Who came back to one topic after ending all is still gone for the others.
    consents.give(
        conn,
        SECRETS,
        SHOP,
        parse_address(B),
        topic="offers",
        source="form",
        wording="x",
        means="double-opt-in",
        given_at=NOW + 2,
        now=NOW + 2,
    )
    report, bad = take(conn, listing(tmp_path, f"{A}\n{B}\n{C}\ndi@people.example\n"))
    assert (report.taken, report.duplicates, report.refused) == (1, 1, 2)
    assert [(b.line, b.why) for b in bad] == [(1, UNSUBSCRIBED), (2, UNSUBSCRIBED)]
    assert column(conn, "SELECT count(*) FROM consent WHERE topic_id = ? AND withdrawn_at IS NULL", news) == [2]


@pytest.mark.parametrize(("topic", "taken", "there"), [("news", 0, 1), ("a topic made later", 0, 0)])
def test_who_came_back_to_one_topic_is_there_for_that_one(
    conn: sqlite3.Connection, tmp_path: Path, topic: str, taken: int, there: int
) -> None:
    person = agree(conn, A)
    consents.withdraw(conn, SHOP, person, topic_id=0, means="link", now=NOW + 1, evidence={})
    agree(conn, A, means="double-opt-in", now=NOW + 2)
    said = terms(topic=topic, source="form", wording="x", means="import")
    file = open_list(listing(tmp_path, A))
    make_topic(conn, topic)
    report = consent_import.run(conn, file, Order(SHOP, SECRETS, said, "root", NOW + 3), refused=lambda bad: None)
    assert (report.taken, report.duplicates, report.refused) == (taken, there, 1 - taken - there)


def test_a_withdrawn_consent_alone_is_enough(conn: sqlite3.Connection, tmp_path: Path) -> None:
    person = agree(conn, A)
    consents.withdraw(conn, SHOP, person, topic_id=1, means="link", now=NOW + 1, evidence={})
    conn.execute("DELETE FROM suppression")
    report, bad = take(conn, listing(tmp_path, A))
    assert (report.taken, [b.why for b in bad]) == (0, [UNSUBSCRIBED])
    with pytest.raises(ConsentRefused):
        agree(conn, A, now=NOW + 2)


def test_the_same_again_changes_no_consent(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = listing(tmp_path, f"{A}\n{B}\n{A}\n")
    assert take(conn, path)[0].taken == 2
    before = column(conn, "SELECT given_at FROM consent") + column(conn, "SELECT id FROM consent_history")
    report, _ = take(conn, path)
    assert (report.taken, report.duplicates, report.refused) == (0, 3, 0)
    assert column(conn, "SELECT given_at FROM consent") + column(conn, "SELECT id FROM consent_history") == before


@pytest.mark.parametrize("chunk", [1, 1000])
def test_a_dry_run_tells_the_same_and_writes_nothing(conn: sqlite3.Connection, tmp_path: Path, chunk: int) -> None:
    person = agree(conn, A)
    consents.withdraw(conn, SHOP, person, topic_id=0, means="link", now=NOW, evidence={})
    path = listing(tmp_path, f"{A}\n{B}\nnobody\n{C}\n{B}\n")
    before = dump(conn)
    tried, tried_bad = take(conn, path, dry_run=True, chunk=chunk)
    assert dump(conn) == before
    done, done_bad = take(conn, path, chunk=chunk)
    assert (tried, tried_bad) == (done, done_bad)
    assert (done.taken, done.duplicates, done.refused) == (2, 1, 2)


def test_progress_counts_lines(conn: sqlite3.Connection, tmp_path: Path) -> None:
    steps: list[int] = []
    order = Order(SHOP, SECRETS, TERMS, "root", NOW)
    file = open_list(listing(tmp_path, f"{A}\n{B}\nnobody\n"))
    consent_import.run(conn, file, order, refused=lambda bad: None, progress=steps.append, chunk=2)
    assert steps == sorted(steps) and steps[-1] == 3 and file.kind.lines >= 3


def test_suppressions_from_a_file(conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, A)
    bad: list[Bad] = []
    path = listing(tmp_path, f"email,reason\n{A},unsubscribed\n{B},gone away\nnobody,\n{B},complaint\n{B},\n")
    report = suppression_import.run(
        conn, open_list(path), SHOP, reason=Reason.HAND, actor="root", now=NOW, refused=bad.append
    )
    assert (report.lines, report.taken, report.duplicates, report.refused) == (5, 3, 1, 1)
    assert [b.line for b in bad] == [4]
    rows = conn.execute(
        "SELECT s.address, p.reason FROM suppression p JOIN subscriber s ON s.id = p.subscriber_id ORDER BY 1, 2"
    ).fetchall()
    assert rows == [(A, "unsubscribed"), (B, "complaint"), (B, "hand")]
    assert column(conn, "SELECT withdrawn_at FROM consent") == [NOW]


# --- export -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["=1+1", "+a", "-a", "@a", "\ta", "\ra"])
def test_formulas_are_escaped(name: str) -> None:
    assert escape(name) == "'" + name
    assert escape("a" + name) == "a" + name


def test_an_export_can_be_imported(conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, "=cmd@people.example", wording='Send me "news",\nplease.')
    person = agree(conn, A, topic="offers")
    consents.withdraw(conn, SHOP, person, topic_id=0, means="link", now=NOW, evidence={})
    path = tmp_path / "out.csv"
    assert write_list(path, EXPORT_COLUMNS, export(conn, SHOP)) == 2
    assert path.stat().st_mode & 0o077 == 0
    assert "\n'=cmd@people.example," in path.read_text()
    other = open_shop(tmp_path / "other.db")
    report, bad = take(other, path)
    assert (report.taken, report.refused) == (1, 1) and "topic 'offers'" in bad[0].why
    assert column(other, "SELECT address FROM subscriber") == ["=cmd@people.example"]
    assert column(other, "SELECT given_at FROM consent") == [NOW]


def test_json_lines_by_suffix(conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, "=x@people.example")
    path = tmp_path / "out.jsonl"
    write_list(path, EXPORT_COLUMNS, export(conn, SHOP))
    (line,) = path.read_text().splitlines()
    row = json.loads(line)
    assert list(row) == list(EXPORT_COLUMNS)
    assert (row["email"], row["live"], row["given_at"]) == ("=x@people.example", "yes", "2026-09-21T14:13:20Z")


def test_a_failed_export_leaves_what_was_there(tmp_path: Path) -> None:
    path = listing(tmp_path, "old", "out.csv")

    def rows() -> object:
        yield {"email": "a"}
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_list(path, ("email",), rows())  # type: ignore[arg-type]
    assert path.read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["out.csv"]


class Recorder:
    """A lock file's turn that notes what is done with it."""

    made: list[Recorder] = []  # noqa: RUF012 - of the class on purpose
    connection: sqlite3.Connection

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: list[tuple[str, bool]] = []
        self.made.append(self)

    def wait(self) -> None:
        self.done.append(("wait", self.connection.in_transaction))

    def give(self) -> None:
        self.done.append(("give", self.connection.in_transaction))

    def close(self) -> None:
        self.done.append(("close", self.connection.in_transaction))


def test_an_import_takes_turns_with_the_mail_processes(
    conn: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_turn, "Turn", Recorder)
    monkeypatch.setattr(Recorder, "made", [])
    monkeypatch.setattr(Recorder, "connection", conn, raising=False)
    automatic = conn.execute("PRAGMA wal_autocheckpoint").fetchone()
    take(conn, listing(tmp_path, f"{A}\n{B}\n", "one.txt"), chunk=1)
    assert Recorder.made == []  # no relay ever ran here
    (tmp_path / "relay.db-turn").touch()
    take(conn, listing(tmp_path, f"{A}\n{B}\n{C}\n", "two.txt"), chunk=1)
    (turn,) = Recorder.made
    assert turn.path == tmp_path / "relay.db-turn"
    *turns, last = turn.done
    assert last == ("close", False)
    # begin, three chunks, end; each is given back once it is committed, and nothing is held between them
    assert turns == [("wait", False), ("give", False)] * 5
    assert conn.execute("PRAGMA wal_autocheckpoint").fetchone() == automatic


# --- the temporary database ----------------------------------------------------------------


def test_of_a_person_that_is_there_twice_the_first_line_counts(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = listing(tmp_path, f"email,city,groups\n{B},Narva,choir\n{A},Tartu,\n{B.upper()},Riga,band\n")
    report, _ = take(conn, path, chunk=1)
    assert (report.lines, report.taken, report.duplicates) == (3, 2, 1)
    assert column(conn, "SELECT attributes FROM profile ORDER BY subscriber_id") == [
        '{"city":"Tartu"}',
        '{"city":"Narva"}',
    ]
    assert column(conn, "SELECT g.name FROM membership m JOIN list_group g ON g.id = m.group_id") == ["choir"]


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_column_that_is_none_of_groups_changes_nothing(
    conn: sqlite3.Connection, tmp_path: Path, dry_run: bool
) -> None:
    rows = "".join(f"u{number}@people.example,{number}\n" for number in range(profiles.MAX_GROUPS + 1))
    before = dump(conn)
    with pytest.raises(RegistryError, match="at most 1000 groups"):
        take(conn, listing(tmp_path, "email,groups\n" + rows), dry_run=dry_run)
    assert dump(conn) == before


OLD = (("b", "news"), ("d", "news"), ("f", "offers"))


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_what_is_bound_is_what_was_taken(conn: sqlite3.Connection, tmp_path: Path, chunk: int) -> None:
    """Of a chunk only some are taken; the others aren't in its leaf."""
    there, gone, other = (agree(conn, f"{name}@people.example", topic=topic) for name, topic in OLD)
    consents.withdraw(conn, SHOP, gone, topic_id=0, means="link", now=NOW + 1, evidence={})
    people = [
        f"{name}@people.example,192.0.2.{place},{'2026-01-02' if place % 2 else ''}"
        for place, name in enumerate("abcdefgh")
    ]
    report, _ = take(conn, listing(tmp_path, "email,ip,at\n" + "\n".join(people)), chunk=chunk)
    assert (report.taken, report.duplicates, report.refused) == (6, 1, 1)
    assert there and other and not verify(conn, SECRETS).faults
    assert one(conn, "SELECT sum(rows) FROM audit_leaf WHERE action = 'consents-given'") == 6
    ids = column(conn, "SELECT id FROM subscriber ORDER BY id")
    assert len(ids) == 8 and len(set(ids)) == 8
    conn.execute("UPDATE consent_history SET evidence = replace(evidence, '192.0.2.7', '192.0.2.8')")
    assert verify(conn, SECRETS).faults


def test_the_connection_is_left_as_it_was(conn: sqlite3.Connection, tmp_path: Path) -> None:
    names = ("synchronous", "cache_size", "temp_store", "wal_autocheckpoint")
    before = [conn.execute(f"PRAGMA {name}").fetchone() for name in names]
    take(conn, listing(tmp_path, A))
    assert [conn.execute(f"PRAGMA {name}").fetchone() for name in names] == before
    assert conn.execute("SELECT name FROM sqlite_temp_master").fetchall() == []


def test_an_ip_address_with_a_zone_is_none(conn: sqlite3.Connection, tmp_path: Path) -> None:
    _, bad = take(conn, listing(tmp_path, f"email,ip\n{A},fe80::1%eth0\n{B},fe80::1\n"))
    assert [(one.line, "no IP address" in one.why) for one in bad] == [(2, True)]


def test_a_report_that_fails_is_told_as_it_is(conn: sqlite3.Connection, tmp_path: Path) -> None:
    def full(bad: Bad) -> None:
        raise OSError(28, "No space left on device")

    order = Order(SHOP, SECRETS, TERMS, "root", NOW)
    with pytest.raises(OSError, match="No space left"):
        consent_import.run(conn, open_list(listing(tmp_path, f"{A}\nnobody\nno one\n")), order, refused=full)
    assert column(conn, "SELECT count(*) FROM consent") == [1]
