"""``relay arf explain``: what was understood of a report, with and without a relay at hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from tests.support.inbound import HOST, SHARED_MARK, World

ARF = (
    'From: <fbl@isp.example>\nMIME-Version: 1.0\nContent-Type: multipart/report; boundary="b"\n\n'
    "--b\nContent-Type: message/feedback-report\n\nFeedback-Type: {type}\nUser-Agent: x/1\nVersion: 1\n"
    "Original-Mail-From: <{path}>\nOriginal-Rcpt-To: <joe@isp.example>\n\n--b--\n"
)


class Home:
    """A directory with a relay in it, or none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "relay.toml"

    def call(self, raw: str, *words: str, stdin: bool = False) -> tuple[int, str]:
        file = self.path / "report.eml"
        file.write_text(raw)
        given = ["-c", str(self.config), "arf", "explain", "-" if stdin else str(file), *words]
        result = CliRunner().invoke(relay, given, input=raw if stdin else None)
        return result.exit_code, result.output

    def parsed(self, raw: str, *, stdin: bool = False) -> dict[str, Any]:
        status, text = self.call(raw, "--json", stdin=stdin)
        assert status == 0, text
        found = json.loads(text)
        assert isinstance(found, dict)
        return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def world(home: Home) -> Iterator[World]:
    home.config.write_text(f'[server]\nhostname = "{HOST}"\ndata_dir = "."\n')
    made = World(home.path)
    (home.path / "secrets").chmod(0o600)
    yield made
    made.conn.close()


def test_a_complaint_with_our_tag(home: Home, world: World) -> None:
    found = home.parsed(ARF.format(type="Abuse (x)", path=world.address()))
    assert (found["type"], found["meaning"], found["counts"], found["tag"]) == ("abuse", "complaint", True, "valid")
    assert (found["recipients"], found["person"]) == (["joe@isp.example"], "ann@example.net")
    assert (found["tag_in"], found["report"], len(found["reports"])) == ("original-mail-from", True, 1)
    status, text = home.call(ARF.format(type="abuse", path=world.address()))
    assert status == 0
    assert "stops all mail" in text and "ann@example.net" in text and "unforged" in text
    assert world.events() == []


@pytest.mark.parametrize(
    ("kind", "meaning", "counts"),
    [("opt-out", "unsubscribe", True), ("not-spam", "not-spam", False), ("auth-failure", "operator", False)],
)
def test_other_types(home: Home, world: World, kind: str, meaning: str, counts: bool) -> None:
    found = home.parsed(ARF.format(type=kind, path=world.address()), stdin=True)
    assert (found["meaning"], found["counts"], found["known"]) == (meaning, counts, True)


def test_forged_shared_and_missing_tags(home: Home, world: World) -> None:
    forged = world.address().replace("b-a", "b-b", 1)
    for path, tag in ((forged, "forged"), (world.address(mark=SHARED_MARK), "shared"), ("x@y.example", "none")):
        found = home.parsed(ARF.format(type="abuse", path=path))
        assert (found["tag"], found["counts"]) == (tag, False), path


def test_without_a_relay_tags_are_not_checked(home: Home) -> None:
    found = home.parsed(ARF.format(type="abuse", path="b-x@relay.example"))
    assert (found["tag"], found["counts"], found["meaning"]) == ("unchecked", True, "complaint")


def test_what_is_no_report(home: Home) -> None:
    found = home.parsed("From: ann@example.net\nSubject: News\n\nHello\n")
    assert (found["report"], found["reports"], found["counts"], found["meaning"]) == (False, [], False, "none")
    assert found["letter"]["counts"] is True
    status, text = home.call("From: ann@example.net\nSubject: Out of office\n\n")
    assert status == 0 and text.startswith("no feedback report") and "doesn't count" in text


@pytest.mark.parametrize("fields", ["", "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n"])
def test_a_letter_that_asks_for_it_is_an_opt_out(home: Home, fields: str) -> None:
    found = home.parsed(f"From: ann@example.net\nSubject: unsubscribe\n{fields}\n")
    assert (found["report"], found["reports"], found["form"]) == (False, [], "letter")
    assert (found["type"], found["meaning"], found["counts"]) == ("opt-out", "unsubscribe", True)


def test_nothing_in_it_steers_the_terminal(home: Home) -> None:
    _, text = home.call(ARF.format(type="abuse\x1b[2J", path="\x1b]0;x\x07\x9b1m@y.example"))
    assert not set(text) & set("\x1b\x07\x9b")


def test_a_file_that_is_not_there(home: Home) -> None:
    result = CliRunner().invoke(relay, ["arf", "explain", str(home.path / "none.eml")])
    assert result.exit_code == 2
