"""What strangers and tenants wrote reaches no terminal, log line or ``--json`` unescaped."""

from __future__ import annotations

import ast
import io
import json
import logging
import sys
import unicodedata
from functools import partial
from pathlib import Path

import click
import pytest

from relay.cli.common import aligned, cell, done, note, output, print_json, say, show
from relay.cli.main import one_line
from relay.observe import log
from relay.observe.escape import escaped, escaped_html, escaped_json, escaped_lines

HOSTILE = {
    "NUL": "\0",
    "BEL": "\a",
    "BS": "\b",
    "TAB": "\t",
    "LF": "\n",
    "VT": "\v",
    "FF": "\f",
    "CR": "\r",
    "SO": "\x0e",
    "ESC": "\x1b",
    "FS": "\x1c",
    "US": "\x1f",
    "DEL": "\x7f",
    "C1 first": "\x80",
    "IND": "\x84",
    "NEL": "\x85",
    "DCS": "\x90",
    "CSI": "\x9b",
    "OSC": "\x9d",
    "APC": "\x9f",
    "soft hyphen": "\xad",
    "grapheme joiner": "\u034f",
    "Arabic letter mark": "\u061c",
    "Hangul filler": "\u115f",
    "Mongolian selector": "\u180b",
    "Mongolian vowel separator": "\u180e",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "LRM": "\u200e",
    "RLM": "\u200f",
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "LRE": "\u202a",
    "RLO": "\u202e",
    "word joiner": "\u2060",
    "invisible plus": "\u2064",
    "LRI": "\u2066",
    "PDI": "\u2069",
    "deprecated format": "\u206f",
    "Braille blank": "\u2800",
    "Hangul filler 2": "\u3164",
    "private use": "\ue000",
    "selector": "\ufe00",
    "BOM": "\ufeff",
    "halfwidth filler": "\uffa0",
    "annotation": "\ufff9",
    "noncharacter": "\uffff",
    "high surrogate": "\ud83d",
    "low surrogate": "\udc80",
    "musical control": "\U0001d173",
    "tag": "\U000e0041",
    "selector 17": "\U000e0100",
    "plane 16": "\U0010ffff",
}
READABLE = ("abc", "é", "українська", "日本語", "العربية", "हिन्दी", "ไทย", "Größe", "naïve €5 “so”", "👍 ❤️", "")


def steering(text: str) -> list[str]:
    """Characters of the kinds that a terminal or a reader's eye obeys."""
    return [c for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_steers_or_hides_is_escaped(name: str) -> None:
    character = HOSTILE[name]
    text = f"a{character}é"
    for shown in (escaped(text), one_line(text), cell("subject", text), escaped_html(text).replace("\n", "")):
        assert character not in shown and not steering(shown), ascii(shown)
        assert shown.startswith("a") and shown.endswith("é")
    if character != "\n":
        assert character not in escaped_lines(f"one\n{text}") and "\n" in escaped_lines(f"one\n{text}")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_stays_json_and_decodes_to_the_same(name: str, indent: int | None) -> None:
    value = {f"key{HOSTILE[name]}": [f'"{HOSTILE[name]}\\{HOSTILE[name]}"', "українська"]}
    shown = escaped_json(json.dumps(value, ensure_ascii=False, indent=indent))
    assert json.loads(shown) == value
    assert not steering(shown) and "українська" in shown


def test_every_character_there_is() -> None:
    every = [chr(point) for point in range(sys.maxunicode + 1)]
    assert not steering(escaped("".join(every)))
    quick = "".join(c for c in every if not 0xD800 <= ord(c) < 0xE000)
    assert json.loads(escaped_json(json.dumps(quick, ensure_ascii=False))) == quick


@pytest.mark.parametrize("text", READABLE)
def test_what_people_write_stays_readable(text: str) -> None:
    assert escaped(text) == escaped_lines(text) == escaped_json(text) == escaped_html(text) == text


# --- the log -----------------------------------------------------------------------------


def logged(formatter: logging.Formatter, text: str, error: Exception | None = None) -> str:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger = logging.Logger("relay.accept")
    logger.addHandler(handler)
    logger.error("id=%s accepted", text, exc_info=error)
    return out.getvalue()


FORGED = "x\n2026-11-29T00:00:00.000Z info    relay.accept: id=forged accepted"


@pytest.mark.parametrize("journal", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_value_ends_no_line_and_begins_none(journal: bool, name: str) -> None:
    text = logged(log._Text(journal=journal), f"<{HOSTILE[name]}FORGED{HOSTILE[name]}@x>")
    assert text.count("\n") == 1 and text.endswith("\n") and not steering(text)


def test_an_exceptions_text_forges_no_line() -> None:
    for error in (ValueError(FORGED), ValueError("\x1b[2J\u202e\r2026-11-29T")):
        for formatter in (log._Text(journal=False), log._Text(journal=True)):
            head, *lines = logged(formatter, "y", error).rstrip("\n").split("\n")
            assert "id=y accepted" in head
            assert lines and all(line.removeprefix("<3>").startswith("    ") for line in lines)
            assert not steering("".join(lines))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_line_of_json_is_one_line(name: str) -> None:
    said = f"{HOSTILE[name]}é{FORGED}"
    text = logged(log._Json(), said, ValueError(said))
    assert text.count("\n") == 1 and not steering(text)
    assert json.loads(text)["message"] == f"id={said} accepted"


# --- the commands ------------------------------------------------------------------------


@pytest.mark.parametrize("name", HOSTILE)
def test_listings_and_messages_of_commands(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = f"a{HOSTILE[name]}b"
    row = {"subject": text, f"meta{HOSTILE[name]}": {text: text}, "topics": [text]}
    ctx = click.Context(click.Command("test"))
    output(ctx, [row], list(row), False)
    show(ctx, row | {"steps": [row]}, False)
    done(ctx, text, row, False)
    note(text)
    if HOSTILE[name] != "\n":
        say(text)
        say(text, err=True)
    for line in aligned([[cell("x", text)]]):
        say(line)
    seen = capsys.readouterr()
    assert not steering(seen.out + seen.err)
    for shown in (
        partial(output, ctx, [row], list(row), True),
        partial(show, ctx, row, True),
        partial(print_json, row),
    ):
        shown()
        printed = capsys.readouterr().out
        assert not steering(printed)
        assert next(iter(json.loads(printed) if printed.startswith("[") else [json.loads(printed)])) == row


def test_commands_write_by_the_one_way_only() -> None:
    """``click.echo`` and ``print`` stand where nothing of others is in the text, or it was escaped just before."""
    allowed = {
        "backup.py": 2,
        "printing.py": 3,
        "completion.py": 4,
        "watching.py": 1,
        "main.py": 4,
        "check.py": 1,
        "reference.py": 2,
        "manual.py": 1,
    }
    found: dict[str, int] = {}
    for path in sorted(Path("relay/cli").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("click.echo", "click.secho", "print", "sys.stdout.write", "sys.stderr.write"):
                found[path.name] = found.get(path.name, 0) + 1
    assert found == allowed
