"""`relay doctor` and `relay top`: what is wrong is found and what to do is said; figures are those of the store."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from relay.checks import machine
from relay.checks.outbound import check_outbound, greeted
from relay.checks.result import Level
from relay.cli.main import relay as program
from relay.cli.top import figures
from relay.events import rates, write
from relay.store.database import transaction
from relay.tenants.lookup import LookupFailed
from tests.support.web import Shop

NOW = time.time()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path)


def enqueue(shop: Shop, number: int, *, state: int = 0, due_at: float = NOW, domain: str = "example.com") -> None:
    shop.conn.execute(
        "INSERT INTO recipient (submission_id, number, tenant_id, subscriber_id, address, domain, state, due_at,"
        " changed_at) VALUES (1, ?, ?, 1, ?, ?, ?, ?, 0)",
        (number, shop.tenant_id, f"a@{domain}", domain, state, due_at),
    )


# -- the machine ---------------------------------------------------------------------

CLOCKS: list[tuple[float, bool | None, Level]] = [
    (NOW, True, Level.OK),
    (NOW, None, Level.OK),
    (NOW, False, Level.WARN),
    (0.0, True, Level.FAIL),
    (1_600_000_000.0, True, Level.FAIL),
]


@pytest.mark.parametrize(("now", "synchronised", "level"), CLOCKS, ids=range(len(CLOCKS)))
def test_a_clock_that_nobody_keeps_right_is_told(now: float, synchronised: bool | None, level: Level) -> None:
    assert machine.check_clock(now, lambda: synchronised).level is level


def test_the_kernel_is_asked() -> None:
    assert machine.check_clock(NOW).level in (Level.OK, Level.WARN)


@pytest.mark.parametrize(("each_s", "level"), [(0.001, Level.OK), (0.1, Level.WARN), (2.0, Level.FAIL)])
def test_a_slow_disk_is_told(each_s: float, level: Level, tmp_path: Path) -> None:
    ticks = iter(range(1000))
    assert machine.check_sync(tmp_path, lambda: next(ticks) * each_s).level is level
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    assert machine.check_sync(tmp_path / "gone").level is Level.FAIL


@pytest.mark.parametrize(
    ("due_in", "state", "level"),
    [(60, 0, Level.OK), (-60, 0, Level.OK), (-3600, 0, Level.FAIL), (-3600, 1, Level.OK)],
)
def test_mail_that_is_late_is_told(due_in: float, state: int, level: Level, shop: Shop) -> None:
    with transaction(shop.conn):
        enqueue(shop, 0, state=state, due_at=NOW + due_in)
    (found,) = machine.check_lateness(shop.conn, NOW)
    assert found.level is level


# -- port 25 outwards ----------------------------------------------------------------

Answers = Mapping[str, Sequence[str] | LookupFailed]


def lookup(answers: Answers) -> Callable[[str, str], Sequence[str]]:
    def look(name: str, kind: str) -> Sequence[str]:
        assert kind == "MX"
        found = answers.get(name, ())
        if isinstance(found, LookupFailed):
            raise found
        return found

    return look


OUTWARDS: dict[str, tuple[Answers, dict[str, str], Level]] = {
    "the first greets": ({"example.com": ["mx.example.com"]}, {"mx.example.com": ""}, Level.OK),
    "the second greets": (
        {"example.com": ["mx.example.com"], "other.test": ["mx.other.test"]},
        {"mx.example.com": "no answer", "mx.other.test": ""},
        Level.OK,
    ),
    "none": (
        {"example.com": ["mx.example.com"], "other.test": ["mx.other.test"]},
        {"mx.example.com": "no answer", "mx.other.test": "Connection refused"},
        Level.FAIL,
    ),
    "no MX anywhere": ({}, {}, Level.WARN),
    "null MX": ({"example.com": [""]}, {}, Level.WARN),
    "no name server": ({"example.com": LookupFailed("x"), "other.test": LookupFailed("x")}, {}, Level.WARN),
    "this relay itself": ({"example.com": ["relay.example.com"]}, {}, Level.WARN),
}


@pytest.mark.parametrize("what", OUTWARDS)
def test_a_closed_port_is_told(what: str, tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, operator={"contact": "ops@other.test"})
    with transaction(shop.conn):
        enqueue(shop, 0)
    answers, greets, level = OUTWARDS[what]
    (found,) = check_outbound(shop.settings, shop.conn, lookup(answers), lambda host, port: greets[host])
    assert found.level is level and (found.todo or level is Level.OK)


@pytest.mark.parametrize(("why", "level"), [("", Level.OK), ("Connection refused", Level.FAIL)])
def test_a_smart_host_is_asked_in_place_of_others(why: str, level: Level, tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, delivery={"smart_host": "smtp.example.net:587"})
    asked = []

    def greets(host: str, port: int) -> str:
        asked.append((host, port))
        return why

    (found,) = check_outbound(shop.settings, shop.conn, lookup({}), greets)
    assert found.level is level and asked == [("smtp.example.net", 587)]


@pytest.fixture(params=[b"220 mx.test\r\n", b"554 go away\r\n", b""])
def answering(request: pytest.FixtureRequest) -> Iterator[tuple[bytes, int]]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(request.param)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield request.param, server.server_address[1]
        server.shutdown()


def test_only_a_greeting_counts(answering: tuple[bytes, int]) -> None:
    said, port = answering
    assert (greeted("127.0.0.1", port) == "") is said.startswith(b"220")


def test_a_port_that_nobody_listens_on_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert "refused" in greeted("127.0.0.1", taken.getsockname()[1])


# -- as commands ---------------------------------------------------------------------


def run(*words: object) -> tuple[int, str]:
    said = CliRunner().invoke(program, [str(word) for word in words])
    return said.exit_code, said.stdout


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    assert run("init", "--dir", home / "r", "--hostname", "relay.test", "--dev")[0] == 0
    return home / "r" / "relay.toml"


def test_the_doctor_tells_what_is_wrong_and_what_to_do(config: Path) -> None:
    status, text = run("-c", config, "doctor", "--offline", "--json")
    rows = {row["what"]: row for row in json.loads(text)}
    assert status == 1 and rows["relay"]["level"] == "fail" and "relay serve" in rows["relay"]["todo"]
    assert {"clock", "disk", "disk sync", "memory", "database", "certificate", "queue", "backup"} <= rows.keys()
    assert all(row["todo"] for row in rows.values() if row["level"] != "ok")
    status, text = run("-c", config, "doctor", "--offline")
    assert status == 1 and "ok " not in text and "to mend" in text
    assert "ok    settings" in run("-c", config, "doctor", "--offline", "--all")[1]


def test_the_doctor_asks_dns_and_others_unless_told_not_to(config: Path) -> None:
    config.write_text(
        config.read_text().replace("[delivery]", '[dns]\nnameservers = ["127.0.0.1:9"]\ntimeout = 1\n[delivery]', 1)
    )
    _, text = run("-c", config, "doctor", "--json")
    rows = {row["what"]: row["level"] for row in json.loads(text)}
    assert rows["port 25 outwards"] == "warn" and "hostname" in rows


@pytest.mark.parametrize(
    "text",
    ["[server]\n", "[server\n", '[server]\nhostname = "a.test"\nshoe = 1\n'],
    ids=["missing", "syntax", "unknown"],
)
def test_the_doctor_sees_wrong_settings(text: str, tmp_path: Path) -> None:
    (tmp_path / "relay.toml").write_text(text)
    status, said = run("-c", tmp_path / "relay.toml", "doctor")
    assert status == 1 and "FAIL  settings" in said


def test_the_doctor_sees_a_store_that_is_gone(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "relay.toml"
    other.write_text(config.read_text())
    status, said = run("-c", other, "doctor", "--offline")
    assert (status == 1 and "FAIL  database" in said) or "FAIL  data_dir" in said


# -- top -----------------------------------------------------------------------------


def happened(shop: Shop, kind: str, at: float, count: int = 1) -> None:
    write.told(shop.conn, kind, [(shop.tenant_id, 1, 1, number) for number in range(count)], at)


@pytest.mark.parametrize("before", [0, 1, 2, 3, 100, 1000])
def test_what_is_older_than_the_window_does_not_count(before: int, shop: Shop) -> None:
    with transaction(shop.conn):
        shop.conn.execute("DELETE FROM event")
        for number in range(before):
            happened(shop, "delivered", NOW - 1000 + number / 10)
        for _ in range(5):
            happened(shop, "delivered", NOW - 10, 3)
        write.of_copy(shop.conn, shop.tenant_id, "bounced", 1, 0, None, {}, NOW - 5)
    assert rates.since(shop.conn, NOW - 60) == {(shop.tenant_id, "delivered"): 15, (shop.tenant_id, "bounced"): 1}


def test_of_very_many_events_the_newest_are_looked_at(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 3)
    with transaction(shop.conn):
        for _ in range(10):
            happened(shop, "delivered", NOW - 1)
    assert rates.since(shop.conn, NOW - 60) == {(shop.tenant_id, "delivered"): 3}


def test_top_shows_rates_queue_sites_and_tenants(shop: Shop) -> None:
    with transaction(shop.conn):
        happened(shop, "delivered", NOW - 1, 120)
        for number in range(3):
            enqueue(shop, number, due_at=NOW - 300, domain="late.test")
        enqueue(shop, 3, due_at=NOW + 300, domain="later.test")
        enqueue(shop, 4, state=1)
    found = figures(shop.conn, shop.settings, NOW, 60.0)
    assert found["running"] is False and found["rates"]["delivered"] == 2.0
    assert (found["queue"]["ready"], found["queue"]["held"], found["queue"]["late_s"]) == (4, 1, 300.0)
    assert found["sites"][0] == {"domain": "late.test", "waiting": 3, "late_s": 300.0}
    assert found["sites"][1]["late_s"] == 0
    assert found["tenants"][0]["tenant"] == "acme" and found["tenants"][0]["waiting"] == 5
    assert found["disk"]["free_octets"] > 0


def test_top_ends_by_itself_where_nobody_watches(config: Path) -> None:
    for words in ((), ("--once",), ("--once", "--window", "10")):
        status, text = run("-c", config, "top", *words)
        assert status == 0 and "STOPPED" in text and "per second" in text
    status, text = run("-c", config, "top", "--json")
    assert status == 0 and json.loads(text)["queue"]["ready"] == 0


@pytest.mark.parametrize("words", [("--interval", "0"), ("--window", "nan"), ("--interval", "x")], ids=" ".join)
def test_top_refuses_what_is_no_time(words: tuple[str, ...], config: Path) -> None:
    assert run("-c", config, "top", *words)[0] == 2
