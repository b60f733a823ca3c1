"""A backup of a relay at work, restored elsewhere: its mail arrives, signed as ever, and the audit log is whole."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.crash.conftest import Victim
from tests.support.load import tried
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Sink

PASSPHRASE = "eleven blue whales"


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Victim]:
    """A relay that takes mail and delivers none as yet."""
    (tmp_path / "first").mkdir()
    victim = Victim(tmp_path / "first")
    victim.relay.configure({**victim.settings, "delivery": {**victim.settings["delivery"], "enabled": False}})
    victim.relay.start()
    yield victim
    victim.relay.kill()
    victim.sink.close()


def elsewhere(backup: Path, there: Path, passphrase: Path, sink: Sink, settings: dict[str, dict[str, object]]) -> Relay:
    """The same relay from the backup, with ports of its own; ``Relay`` makes one, which gives way."""
    there.mkdir()
    other = Relay(there)
    for name in ("relay.toml", "data", "tls"):
        path = there / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    other.cli("restore", str(backup), "--dir", str(there), "--passphrase-file", str(passphrase), config=False)
    other.configure({**settings, "delivery": {**settings["delivery"], "smart_host": f"127.0.0.1:{sink.port}"}})
    return other


def leave_by(header: str) -> int:
    url = header.partition("<http")[2].partition(">")[0]
    return httpx.post(f"http{url}", data={"List-Unsubscribe": "One-Click"}, timeout=20, trust_env=False).status_code


def test_mail_in_the_queue_goes_out_from_elsewhere(waiting: Victim, tmp_path: Path) -> None:
    relay = waiting.relay
    (tmp_path / "words").write_text(f"{PASSPHRASE}\n")
    load = waiting.load(400, "kept")
    load.reached(60)
    backup = tmp_path / "backup"
    before = set(load.promised)
    relay.cli("backup", str(backup), "--passphrase-file", str(tmp_path / "words"))  # while mail comes in
    load.reached(80)
    load.halt()
    assert "a relay runs" in relay.run("restore", str(backup), "--passphrase-file", str(tmp_path / "words")).stderr
    sink = Sink()
    other = elsewhere(backup, tmp_path / "second", tmp_path / "words", sink, waiting.settings)
    try:
        other.cli("audit", "verify")
        other.start()
        until(lambda: before <= {tried(message) for message in sink.messages}, "what was promised before has arrived")
        assert all(message.fields("DKIM-Signature") for message in sink.messages)
        assert leave_by(sink.messages[0].field("List-Unsubscribe")) == 200  # which the first relay may have written
        assert other.stop() == 0
        rows = {row["what"]: row["level"] for row in other.json("check", "store")}
        assert rows.pop("database") == "ok" and set(rows.values()) == {"ok"}, rows
    finally:
        other.kill()
        sink.close()
