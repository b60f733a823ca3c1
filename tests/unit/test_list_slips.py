"""Lists that came in odd ways, each of which once lost or broke something (R2, R4)."""

from __future__ import annotations

import codecs
import csv
import json
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.keys.secrets import Secrets
from relay.lists import consent_import, suppression_import
from relay.lists.consent_book import EXPORT_COLUMNS, GROUPS_COLUMN, export, export_columns
from relay.lists.consent_import import ImportReport, Order
from relay.lists.list_file import Bad, Entry, ListError, open_list
from relay.lists.list_write import write_list
from relay.people import consents, profiles
from relay.people.consent_rules import ConsentRefused, check_ip, terms
from relay.store.database import migrate, transaction
from relay.values.errors import RegistryError
from relay.values.facts import Reason
from tests.unit.records import NOW, SECRETS, SHOP, agree, open_shop

TERMS = terms(topic="news", source="sign-up form", wording="Send me news.", means="import")
A, B = "ann@people.example", "bob@people.example"
Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def conn(tmp_path: Path) -> sqlite3.Connection:
    return open_shop(tmp_path / "relay.db")


@pytest.fixture
def call(tmp_path: Path) -> Call:
    (tmp_path / "data").mkdir()
    settings = tmp_path / "relay.toml"
    settings.write_text('[server]\nhostname = "relay.example"\n')
    migrate(tmp_path / "data" / "relay.db")
    Secrets.create(tmp_path / "data" / "secrets")

    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(relay, ["-c", str(settings), *words])
        return result.exit_code, result.stdout, result.stderr

    assert run("tenant", "add", "shop", "--contact", "owner@shop.example")[0] == 0
    return run


def write(tmp_path: Path, name: str, content: str | bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def take(conn: sqlite3.Connection, path: Path) -> tuple[ImportReport, list[Bad]]:
    bad: list[Bad] = []
    order = Order(SHOP, SECRETS, TERMS, "root", NOW)
    return consent_import.run(conn, open_list(path), order, refused=bad.append), bad


# --- files ---------------------------------------------------------------------------------


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "people.csv")
    with pytest.raises(ListError, match="save it to a file"):
        open_list(tmp_path / "people.csv")


def test_a_file_name_of_any_octets_can_be_taken(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))
    path.write_text(f"{A}\n")
    assert take(conn, path)[0].taken == 1
    told = json.loads(conn.execute("SELECT detail FROM audit WHERE action = 'consents-import-begun'").fetchone()[0])
    assert told["file"] == "\ufffd.csv"


def test_a_file_name_of_any_octets_can_be_suppressed(conn: sqlite3.Connection, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))
    path.write_text(f"{A}\n")
    report = suppression_import.run(
        conn, open_list(path), SHOP, reason=Reason.HAND, actor="root", now=NOW, refused=lambda bad: None
    )
    assert report.taken == 1


def test_the_mark_is_no_part_of_the_first_address(tmp_path: Path) -> None:
    path = write(tmp_path, "people.txt", codecs.BOM_UTF8 + f"{A}\n{B}\n".encode())
    found = [entry.address.canonical for entry in open_list(path, encoding="utf-8").read() if isinstance(entry, Entry)]
    assert found == [A, B]


@pytest.mark.parametrize("charset", ["unicode_escape", "raw_unicode_escape"])
def test_a_card_makes_no_text_that_cannot_be_written(tmp_path: Path, charset: str) -> None:
    said = f"CHARSET={charset};ENCODING=QUOTED-PRINTABLE"
    card = f"BEGIN:VCARD\nEMAIL;{said}:=5Cud800@people.example\nFN;{said}:=5Cud800+2AA-\nEND:VCARD\n"
    good = f"BEGIN:VCARD\nEMAIL:{A}\nFN;{said}:=5Cud800+2AA-\nEND:VCARD\n"
    for item in open_list(write(tmp_path, "people.vcf", card + good)).read():
        (item.text if isinstance(item, Bad) else item.attributes["name"]).encode()


@pytest.mark.parametrize("kind", ["attributes", "groups"])
def test_a_dry_run_is_refused_as_the_import_would_be(
    conn: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(profiles, f"MAX_{kind.upper()}", 2)
    text = f"email,a,b,c\n{A},1,2,3\n" if kind == "attributes" else f"email,group\n{A},a; b\n{B},c\n"
    people = open_list(write(tmp_path, "people.csv", text))
    with pytest.raises(RegistryError, match=f"at most .* {kind}"):
        consent_import.run(
            conn, people, Order(SHOP, SECRETS, TERMS, "root", NOW, dry_run=True), refused=lambda bad: None, chunk=1
        )
    assert not conn.in_transaction
    with pytest.raises(RegistryError, match=f"at most .* {kind}"):
        take(conn, people.path)


# --- columns -------------------------------------------------------------------------------


def remarks(tmp_path: Path, text: str) -> str:
    return "; ".join(open_list(write(tmp_path, "people.csv", text)).remarks)


def test_columns_that_are_not_taken_are_told(tmp_path: Path) -> None:
    said = remarks(tmp_path, f"email,name,Name,date,given_at\n{A},Ann,Lee,2024-01-02,2023-01-02\n")
    assert (
        "column 3 ('Name') says the same as column 2" in said
        and "of column 5 ('given_at'), then column 4 ('date') the first" in said
    )
    assert "without a name" not in said


@pytest.mark.parametrize("line", [f"{A},Ann,,x", f"{A},Ann,x"])
def test_cells_under_no_name_are_told(tmp_path: Path, line: str) -> None:
    header = "email,name,," if line.count(",") == 3 else "email,name"
    assert "columns without a name in the header were not taken" in remarks(tmp_path, f"{header}\n{line}\n")
    assert "without a name" not in remarks(tmp_path, f"{header}\n{A},Ann,,\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"email,consented at\n{A},2024-05-01\n{B},\n",
            "column 2 ('consented at'): read as whether the person agreed, and when",
        ),
        (f"opt_in,email\n2024-05-01,{A}\n", "column 1 ('opt_in'): read as whether the person agreed, and when"),
        (f"email,opt_in\n{A},yes\n{B},no\n", "column 2 ('opt_in'): read as whether the person agreed"),
    ],
)
def test_a_column_of_dates_is_told_and_read_as_such(tmp_path: Path, text: str, said: str) -> None:
    assert remarks(tmp_path, text).split("; ")[1:] == [said]
    ann = next(one for one in open_list(tmp_path / "people.csv").read() if isinstance(one, Entry))
    assert ann.address.canonical == A and (ann.at is not None) == said.endswith("and when")


# --- values --------------------------------------------------------------------------------


@pytest.mark.parametrize("ip", ["fe80::1%eth0", "fe80::1%" + "z" * 3000, "fe80::1%\x1b[31m"])
def test_a_zone_is_no_part_of_an_address(ip: str) -> None:
    with pytest.raises(ConsentRefused, match="no IP address"):
        check_ip(ip)


# --- written again -------------------------------------------------------------------------


def test_no_column_is_a_formula(conn: sqlite3.Connection, tmp_path: Path) -> None:
    take(conn, write(tmp_path, "in.csv", f'email,"=HYPERLINK(""x"")",+cmd\n{A},1,2\n'))
    columns, before = export_columns(conn, SHOP), list(export(conn, SHOP))
    out = tmp_path / "out.csv"
    write_list(out, columns, before)
    with out.open() as file:
        header = next(csv.reader(file))
    assert not [cell for cell in header if cell[0] in "=+-@"]
    again = open_shop(tmp_path / "again.db")
    take(again, out)
    assert export_columns(again, SHOP) == columns


def test_a_quote_before_a_formula_is_kept(conn: sqlite3.Connection, tmp_path: Path) -> None:
    values = ("'=x", "''=x", "'x", "=x")
    for number, value in enumerate(values):
        person = agree(conn, f"p{number}@people.example")
        with transaction(conn):
            profiles.change(conn, SHOP, person, attributes={"note": value}, now=NOW)
    out = tmp_path / "out.csv"
    write_list(out, export_columns(conn, SHOP), export(conn, SHOP))
    again = open_shop(tmp_path / "again.db")
    take(again, out)
    people = [consents.subscriber(again, SHOP, f"p{number}@people.example", NOW) for number in range(len(values))]
    assert tuple(profiles.of(again, person).attributes["note"] for person in people) == values


def test_what_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError) as told:
        write_list(tmp_path / "none" / "out.csv", ("email",), [])
    assert told.value.filename == str(tmp_path / "none" / "out.csv")


def test_a_birthday_of_a_child_stops_everything_by_hand_too(call: Call) -> None:
    words = ("--topic", "news", "--source", "our form", "--wording", "Yes")
    assert call("consent", "add", "shop", A, *words)[0] == 0
    status, _, err = call("consent", "set", "shop", A, "--attribute", "birthday=2025-01-01", "--group", "vip")
    assert status == 1 and "under 16" in err and f"relay consent erase shop {A} --yes" in err
    person = json.loads(call("consent", "show", "shop", A, "--json")[1])
    assert [(one["reason"], one["detail"]) for one in person["suppressions"]] == [("hand", "under 16")]
    assert person["attributes"] == {} and person["groups"] == []


def test_an_attribute_is_named_like_no_column_of_an_export(call: Call) -> None:
    assert {*EXPORT_COLUMNS, GROUPS_COLUMN} == profiles.RESERVED
    words = ("--topic", "news", "--source", "our form", "--wording", "Yes")
    assert call("consent", "add", "shop", A, *words)[0] == 0
    status, _, err = call("consent", "set", "shop", A, "--attribute", "Topic=x")
    assert status == 1 and "'topic' is a column of every export" in err


def test_an_edit_of_nothing_is_no_edit(call: Call) -> None:
    assert call("form", "add", "shop", "news", "--topic", "news", "--wording", "Yes.")[0] == 0
    status, _, err = call("form", "edit", "shop", "news")
    assert status == 1 and "say what to change" in err
    assert "form-edited" not in call("audit", "list")[1]
    assert call("form", "edit", "shop", "news", "--title", "")[0] == 0
    assert call("form", "edit", "shop", "news", "--no-frames")[0] == 0


def test_a_wording_is_checked_in_a_language_that_is_known(call: Call) -> None:
    status, _, err = call("wording", "check", "Yes.", "--language", "zz")
    assert status == 2 and "not in 'zz'" in err
    assert call("wording", "check", "Yes.", "--language", "de-AT")[0] == 1


@pytest.mark.parametrize("where", ["people.csv", "none/bad.csv", "."])
@pytest.mark.parametrize("kind", ["consent", "suppression"])
def test_a_report_that_cannot_be_written_stops_the_import(call: Call, tmp_path: Path, where: str, kind: str) -> None:
    path = write(tmp_path, "people.csv", f"{A}\nnobody\n")
    words = ["--topic", "news", "--source", "our form", "--wording", "Yes", "--attest"] if kind == "consent" else []
    status, _, err = call(kind, "import", "shop", str(path), *words, "--report", str(tmp_path / where))
    assert status == 1 and err.count("\n") == 1 and "report" in err
    assert path.read_text() == f"{A}\nnobody\n"
    assert call("consent", "show", "shop", A)[0] == 1


def test_suppressions_are_told_by_reason_and_keep_where_they_are_from(call: Call, tmp_path: Path) -> None:
    path = write(tmp_path, "gone.csv", f"email,reason\n{A},unsubscribed\n{B},hard bounce\n")
    code, out, _ = call("suppression", "import", "shop", str(path), "--dry-run")
    assert code == 0 and "by reason: 1 hard-bounce, 1 unsubscribed" in out
    assert json.loads(call("suppression", "import", "shop", str(path), "--json")[1])["by_reason"] == {
        "hard-bounce": 1,
        "unsubscribed": 1,
    }
    rows = json.loads(call("suppression", "list", "shop", "--json")[1])
    assert [row["detail"] for row in rows] == [
        "import gone.csv, line 2: unsubscribed",
        "import gone.csv, line 3: hard bounce",
    ]
    assert json.loads(call("audit", "verify", "--json")[1])["faults"] == []


def test_a_line_break_in_a_quoted_cell_parts_what_stands_there(tmp_path: Path) -> None:
    path = write(tmp_path, "notes.csv", f'email,address\n{A},"1 High St\nTown"\n')
    (entry,) = open_list(path).read()
    assert isinstance(entry, Entry) and entry.attributes == {"address": "1 High St Town"}


def test_a_list_that_this_user_may_not_read_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "people.csv", f"email\n{A}\n")

    def barred(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", barred)
    with pytest.raises(ListError, match="can't be read by this user: copy it to where it may be"):
        open_list(path)
