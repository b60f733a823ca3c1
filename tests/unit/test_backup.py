"""`relay backup` and `relay restore`: what is whole comes back as it was, what isn't replaces nothing."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyrage
import pytest
from click.testing import CliRunner, Result

from relay.backup import paths
from relay.backup.archive import NEEDED
from relay.backup.sealing import BackupError
from relay.cli.main import relay as program
from relay.store import database, marks
from relay.store.database import connect
from tests.support import schemas
from tests.support.store import ON_SERVER

pytestmark = pytest.mark.skipif(ON_SERVER, reason="files of SQLite's; tests/unit/test_store_copying.py has the other")

PASSPHRASE = "eleven blue whales"
IDENTITY = pyrage.x25519.Identity.generate()
OTHER = pyrage.x25519.Identity.generate()


def run(*words: object) -> Result:
    said = CliRunner().invoke(program, [str(word) for word in words], standalone_mode=True)
    return said


def ok(*words: object) -> Any:
    said = run(*words, "--json")
    assert said.exit_code == 0, said.output
    return json.loads(said.stdout)


def refused(*words: object) -> str:
    said = run(*words)
    assert said.exit_code == 1, said.output
    assert len(said.stderr.strip().splitlines()) == 1, said.stderr
    return said.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A relay with two tenants, and backups of it: ``plain``, ``passphrase``, ``key``."""
    top = tmp_path_factory.mktemp("made")
    home = top / "home"
    ok("init", "--dir", home, "--hostname", "relay.test", "--dev")
    config = home / "relay.toml"
    for name in ("acme", "other"):
        run("-c", config, "tenant", "add", name, "--contact", f"post@{name}.example")
        run("-c", config, "domain", "add", name, f"{name}.example")
    letters = home / "data" / "operator-mail"
    for folder in ("new", "cur", "tmp"):
        (letters / folder).mkdir(parents=True)
        (letters / folder / f"1.{folder}:2,S").write_bytes(b"Subject: x\r\n\r\nabuse\r\n")
    given = home / "data" / "acme"
    (given / "http-01").mkdir(parents=True, mode=0o700)
    for name in (*GIVEN, "self-signed.pem", "lock", "http-01/token"):
        (given / name).write_text(f"{name} of the authority\n")
    (top / "words").write_text(f"{PASSPHRASE}\n")
    (top / "identity").write_text(f"# created: now\n{IDENTITY}\n")
    (top / "other").write_text(f"{OTHER}\n")
    ok("-c", config, "backup", top / "plain")
    ok("-c", config, "backup", top / "passphrase", "--passphrase-file", top / "words")
    ok("-c", config, "backup", top / "key", "--recipient", OTHER.to_public(), "--recipient", IDENTITY.to_public())
    return top


GIVEN = ("account.json", "certificate.pem", "state.json")


KEYS = {"plain": (), "passphrase": ("--passphrase-file", "words"), "key": ("--identity", "identity")}


def keys(top: Path, kind: str) -> list[object]:
    return [top / word if word in ("words", "identity") else word for word in KEYS[kind]]


@pytest.fixture
def target(made: Path, tmp_path: Path) -> Path:
    """Another relay, whose data a restore would replace; its settings."""
    home = tmp_path / "target"
    shutil.copytree(made / "home", home)
    with closing(connect(home / "data" / "relay.db")) as conn:
        marks.write(conn, "test/target", 1)
    return home / "relay.toml"


def is_target(config: Path) -> bool:
    with closing(connect(config.parent / "data" / "relay.db")) as conn:
        return marks.read(conn, "test/target") == 1


PEOPLE = ("ann", "bob", "eve", "dan")


def test_who_left_after_the_backup_stays_out(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "backup"
    config = home / "relay.toml"
    ok("init", "--dir", home, "--hostname", "relay.test", "--dev")
    ok("-c", config, "tenant", "add", "acme", "--contact", "post@acme.example")
    words = ("--topic", "news", "--source", "our form", "--wording", "Yes, send me the news")
    for name in PEOPLE:
        run("-c", config, "consent", "add", "acme", f"{name}@people.example", *words)
    ok("-c", config, "backup", file)
    ok("-c", config, "consent", "withdraw", "acme", "ann@people.example", "--topic", "news")
    ok("-c", config, "consent", "withdraw", "acme", "bob@people.example")
    ok("-c", config, "suppression", "add", "acme", "eve@people.example", "--reason", "complaint")
    ok("-c", config, "suppression", "add", "acme", "new@people.example", "--reason", "hard-bounce")
    told = ok("-c", config, "restore", file)
    assert told["left_since"] == 4
    listed = {row["email"]: row["reason"] for row in ok("-c", config, "suppression", "list", "acme")}
    assert listed == {
        "ann@people.example": "unsubscribed", "bob@people.example": "unsubscribed",
        "eve@people.example": "complaint", "new@people.example": "hard-bounce",
    }  # fmt: skip
    again = run("-c", config, "consent", "add", "acme", "ann@people.example", *words)
    assert again.exit_code == 1 and "unsubscribed" in again.stderr
    assert ok("-c", config, "audit", "verify")["faults"] == []


def test_a_backup_without_what_an_authority_gave_leaves_it(made: Path, target: Path, tmp_path: Path) -> None:
    """One of an earlier release."""
    old = with_members(made / "plain", lambda room: None, tmp_path)
    acme = target.parent / "data" / "acme"
    (acme / "account.json").write_text("of now")
    ok("-c", target, "restore", old)
    assert (acme / "account.json").read_text() == "of now" and (acme / "certificate.pem").exists()


def test_files_with_secrets_that_settings_name(target: Path, tmp_path: Path) -> None:
    text = target.read_text().replace(
        "[tls]", '[tls]\nacme = "https://a.example/"\nacme_key_id = "k"\nacme_key_file = "k"'
    )
    target.write_text(
        f'{text}\n[oidc]\nissuer = "https://id.example"\nclient_id = "x"\nclient_secret_file = "s"\n'
        '[oidc.roles]\nops = "operator"\n'
    )
    for name in ("k", "s"):
        (target.parent / name).write_text(f"secret {name}\n")
        (target.parent / name).chmod(0o600)
    ok("-c", target, "backup", tmp_path / "file")
    ok("restore", tmp_path / "file", "--dir", tmp_path / "new")
    assert (tmp_path / "new" / "oidc-client-secret").read_text() == "secret s\n"
    assert (tmp_path / "new" / "acme-key").read_text() == "secret k\n"
    assert 'client_secret_file = "oidc-client-secret"' in (tmp_path / "new" / "relay.toml").read_text()


def test_of_another_relay_nobody_is_taken_over(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "other"
    ok("init", "--dir", home, "--hostname", "other.test", "--dev")
    said = run("-c", home / "relay.toml", "restore", made / "plain")
    assert said.exit_code == 0 and "relay suppression import" in said.stderr


@pytest.mark.parametrize("kind", ["plain", "key"])
def test_what_was_there_is_there_again(kind: str, made: Path, target: Path) -> None:
    assert is_target(target)
    acme = target.parent / "data" / "acme"
    (acme / "account.json").write_text("another account")
    told = ok("-c", target, "restore", made / kind, *keys(made, kind))
    assert {path.name: path.read_text() for path in acme.iterdir()} == {n: f"{n} of the authority\n" for n in GIVEN}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in acme.iterdir())
    assert (Path(told["kept"]) / "acme" / "account.json").read_text() == "another account"
    assert told["tenants"] == 2 and told["replaced"] and told["hostname"] == "relay.test"
    assert not is_target(target)
    assert [row["name"] for row in ok("-c", target, "tenant", "list")] == ["acme", "other"]
    data = target.parent / "data"
    letters = sorted(str(path.relative_to(data / "operator-mail")) for path in (data / "operator-mail").rglob("*.*"))
    assert letters == ["cur/1.cur:2,S", "new/1.new:2,S"]
    for name in ("relay.db", "secrets"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
    kept = Path(told["kept"])
    assert kept.parent == data and (kept / "relay.db").exists() and (kept / "secrets").exists()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert ok("-c", target, "audit", "verify")
    assert [path.name for path in data.glob(".relay-*")] == []


@pytest.mark.parametrize("kind", ["plain", "passphrase"])
def test_a_whole_relay_comes_of_it_where_none_was(kind: str, made: Path, tmp_path: Path) -> None:
    there = tmp_path / "a" / "b"
    ok("restore", made / kind, "--dir", there, *keys(made, kind))
    config = there / "relay.toml"
    assert sorted(path.name for path in (there / "data" / "acme").iterdir()) == sorted(GIVEN)
    assert config.read_text() == (made / "home" / "relay.toml").read_text()
    rows = {row["what"]: row["level"] for row in json.loads(run("-c", config, "check", "--json").stdout)}
    assert {rows[name] for name in ("database", "secrets", "DKIM keys", "certificate", "certificate's key")} == {"ok"}
    again = refused("restore", made / kind, "--dir", there, *keys(made, kind))
    assert "is there already" in again


def test_a_backup_is_nobody_elses_to_read_and_replaces_nothing(made: Path) -> None:
    before = (made / "plain").read_bytes()
    assert stat.S_IMODE((made / "plain").stat().st_mode) == 0o600
    assert "there already" in refused("-c", made / "home" / "relay.toml", "backup", made / "plain")
    assert (made / "plain").read_bytes() == before
    said = run("-c", made / "home" / "relay.toml", "backup", made / "again")
    assert said.exit_code == 0 and "not locked" in said.stderr
    for kind in ("passphrase", "key"):
        assert b"acme.example" not in (made / kind).read_bytes()
    with closing(connect(made / "home" / "data" / "relay.db")) as conn:
        assert marks.read(conn, marks.BACKED_UP)


def test_it_can_be_read_without_a_relay(made: Path, tmp_path: Path) -> None:
    """What the manual says for the day on which there is none."""
    with tarfile.open(made / "plain") as tar:
        tar.extractall(tmp_path)
    done = subprocess.run(["sha256sum", "--check", "checksums"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count(": OK") == 8 + len(GIVEN)
    opened = pyrage.decrypt((made / "key").read_bytes(), [IDENTITY])
    assert opened[:2] == b"\x1f\x8b"
    armour, _, sealed = (made / "passphrase").read_bytes().partition(b"-----END AGE ENCRYPTED FILE-----\n")
    key = pyrage.passphrase.decrypt(armour + b"-----END AGE ENCRYPTED FILE-----\n", PASSPHRASE)
    assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(key.decode())])[:2] == b"\x1f\x8b"


# -- what isn't whole ----------------------------------------------------------------

Spoil = Callable[[bytes], bytes]
CUT: dict[str, Spoil] = {
    "empty": lambda data: b"",
    "one octet": lambda data: data[:1],
    "its head": lambda data: data[:300],
    "a half": lambda data: data[: len(data) // 2],
    "but for 100 octets": lambda data: data[:-100],
    "but for one octet": lambda data: data[:-1],
    "a bit in the middle": lambda data: (
        data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]
    ),
    "zeros within": lambda data: data[:5000] + bytes(512) + data[5512:],
}


@pytest.mark.parametrize("spoiled", CUT)
@pytest.mark.parametrize("kind", ["plain", "key"])
def test_a_damaged_or_truncated_one_replaces_nothing(kind: str, spoiled: str, made: Path, target: Path) -> None:
    bad = target.parent.parent / "bad"
    bad.write_bytes(CUT[spoiled]((made / kind).read_bytes()))
    before = sorted(path.name for path in (target.parent / "data").iterdir())
    text = refused("-c", target, "restore", bad, *keys(made, kind))
    assert "damaged" in text or "is no backup" in text
    assert is_target(target)
    assert sorted({*(path.name for path in (target.parent / "data").iterdir())} - {"lock"}) == sorted(
        {*before} - {"lock"}
    )


@pytest.mark.parametrize(
    ("kind", "words", "says"),
    [
        ("passphrase", (), "locked by a passphrase"),
        ("passphrase", ("--identity", "other"), "locked by a passphrase"),
        ("passphrase", ("--passphrase-file", "other"), "another one"),
        ("key", (), "locked for a key"),
        ("key", ("--passphrase-file", "words"), "locked for a key"),
        ("key", ("--identity", "words"), "holds no private key"),
        ("key", ("--identity", "plain"), "holds no private key"),
    ],
)
def test_who_has_no_key_is_told_what_is_needed(
    kind: str, words: tuple[str, ...], says: str, made: Path, target: Path
) -> None:
    given = [word if word.startswith("-") else made / word for word in words]
    assert says in refused("-c", target, "restore", made / kind, *given)
    assert is_target(target)


def test_another_private_key_opens_nothing(made: Path, target: Path, tmp_path: Path) -> None:
    (tmp_path / "third").write_text(f"{pyrage.x25519.Identity.generate()}\n")
    assert "another key" in refused("-c", target, "restore", made / "key", "--identity", tmp_path / "third")
    assert is_target(target)


def tar_of(members: dict[str, bytes], kind: bytes = tarfile.REGTYPE) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data) if kind == tarfile.REGTYPE or name == "manifest.json" else 0
            entry.type = tarfile.REGTYPE if name == "manifest.json" else kind
            entry.linkname = "/etc/passwd"
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


MANIFEST = {
    "kind": "relay-backup", "format": 1, "made_at": 1.0, "release": "0.1.0", "schema": 1, "hostname": "h",
    "store": "sqlite", "tenants": 0, "copies": 0,
}  # fmt: skip


def manifest(**changes: object) -> bytes:
    return json.dumps({**MANIFEST, **changes}).encode()


FOREIGN: dict[str, bytes] = {
    "a text": b"Dear all,\n",
    "a ZIP": b"PK\3\4" + bytes(100),
    "a gzip of something": gzip.compress(b"hello" * 1000, mtime=0),
    "another's tar": tar_of({"etc/passwd": b"root"}),
    "an empty tar": tar_of({}),
    "another's manifest": tar_of({"manifest.json": b'{"kind": "postal"}'}),
    "no JSON": tar_of({"manifest.json": b"{"}),
    "a list": tar_of({"manifest.json": b"[]"}),
    "a newer form": tar_of({"manifest.json": manifest(format=3, release="9.9")}),
    "a path upwards": tar_of({"manifest.json": manifest(), "../../relay.db": b"x"}),
    "an absolute path": tar_of({"manifest.json": manifest(), "/tmp/relay.db": b"x"}),
    "a link": tar_of({"manifest.json": manifest(), "secrets": b""}, tarfile.SYMTYPE),
    "a hard link": tar_of({"manifest.json": manifest(), "secrets": b""}, tarfile.LNKTYPE),
    "a device": tar_of({"manifest.json": manifest(), "secrets": b""}, tarfile.CHRTYPE),
    "no checksums": tar_of({"manifest.json": manifest(), "secrets": b"x"}),
    "wrong checksums": tar_of({"manifest.json": manifest(), "checksums": b"00  manifest.json\n"}),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_no_backup_replaces_nothing(what: str, target: Path, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(FOREIGN[what])
    refused("-c", target, "restore", tmp_path / "bad")
    refused("restore", tmp_path / "bad", "--dir", tmp_path / "new")
    assert is_target(target) and not (tmp_path / "new").exists()


def with_members(source: Path, changed: Callable[[Path], object], into: Path) -> Path:
    """A backup of which somebody has changed files, and made the checksums anew."""
    from relay.backup.archive import BackupManifest, write

    room = into / "changed"
    with tarfile.open(source) as tar:
        tar.extractall(room)
    changed(room)
    told = json.loads((room / "manifest.json").read_text())
    head = BackupManifest(**{name: told[name] for name in MANIFEST if name not in ("kind", "format")})
    with (into / "bad").open("wb") as out:
        names = [*NEEDED[1:], "tls/certificate.pem", "tls/key.pem", NEEDED[0]]
        write(out, head, [(name, room / name) for name in names if (room / name).exists()])
    return into / "bad"


def _sql(statement: str) -> Callable[[Path], None]:
    def change(room: Path) -> None:
        with closing(sqlite3.connect(room / "relay.db")) as conn:
            conn.executescript(statement)

    return change


def _page(room: Path) -> None:
    with (room / "relay.db").open("r+b") as file:
        file.seek(4096 * 7)
        file.write(b"\xff" * 4096)


CHANGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "secrets of another relay": (lambda room: (room / "secrets").write_text(f"1 {'ab' * 32}\n"), "is not the one"),
    "secrets that are none": (lambda room: (room / "secrets").write_text("hello\n"), "KEYID HEX"),
    "no secrets": (lambda room: (room / "secrets").unlink(), "no secrets"),
    "no database": (lambda room: (room / "relay.db").write_bytes(b""), "database"),
    "another program's": (_sql("DROP TABLE meta; DROP TABLE tenant; PRAGMA user_version = 0"), "none of a relay"),
    "an older schema": (_sql("PRAGMA user_version = 150"), "--migrate"),
    "a newer schema": (_sql("PRAGMA user_version = 99999"), "newer release"),
    "a damaged page": (_page, "damaged"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_what_does_not_fit_replaces_nothing(what: str, made: Path, target: Path, tmp_path: Path) -> None:
    change, says = CHANGED[what]
    bad = with_members(made / "plain", change, tmp_path)
    assert says in refused("-c", target, "restore", bad)
    assert is_target(target)


def test_a_backup_of_an_older_release_comes_to_this_schema_where_that_is_asked_for(
    made: Path, target: Path, tmp_path: Path
) -> None:
    number = schemas.numbers()[0]

    def older(room: Path) -> None:
        (room / "relay.db").unlink()
        schemas.unpack(number, room / "relay.db")
        (room / "secrets").write_text(schemas.SECRETS)

    bad = with_members(made / "plain", older, tmp_path)
    assert f"has schema {number}" in refused("-c", target, "restore", bad)
    assert is_target(target)
    told = ok("-c", target, "restore", bad, "--migrate")
    assert told["replaced"]
    assert ok("-c", target, "migrate")["before"] == database.migrations()[-1][0]


def test_a_damaged_database_is_not_kept_as_if_it_were_whole(target: Path, tmp_path: Path) -> None:
    _page(target.parent / "data")
    assert "damaged" in refused("-c", target, "backup", tmp_path / "no")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_secrets_of_another_relay_are_not_kept_with_it(target: Path, tmp_path: Path) -> None:
    (target.parent / "data" / "secrets").write_text(f"1 {'ab' * 32}\n")
    assert "is not the one" in refused("-c", target, "backup", tmp_path / "no")
    assert not (tmp_path / "no").exists()


WRONG_USE = [
    ("backup", "x", "--recipient", "age1nonsense"),
    ("backup", "x", "--recipient", "AGE-SECRET-KEY-1QQ"),
    ("backup", "nowhere/x"),
    ("backup", "x", "--passphrase-file", "short"),
    ("backup", "x", "--passphrase-file", "none"),
    ("backup", "x", "--passphrase-file", "blank"),
]


@pytest.mark.parametrize("words", WRONG_USE, ids=" ".join)
def test_what_can_not_be_locked_is_not_written(
    words: tuple[str, ...], target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(target.parent)
    (target.parent / "short").write_text("secret\n")
    (target.parent / "blank").write_text("\nsecret secret secret\n")
    refused(*words)
    assert not (target.parent / "x").exists()


def test_a_full_disk_is_foreseen(target: Path, tmp_path: Path) -> None:
    target.write_text(target.read_text() + '\n[limits]\nfree_disk_octets = "100000GiB"\n')
    assert "too little space" in refused("-c", target, "backup", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_of_a_directory_of_them_the_newest_are_kept(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = tmp_path / "backups"
    into.mkdir()
    others = ["relay-other.test-20200101T000000Z.tar.gz", "relay-relay.test.txt", "notes"]
    for name in others:
        (into / name).touch()
    made = []
    for number in range(4):
        monkeypatch.setattr("relay.cli.backup.time.time", lambda at=1_800_000_000 + number: at)
        made.append(Path(ok("-c", target, "backup", into, "--keep", "2")["file"]).name)
    assert len(set(made)) == 4
    assert sorted(path.name for path in into.iterdir()) == sorted([*others, *made[-2:]])


SETTINGS = {
    "as init writes them": (
        '[server]\ndata_dir = "/var/lib/relay/data"  # here\n[tls]\ncertificate = \'/etc/x\'\nkey="/etc/y"\n',
        '[server]\ndata_dir = "data"  # here\n[tls]\ncertificate = "tls/certificate.pem"\nkey="tls/key.pem"\n',
    ),
    "another table's": (
        '[server]\nhostname = "a"\n[x]\ndata_dir = "/y"\n',
        '[server]\nhostname = "a"\n[x]\ndata_dir = "/y"\n',
    ),
    "a password": (
        '[delivery]\nsmart_host_password_file = "/etc/p"\n',
        '[delivery]\nsmart_host_password_file = "smart-host-password"\n',
    ),
    "other secrets": (
        '[oidc]\nclient_secret_file = "credential:oidc"\n[tls]\ncertificate = ""\nacme_key_file = "/etc/k"\n',
        '[oidc]\nclient_secret_file = "oidc-client-secret"\n[tls]\ncertificate = ""\nacme_key_file = "acme-key"\n',
    ),
    "in a text": ('[server]\nx = """\ndata_dir = 1\n"""\n', '[server]\nx = """\ndata_dir = 1\n"""\n'),
}


@pytest.mark.parametrize("what", SETTINGS)
def test_paths_are_set_anew_and_nothing_else(what: str) -> None:
    before, after = SETTINGS[what]
    assert paths.own_paths(before, "x") == after


@pytest.mark.parametrize(
    "text",
    ['server.data_dir = "/var"\n', 'server = {data_dir = "/var"}\n', '[server]\ndata_dir = """/v"""\n', "[server\n"],
)
def test_settings_in_another_form_are_left_to_whoever_wrote_them(text: str) -> None:
    with pytest.raises(BackupError):
        paths.own_paths(text, "x")
