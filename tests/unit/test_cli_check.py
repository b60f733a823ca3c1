"""``relay check``: what is wrong on this machine and in DNS, and what to do."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from click.testing import CliRunner

from config.conduct import Policies
from config.load import load
from config.settings import Settings
from relay.certificates.self_signed import self_signed
from relay.checks import ports
from relay.checks.certificate import check_certificate
from relay.checks.files import check_files
from relay.checks.program import speed
from relay.checks.refusals import refusals
from relay.checks.registration import check_registration
from relay.checks.result import CheckResult, Level
from relay.checks.store import check_store
from relay.cli.main import relay
from relay.delivery.smtp import sign
from relay.install.directory import create
from relay.install.plan import InitPlan
from relay.keys.secrets import Secrets
from relay.store.database import connect
from tests.support.dns import TinyDNS
from tests.support.ports import free_port

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


class Home:
    """A relay made by ``init`` on free ports, without processes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        create(InitPlan(path, "relay.example.com", True), NOW)
        self.file = path / "relay.toml"
        self.ports = {name: free_port() for name in ("10587", "10465", "10025", "10088")}
        for name, port in self.ports.items():
            self.replace(f":{name}", f":{port}")

    def replace(self, old: str, new: str) -> None:
        text = self.file.read_text()
        assert old in text
        self.file.write_text(text.replace(old, new))

    def deliver(self, text: str) -> None:
        """Settings of ``[delivery]``."""
        self.replace("[delivery]\n", f"[delivery]\n{text}")

    def append(self, text: str) -> None:
        self.file.write_text(self.file.read_text() + text)

    @property
    def settings(self) -> Settings:
        return load(self.file)

    def run(self, *words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(relay, ["-c", str(self.file), *words])
        return result.exit_code, result.stdout, result.stderr

    def rows(self, *words: str) -> tuple[int, list[dict[str, Any]]]:
        status, out, err = self.run("check", *words, "--json")
        assert not err, err
        return status, json.loads(out)

    def row(self, what: str) -> dict[str, Any]:
        status, rows = self.rows()
        (found,) = [row for row in rows if row["what"] == what]
        assert status == int(any(row["level"] == "fail" for row in rows))
        return found


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def told(results: Iterator[CheckResult], what: str) -> tuple[Level, str]:
    (found,) = [result for result in results if result.what == what]
    assert bool(found.todo) == (found.level is not Level.OK)
    return found.level, found.detail


# --- on this machine ---------------------------------------------------------------


def test_a_new_relay_is_all_right(home: Home) -> None:
    status, rows = home.rows()
    assert status == 0
    assert {row["level"] for row in rows if row["what"] not in ("user", "open files")} == {"ok"}
    assert [row["what"] for row in rows] == [
        *("settings", "data_dir", "disk", "secrets", "user", "open files"),
        *("database", "database schema", "database pages"),
        *("DKIM keys", "policies", "certificate", "certificate's key"),
        *("listen.submission", "listen.submissions", "listen.inbound", "listen.http"),
        "operator",
        "program",
    ]
    assert {frozenset(row) for row in rows} == {frozenset({"level", "what", "detail", "todo"})}


def test_lines_for_people_are_aligned_and_say_what_to_do(home: Home) -> None:
    (home.path / "data" / "secrets").chmod(0o644)
    status, out, err = home.run("check")
    lines = out.splitlines()
    assert (status, err) == (1, "")
    assert len({line.index(word) for line, word in zip(lines, ("settings", "data_dir", "disk"), strict=False)}) == 1
    (secrets,) = [line for line in lines if " secrets " in line]
    assert secrets.startswith("FAIL  secrets")
    assert secrets.endswith(f"→ chmod 600 {home.path}/data/secrets")


def test_it_changes_nothing(home: Home) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file()}
    home.rows()
    assert {path: path.stat().st_mtime_ns for path in home.path.rglob("*") if path.is_file()} == before


def test_wrong_settings_are_all_told(home: Home) -> None:
    home.deliver("retry = []\nprot = 25\n")
    status, rows = home.rows()
    assert status == 1
    line = (home.path / "relay.toml").read_text().splitlines().index("retry = []") + 1
    assert [(row["level"], row["detail"]) for row in rows] == [
        ("fail", f"delivery.retry: must not be empty (line {line})"),
        ("fail", f"delivery.prot: unknown setting; did you mean delivery.port? (line {line + 1})"),
    ]


def test_no_settings_file(tmp_path: Path) -> None:
    result = CliRunner().invoke(relay, ["-c", str(tmp_path / "none.toml"), "check"])
    assert result.exit_code == 1
    assert result.stdout == f"FAIL  settings  {tmp_path}/none.toml: no such settings file → `relay init` makes one\n"


@pytest.mark.parametrize(
    ("mode", "level"),
    [(0o700, Level.OK), (0o750, Level.OK), (0o755, Level.FAIL), (0o770, Level.FAIL), (0o701, Level.FAIL)],
)
def test_who_may_look_into_data_dir(home: Home, mode: int, level: Level) -> None:
    (home.path / "data").chmod(mode)
    assert told(check_files(home.settings), "data_dir")[0] is level


@pytest.mark.parametrize(
    ("mode", "level"),
    [(0o600, Level.OK), (0o400, Level.OK), (0o640, Level.WARN), (0o660, Level.FAIL), (0o604, Level.FAIL)],
)
def test_who_may_read_the_secrets(home: Home, mode: int, level: Level) -> None:
    (home.path / "data" / "secrets").chmod(mode)
    assert told(check_files(home.settings), "secrets")[0] is level


def test_damaged_secrets(home: Home) -> None:
    (home.path / "data" / "secrets").write_text("what\n")
    assert "line 1: not `KEYID HEX`" in home.row("secrets")["detail"]


def test_a_full_disk(home: Home) -> None:
    home.append('\n[limits]\nfree_disk_octets = "1000000GiB"\n')
    assert told(check_files(home.settings), "disk")[0] is Level.FAIL


def test_a_missing_password_file(home: Home) -> None:
    home.deliver('smart_host = "s.example:587"\nsmart_host_user = "u"\nsmart_host_password_file = "pw"\n')
    assert "No such file" in home.row("smart host password")["detail"]
    (home.path / "pw").touch(0o600)
    assert home.row("smart host password")["todo"] == "write the password into it"
    (home.path / "pw").write_bytes(b"\xff\xfe")
    assert "no text in UTF-8" in home.row("smart host password")["detail"]
    assert "no text in UTF-8" in refusals(home.settings)[0]
    (home.path / "pw").write_text("secret\n")
    assert home.row("smart host password")["level"] == "ok"
    assert not refusals(home.settings)


@pytest.mark.parametrize("name", ["relay.db-wal", "relay.db-shm", "relay.db-turn", "relay.db-owners", "lock"])
def test_something_in_the_way_of_a_file_of_the_relay(home: Home, name: str) -> None:
    """What `relay serve` would refuse, in the same words."""
    path = home.path / "data" / name
    path.unlink(missing_ok=True)
    path.mkdir()
    _, rows = home.rows()
    assert ("fail", f"{path} is no file", "move it away") in [(r["level"], r["detail"], r["todo"]) for r in rows]
    assert refusals(home.settings) == [f"{path} is no file; move it away"]


def test_a_database_whose_end_is_cut_off(home: Home) -> None:
    with closing(connect(home.settings.database)) as conn:  # so that no part of the schema is on the last page
        conn.executemany("INSERT INTO counter VALUES (1, ?, 1)", ((f"{number:0200}",) for number in range(200)))
    with home.settings.database.open("r+b") as file:
        file.truncate(home.settings.database.stat().st_size - 100)
    assert "the end of its file is cut off" in home.row("database pages")["detail"]
    (text,) = refusals(home.settings)
    assert "is damaged: the end of its file is cut off; keep a copy of it" in text


def test_a_table_that_is_missing_is_told_with_what_to_do(home: Home) -> None:
    with closing(connect(home.settings.database)) as conn:
        conn.execute("DROP TABLE meta")
    (text,) = refusals(home.settings)
    assert "is damaged: table meta is missing" in text
    assert "restore a backup" in text


# --- the database --------------------------------------------------------------------


def test_a_missing_database(home: Home) -> None:
    (home.path / "data" / "relay.db").unlink()
    row = home.row("database")
    assert (row["level"], row["todo"]) == ("fail", "restore it from a backup, or make a new relay with `relay init`")


@pytest.mark.parametrize(("version", "todo"), [(0, "run `relay migrate`"), (999, "install the newer release")])
def test_another_schema(home: Home, version: int, todo: str) -> None:
    conn = connect(home.settings.database)
    conn.execute(f"PRAGMA user_version = {version}")
    conn.close()
    assert home.row("database")["todo"] == todo


def test_advice_is_found_behind_odd_paths(tmp_path: Path) -> None:
    settings = Home(tmp_path / "a: b; `c").settings
    settings.database.unlink()
    (found,) = check_store(settings)
    assert found.detail == f"no database at {settings.database}"
    assert found.todo == "restore it from a backup, or make a new relay with `relay init`"


def test_a_damaged_database(home: Home) -> None:
    home.settings.database.write_bytes(b"no database" * 1000)
    row = home.row("database")
    assert "is no SQLite database, or its beginning is damaged" in row["detail"]
    assert row["todo"] == "keep a copy, and restore it from a backup"


def test_dkim_keys_of_other_secrets(home: Home) -> None:
    assert home.run("tenant", "add", "shop", "--contact", "o@shop.example")[0] == 0
    assert home.run("domain", "add", "shop", "shop.example")[0] == 0
    assert home.row("DKIM keys")["detail"] == "2 can be opened"
    secrets = home.path / "data" / "secrets"
    secrets.unlink()
    Secrets.create(secrets)
    row = home.row("DKIM keys")
    assert row["level"] == "fail"
    assert row["detail"].startswith("2 of 2 can't be opened: ")
    assert "._domainkey.shop.example" in row["detail"]


# --- policies -----------------------------------------------------------------------


@pytest.mark.parametrize("left", ["sender_identity", "consent", "unsubscribe_footer"])
def test_a_policy_that_protects_people_is_missed(home: Home, left: str) -> None:
    order = [name for name in Policies().order if name != left]
    home.append(f"\n[policies]\norder = {json.dumps(order)}\n")
    row = home.row("protection")
    assert (row["level"], row["todo"]) == ("warn", "put it into the order")
    assert row["detail"].startswith(f"{left} is not in [policies] order: ")


def test_policies_that_are_not_there(home: Home) -> None:
    home.append('\n[policies]\norder = ["consent", "nonesuch"]\n')
    row = home.row("policies")
    assert row["level"] == "fail"
    assert "nonesuch" in row["detail"]


def test_settings_that_a_policy_refuses(home: Home) -> None:
    home.append("\n[policy.staged_sending]\nnonesuch = 1\n")
    row = home.row("policies")
    assert row["level"] == "fail"
    assert "policy.staged_sending" in row["detail"]


# --- the certificate -------------------------------------------------------------------


def renewed(home: Home, hostname: str, now: dt.datetime) -> Settings:
    for name, octets in zip(("certificate.pem", "key.pem"), self_signed(hostname, now), strict=True):
        (home.path / "tls" / name).write_bytes(octets)
    return home.settings


@pytest.mark.parametrize(
    ("days", "level", "text"),
    [
        (0, Level.OK, "until 2036-11-20, self-signed"),
        (3635, Level.OK, "until 2036-11-20, self-signed"),
        (3649, Level.WARN, "expires on 2036-11-20, in 1 day"),
        (3651, Level.FAIL, "expired on 2036-11-20"),
        (-1, Level.FAIL, "not in force before 2026-11-23 11:00 UTC"),
    ],
)
def test_how_long_the_certificate_holds(home: Home, days: int, level: Level, text: str) -> None:
    now = NOW + dt.timedelta(days=days)
    assert told(check_certificate(home.settings, now), "certificate") == (level, text)


def test_a_certificate_for_another_name(home: Home) -> None:
    settings = renewed(home, "other.example.com", NOW)
    assert told(iter(list(check_certificate(settings, NOW))[1:2]), "certificate") == (
        Level.WARN,
        "is for other.example.com, localhost, not for relay.example.com",
    )


def test_self_signed_on_public_ports(home: Home) -> None:
    home.replace(f"127.0.0.1:{home.ports['10587']}", f"0.0.0.0:{home.ports['10587']}")
    assert told(check_certificate(home.settings, NOW), "certificate")[0] is Level.WARN


@pytest.mark.parametrize(
    ("file", "content", "what", "text"),
    [
        ("certificate.pem", None, "certificate", "No such file"),
        ("certificate.pem", b"what", "certificate", "holds no PEM certificate"),
        ("key.pem", None, "certificate's key", "No such file"),
        ("key.pem", b"what", "certificate's key", "holds no usable PEM private key"),
        ("key.pem", "other", "certificate's key", "doesn't fit the certificate"),
    ],
)
def test_unusable_certificates(home: Home, file: str, content: bytes | str | None, what: str, text: str) -> None:
    path = home.path / "tls" / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(self_signed("relay.example.com", NOW)[1] if isinstance(content, str) else content)
    level, detail = told(check_certificate(home.settings, NOW), what)
    assert level is Level.FAIL
    assert text in detail


def test_a_key_that_all_may_read(home: Home) -> None:
    (home.path / "tls" / "key.pem").chmod(0o644)
    assert told(check_certificate(home.settings, NOW), "certificate's key")[0] is Level.FAIL


def test_no_certificate(home: Home) -> None:
    home.replace('certificate = "tls/certificate.pem"\nkey = "tls/key.pem"', "")
    assert told(check_certificate(home.settings, NOW), "certificate")[0] is Level.FAIL
    home.replace(f'submissions = ["127.0.0.1:{home.ports["10465"]}"]', "submissions = []")
    assert told(check_certificate(home.settings, NOW), "certificate")[0] is Level.WARN


# --- ports ------------------------------------------------------------------------------


def test_a_port_in_use_by_another_program(home: Home) -> None:
    port = home.ports["10587"]
    with socket.create_server(("127.0.0.1", port)):
        row = home.row("listen.submission")
    assert row["level"] == "fail"
    assert row["detail"].startswith(f"127.0.0.1:{port} in use by ")
    assert f"(process {os.getpid()})" in row["detail"]


def test_a_port_in_use_by_the_relay_itself(home: Home) -> None:
    lock = os.open(home.path / "data" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.write(lock, f"{os.getpid()}\n".encode())
    try:
        with socket.create_server(("127.0.0.1", home.ports["10587"])):
            assert home.row("listen.submission")["detail"].endswith("in use by the relay itself")
            assert home.row("relay")["detail"] == f"running (process {os.getpid()})"
    finally:
        os.close(lock)
    assert ports.relay_process(home.path / "data") is None


def test_a_relay_that_has_not_yet_said_its_process(home: Home) -> None:
    lock = os.open(home.path / "data" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        with socket.create_server(("127.0.0.1", home.ports["10587"])):
            assert home.row("listen.submission")["detail"].endswith("in use by the relay itself")
            assert home.row("relay")["detail"] == "running"
    finally:
        os.close(lock)


def test_another_program_beside_a_running_relay(home: Home) -> None:
    lock = os.open(home.path / "data" / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    listen = "s = socket.create_server(('127.0.0.1', int(sys.argv[1])))"
    code = f"import socket, sys; {listen}; print(flush=True); sys.stdin.read()"
    words = [sys.executable, "-c", code, str(home.ports["10587"])]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stranger:
        assert stranger.stdout and stranger.stdout.readline()
        # The relay of the lock is the stranger's sibling, not its ancestor.
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
            os.write(lock, f"{other.pid}\n".encode())
            row = home.row("listen.submission")
            assert other.stdin
            other.stdin.close()
        assert stranger.stdin
        stranger.stdin.close()
    os.close(lock)
    assert (row["level"], f"(process {stranger.pid})" in row["detail"]) == ("fail", True)


def test_an_address_of_another_machine(home: Home) -> None:
    home.replace(f"127.0.0.1:{home.ports['10587']}", "192.0.2.1:2525")
    assert home.row("listen.submission")["detail"] == "192.0.2.1:2525 is no address of this machine"


def test_nothing_to_listen_on(home: Home) -> None:
    text = home.file.read_text()
    start, end = text.index("[listen]"), text.index("[tls]")
    home.file.write_text(text[:start] + '[listen]\nsubmission=[]\nsubmissions=[]\ninbound=[]\nhttp=""\n' + text[end:])
    assert home.row("ports")["level"] == "warn"


# --- DNS ----------------------------------------------------------------------------------


@pytest.fixture
def zone() -> Iterator[TinyDNS]:
    with TinyDNS(
        [
            ("relay.example.com", "A", "192.0.2.10"),
            ("relay.example.com", "AAAA", "2001:db8::10"),
            ("relay.example.com", "MX", "10 relay.example.com."),
            ("relay.example.com", "TXT", '"v=spf1 a ~all"'),
            ("10.2.0.192.in-addr.arpa", "PTR", "relay.example.com."),
            ("0.1." + "0." * 22 + "8.b.d.0.1.0.0.2.ip6.arpa", "PTR", "relay.example.com."),
        ]
    ) as server:
        yield server


@pytest.fixture
def named(home: Home, zone: TinyDNS) -> Home:
    home.append(f'\n[dns]\nnameservers = ["{zone.address}"]\ntimeout = "2s"\n')
    return home


def dns_rows(home: Home, what: str) -> list[tuple[str, str]]:
    return [(row["level"], row["detail"]) for row in home.rows("dns")[1] if row["what"] == what]


def test_a_name_server_that_invents_addresses(named: Home, zone: TinyDNS) -> None:
    zone.faults["*"] = invented
    ((level, detail),) = dns_rows(named, f"name server {zone.address}")
    assert (level, detail) == ("fail", "gives 192.0.2.66 for names that don't exist")


def test_a_name_server_that_is_ill(named: Home, zone: TinyDNS) -> None:
    zone.faults["*"] = "servfail"
    ((level, detail),) = dns_rows(named, f"name server {zone.address}")
    assert (level, detail) == ("warn", "can't tell that a name doesn't exist: SERVFAIL")


def test_name_servers_that_disagree(home: Home, zone: TinyDNS) -> None:
    with TinyDNS() as other:
        home.append(f'\n[dns]\nnameservers = ["{zone.address}", "{other.address}"]\ntimeout = "2s"\n')
        ((level, detail),) = dns_rows(home, "name servers")
    assert (level, detail) == ("warn", "they don't agree about relay.example.com: 192.0.2.10; no address")


def invented(query: dns.message.QueryMessage, way: str, right: dns.message.Message) -> dns.message.Message:
    right.set_rcode(dns.rcode.NOERROR)
    right.answer = [dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.66")]
    return right


@pytest.mark.parametrize(
    ("settings", "level", "text"),
    [
        ('registration = "closed"', None, ""),
        ('registration = "open"', Level.WARN, "everybody can register, and accepts no terms"),
        ('registration = "invite"', Level.WARN, "who is invited can register, and accepts no terms"),
        ('registration = "open"\nterms = "{home}/terms.txt"', Level.OK, "everybody can register, by the terms "),
        ('registration = "open"\nterms = "{home}/nothing.txt"', Level.FAIL, "nobody can register meanwhile"),
        ('registration = "open"\nterms = "{home}/empty.txt"', Level.FAIL, "nobody can register meanwhile"),
    ],
)
def test_who_registers_accepts_terms(home: Home, settings: str, level: Level | None, text: str) -> None:
    (home.path / "terms.txt").write_text("Only to people who agreed.")
    (home.path / "empty.txt").write_text(" ")
    home.file.write_text(home.file.read_text() + "\n[accounts]\n" + settings.format(home=home.path) + "\n")
    rows = list(check_registration(load(home.file)))
    assert [row.level for row in rows] == ([] if level is None else [level])
    assert all(text in row.detail for row in rows)


def test_inside_addresses_are_for_trials_only(home: Home) -> None:
    assert home.rows()[0] == 0
    assert [row for row in home.rows()[1] if row["what"] == "delivery"] == []
    home.replace(f"127.0.0.1:{home.ports['10025']}", f"0.0.0.0:{home.ports['10025']}")
    row = home.row("delivery")
    assert row["level"] == "warn"
    assert "delivery.allow_private = false" in row["todo"]


def test_records_in_place(named: Home) -> None:
    status, rows = named.rows("dns")
    assert status == 0
    assert [(row["level"], row["what"]) for row in rows] == [
        *(("ok", "hostname"), ("ok", "mail domain"), ("ok", "SPF"), ("ok", "PTR"), ("ok", "PTR"))
    ]
    assert rows[0]["detail"] == "relay.example.com is 192.0.2.10, 2001:db8::10"


def test_no_records_at_all(named: Home, zone: TinyDNS) -> None:
    for kind in ("A", "AAAA", "MX", "TXT"):
        zone.remove("relay.example.com", kind)
    status, rows = named.rows("dns")
    assert status == 1
    assert [(row["level"], row["what"]) for row in rows] == [
        ("fail", "hostname"),
        ("fail", "mail domain"),
        ("fail", "SPF"),
    ]
    assert rows[2]["todo"] == 'publish TXT relay.example.com "v=spf1 a:relay.example.com ~all"'


def test_dns_that_does_not_answer_is_no_verdict(named: Home, zone: TinyDNS) -> None:
    zone.faults["relay.example.com"] = "servfail"
    status, rows = named.rows("dns")
    assert status == 0
    assert {row["level"] for row in rows} == {"warn"}
    assert all("can't be looked up" in row["detail"] for row in rows)


@pytest.mark.parametrize(
    ("pointer", "forward", "level", "text"),
    [
        (None, None, "fail", "has none"),
        ("host.isp.example", None, "fail", "host.isp.example, which doesn't point back"),
        ("host.isp.example", "192.0.2.10", "warn", "host.isp.example, not relay.example.com"),
        ("host.isp.example", "192.0.2.11", "fail", "host.isp.example, which doesn't point back"),
    ],
)
def test_pointers(named: Home, zone: TinyDNS, pointer: str | None, forward: str | None, level: str, text: str) -> None:
    named.deliver('source_addresses = ["192.0.2.10"]\n')
    zone.remove("10.2.0.192.in-addr.arpa", "PTR")
    if pointer:
        zone.add("10.2.0.192.in-addr.arpa", "PTR", f"{pointer}.")
    if forward:
        zone.add("host.isp.example", "A", forward)
    ((found, detail),) = dns_rows(named, "PTR")
    assert found == level
    assert text in detail


def test_a_smart_host_needs_no_pointer_of_ours(named: Home) -> None:
    named.deliver('smart_host = "smtp.example.net:587"\n')
    assert dns_rows(named, "PTR") == []


@pytest.mark.parametrize(
    ("records", "level", "text"),
    [
        (['"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all"'], "ok", "covers"),
        (['"v=spf1 mx -all"'], "ok", "covers"),
        (['"V=SPF1 +A:relay.example.com/28//64 -ALL"'], "ok", "covers"),
        (['"v=spf1 ip4:192.0.2.10 -all"'], "fail", "doesn't cover 2001:db8::10"),
        (['"v=spf1 -a -all"'], "fail", "doesn't cover 192.0.2.10, 2001:db8::10"),
        (['"v=spf1 ip4:192.0.2.999 -all"'], "fail", "doesn't cover"),
        (['"v=spf1 include:isp.example -all"'], "warn", "doesn't itself name"),
        (['"v=spf1 +all"'], "warn", "allows everyone"),
        (['"v=spf1 a -all"', '"v=spf1 mx -all"'], "fail", "has 2 records"),
        (['"v=spf10 a -all"', '"unrelated"'], "fail", "has none"),
    ],
)
def test_spf(named: Home, zone: TinyDNS, records: list[str], level: str, text: str) -> None:
    zone.remove("relay.example.com", "TXT")
    for record in records:
        zone.add("relay.example.com", "TXT", record)
    ((found, detail),) = dns_rows(named, "SPF")
    assert (found, text in detail) == (level, True), detail


@pytest.mark.parametrize(
    ("exchangers", "level", "text"),
    [
        (["10 relay.example.com."], "ok", "takes mail at relay.example.com"),
        ([], "ok", "takes mail at 192.0.2.10"),
        (["10 mx.isp.example."], "warn", "bounces don't come here"),
        (["0 ."], "fail", "null MX"),
    ],
)
def test_mail_domain(named: Home, zone: TinyDNS, exchangers: list[str], level: str, text: str) -> None:
    zone.remove("relay.example.com", "MX")
    for exchanger in exchangers:
        zone.add("relay.example.com", "MX", exchanger)
    ((found, detail),) = dns_rows(named, "mail domain")
    assert (found, text in detail) == (level, True), detail


def test_the_records_of_a_tenants_domain(named: Home, zone: TinyDNS) -> None:
    assert named.run("tenant", "add", "shop", "--contact", "o@shop.example")[0] == 0
    status, out, _ = named.run("domain", "add", "shop", "shop.example", "--json")
    assert status == 0
    wanted = json.loads(out)

    def states() -> dict[str, list[tuple[str, str]]]:
        found: dict[str, list[tuple[str, str]]] = {}
        for row in named.rows("dns", "Shop.example")[1]:
            if "purpose" in row:
                found.setdefault(row["purpose"], []).append((row["state"], row["level"]))
        return found

    assert states() == {
        "verification": [("missing", "fail")],
        "dkim": [("missing", "fail")] * 2,
        "return-path": [("missing", "warn")],
        "spf": [("missing", "warn")],
        "dmarc": [("missing", "warn")],
    }
    for record in wanted:
        if record["type"] == "CNAME":
            zone.add(record["name"], "CNAME", record["value"] + ".")
        else:
            octets = record["value"]
            zone.add(record["name"], "TXT", " ".join(f'"{octets[i : i + 200]}"' for i in range(0, len(octets), 200)))
    assert {pair for pairs in states().values() for pair in pairs} == {("ok", "ok")}
    zone.remove("rp.shop.example", "CNAME")
    zone.add("rp.shop.example", "CNAME", "elsewhere.example.")
    assert states()["return-path"] == [("different", "warn")]
    assert named.rows("dns")[0] == 0


def test_a_domain_that_is_not_here(named: Home) -> None:
    status, out, err = named.run("check", "dns", "nonesuch.example")
    assert (status, out) == (1, "")
    assert "there is no domain nonesuch.example here" in err


def test_json_stands_after_dns(named: Home) -> None:
    assert named.run("check", "--json", "dns")[0] == 2


def test_how_fast_the_program_can_be_is_told(home: Home) -> None:
    row = home.row("program")
    assert row["level"] == "ok"
    assert str(row["detail"]).startswith("not compiled") is str(sign.__file__).endswith(".py")
    assert speed(True, True) == "compiled; RSA-2048 signatures 8 at a time"
    assert "one at a time" in speed(True, False) and "not compiled" in speed(False, False)


@pytest.mark.parametrize(("smart_host", "level"), [("", "fail"), ('smart_host = "192.0.2.1:25"\n', "warn")])
def test_no_resolver_is_one_line(home: Home, smart_host: str, level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home.deliver(smart_host)
    monkeypatch.setattr("relay.checks.resolvers.endpoints", lambda named: [])
    row = home.row("name servers")
    assert row["level"] == level and "there is none" in row["detail"] and "dns.nameservers" in row["todo"]
    status, out, err = home.run("check")
    assert (status, err) == (int(level == "fail"), "") and out.count("name servers") == 1


def test_dns_without_a_resolver_is_one_line(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*words: Any, **more: Any) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    status, out, err = home.run("check", "dns")
    assert (status, out, err.count("\n")) == (1, "", 1) and "set dns.nameservers" in err
