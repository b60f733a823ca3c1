"""Lists in every form: spreadsheets, vCards, attributes, groups, spellings of a mailbox, bombs (R4, R5, R8)."""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import contextlib
import io
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.lists import consent_import, list_file, list_sheet, list_text, list_vcard
from relay.lists.consent_book import Choice, export, export_columns
from relay.lists.consent_import import UNDER_AGE, UNSUBSCRIBED, ImportReport, Order
from relay.lists.list_file import Bad, Entry, ListError, open_list
from relay.lists.list_write import write_list
from relay.people import consents, profiles, suppressions, wordings
from relay.people.consent_rules import terms
from relay.people.mailbox import mailbox_of
from relay.people.standing import standing
from relay.store.database import transaction
from relay.values.dates import time_in, under_age
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from tests.unit.records import NOW, SECRETS, SHOP, agree, open_shop

TERMS = terms(topic="news", source="sign-up form", wording="Send me news.", means="import")
A, B = "ann@people.example", "bob@people.example"


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def take(
    conn: sqlite3.Connection, path: Path, *, groups: tuple[str, ...] = (), dry_run: bool = False
) -> tuple[ImportReport, list[Bad]]:
    bad: list[Bad] = []
    order = Order(SHOP, SECRETS, TERMS, "root", NOW, dry_run, groups)
    return consent_import.run(conn, open_list(path), order, refused=bad.append), bad


def workbook(rows: str, *, more: dict[str, str] | None = None) -> bytes:
    """A minimal XLSX with one sheet of inline strings."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
        ' xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        '<sheets><sheet name="People" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
        'relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
        f"<sheetData>{rows}</sheetData></worksheet>",
        **(more or {}),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return out.getvalue()


def sheet_row(number: int, *cells: str) -> str:
    inner = "".join(
        f'<c r="{chr(65 + i)}{number}" t="inlineStr"><is><t>{cell}</t></is></c>' for i, cell in enumerate(cells)
    )
    return f'<row r="{number}">{inner}</row>'


# --- forms ---------------------------------------------------------------------------------


def test_a_spreadsheet_is_read(conn: sqlite3.Connection, tmp_path: Path) -> None:
    rows = sheet_row(1, "Name", "E-mail", "City") + sheet_row(2, "Ann", A, "Tartu") + sheet_row(3, "Bob", "nobody")
    path = write(tmp_path, "people.xlsx", workbook(rows))
    report, bad = take(conn, path)
    assert (report.taken, report.refused) == (1, 1) and bad[0].line == 3
    assert "XLSX, sheet 'People'" in open_list(path).remarks[0]
    person = consents.subscriber(conn, SHOP, A, NOW)
    assert profiles.of(conn, person).attributes == {"name": "Ann", "city": "Tartu"}


CARDS = [
    ("2.1", f"BEGIN:VCARD\r\nVERSION:2.1\r\nN:Smith;Ann\r\nEMAIL;INTERNET:{A}\r\nEND:VCARD\r\n", "Ann Smith"),
    (
        "2.1 quoted-printable",
        "BEGIN:VCARD\nVERSION:2.1\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=D0=98=D0=BB=\n=D1=8C=D1=8F\n"
        f"EMAIL:{A}\nEND:VCARD\n",
        "Илья",
    ),
    ("3.0 folded", f"BEGIN:VCARD\nVERSION:3.0\nFN:Ann Sm\n ith\nitem1.EMAIL;TYPE=pref:{A}\nEND:VCARD\n", "Ann Smith"),
    ("4.0", f'BEGIN:VCARD\nVERSION:4.0\nFN:Ann\\, B\nEMAIL;TYPE="a:b";PREF=1:{A}\nEND:VCARD\n', "Ann, B"),
    (
        "a picture in it",
        f"BEGIN:VCARD\nVERSION:3.0\nFN:Ann\nPHOTO;ENCODING=b:{'A' * 70_000}\n {'B' * 70}\nEMAIL:{A}\nEND:VCARD\n",
        "Ann",
    ),
]


@pytest.mark.parametrize(("text", "name"), [card[1:] for card in CARDS], ids=[card[0] for card in CARDS])
def test_cards_are_read(tmp_path: Path, text: str, name: str) -> None:
    found = list(open_list(write(tmp_path, "people.vcf", text)).read())
    assert [(e.address.canonical, e.attributes["name"]) for e in found if isinstance(e, Entry)] == [(A, name)]


def test_of_several_addresses_of_a_card_the_preferred_one_is_taken(tmp_path: Path) -> None:
    card = f"BEGIN:VCARD\nVERSION:4.0\nFN:A\nEMAIL;PREF=9:{B}\nEMAIL;PREF=1:{A}\nCATEGORIES:vip,new\nEND:VCARD\n"
    first, second = open_list(write(tmp_path, "a.vcf", card)).read()
    assert isinstance(first, Entry) and first.address.canonical == A and first.groups == ("vip", "new")
    assert isinstance(second, Bad) and second.text == B


ENCODINGS = [
    ("cp1251", "Олексій Шевченко"),
    ("koi8-u", "Олексій Шевченко"),
    ("cp866", "Александр Пушкин"),
    ("cp1257", "Ģirts Bērziņš"),
    ("cp1250", "Łukasz Wiśniewski"),
    ("cp1252", "Jürgen “Groß” Müller"),
    ("utf-16", "Олексій"),
]


@pytest.mark.parametrize(("encoding", "name"), ENCODINGS)
def test_encodings_are_told_by_their_letters(tmp_path: Path, encoding: str, name: str) -> None:
    path = write(tmp_path, "a.csv", f"name;email\n{name};{A}\n".encode(encoding))
    (entry,) = open_list(path).read()
    assert isinstance(entry, Entry) and entry.attributes["name"] == name
    assert "semicolons" in open_list(path).remarks[0]


def test_a_given_encoding_goes_first_and_a_strange_one_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", f"name;email\nдиво;{A}\n".encode("cp866"))
    (entry,) = open_list(path, encoding="cp866").read()
    assert isinstance(entry, Entry) and entry.attributes["name"] == "диво"
    for encoding in ("zip", "no-such", "idna", "punycode"):
        with pytest.raises(ListError, match="no encoding"):
            open_list(path, encoding=encoding)


ADDRESSES = [
    (f"Ann <{A}>", A),
    (f'"Smith, Ann" <{A}>', A),
    (f"<{A}>", A),
    (f"mailto:{A}", A),
    (f"{A};", A),
    ("Ann@People.Example", A),
    ("alice@example.org)bob@example.com", ""),
    (f"{A} {B}", ""),
    ("ann@people.example\x00", ""),
    ("@people.example", ""),
    ("ann@", ""),
    ("a" * 65 + "@people.example", ""),
]


@pytest.mark.parametrize(("text", "expected"), ADDRESSES)
def test_odd_addresses(tmp_path: Path, text: str, expected: str) -> None:
    quoted = text.replace('"', '""')
    path = tmp_path / "a.csv"
    path.write_text(f'email,x\n{B},1\n"{quoted}",2\n', "utf-8") if "\x00" not in text else None
    if not path.exists():
        return
    found = list(open_list(path).read())[1]
    assert (found.address.canonical if isinstance(found, Entry) else "") == expected


# --- attributes and groups ------------------------------------------------------------------


def test_attributes_and_groups_are_kept_and_exported(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", f"email,city,groups\n{A},Tartu,vip; new\n{B},=1+1,\n")
    take(conn, path, groups=("spring",))
    rows = list(export(conn, SHOP, Choice(group="vip")))
    assert [(row["email"], row["city"], row["groups"]) for row in rows] == [(A, "Tartu", "new; spring; vip")]
    assert [row["email"] for row in export(conn, SHOP, Choice(attributes={"City": "Tartu"}))] == [A]
    assert [row["email"] for row in export(conn, SHOP, Choice(topic="else"))] == []
    assert {group.name: group.people for group in profiles.groups(conn, SHOP)} == {"new": 1, "spring": 2, "vip": 1}


def test_live_leaves_out_whom_another_spelling_stopped(conn: sqlite3.Connection) -> None:
    agree(conn, "ann.b@gmail.com")
    agree(conn, A)
    with transaction(conn):
        other = consents.subscriber(conn, SHOP, "annb+x@gmail.com", NOW)
        suppressions.add(conn, other, Reason.COMPLAINT, now=NOW)
    assert [row["email"] for row in export(conn, SHOP, Choice(live=True))] == [A]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_what_is_exported_can_be_imported_again(conn: sqlite3.Connection, tmp_path: Path, name: str) -> None:
    take(conn, write(tmp_path, "in.csv", f"email,city,groups\n{A},=HYPERLINK(1),vip\n{B},'=x,\n"))
    columns = export_columns(conn, SHOP)
    before = list(export(conn, SHOP))
    out = tmp_path / name
    write_list(out, columns, before)
    if name.endswith("jsonl"):
        assert [json.loads(line)["city"] for line in out.read_text().splitlines()] == ["=HYPERLINK(1)", "=x"]
        return
    assert "'=HYPERLINK" in out.read_text()
    again = open_shop(tmp_path / "again.db")
    report, bad = take(again, out)
    assert (report.taken, bad) == (2, [])
    kept = [(row["email"], row.get("city"), row["groups"]) for row in before]
    assert [(row["email"], row.get("city"), row["groups"]) for row in export(again, SHOP)] == kept


def test_a_dry_run_keeps_nothing(conn: sqlite3.Connection, tmp_path: Path) -> None:
    report, _ = take(conn, write(tmp_path, "a.csv", f"email,city,groups\n{A},x,g\n{A},x,g\n"), dry_run=True)
    assert (report.taken, report.duplicates) == (1, 1)
    for table in ("subscriber", "consent", "profile", "list_group", "wording", "attribute"):
        assert conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table


def test_too_many_attributes_or_groups_are_refused(conn: sqlite3.Connection) -> None:
    with transaction(conn), pytest.raises(RegistryError, match="at most 100"):
        profiles.know_attributes(conn, SHOP, [f"a{i}" for i in range(101)])
    with pytest.raises(RegistryError, match="group's name"):
        profiles.group_name("a;b")


# --- children (R5) --------------------------------------------------------------------------


def test_a_child_is_refused_and_nothing_of_it_is_kept(conn: sqlite3.Connection, tmp_path: Path) -> None:
    agree(conn, B)
    path = write(tmp_path, "a.csv", f"email,birthday\n{A},2020-01-01\n{B},01.02.2019\nc@people.example,1990-01-01\n")
    report, bad = take(conn, path)
    assert report.taken == 1 and [one.why for one in bad] == [UNDER_AGE, UNDER_AGE]
    assert conn.execute("SELECT count(*) FROM subscriber WHERE address = ?", (A,)).fetchone()[0] == 0
    assert standing(conn, SHOP, B, "").suppressions[0].reason is Reason.HAND
    assert "2019" not in "".join(str(row) for row in conn.execute("SELECT attributes FROM profile"))


@pytest.mark.parametrize(
    ("born", "child"),
    [
        ("2026-01-01", True),
        ("1990", False),
        ("2015", True),
        ("--0412", False),
        ("05/12/2010", True),
        ("1.2.1980", False),
    ],
)
def test_ages(born: str, child: bool) -> None:
    assert under_age(born, NOW) is child


# --- attackers (R8) -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling", ["annb@gmail.com", "a.n.n.b@gmail.com", "AnnB+news@GoogleMail.com", "ann.b+@gmail.com"]
)
def test_an_import_revives_nobody_in_another_spelling(conn: sqlite3.Connection, tmp_path: Path, spelling: str) -> None:
    person = agree(conn, "ann.b@gmail.com")
    with transaction(conn):
        consents.withdraw(conn, SHOP, person, topic_id=0, means="link", now=NOW, evidence={})
    for at in ("1999-01-01", "2026-09-01", ""):
        _, bad = take(conn, write(tmp_path, "a.csv", f"email,at\n{B},\n{spelling},{at}\n"))
        assert [one.why for one in bad] == [UNSUBSCRIBED]
    assert not any(consent.live for consent in standing(conn, SHOP, spelling.lower(), "").consents)


def test_consents_hold_only_for_the_address_given(conn: sqlite3.Connection) -> None:
    agree(conn, "ann.b@gmail.com")
    assert standing(conn, SHOP, "annb@gmail.com", "").consents == ()


def test_a_time_to_come_is_refused(conn: sqlite3.Connection, tmp_path: Path) -> None:
    _, bad = take(conn, write(tmp_path, "a.csv", f"email,at\n{A},2099-01-01\n{B},2020-01-01\n"))
    assert len(bad) == 1 and "future" in bad[0].why


@given(
    st.text(alphabet="ab.+-_", min_size=1, max_size=12), st.sampled_from(["gmail.com", "ya.ru", "pm.me", "x.example"])
)
def test_a_mailbox_is_its_own_mailbox(local: str, domain: str) -> None:
    key = mailbox_of(f"{local}@{domain}")
    assert key is None or mailbox_of(key) == key


# --- wordings -------------------------------------------------------------------------------


def test_wordings_are_kept_as_they_were(conn: sqlite3.Connection) -> None:
    agree(conn, A)
    with transaction(conn):
        wordings.make(conn, SHOP, "Ja, ich will Neuigkeiten und Angebote von der Firma.", NOW)
    assert [(one.number, one.language, one.consents) for one in wordings.list_(conn, SHOP)] == [
        (1, "en", 1),
        (2, "de", 0),
    ]
    with pytest.raises(sqlite3.IntegrityError, match="kept as it was"):
        conn.execute("UPDATE wording SET text = 'other'")
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute("DELETE FROM wording WHERE number = 1")


# --- bombs ----------------------------------------------------------------------------------


def test_a_bomb_is_refused_before_it_is_inflated(tmp_path: Path) -> None:
    path = write(tmp_path, "bomb.xlsx", workbook("<row>" + " " * 100_000_000 + "</row>"))
    assert path.stat().st_size < 200_000
    with pytest.raises(ListError):
        open_list(path)


def test_a_sheet_with_a_far_cell_is_refused(tmp_path: Path) -> None:
    rows = sheet_row(1, A) + f'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>{B}</t></is></c></row>'
    with pytest.raises(ListError):
        open_list(write(tmp_path, "far.xlsx", workbook(rows)))


def test_an_archive_of_many_parts_is_refused(tmp_path: Path) -> None:
    more = {f"xl/p{i}.xml": "" for i in range(list_sheet.MAX_PARTS + 1)}
    with pytest.raises(ListError, match="parts"):
        open_list(write(tmp_path, "many.xlsx", workbook(sheet_row(1, A), more=more)))


def test_entities_are_not_expanded(tmp_path: Path) -> None:
    more = {
        "xl/worksheets/sheet1.xml": '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
        "<worksheet><sheetData>" + sheet_row(1, "&b;@people.example") + "</sheetData></worksheet>"
    }
    with pytest.raises(ListError):
        open_list(write(tmp_path, "lol.xlsx", workbook("", more=more)))


def test_many_sheets_that_inflate_together_are_refused(tmp_path: Path) -> None:
    more = {f"xl/worksheets/sheet{i}.xml": " " * 3_000_000 for i in range(2, 40)}
    with pytest.raises(ListError, match="proportion"):
        open_list(write(tmp_path, "sheets.xlsx", workbook(sheet_row(1, A), more=more)))


def test_a_card_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_vcard, "MAX_CARD_LINES", 1_000)
    for more in ("a\n ", "NOTE:x\n"):
        path = write(tmp_path, "endless.vcf", f"BEGIN:VCARD\nEMAIL:{A}\nNOTE:".encode() + more.encode() * 1_001)
        with pytest.raises(ListError, match="card in line 1 has more than 1000 lines"):
            open_list(path)


def test_a_line_that_never_ends_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_text, "MAX_LINE_OCTETS", 3 << 20)
    for name in ("endless.csv", "endless.vcf", "endless.txt"):
        with pytest.raises(ListError, match="a line of more than 3 MiB"):
            open_list(write(tmp_path, name, b"BEGIN:VCARD\nEMAIL:" + b"a" * (6 << 20)))


def test_an_address_must_come_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(list_file, "WITHOUT", 100)
    with pytest.raises(ListError, match="no addresses in its first 100 lines"):
        open_list(write(tmp_path, "others.txt", b"nobody\n" * 200 + A.encode()))


# --- parsers --------------------------------------------------------------------------------


@given(st.binary(max_size=400))
def test_no_octets_break_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.csv"
    path.write_bytes(content)
    with contextlib.suppress(ListError):
        for entry in open_list(path).read():
            assert isinstance(entry, Entry | Bad)


@given(st.text(max_size=40))
def test_times_and_birthdays_are_read_or_refused(text: str) -> None:
    for read in (time_in, lambda value: under_age(value, NOW)):
        with contextlib.suppress(ValueError):
            read(text)
