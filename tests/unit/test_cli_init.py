"""``relay init``: all of it or nothing, and nothing overwritten."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography import x509

from config.load import load
from relay.certificates.self_signed import self_signed
from relay.cli import init
from relay.cli.main import relay
from relay.install import directory as in_directory
from relay.install import plan
from relay.keys.secrets import Secrets
from relay.store.database import StoreError, connect


def run(*words: str) -> Result:
    return CliRunner().invoke(relay, ["init", *words])


def tree(path: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(path)): p.read_bytes() if p.is_file() else None for p in sorted(path.rglob("*"))}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(init, "machine_name", lambda: "mail.example.org")


def test_a_new_relay_is_complete(tmp_path: Path) -> None:
    result = run("--dir", str(tmp_path))
    assert result.exit_code == 0, result.output
    settings = load(tmp_path / "relay.toml")
    assert settings.server.hostname == "mail.example.org"
    assert settings.links.base_url == "https://mail.example.org"
    assert settings.listen.submission == ("*:587",)
    assert not settings.auth.plaintext_on_loopback
    assert Secrets.load(settings.secrets_file).current == 1
    with closing(connect(settings.database)) as conn:
        assert conn.execute("SELECT count(*) FROM tenant").fetchone() == (0,)
    modes = {name: mode(tmp_path / name) for name in ("data", "data/relay.db", "data/secrets", "tls/key.pem")}
    assert modes == {"data": 0o700, "data/relay.db": 0o600, "data/secrets": 0o600, "tls/key.pem": 0o600}
    assert {path.name for path in tmp_path.iterdir()} == {"relay.toml", "data", "tls"}


def test_the_modes_hold_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert run("--dir", str(tmp_path)).exit_code == 0
    finally:
        os.umask(before)
    assert mode(tmp_path / "data") == 0o700
    assert mode(tmp_path / "data" / "secrets") == 0o600
    assert mode(tmp_path / "tls" / "key.pem") == 0o600
    assert mode(tmp_path / "relay.toml") == 0o644


def test_dev_stays_on_loopback_and_high_ports(tmp_path: Path) -> None:
    assert run("--dir", str(tmp_path), "--dev", "--hostname", "relay.test").exit_code == 0
    settings = load(tmp_path / "relay.toml")
    assert settings.listen.model_dump() == {
        "submission": ("127.0.0.1:10587",),
        "submissions": ("127.0.0.1:10465",),
        "inbound": ("127.0.0.1:10025",),
        "http": "127.0.0.1:10088",
        "https": "",
        "acme": "",
    }
    assert settings.links.base_url == "http://127.0.0.1:10088"
    assert settings.auth.plaintext_on_loopback


def test_it_says_what_it_made_and_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "my relay"
    lines = run("--dir", str(directory)).stdout.splitlines()
    assert lines[0] == "A relay for mail.example.org:"
    assert lines[-3:] == [
        f"  relay -c '{directory}/relay.toml' check",
        f"  relay -c '{directory}/relay.toml' tenant add NAME --contact EMAIL",
        f"  relay -c '{directory}/relay.toml' serve",
    ]
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    made = json.loads(run("--json").stdout)
    assert made["next"] == ["relay check", "relay tenant add NAME --contact EMAIL", "relay serve"]
    assert all(Path(made[name]).is_file() for name in ("settings", "database", "secrets", "certificate", "key"))


# --- nothing overwritten, nothing left --------------------------------------------


@pytest.mark.parametrize("name", ["relay.toml", "data", "tls"])
def test_what_is_there_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    before = tree(tmp_path)
    result = run("--dir", str(tmp_path))
    assert result.exit_code == 1
    assert f"{tmp_path / name} is there already, nothing was changed" in result.stderr
    assert result.stderr.count("\n") == 1
    assert tree(tmp_path) == before


def test_a_dangling_link_is_there_too(tmp_path: Path) -> None:
    (tmp_path / "relay.toml").symlink_to(tmp_path / "nowhere")
    result = run("--dir", str(tmp_path))
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    assert not (tmp_path / "nowhere").exists()


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    assert run("--dir", str(tmp_path)).exit_code == 0
    before = tree(tmp_path)
    assert run("--dir", str(tmp_path)).exit_code == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("step", ["migrate", "self_signed", "settings"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    def broken(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step == "settings":  # the last one: the directories are in their places already
        monkeypatch.setattr(plan.InitPlan, "settings", broken)
    else:
        monkeypatch.setattr(in_directory, step, broken)
    (tmp_path / "mine").write_text("mine")
    for directory in (tmp_path, tmp_path / "a" / "b"):
        result = run("--dir", str(directory))
        assert result.exit_code == 1
        assert result.stderr.startswith("relay: No space left on device; the disk is full: make room")
        assert tree(tmp_path) == {"mine": b"mine"}


def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(plan.InitPlan, "settings", interrupted)
    assert run("--dir", str(tmp_path / "a")).exit_code == 1
    assert tree(tmp_path) == {}


def test_a_refusing_database_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(path: Path) -> None:
        raise StoreError(f"migration 1 of {path.name} failed")

    monkeypatch.setattr(in_directory, "migrate", broken)
    result = run("--dir", str(tmp_path))
    assert (result.exit_code, result.stderr) == (1, "relay: migration 1 of relay.db failed\n")
    assert tree(tmp_path) == {}


def test_a_file_in_place_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run("--dir", str(tmp_path / "file")).exit_code == 2
    assert run("--dir", str(tmp_path / "file" / "below")).exit_code == 1


# --- the name of the machine --------------------------------------------------------


@pytest.mark.parametrize("found", ["box", "localhost", "localhost.localdomain", "box.local", "1.0.0.127.in-addr.arpa"])
def test_without_a_full_name_it_asks_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr(init, "machine_name", lambda: found)
    result = run("--dir", str(tmp_path))
    assert result.exit_code == 1
    assert "pass --hostname relay.example.com" in result.stderr
    assert tree(tmp_path) == {}
    assert run("--dir", str(tmp_path), "--dev").exit_code == 0
    assert load(tmp_path / "relay.toml").server.hostname == "localhost"


@pytest.mark.parametrize("given", ["a b", "256.1.1.1", "x_y.example", "box", 'a"\nb.example'])
def test_a_wrong_hostname_is_wrong_use(tmp_path: Path, given: str) -> None:
    result = run("--dir", str(tmp_path), "--hostname", given)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert tree(tmp_path) == {}


def test_a_hostname_of_other_letters(tmp_path: Path) -> None:
    assert run("--dir", str(tmp_path), "--hostname", "Bücher.Example").exit_code == 0
    assert load(tmp_path / "relay.toml").server.hostname == "xn--bcher-kva.example"


# --- the certificate ------------------------------------------------------------------


def test_the_certificate_names_host_and_loopback() -> None:
    now = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
    certificate = x509.load_pem_x509_certificate(self_signed("relay.example.com", now)[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["relay.example.com", "localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert certificate.not_valid_before_utc < now
    assert (certificate.not_valid_after_utc - now).days == 3650


def test_a_long_hostname_fits() -> None:
    hostname = "a" * 60 + ".example.com"
    certificate = x509.load_pem_x509_certificate(self_signed(hostname, dt.datetime.now(dt.UTC))[0])
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == [hostname, "localhost"]


@pytest.mark.parametrize("name", ["relay.example.com", "localhost", "127.0.0.1"])
def test_a_strict_client_that_trusts_it_connects(tmp_path: Path, name: str) -> None:
    for file, octets in zip(("c.pem", "k.pem"), self_signed("relay.example.com", dt.datetime.now(dt.UTC)), strict=True):
        (tmp_path / file).write_bytes(octets)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "c.pem", tmp_path / "k.pem")
    client = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(10)
    thread = threading.Thread(target=lambda: server.wrap_socket(theirs, server_side=True).recv(1), daemon=True)
    thread.start()
    with client.wrap_socket(ours, server_hostname=name) as connection:
        assert connection.version() == "TLSv1.3"
        connection.sendall(b"x")
        thread.join(10)


def test_the_command_itself(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "relay.cli.main", "init", "--dev", "--dir", str(tmp_path / "new")]
    root = Path(__file__).parents[2]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert load(tmp_path / "new" / "relay.toml").auth.plaintext_on_loopback
