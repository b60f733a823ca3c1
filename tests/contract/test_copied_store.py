"""A relay's whole store goes to a server and back to a file; whatever was promised before is delivered after."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.store.database import connect
from relay.store.sqlite.schema import differences
from tests.support.peers import until
from tests.support.postgres import server
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail
from tests.support.store import of_a_file

pytestmark = of_a_file("the copy begins there")


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


def settings(sink: Sink, *, delivers: bool, url: str = "") -> dict[str, dict[str, object]]:
    return {
        "delivery": {"smart_host": f"127.0.0.1:{sink.port}", "enabled": delivers},
        "policy.staged_sending": {"new_below": 0},
        "store": {"url": url},
    }


def sent(relay: Relay, login: tuple[str, str], *people: str) -> None:
    dialog = Dialog(relay.submission)
    dialog.ehlo()
    assert dialog.login(*login).code == 235
    for person in people:
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
        assert dialog.say(f"RCPT TO:<{person}>").code == 250
        assert dialog.data(mail(to=person, subject="One")).code == 250
    dialog.close()


def test_there_and_back_with_a_queue(sink: Sink, tmp_path: Path) -> None:
    relay = Relay(tmp_path, settings(sink, delivers=False))
    file, url = tmp_path / "data/relay.db", server().empty()
    relay.tenant()
    people = [f"p{number}@rcpt.example" for number in range(5)]
    for person in people:
        relay.consent(person)
    login = relay.credential()
    relay.start()
    try:
        sent(relay, login, *people[:3])
        refused = relay.run("store", "copy", "--to", url)
        assert refused.returncode == 1 and re.search(
            r"a relay runs on .* \(process \d+\): stop it first", refused.stderr
        )
        relay.kill()  # as a crash leaves it
        there = relay.json("store", "copy", "--to", url)
        assert there["audit_whole"] is True and there["resumed"] is False and there["rows"] > 30
        assert {"consent": 5, "submission": 3, "recipient": 3}.items() <= {
            one["name"]: one["rows"] for one in there["tables"]
        }.items()

        relay.configure(settings(sink, delivers=False, url=url))
        file.rename(file.with_name("old.db"))
        relay.start()
        sent(relay, login, people[3])
        relay.cli("consent", "withdraw", "acme", people[0])
        relay.stop()
        assert "the audit log is whole there" in relay.cli("store", "copy", "--to", "sqlite")
        again = relay.run("store", "copy", "--to", "sqlite")
        assert again.returncode == 1 and "is there already, nothing was changed" in again.stderr

        relay.configure(settings(sink, delivers=True))
        relay.start()
        sent(relay, login, people[4])
        until(lambda: len(sink.messages) >= 4, "what was promised is delivered")
        relay.stop()
    finally:
        relay.kill()
    arrived = sorted(message.recipients[0] for message in sink.messages)
    assert arrived == people[1:]  # each once, and nothing to who withdrew meanwhile
    assert relay.cli("audit", "verify").endswith("whole: nothing was changed, taken out, moved or added\n")
    assert relay.json("queue", "stats") is not None


def test_most_is_copied_while_the_relay_works(sink: Sink, tmp_path: Path) -> None:
    """What is taken, delivered and withdrawn meanwhile is as it was when the relay was stopped."""
    relay = Relay(tmp_path, settings(sink, delivers=False))
    url, people = server().empty(), [f"p{number}@rcpt.example" for number in range(6)]
    relay.tenant()
    for person in people:
        relay.consent(person)
    login = relay.credential()
    relay.start()
    try:
        sent(relay, login, *people[:2])
        first = relay.json("store", "copy", "--to", url, "--ahead")
        assert first["whole"] is False and first["rows"] > 30
        refused = relay.run("store", "copy", "--to", url)
        assert refused.returncode == 1 and "stop it first" in refused.stderr
        sent(relay, login, *people[2:4])
        relay.cli("consent", "withdraw", "acme", people[0])
        assert relay.json("store", "copy", "--to", url, "--ahead")["carried_over"] > 10
        sent(relay, login, people[4])
        relay.cli("consent", "withdraw", "acme", people[3])
        with urllib.request.urlopen(f"http://127.0.0.1:{relay.http}/readyz", timeout=20) as answer:
            assert answer.status == 200
        assert "not the relay's" not in relay.run("check", "store").stdout
        relay.kill()
        done = relay.run("store", "copy", "--to", url)
        assert done.returncode == 0 and "all is there" in done.stderr and "the audit log is whole there" in done.stdout
        assert re.search(r"[1-9]\d* that changed after the first part were carried over", done.stdout)

        relay.configure(settings(sink, delivers=True, url=url))
        relay.start()
        sent(relay, login, people[5])
        until(lambda: len(sink.messages) >= 4, "what was promised is delivered")
        relay.stop()
    finally:
        relay.kill()
    assert sorted(message.recipients[0] for message in sink.messages) == [people[1], people[2], people[4], people[5]]
    assert relay.cli("audit", "verify").endswith("whole: nothing was changed, taken out, moved or added\n")


def test_the_way_back_is_as_short(sink: Sink, tmp_path: Path) -> None:
    """From the server to a file, most of it while the relay works there."""
    url, people = server().empty(), [f"b{number}@rcpt.example" for number in range(4)]
    relay = Relay(tmp_path, settings(sink, delivers=False, url=url), url=url)
    relay.tenant()
    for person in people:
        relay.consent(person)
    login = relay.credential()
    relay.start()
    try:
        sent(relay, login, people[0])
        assert relay.json("store", "copy", "--to", "sqlite", "--ahead")["whole"] is False
        sent(relay, login, *people[1:3])
        relay.cli("consent", "withdraw", "acme", people[1])
        relay.kill()
        done = relay.run("store", "copy", "--to", "sqlite")
        assert done.returncode == 0 and "all is there" in done.stderr and "the audit log is whole there" in done.stdout
        assert re.search(r"[1-9]\d* that changed after the first part were carried over", done.stdout)
        relay.store = ""
        relay.configure(settings(sink, delivers=True))
        relay.start()
        sent(relay, login, people[3])
        until(lambda: len(sink.messages) >= 3, "what was promised is delivered")
        relay.stop()
    finally:
        relay.kill()
    assert sorted(message.recipients[0] for message in sink.messages) == [people[0], people[2], people[3]]
    assert relay.cli("audit", "verify").endswith("whole: nothing was changed, taken out, moved or added\n")


def test_a_copy_that_is_not_wanted_leaves_nothing(sink: Sink, tmp_path: Path) -> None:
    relay, url = Relay(tmp_path, settings(sink, delivers=False)), server().empty()
    assert relay.json("store", "keep") == {"noted": False}
    relay.cli("store", "copy", "--to", url, "--ahead")
    assert relay.json("store", "keep") == {"noted": True}
    with closing(connect(tmp_path / "data" / "relay.db")) as conn:
        assert differences(conn) == []
    late = relay.run("store", "copy", "--to", url)
    assert late.returncode == 1 and "has no notes of what changed" in late.stderr


def test_what_can_not_be_is_told_in_a_line(sink: Sink, tmp_path: Path) -> None:
    relay = Relay(tmp_path, settings(sink, delivers=False))
    words = {
        "mysql://h/d": "this is not postgresql://USER@HOST/DATABASE",
        "postgresql://h": "names no database",
        "postgresql://nobody@/none?host=/nowhere": "can't be reached",
        str(tmp_path / "data"): "is in ",
        f"sqlite:{tmp_path}/relay.toml": "is there already",
        "sqlite:/nowhere/at/all.db": "/nowhere/at is no directory",
        server().made(): "holds a relay's data already",
    }
    for target, text in words.items():
        found = relay.run("store", "copy", "--to", target)
        assert found.returncode == 1 and found.stderr.count("\n") == 1 and text in found.stderr, (target, found.stderr)
    assert relay.run("store", "copy").returncode == 2
    assert sorted(path.name for path in (tmp_path / "data").glob("*copying*")) == []
