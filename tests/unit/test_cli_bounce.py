"""``relay bounce explain``: what was understood of a message that came back, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from relay.cli.main import relay

SAMPLES = Path(__file__).parent.parent / "samples" / "bounces"


def explain(*args: str, data: bytes = b"") -> Result:
    return CliRunner().invoke(relay, ["bounce", "explain", *args], input=data)


def test_json_names_each_recipient_with_status_class_and_permanence() -> None:
    told = json.loads(explain("--json", str(SAMPLES / "dead-ours-of-many.eml")).output)
    assert told["kind"] == "bounce"
    rows = [{name: row[name] for name in ("recipient", "status", "class", "permanent")} for row in told["recipients"]]
    assert rows == [
        {"recipient": "other@example.org", "status": "5.2.2", "class": "mailbox-full", "permanent": False},
        {"recipient": "ann@example.net", "status": "5.1.1", "class": "unknown-address", "permanent": True},
    ]
    assert [row["suppresses"] for row in told["recipients"]] == ["no", "at once"]


def test_it_says_what_decided() -> None:
    output = explain(str(SAMPLES / "dead-plain-550-at-rcpt.eml")).output
    assert "because of  the words “unknown user" in output
    assert "class       unknown-address" in output
    assert "suppresses  at once" in output
    output = explain(str(SAMPLES / "soft-disabled-5.2.1.eml")).output
    assert "the enhanced code 5.2.1 and the words “Mailbox disabled”" in output
    assert "a day later" in output


def test_standard_input() -> None:
    data = (SAMPLES / "dead-5.1.1.eml").read_bytes()
    assert explain("-", data=data).output == explain(str(SAMPLES / "dead-5.1.1.eml")).output


@pytest.mark.parametrize(
    ("sample", "kind"),
    [
        ("auto-reply-vacation", "auto-reply"),
        ("nothing-read-receipt", "nothing"),
        ("unclassified-person", "unclassified"),
        ("complained-abuse", "complaint"),
        ("delivered", "delivered"),
        ("delayed", "delay"),
    ],
)
def test_what_is_no_bounce_is_named(sample: str, kind: str) -> None:
    told = json.loads(explain("--json", str(SAMPLES / f"{sample}.eml")).output)
    assert told["kind"] == kind
    assert not any(row["permanent"] for row in told["recipients"])
    assert explain(str(SAMPLES / f"{sample}.eml")).output.startswith(f"{kind}: ")


def test_nothing_a_stranger_wrote_reaches_the_terminal_raw() -> None:
    raw = (SAMPLES / "dead-5.1.1.eml").read_bytes().replace(b"User unknown", b"User\x1b[2J\x9b31m unknown\xe2\x80\xae")
    result = explain("-", data=raw)
    assert result.exit_code == 0
    assert all(character.isprintable() or character == "\n" for character in result.output)
    assert "\x1b" not in explain("--json", "-", data=raw).output


def test_a_missing_file_is_said() -> None:
    result = explain("/nonexistent/x.eml")
    assert result.exit_code == 2


@pytest.mark.parametrize("data", [b"", b"\0" * 1000, b"\xff\xfe", b"{" * 5000])
def test_odd_input_is_taken(data: bytes) -> None:
    assert explain("-", data=data).exit_code == 0
