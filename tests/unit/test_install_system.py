"""``relay init --system``: all that a service needs, made once; what is there stays, whatever is missing beside it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import pty
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.load import load
from relay.certificates.self_signed import self_signed
from relay.checks import dns
from relay.checks.result import Level
from relay.cli import init, init_system
from relay.cli.main import relay
from relay.install import layout, system, units
from relay.install.layout import InstallRoot
from relay.install.records import operator_records
from relay.store.database import newest_schema
from relay.tenants.domains import DnsRecord, zone_line

NOW = dt.datetime.now(dt.UTC)
AS_ROOT = os.geteuid() == 0
HOST, CONTACT = "relay.example.com", "ops@example.com"
WORDS = ("--hostname", HOST, "--contact", CONTACT)


def run(root: Path, *words: str) -> Result:
    return CliRunner().invoke(relay, ["init", "--system", "--root", str(root), *words])


def tree(root: Path) -> dict[str, tuple[int, int, int, bytes | str]]:
    """Mode, owners and content of each file."""
    found: dict[str, tuple[int, int, int, bytes | str]] = {}
    for path in sorted(root.rglob("*")):
        about = path.lstat()
        content: bytes | str = "" if path.is_dir() else str(path.readlink()) if path.is_symlink() else path.read_bytes()
        found[str(path.relative_to(root))] = (stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, content)
    return found


def states(result: Result) -> dict[str, str]:
    """What became of each part, by the name of its file or of the step."""
    found = {}
    for step in json.loads(result.stdout)["steps"]:
        path = step["detail"].partition(",")[0].partition(":")[0]
        found[Path(path).name if path.startswith("/") else step["what"]] = step["state"]
    return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that nobody changes."""
    root = tmp_path_factory.mktemp("made")
    result = run(root, *WORDS)
    assert result.exit_code == 0, result.output
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy to change."""
    copy = tmp_path / "root"
    subprocess.run(["cp", "-a", made, copy], check=True, timeout=60)
    return copy


def test_all_of_it_is_there_with_its_modes(made: Path) -> None:
    modes = {name: mode for name, (mode, *_) in tree(made).items()}
    expected = {
        "etc/relay": 0o750,
        "etc/relay/relay.toml": 0o640,
        "etc/relay/tls": 0o750,
        "etc/relay/tls/certificate.pem": 0o644,
        "etc/relay/tls/key.pem": 0o600,
        "etc/relay/backup-passphrase": 0o600,
        "var/lib/relay": 0o700,
        "var/lib/relay/data": 0o700,
        "var/lib/relay/data/relay.db": 0o600,
        "var/lib/relay/data/secrets": 0o600,
        "var/backups/relay": 0o700,
        "etc/systemd/system/relay.service": 0o644,
        "etc/sysusers.d/relay.conf": 0o644,
        "etc/tmpfiles.d/relay.conf": 0o644,
    }
    assert {name: modes[name] for name in expected} == expected
    settings = load(made / "etc/relay/relay.toml")
    assert settings.server.hostname == HOST
    assert settings.server.data_dir == Path("/var/lib/relay/data")
    assert settings.operator.called == (CONTACT,)


@pytest.mark.skipif(not AS_ROOT, reason="only root can give files away")
def test_each_part_belongs_to_who_needs_it(made: Path) -> None:
    ids = InstallRoot(made).ids()
    assert ids is not None
    uid, gid = ids
    owners = {name: (owner, group) for name, (_, owner, group, _) in tree(made).items()}
    assert {owners[name] for name in owners if name.startswith(("var/lib/relay", "var/backups/relay"))} == {(uid, gid)}
    assert owners["etc/relay/tls/key.pem"] == (uid, gid)
    assert owners["etc/relay"] == owners["etc/relay/relay.toml"] == (0, gid)
    assert owners["etc/relay/backup-passphrase"] == (0, 0)


def test_who_isnt_root_leaves_the_user_to_that_systems_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = run(tmp_path, *WORDS, "--json")
    assert result.exit_code == 0, result.output
    assert states(result)["user"] == "left"
    assert b"u      relay" in (tmp_path / "etc/sysusers.d/relay.conf").read_bytes()
    assert b"z      /etc/relay/tls/key.pem 0600 relay relay" in (tmp_path / "etc/tmpfiles.d/relay.conf").read_bytes()


def test_a_database_of_an_earlier_release_is_told(root: Path) -> None:
    with sqlite3.connect(root / "var/lib/relay/data/relay.db") as conn:
        conn.execute("PRAGMA journal_mode = DELETE")
        conn.execute(f"PRAGMA user_version = {newest_schema() - 1}")
    conn.close()
    result = run(root)
    assert result.exit_code == 0, result.output
    assert f"has schema {newest_schema() - 1}, this release needs {newest_schema()}: stop the relay, then" in " ".join(
        result.stdout.split()
    )


def test_said_again_it_changes_nothing(root: Path) -> None:
    before = tree(root)
    for words in ((), ("--contact", CONTACT), ("--hostname", HOST)):
        result = run(root, *words, "--json")
        assert result.exit_code == 0, result.output
        assert set(states(result).values()) == ({"already there"} if AS_ROOT else {"already there", "left"})
        assert tree(root) == before


def test_each_step_is_said_and_then_what_to_publish(tmp_path: Path) -> None:
    lines = run(tmp_path, *WORDS).stdout.splitlines()
    assert f"settings       made: {tmp_path}/etc/relay/relay.toml, mode 0640" in lines
    assert f"unit           made: {tmp_path}/etc/systemd/system/relay.service" in lines
    publish = lines.index("Publish in DNS:")
    assert f"  {HOST}. IN MX 10 {HOST}." in lines[publish:]
    assert f'  {HOST}. IN TXT "v=spf1 a:{HOST} ~all"' in lines[publish:]
    assert any(line.startswith("  relay check dns ") for line in lines[publish:])


MISSING = {
    "settings": ["etc/relay/relay.toml"],
    "certificate": ["etc/relay/tls/certificate.pem", "etc/relay/tls/key.pem"],
    "certificate's folder": ["etc/relay/tls"],
    "all settings": ["etc/relay"],
    "data": ["var/lib/relay/data"],
    "all data": ["var/lib/relay"],
    "database": ["var/lib/relay/data/relay.db"],
    "passphrase": ["etc/relay/backup-passphrase"],
    "backups": ["var/backups/relay"],
    "unit": ["etc/systemd/system/relay.service"],
    "timer": ["etc/systemd/system/relay-backup.timer"],
    "folders' file": ["etc/tmpfiles.d/relay.conf"],
}


@pytest.mark.parametrize("gone", list(MISSING.values()), ids=list(MISSING))
def test_what_is_missing_is_made_and_the_rest_stays(root: Path, gone: list[str]) -> None:
    before = tree(root)
    for name in gone:
        subprocess.run(["rm", "-r", root / name], check=True, timeout=60)
    result = run(root, *WORDS)
    assert result.exit_code == 0, result.output
    after = tree(root)
    assert after.keys() == before.keys()
    touched = {name for name in before if any(name == one or name.startswith(f"{one}/") for one in gone)}
    assert {name: after[name] for name in before if name not in touched} == {
        name: before[name] for name in before if name not in touched
    }
    assert {name: after[name][:3] for name in touched} == {name: before[name][:3] for name in touched}


@pytest.mark.parametrize(
    ("gone", "said"),
    [
        ("var/lib/relay/data/secrets", "its secrets in"),
        ("etc/relay/tls/key.pem", "only one is there"),
        ("etc/relay/tls/certificate.pem", "only one is there"),
    ],
)
def test_half_of_a_pair_is_never_made_anew(root: Path, gone: str, said: str) -> None:
    (root / gone).unlink()
    before = tree(root)
    result = run(root, *WORDS)
    assert (result.exit_code, said in result.stderr, result.stderr.count("\n")) == (1, True, 1)
    assert tree(root) == before


def test_wrong_settings_are_told_and_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "etc/relay").mkdir(parents=True)
    (tmp_path / "etc/relay/relay.toml").write_text("[server]\nhostname = 7\n")
    before = tree(tmp_path)
    result = run(tmp_path, *WORDS)
    assert (result.exit_code, "server.hostname" in result.stderr) == (1, True)
    assert tree(tmp_path) == before


def test_other_places_that_the_settings_name_are_taken(tmp_path: Path) -> None:
    (tmp_path / "etc/relay").mkdir(parents=True)
    (tmp_path / "srv/mail").mkdir(parents=True)
    text = f'[server]\nhostname = "{HOST}"\ndata_dir = "/srv/mail/relay"\n[listen]\nsubmissions = []\n'
    (tmp_path / "etc/relay/relay.toml").write_text(text)
    result = run(tmp_path, "--json")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "srv/mail/relay/relay.db").is_file()
    assert not (tmp_path / "var/lib/relay/data").exists()
    assert states(result)["certificate"] == "left"
    assert (tmp_path / "etc/relay/relay.toml").read_text() == text


def test_a_folder_gets_its_mode_back(root: Path) -> None:
    (root / "var/lib/relay").chmod(0o755)
    result = run(root)
    assert f"folder         changed: {root}/var/lib/relay, mode 0700, its mode was 0755" in result.stdout
    assert stat.S_IMODE((root / "var/lib/relay").stat().st_mode) == 0o700


@pytest.mark.skipif(not AS_ROOT, reason="only root makes links of others")
def test_a_link_that_the_service_laid_gives_it_no_other_folder(root: Path) -> None:
    victim = root / "victim"
    victim.mkdir(0o755)
    data = root / "var/lib/relay/data"
    data.rename(data.with_name("moved"))
    data.symlink_to(victim)
    os.chown(data, *(InstallRoot(root).ids() or (1, 1)), follow_symlinks=False)
    result = run(root)
    assert (result.exit_code, "is a link that isn't root's" in result.stderr) == (1, True)
    assert (victim.stat().st_uid, stat.S_IMODE(victim.stat().st_mode)) == (0, 0o755)


# --- units -------------------------------------------------------------------------


UNIT = "etc/systemd/system/relay.service"


def test_a_unit_changed_by_hand_stays(root: Path) -> None:
    changed = (root / UNIT).read_bytes().replace(b"LimitNOFILE=65536", b"LimitNOFILE=99999")
    (root / UNIT).write_bytes(changed)
    result = run(root, "--json")
    assert (result.exit_code, states(result)["relay.service was written or changed by hand and stays as it is"]) == (
        0,
        "left",
    )
    assert (root / UNIT).read_bytes() == changed


def test_a_unit_of_an_earlier_release_is_renewed(root: Path) -> None:
    now = (root / UNIT).read_bytes()
    text = now.partition(b"# sha256 ")[0].replace(b"LimitNOFILE=65536", b"LimitNOFILE=1024")
    (root / UNIT).write_bytes(text + f"# sha256 {hashlib.sha256(text).hexdigest()}\n".encode())
    result = run(root, "--json")
    assert states(result)["relay.service"] == "changed"
    assert (root / UNIT).read_bytes() == now


@pytest.mark.parametrize("place", ["usr/lib/systemd/system", "lib/systemd/system"])
def test_a_packages_units_are_enough(tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    for name in units.UNITS:
        (tmp_path / place / name).write_bytes(units.shipped(name))
    assert run(tmp_path, *WORDS).exit_code == 0
    assert not (tmp_path / "etc/systemd/system").exists()


def test_units_name_the_program_that_there_is(tmp_path: Path) -> None:
    for step in units.write_units(InstallRoot(tmp_path), Path("/srv/relay/bin/relay")):
        assert step.state == "made"
    for name in ("relay.service", "relay-backup.service"):
        text = (tmp_path / "etc/systemd/system" / name).read_text()
        assert "ExecStart=/srv/relay/bin/relay --config /etc/relay/relay.toml" in text
        assert str(layout.PROGRAM) not in text


PORTS = "etc/systemd/system/relay.socket.d/ports.conf"


def test_the_ports_that_the_unit_has_are_those_of_new_settings(made: Path) -> None:
    assert not (made / PORTS).exists()
    unit = (made / "etc/systemd/system/relay.socket").read_text()
    own = [line.removeprefix("ListenStream=") for line in unit.splitlines() if line.startswith("ListenStream=")]
    assert own == units.streams(load(made / "etc/relay/relay.toml"), ipv6=True)


def test_other_ports_of_the_settings_are_opened(root: Path) -> None:
    path = root / "etc/relay/relay.toml"
    ours = '"192.0.2.10:587", "[2001:db8::10]:2587", "localhost:2588", "127.0.0.1:0"'
    path.write_text(path.read_text().replace('submission = ["*:587"]', f"submission = [{ours}]"))
    assert run(root).exit_code == 0
    lines = [line for line in (root / PORTS).read_text().splitlines() if not line.startswith("#")]
    assert lines[:2] == ["[Socket]", "ListenStream="]
    mail = ["192.0.2.10:587", "[2001:db8::10]:2587", "0.0.0.0:465", "[::]:465", "0.0.0.0:25", "[::]:25"]
    assert lines[2:] == [f"ListenStream={one}" for one in (*mail, "127.0.0.1:8080")]
    path.write_text(path.read_text().replace("2587", "2599"))
    assert states(run(root, "--json"))["ports.conf"] == "changed"
    assert "[2001:db8::10]:2599" in (root / PORTS).read_text()


# --- the certificate -----------------------------------------------------------------


def pair(directory: Path, hostname: str = HOST, now: dt.datetime = NOW) -> tuple[str, ...]:
    """Words that give one."""
    directory.mkdir()
    words: list[str] = []
    for name, octets in zip(("certificate", "key"), self_signed(hostname, now), strict=True):
        (directory / name).write_bytes(octets)
        (directory / name).chmod(0o600)
        words += [f"--{name}", str(directory / name)]
    return tuple(words)


def test_a_given_certificate_is_taken_and_later_another(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    first, second = pair(tmp_path / "first"), pair(tmp_path / "second")
    for words, state in ((first, "made"), (first, "already there"), (second, "changed"), ((), "already there")):
        result = run(root, *WORDS, *words, "--json")
        assert (result.exit_code, states(result)["certificate.pem"]) == (0, state), result.output
    tls = root / "etc/relay/tls"
    assert (tls / "certificate.pem").read_bytes() == (tmp_path / "second/certificate").read_bytes()
    assert (tls / "key.pem").read_bytes() == (tmp_path / "second/key").read_bytes()
    assert stat.S_IMODE((tls / "key.pem").stat().st_mode) == 0o600


def swapped(directory: Path) -> None:
    (directory / "key").write_bytes(self_signed(HOST, NOW)[1])


def no_pem(directory: Path) -> None:
    (directory / "certificate").write_text("not one")


def no_key(directory: Path) -> None:
    (directory / "key").write_text("not one")


def expired(directory: Path) -> None:
    for name, octets in zip(("certificate", "key"), self_signed(HOST, NOW - dt.timedelta(days=4000)), strict=True):
        (directory / name).write_bytes(octets)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (swapped, "doesn't fit the certificate"),
        (no_pem, "--certificate's file holds no PEM certificate"),
        (no_key, "--key's file holds no usable PEM private key"),
        (expired, "expired on"),
    ],
)
def test_a_certificate_that_wont_do_is_refused_and_the_old_one_stays(
    root: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    words = pair(tmp_path / "given")
    spoil(tmp_path / "given")
    before = tree(root)
    result = run(root, *words)
    assert (result.exit_code, said in result.stderr, result.stderr.count("\n")) == (1, True, 1), result.stderr
    assert tree(root) == before


# --- what is asked ---------------------------------------------------------------------


WRONG_USE: Sequence[tuple[tuple[str, ...], str]] = (
    (("--system", "--dev"), "leave out --dir, --dev and --store"),
    (("--system", "--dir", "x"), "leave out --dir, --dev and --store"),
    (("--system", "--store", "postgresql://relay@/relay"), "leave out --dir, --dev and --store"),
    (("--contact", CONTACT), "go with --system"),
    (("--no-start",), "go with --system"),
    (("--root", "/"), "go with --system"),
    (("--system", "--certificate", "/etc/passwd"), "--certificate and --key go together"),
    (("--system", "--root", "/nowhere/at/all"), "does not exist"),
)


@pytest.mark.parametrize(("words", "said"), WRONG_USE, ids=[" ".join(words) for words, _ in WRONG_USE])
def test_wrong_use(words: tuple[str, ...], said: str) -> None:
    result = CliRunner().invoke(relay, ["init", *words])
    assert (result.exit_code, said in result.stderr) == (2, True), result.output


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("--hostname", HOST), 1, "pass --contact"),
        (("--contact", CONTACT), 1, "pass --hostname"),
        (("--hostname", "box", "--contact", CONTACT), 2, "not a full name"),
        (("--hostname", HOST, "--contact", "nobody"), 2, "--contact"),
    ],
)
def test_in_a_script_answers_are_given_and_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], status: int, said: str
) -> None:
    monkeypatch.setattr(init, "machine_name", lambda: "box")
    result = run(tmp_path, *words)
    assert (result.exit_code, said in result.stderr) == (status, True), result.output
    assert tree(tmp_path) == {}


def test_another_contact_than_the_one_there_isnt_taken_in_silence(root: Path) -> None:
    before = tree(root)
    result = run(root, "--contact", "other@example.com")
    assert (result.exit_code, "[operator] contact" in result.stderr) == (1, True)
    assert tree(root) == before


def test_a_person_is_asked_and_asked_again(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "relay.cli.main", "init", "--system", "--root", str(tmp_path)]
    answers = f"box\n{HOST}\nnobody\n{CONTACT}\ny\n"
    os.write(ours, answers.encode())
    with subprocess.Popen(
        words, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True, cwd=Path(__file__).parents[2]
    ) as process:
        os.close(theirs)
        try:
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()  # one that still waits for an answer
    assert process.returncode == 0, os.read(ours, 4096).decode()
    assert "is not a full name" in os.read(ours, 65536).decode()
    os.close(ours)
    settings = load(tmp_path / "etc/relay/relay.toml")
    assert (settings.server.hostname, settings.operator.contact) == (HOST, CONTACT)
    assert "letsencrypt.org" in settings.tls.acme
    assert (settings.listen.https, settings.listen.acme) == ("*:443", "*:80")
    assert "Publish in DNS:" in said


# --- this machine ------------------------------------------------------------------------


def test_only_root_sets_up_the_machine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = CliRunner().invoke(relay, ["init", "--system", *WORDS])
    assert (result.exit_code, "as root (sudo)" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("place", "hidden"),
    [
        ("/home", "/home"),
        ("/root", "/root"),
        ("/tmp", "/tmp"),
        ("/opt", None),
    ],
)
def test_a_program_that_the_service_cant_see_is_told(
    monkeypatch: pytest.MonkeyPatch, place: str, hidden: str | None
) -> None:
    monkeypatch.setattr(sys, "executable", f"{place}/relay/bin/python")
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert InstallRoot().hidden() == (Path(hidden) if hidden else None)
    assert InstallRoot(Path("/srv/image")).hidden() is None


# --- DNS -------------------------------------------------------------------------------------


@pytest.mark.parametrize("addresses", [["192.0.2.10"], ["2001:db8::10"], ["192.0.2.10", "2001:db8::10"]])
def test_what_is_to_be_published_is_what_the_check_wants(made: Path, addresses: list[str]) -> None:
    """Once all of it is published, `relay check dns` has nothing to say."""
    settings = load(made / "etc/relay/relay.toml")
    zone: dict[tuple[str, str], list[str]] = {}
    for record in operator_records(settings, addresses):
        value = record.value.partition(" ")[2] if record.type == "MX" else record.value
        zone.setdefault((record.name, record.type), []).append(value)

    def lookup(name: str, kind: str) -> Sequence[str]:
        from ipaddress import ip_address

        return zone.get((ip_address(name).reverse_pointer if kind == "PTR" else name, kind), [])

    found = dns.check_operator(settings, lookup)
    assert [one for one in found if one.level is not Level.OK] == []
    assert {one.what for one in found} == {"hostname", "PTR", "mail domain", "SPF"}


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (DnsRecord(HOST, "A", "192.0.2.1", ""), f"{HOST}. IN A 192.0.2.1"),
        (DnsRecord(HOST, "AAAA", "2001:db8::1", ""), f"{HOST}. IN AAAA 2001:db8::1"),
        (DnsRecord("1.2.0.192.in-addr.arpa", "PTR", HOST, ""), f"1.2.0.192.in-addr.arpa. IN PTR {HOST}."),
        (DnsRecord(HOST, "MX", f"10 {HOST}", ""), f"{HOST}. IN MX 10 {HOST}."),
    ],
)
def test_a_records_line(record: DnsRecord, line: str) -> None:
    assert zone_line(record) == line


def test_a_machine_behind_anothers_address_is_told_so(monkeypatch: pytest.MonkeyPatch, made: Path) -> None:
    settings = load(made / "etc/relay/relay.toml")
    assert "your provider sets PTR" in init_system._published(settings, [])
    assert f"1.2.0.192.in-addr.arpa. IN PTR {HOST}.  ; your provider" in init_system._published(settings, ["192.0.2.1"])


def test_an_interrupted_install_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(system, "make_data", stopped)
    assert run(tmp_path, *WORDS).exit_code == 1
    settings = (tmp_path / "etc/relay/relay.toml").read_bytes()
    monkeypatch.undo()
    result = run(tmp_path)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "etc/relay/relay.toml").read_bytes() == settings
    assert (tmp_path / "var/lib/relay/data/relay.db").is_file()
