"""What keeps the relay from starting is said in one line that says what to do, and `relay check` sees the same."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from relay.certificates.self_signed import self_signed
from relay.keys.secrets import Secrets
from tests.support.peers import listening, until
from tests.support.relay import Relay
from tests.support.store import ON_SERVER, of_a_file

WAIT_S = 60


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Relay:
    return Relay(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def relay(sound: Relay, tmp_path: Path) -> Iterator[Relay]:
    """A copy of one that would start."""
    place = tmp_path / "relay"
    shutil.copytree(sound.directory, place)
    made = object.__new__(Relay)
    made.__dict__.update(sound.__dict__)
    made.directory, made.config = place, place / "relay.toml"
    yield made
    made.kill()


def schema(version: int) -> Callable[[Relay], object]:
    def change(relay: Relay) -> None:
        with closing(sqlite3.connect(relay.directory / "data/relay.db")) as conn:
            conn.execute(f"PRAGMA user_version = {version}")

    return change


def write(name: str, content: bytes) -> Callable[[Relay], object]:
    return lambda relay: (relay.directory / name).write_bytes(content)


def gone(name: str) -> Callable[[Relay], object]:
    return lambda relay: (relay.directory / name).unlink()


def others_key(relay: Relay) -> None:
    import datetime as dt

    _, key = self_signed("other.test", dt.datetime.now(dt.UTC))
    (relay.directory / "tls/key.pem").write_bytes(key)


def others_secrets(relay: Relay) -> None:
    (relay.directory / "data/secrets").unlink()
    Secrets.create(relay.directory / "data/secrets")


def other_database(relay: Relay) -> None:
    (relay.directory / "data/relay.db").unlink()
    with closing(sqlite3.connect(relay.directory / "data/relay.db")) as conn:
        conn.execute("CREATE TABLE song (title TEXT)")


def data_is_a_file(relay: Relay) -> None:
    shutil.rmtree(relay.directory / "data")
    (relay.directory / "data").touch()


SETTINGS = "relay.toml"
OF_A_FILE: list[tuple[str, Callable[[Relay], object], str, str]] = [
    ("empty database", write("data/relay.db", b""), "is empty", "restore it from a backup"),
    ("no database", gone("data/relay.db"), "no database at", "restore it from a backup, or make a new relay"),
    ("octets for a database", write("data/relay.db", os.urandom(9000)), "is no SQLite database", "restore it"),
    ("another program's database", other_database, "is none of a relay", "correct server.data_dir"),
    ("newer schema", schema(9999), "has schema 9999", "install the newer release"),
    ("older schema", schema(1), "has schema 1", "run `relay migrate`"),
]
FAULTS: list[tuple[str, Callable[[Relay], object], str, str]] = [
    *([] if ON_SERVER else OF_A_FILE),
    ("no secrets", gone("data/secrets"), "is missing", "restore it from a backup"),
    ("empty secrets", write("data/secrets", b""), "holds no usable key", "restore it from a backup"),
    ("damaged secrets", write("data/secrets", b"1 zz\n"), "not `KEYID HEX`", "restore it from a backup"),
    ("octets for secrets", write("data/secrets", b"\xff\xfe\x00"), "is damaged", "restore it from a backup"),
    ("another relay's secrets", others_secrets, "is not the one that this database was made with", "restore both"),
    ("data_dir gone", lambda relay: shutil.rmtree(relay.directory / "data"), "does not exist", "correct the setting"),
    ("data_dir a file", data_is_a_file, "is not a directory", "correct"),
    ("no certificate", gone("tls/certificate.pem"), "No such file", "correct tls.certificate"),
    ("empty certificate", write("tls/certificate.pem", b""), "holds no PEM certificate", "give the certificate"),
    ("octets for a key", write("tls/key.pem", b"\0" * 90), "holds no usable PEM private key", "correct tls.key"),
    ("another's key", others_key, "doesn't fit the certificate", "give the key"),
    ("no such policy", lambda relay: relay.configure({"policies": {"order": ["quoat"]}}), "'quoat'", "correct"),
    (
        "a policy's nonsense",
        lambda relay: relay.configure({"policy.rate": {"per_minute": "many"}}),
        "policy.rate",
        "correct",
    ),
    (
        "no password",
        lambda relay: relay.configure(
            {"delivery": {"smart_host_user": "me", "smart_host": "mx.test:25", "smart_host_password_file": "nowhere"}}
        ),
        "smart_host_password_file",
        "nowhere",
    ),
    ("no TOML", write(SETTINGS, b"[server\n"), "line 1", "relay.toml"),
    ("a misspelt key", write(SETTINGS, b'[server]\nhostnam = "x.test"\n'), "did you mean server.hostname", "required"),
    ("no settings", gone(SETTINGS), "no such settings file", "`relay init`"),
    ("settings of octets", write(SETTINGS, b"\xff\xfe"), "not UTF-8", "relay.toml"),
]


@pytest.mark.parametrize(("what", "harm", "said", "todo"), FAULTS, ids=[fault[0] for fault in FAULTS])
def test_what_keeps_it_from_starting(
    relay: Relay, what: str, harm: Callable[[Relay], object], said: str, todo: str
) -> None:
    harm(relay)
    result = relay.run("serve", timeout=WAIT_S)
    lines = result.stderr.strip().splitlines()
    assert (result.returncode, len(lines)) == (1, 1), result.stderr
    assert lines[0].startswith("relay: ") and said in lines[0] and todo in lines[0], lines[0]
    assert "Traceback" not in result.stderr and "Errno" not in result.stderr
    check = relay.run("check", timeout=WAIT_S)
    assert check.returncode == 1, check.stdout
    failed = [line for line in check.stdout.splitlines() if line.startswith("FAIL")]
    assert any(said in line or what.split()[0] in line or "correct" in line for line in failed), check.stdout


def test_all_faults_are_told_at_once(relay: Relay) -> None:
    gone("data/secrets")(relay)
    write("tls/certificate.pem", b"")(relay)
    line = relay.run("serve").stderr
    assert "is missing" in line and "holds no PEM certificate" in line


def test_a_second_relay_is_told_of_the_first(relay: Relay) -> None:
    relay.start()
    assert relay.process is not None
    result = relay.run("serve", timeout=WAIT_S)
    assert result.returncode == 1
    assert (
        f"a relay runs on {relay.directory}/data already (process {relay.process.pid}): stop it first" in result.stderr
    )
    assert ON_SERVER or relay.run("check").returncode == 0  # the tests' server flushes nothing, which `check` tells


def test_a_port_in_use_is_named(relay: Relay) -> None:
    until(lambda: not listening(relay.submission), "the one before is gone")
    with socket.create_server(("127.0.0.1", relay.submission)):
        result = relay.run("serve", timeout=WAIT_S)
    assert (result.returncode, result.stderr.count("\nrelay: ") + result.stderr.startswith("relay: ")) == (1, 1)
    assert f"listen.submission: 127.0.0.1:{relay.submission} is in use: stop the program" in result.stderr


@of_a_file("it is empty")
def test_nothing_is_migrated_that_is_empty(relay: Relay) -> None:
    write("data/relay.db", b"")(relay)
    result = relay.run("migrate")
    assert result.returncode == 1 and "is empty; restore it from a backup" in result.stderr
    assert (relay.directory / "data/relay.db").read_bytes() == b""


@of_a_file("of the directory it is in")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount, and be somebody else")
@pytest.mark.parametrize("command", [("serve",), ("tenant", "list"), ("check",)])
@pytest.mark.parametrize(
    ("wrapper", "said"),
    [
        ("mount --bind {0} {0} && mount -o remount,ro,bind {0} && exec", "mounted read-only"),
        ("chown -R 12345 {0} && exec setpriv --reuid 54321 --clear-groups", "belongs to user 12345"),
    ],
    ids=["read-only", "another's"],
)
def test_a_disk_or_files_that_can_not_be_written(
    relay: Relay, command: tuple[str, ...], wrapper: str, said: str
) -> None:
    for directory in (relay.directory, *relay.directory.parents):
        if directory.is_relative_to(tempfile.gettempdir()) and directory != Path(tempfile.gettempdir()):
            directory.chmod(0o755)
    script = wrapper.format(relay.directory / "data")
    program = [sys.executable, "-m", "relay.cli.main", "-c", str(relay.config), *command]
    result = subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{script} "$@"', "sh", *program],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        cwd="/",
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    text = result.stdout if command == ("check",) else result.stderr
    assert result.returncode == 1 and said in text, (result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    if command != ("check",):
        assert result.stderr.count("\n") == 1
