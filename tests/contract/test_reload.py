"""Settings are taken while the relay runs: no session is lost, no connection refused; what is wrong changes nothing."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.contract.test_parent import children
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

WORKERS = 2
WAIT_S = 150
"""For new processes on a busy machine."""


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Relay]:
    relay = Relay(tmp_path_factory.mktemp("reload"))
    relay.tenant()
    relay.consent("ann@people.example")
    relay.configure(settings(sink))
    yield relay.start()
    relay.kill()


def settings(sink: Sink, **more: dict[str, object]) -> dict[str, dict[str, object]]:
    tables: dict[str, dict[str, object]] = {
        "delivery": {"smart_host": f"127.0.0.1:{sink.port}", "retry": ["1s"]},
        "server": {"workers": WORKERS},
        "policy.staged_sending": {"new_below": 0},
    }
    for name, values in more.items():
        tables.setdefault(name, {}).update(values)
    return tables


@pytest.fixture
def relay(made: Relay, sink: Sink) -> Iterator[Relay]:
    yield made
    made.configure(settings(sink))
    made.cli("reload", timeout=WAIT_S)
    until(lambda: len(processes(made)) == WORKERS + 1, "those of before have ended")


def taken(relay: Relay) -> Any:
    return json.loads(relay.cli("reload", "--json", timeout=WAIT_S))


def size(relay: Relay) -> str:
    with Dialog(relay.submission) as new:
        return next(line for line in new.ehlo().lines if "SIZE" in line).split()[-1]


def processes(relay: Relay) -> set[int]:
    assert relay.process is not None
    return set(children(relay.process.pid))


def send(session: Dialog, subject: str) -> str:
    assert session.say("MAIL FROM:<news@acme.example>").code == 250
    assert session.say("RCPT TO:<ann@people.example>").code == 250
    return str(session.data(mail(to="ann@people.example", subject=subject)))


def test_a_session_goes_on_and_new_ones_have_the_new_settings(relay: Relay, sink: Sink) -> None:
    login = relay.credential()
    before = processes(relay)
    with Dialog(relay.submission) as session:
        session.ehlo()
        assert session.login(*login).code == 235
        assert session.say("MAIL FROM:<news@acme.example>").code == 250  # in the middle of a transaction
        relay.configure(settings(sink, limits={"message_octets": 1_000_000}))
        told = taken(relay)
        assert told == {"changed": ["limits.message_octets"], "restart": []}
        assert size(relay) == "1000000"
        assert session.say("RCPT TO:<ann@people.example>").code == 250
        assert str(session.data(mail(to="ann@people.example", subject="across"))).startswith("250")
        assert send(session, "and once more").startswith("250")
    until(lambda: {"across", "and once more"} <= {one.field("Subject") for one in sink.messages}, "both have arrived")
    until(lambda: not before & processes(relay), "those of before have ended")
    assert len(processes(relay)) == WORKERS + 1
    assert not any("is started again" in line for line in relay.log)


def test_no_connection_is_refused_meanwhile(relay: Relay, sink: Sink) -> None:
    login, faults, done, ends = relay.credential(), [], [], threading.Event()

    def client() -> None:
        while not ends.is_set():
            try:
                with Dialog(relay.submission) as session:
                    session.ehlo()
                    assert session.login(*login).code == 235
                    assert send(session, "meanwhile").startswith("250")
                done.append(1)
            except Exception as error:
                faults.append(repr(error))

    def reader() -> None:
        while not ends.is_set():
            try:
                web = HTTPConnection("127.0.0.1", relay.http, timeout=60)
                web.request("GET", "/healthz")
                assert web.getresponse().status == 200
                web.close()
            except Exception as error:
                faults.append(f"http {error!r}")

    threads = [threading.Thread(target=work) for work in (client, client, reader)]
    for thread in threads:
        thread.start()
    try:
        relay.configure(settings(sink, limits={"message_octets": 2_000_000}))
        relay.cli("reload", timeout=WAIT_S)
        count = len(done)
        until(lambda: len(done) > count + 2, "some more")
    finally:
        ends.set()
        for thread in threads:
            thread.join(60)
    assert faults == [] and done


WRONG = [
    ("limits", {"message_octets": "large"}, "limits.message_octets"),
    ("limits", {"mesage_octets": 5}, "did you mean"),
    ("policies", {"order": ["no_such_policy"]}, "no_such_policy"),
    ("policy.consent", {"no_such_setting": 1}, "consent"),
    ("tls", {"certificate": "tls/none.pem", "key": "tls/none.pem"}, "none.pem"),
]


@pytest.mark.parametrize(("table", "values", "says"), WRONG, ids=lambda one: str(one)[:30])
def test_a_wrong_file_keeps_what_is(table: str, values: dict[str, object], says: str, relay: Relay, sink: Sink) -> None:
    before, was = processes(relay), size(relay)
    relay.configure(settings(sink, limits={"message_octets": 5_000_000}) | {table: values})
    said = relay.run("reload", timeout=WAIT_S)
    assert said.returncode == 1 and says in said.stderr
    assert relay.process is not None
    told = relay.directory / "data" / "reloaded"
    told.unlink(missing_ok=True)
    relay.process.send_signal(signal.SIGHUP)
    until(told.exists, "it has been looked at")
    kept = "the settings are kept as they were"
    until(lambda: any(kept in line and says in line for line in relay.log), "it has been told")
    assert not json.loads(told.read_text())["ok"]
    assert size(relay) == was and processes(relay) == before


def test_what_takes_a_restart_is_named_and_the_rest_taken(relay: Relay, sink: Sink) -> None:
    changed = settings(sink, limits={"message_octets": 4_000_000}, server={"workers": 1, "watchdog": 60})
    relay.configure(changed)
    told = taken(relay)
    assert told == {"changed": ["limits.message_octets"], "restart": ["server.workers", "server.watchdog"]}
    assert size(relay) == "4000000"
    assert "take a restart" in relay.run("reload", timeout=WAIT_S).stderr


def test_nothing_changes_where_nothing_has_changed(relay: Relay) -> None:
    before = processes(relay)
    assert taken(relay) == {"changed": [], "restart": []}
    assert processes(relay) == before


def test_a_process_that_is_killed_afterwards_has_the_new_settings(relay: Relay, sink: Sink) -> None:
    relay.configure(settings(sink, limits={"message_octets": 6_000_000}))
    old = processes(relay)
    relay.cli("reload", timeout=WAIT_S)
    until(lambda: not old & processes(relay), "those of before have ended")
    killed = processes(relay)
    for pid in killed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    until(lambda: len(processes(relay) - killed) == WORKERS + 1, "they are started again")
    until(lambda: size_or_none(relay) == "6000000", "with these settings")


def size_or_none(relay: Relay) -> str | None:
    with suppress(OSError, EOFError, StopIteration):
        return size(relay)
    return None


def test_no_relay_is_told(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    said = relay.run("reload", timeout=WAIT_S)
    assert said.returncode == 1 and "no relay runs" in said.stderr


def test_a_stop_ends_those_who_go_on_with_their_sessions(tmp_path: Path, sink: Sink) -> None:
    relay = Relay(tmp_path)
    relay.start()
    try:
        with Dialog(relay.submission) as session:
            session.ehlo()
            relay.configure(settings(sink, server={"workers": 1}, limits={"message_octets": 7_000_000}))
            relay.cli("reload", timeout=WAIT_S)
            assert session.say("NOOP").code == 250
            assert relay.stop() == 0
    finally:
        relay.kill()
