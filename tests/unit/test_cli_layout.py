"""Tables, blocks and wrapped text at widths people have."""

from __future__ import annotations

import itertools
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from relay.cli import common, layout, moments, printing

ROOT = Path(__file__).resolve().parents[2]
ID = "0apawap019edd"
QUEUE = ("id", "number", "tenant", "address", "state", "due_at", "attempts", "reason")
LONG = "550-5.7.26 This mail has been blocked because the sender is unauthenticated. See the page of the provider"
ROWS = [
    {"id": ID, "number": 0, "tenant": "shop", "address": "ann@people.example", "state": "ready", "due_at": 1.79e9,
     "attempts": 12, "reason": LONG},
    {"id": ID, "number": 1, "tenant": "a-very-long-name-of-a-tenant-that-somebody-chose", "address": "b@x.example",
     "state": "delivered", "due_at": None, "attempts": 0, "reason": ""},
]  # fmt: skip


def _printed(rows: list[dict[str, object]], columns: tuple[str, ...], room: str, *words: str) -> list[str]:
    @click.command()
    @common.json_option
    @click.pass_context
    def listing(ctx: click.Context, as_json: bool) -> None:
        common.output(ctx, rows, columns, as_json)

    result = CliRunner(env={"COLUMNS": room}).invoke(listing, list(words))
    assert result.exit_code == 0, result
    return result.stdout.splitlines()


# --- text -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("名前名前", 8, "名前名前"),
        ("名前名前", 7, "名前名…"),
        ("名前名前", 6, "名前…"),
        ("e\u0301e\u0301e\u0301", 3, "e\u0301e\u0301e\u0301"),
        ("e\u0301e\u0301e\u0301e", 3, "e\u0301e\u0301…"),
        ("x", 1, "x"),
        ("xy", 1, "…"),
        ("", 3, ""),
    ],
)
def test_what_is_cut_ends_in_an_ellipsis(text: str, room: int, shown: str) -> None:
    assert layout.cut(text, room) == shown


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("ann@people.example", 18, "ann@people.example"),
        ("a.very.long.name@people.example", 20, "a.ver…@people.example"[:5] + "@people.example"),
        ("a.very.long.name@people.example", 24, "a.very.l…@people.example"),
        ("ann@a-very-long-domain.of.a.department.example", 20, "ann@a-very-long-dom…"),
        ("no address at all, but long", 10, "no addres…"),
        ("名前名前名前@x.example", 16, "名前…@x.example"),
    ],
)
def test_an_address_keeps_its_domain_while_that_fits(text: str, room: int, shown: str) -> None:
    found = layout.cut_address(text, room)
    assert layout.width(found) <= room
    if room != 20 or "very.long.name" not in text:
        assert found == shown
    else:
        assert found.endswith("…@people.example")


@pytest.mark.parametrize(
    ("text", "room", "lines"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 13, ["one two three"]),
        ("", 10, [""]),
        ("x" * 30, 10, ["x" * 9 + "…"]),
        (
            "see https://relay.example/a/very/long/page now",
            10,
            ["see", "https://relay.example/a/very/long/page", "now"],
        ),
        ("名前 名前", 4, ["名前", "名前"]),
    ],
)
def test_wrapping(text: str, room: int, lines: list[str]) -> None:
    assert layout.wrap(text, room) == lines


@given(st.text(alphabet="ab 名é\u0301-", max_size=80), st.integers(2, 40))
def test_no_wrapped_line_is_too_wide(text: str, room: int) -> None:
    assert all(layout.width(line) <= room for line in layout.wrap(text, room))


# --- tables -------------------------------------------------------------------------


def test_what_fits_is_a_plain_table() -> None:
    assert _printed([{"name": "shop", "number": 7}, {"name": "x", "number": 12}], ("name", "number"), "80") == [
        "NAME  NO",
        "shop   7",
        "x     12",
    ]


@pytest.mark.parametrize("room", range(27, 261, 7))
def test_no_line_is_wider_than_the_terminal_and_no_id_is_broken(room: int) -> None:
    lines = _printed(ROWS, QUEUE, str(room))
    assert all(layout.width(line) <= room for line in lines)
    assert sum(ID in line for line in lines) == len(ROWS)


def test_at_80_columns_a_queue_has_its_reasons_below() -> None:
    lines = _printed(ROWS, QUEUE, "80")
    assert lines[0].split()[:6] == ["ID", "NO", "TENANT", "ADDRESS", "STATE", "DUE"]
    assert lines[1].startswith(ID) and "ann@people.example" in lines[1] and "2026-09-21 14:13" in lines[1]
    below = list(itertools.takewhile(lambda line: line.startswith("    "), lines[2:]))
    assert below and "reason 550-5.7.26" in " ".join(below)


def test_120_columns_are_used() -> None:
    narrow, wide = _printed(ROWS, QUEUE, "80"), _printed(ROWS, QUEUE, "120")
    assert len(wide) == 3 < len(narrow)
    assert max(map(len, wide)) > 100 and "REASON" in wide[0]


def test_a_record_too_wide_for_a_line_is_a_block() -> None:
    rows: list[dict[str, object]] = [
        {"name": "n" * 60, "contact": "owner@shop.example", "plan": "free", "freeze": "none", "why": None}
    ]
    assert _printed(rows, ("name", "contact", "plan", "freeze", "why"), "80") == [
        f"name     {'n' * 60}",
        "contact  owner@shop.example",
        "plan     free",
        "freeze   none",
    ]


def test_blocks_have_a_blank_line_between() -> None:
    rows: list[dict[str, object]] = [{"name": letter * 70, "contact": "o@x.example", "plan": "free"} for letter in "ab"]
    lines = _printed(rows, ("name", "contact", "plan"), "80")
    assert lines.count("") == 1 and lines[0].endswith("a" * 70)


def test_a_pipe_without_columns_is_as_wide_as_it_is() -> None:
    lines = _printed(ROWS, QUEUE, "")
    assert len(lines) == 3 and LONG in lines[1] and "2026-09-21T14:13:20Z" in lines[1]


@pytest.mark.parametrize("said", ["abc", "-5", "0", "\uff18\uff10"])
def test_columns_that_say_nothing(said: str) -> None:
    assert len(_printed(ROWS, QUEUE, said)) == 3


def test_no_rows_into_a_pipe_are_the_heading_alone() -> None:
    assert _printed([], ("name", "contact"), "80") == ["NAME  CONTACT"]


def test_json_is_never_cut() -> None:
    found = json.loads("\n".join(_printed(ROWS, QUEUE, "20", "--json")))
    assert [row["reason"] for row in found] == [LONG, ""]


def test_an_object_wraps_its_values() -> None:
    @click.command()
    @click.pass_context
    def one(ctx: click.Context) -> None:
        common.show(ctx, {"id": "i" * 90, "why": LONG, "word": "w" * 90, "list": [{"a": 1}]}, False)

    lines = CliRunner(env={"COLUMNS": "60"}).invoke(one).stdout.splitlines()
    assert lines[0] == "id    " + "i" * 90
    assert lines[1].startswith("why   550-5.7.26 This mail") and lines[2].startswith("      ")
    assert "word  " + "w" * 53 + "…" in lines and lines[-2:] == ["A", "1"]


# --- times -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "words", "shown"),
    [
        ("Europe/Berlin", (), "2026-09-21T16:13:20+02:00"),
        ("Asia/Kolkata", (), "2026-09-21T19:43:20+05:30"),
        ("America/St_Johns", (), "2026-09-21T11:43:20-02:30"),
        ("UTC", (), "2026-09-21T14:13:20Z"),
        ("Europe/Berlin", ("--utc",), "2026-09-21T14:13:20Z"),
        ("Europe/Berlin", ("--json",), "2026-09-21T14:13:20.000Z"),
    ],
)
def test_times_are_where_the_operator_is(zone: str, words: tuple[str, ...], shown: str) -> None:
    code = (
        "import click, sys; from relay.cli import common\n"
        "@click.command()\n@common.json_option\n@click.pass_context\n"
        "def c(ctx, as_json): common.show(ctx, {'at': 1.79e9}, as_json)\n"
        "c(sys.argv[1:])"
    )
    child = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=ROOT, env=os.environ | {"TZ": zone}, capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert shown in child.stdout, child


@pytest.mark.parametrize("text", ["2026-11-23", "2026-11-23T14:05", "2026-11-23T14:05:00+02:00", "12h", "7 d", "90M"])
def test_a_time_to_look_back_to(text: str) -> None:
    assert moments.SINCE.convert(text, None, None) > 0


@pytest.mark.parametrize("text", ["", "yesterday", "7y", "-3d", "d", "99999999d", "2026-13-01"])
def test_a_malformed_time_says_how_to_write_it(text: str) -> None:
    with pytest.raises(click.BadParameter, match="12h or 7d"):
        moments.SINCE.convert(text, None, None)


# --- the terminal ----------------------------------------------------------------------


def _on_terminal(**environment: str) -> str:
    code = (
        "import click; from relay.cli import common\n"
        "@click.command()\n@click.pass_context\n"
        "def c(ctx): common.output(ctx, [{'name': '\\x1b[1mx'}], ('name',), False)\n"
        "c([])"
    )
    ours, theirs = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env | {"TERM": "xterm"} | environment, stdout=theirs, timeout=30
    )
    os.close(theirs)
    found = os.read(ours, 65536).decode()
    os.close(ours)
    return found


def test_a_heading_is_bold_on_a_terminal_and_content_steers_nothing() -> None:
    assert _on_terminal().splitlines() == ["\x1b[1mNAME\x1b[0m", r"\x1b[1mx"]


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_it_is_not_wanted(environment: dict[str, str]) -> None:
    assert "\x1b" not in _on_terminal(**environment)


def test_the_width_of_a_pipe_is_not_known() -> None:
    assert printing.room() is None or os.environ.get("COLUMNS")


def test_what_is_shown_alone_is_complete() -> None:
    @click.command()
    @click.pass_context
    def one(ctx: click.Context) -> None:
        common.show(ctx, {"id": ID, "recipients": ROWS}, False)

    for room in ("60", "80", "120", "200"):
        text = CliRunner(env={"COLUMNS": room}).invoke(one).stdout
        assert LONG in " ".join(text.split()) and "\u2026" not in text


def test_a_note_is_wrapped_and_what_it_quotes_stays_escaped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    printing.note("a list of people read as CSV with commas, by a\nname that has a line end in it")
    told = capsys.readouterr().err
    assert told.startswith("relay: ") and all(len(line) <= 40 for line in told.splitlines())
    assert "\\n" in told and len(told.splitlines()) > 1
    monkeypatch.delenv("COLUMNS")
    printing.note("a list of people read as CSV with commas, and more that would not fit")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_what_an_action_says_is_wrapped_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = "campaigns of shop go out whole from now on; what is staged already waits for `relay campaign release`"
    printing.say_sentence(text)
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 and all(len(line) <= 80 for line in told)
    assert " ".join(" ".join(told).split()) == text
    monkeypatch.delenv("COLUMNS")
    printing.say_sentence(text)
    assert capsys.readouterr().out == text + "\n"
