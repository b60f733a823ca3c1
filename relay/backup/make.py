"""Making a backup beside a running relay: database, secrets, settings and what these name, of one moment."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from config.credentials import is_credential
from config.settings import Settings
from relay.backup import archive
from relay.backup.archive import BackupManifest, write
from relay.backup.sealing import BackupError, BackupLock, sealing
from relay.keys.belonging import FOREIGN, foreign
from relay.keys.secrets import Secrets
from relay.store import marks
from relay.store.contract import Connection, Tx
from relay.store.copy.run import copy_beside
from relay.store.database import connect, schema_version, transaction
from relay.store.engines import StoreAddress
from relay.store.sqlite.room import PAGE_OCTETS
from relay.store.sqlite.taken import faults_of, opened, reading_any, take

_TIMES: Final = 2
"""A copy of the database, and the archive, which may be as large."""


@dataclass(frozen=True, slots=True)
class BackupMade:
    path: Path
    octets: int
    manifest: BackupManifest
    locked: bool


def make(
    settings: Settings,
    settings_file: Path,
    target: Path,
    lock: BackupLock,
    *,
    now: float | None = None,
    tell: Callable[[int, int], None] = lambda done, all_: None,
) -> BackupMade:
    """Write all of it to ``target``, which appears there whole or not at all.

    Raises BackupError, StoreError, SecretsError, OSError; then nothing was written.
    """
    at = time.time() if now is None else now
    with contextlib.closing(_store(settings.stored)) as conn, _room(target) as room:
        copy = room / archive.DATABASE
        _fits(conn, settings, room)
        if isinstance(settings.stored, Path):
            take(conn, copy, tell)
        else:
            copy_beside(settings.stored, copy, lambda what, done, all_: tell(done, all_))
            copy.chmod(0o600)
        _whole(copy)
        secrets = room / archive.SECRETS  # after the database: whatever that was sealed with is in it
        secrets.write_bytes(settings.secrets_file.read_bytes())
        manifest = _manifest(copy, secrets, settings, at)
        written = room / "written"
        with _new(written) as fd, os.fdopen(fd, "wb") as file:
            with sealing(file, lock) as out:
                write(out, manifest, _members(settings, settings_file, copy, secrets, room))
            file.flush()
            os.fsync(fd)
            octets = os.fstat(fd).st_size
        _put(written, target)
        with contextlib.suppress(Exception), transaction(conn):  # a full disk is no reason to doubt the backup
            marks.write(conn, marks.BACKED_UP, int(at))
    return BackupMade(target, octets, manifest, lock.locks)


def _store(stored: StoreAddress) -> Connection:
    """Of whatever schema: before an upgrade is when a backup is wanted most."""
    return reading_any(stored) if isinstance(stored, Path) else connect(stored)


@contextlib.contextmanager
def _room(target: Path) -> Iterator[Path]:
    """A directory beside the target, for its owner alone, that is gone afterwards."""
    if not target.parent.is_dir():
        raise BackupError(f"there is no directory {target.parent}: make it first")
    with tempfile.TemporaryDirectory(prefix=".relay-backup-", dir=target.parent) as name:
        yield Path(name)


@contextlib.contextmanager
def _new(path: Path) -> Iterator[int]:
    yield os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def _put(written: Path, target: Path) -> None:
    try:
        os.link(written, target)  # unlike a rename, it never replaces what somebody else has put there
    except FileExistsError:
        raise BackupError(f"{target} is there already: name another file") from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise BackupError(f"{target} is there already: name another file") from None
        written.rename(target)
    directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _fits(conn: Tx, settings: Settings, room: Path) -> None:
    """Raises BackupError where the disk would run full, or the relay would be left without its room."""
    stored = settings.stored
    octets = stored.stat().st_size if isinstance(stored, Path) else 0
    found = os.statvfs(room)
    free, needed = found.f_bavail * found.f_frsize, _TIMES * octets + 64 * PAGE_OCTETS
    if room.stat().st_dev == settings.server.data_dir.stat().st_dev:
        needed += settings.limits.free_disk_octets
    if free < needed:
        raise BackupError(
            f"too little space for a backup in {room.parent}: {free >> 20} MiB are free, {needed >> 20} may be needed;"
            " make room, or name a file on another disk"
        )


def _whole(copy: Path) -> None:
    faults = faults_of(copy)
    if faults:
        raise BackupError(
            f"the database is damaged, nothing was written: {faults[0]}; `relay check store` tells more,"
            " and the backups that there are should be kept"
        )


def _manifest(copy: Path, secrets_file: Path, settings: Settings, at: float) -> BackupManifest:
    secrets = Secrets.load(secrets_file)
    with opened(copy) as conn:
        if foreign(conn, secrets):
            raise BackupError(FOREIGN)
        tenants, copies = counts(conn)
        schema = schema_version(conn)
    return BackupManifest(
        made_at=at,
        release=release(),
        schema=schema,
        hostname=settings.server.hostname,
        store="sqlite" if isinstance(settings.stored, Path) else "postgresql",
        tenants=tenants,
        copies=copies,
    )


def counts(conn: Tx) -> tuple[int, int]:
    """Tenants, and copies in the queue that are to leave yet."""
    tenants = conn.execute("SELECT count(*) FROM tenant").fetchone()[0]
    copies = conn.execute("SELECT count(*) FROM recipient WHERE state IN (0, 1)").fetchone()[0]
    return int(tenants), int(copies)


def release() -> str:
    try:
        return version("relay-smtp")
    except PackageNotFoundError:
        return "unknown"


def _members(
    settings: Settings, settings_file: Path, copy: Path, secrets: Path, room: Path
) -> Iterator[tuple[str, Path]]:
    yield archive.SETTINGS, settings_file
    for name, path in (
        (archive.CERTIFICATE, settings.tls.certificate),
        (archive.TLS_KEY, settings.tls.key),
        (archive.PASSWORD, settings.delivery.smart_host_password_file),
        (archive.CLIENT_SECRET, settings.oidc.client_secret_file),
        (archive.ACME_KEY, settings.tls.acme_key_file),
    ):
        if path is not None and not (is_credential(path) and not os.access(path, os.R_OK)):
            yield name, path  # a credential is there while the service runs; its source is the service manager's
    yield archive.SECRETS, secrets
    yield from _certificates(settings.server.data_dir, room)
    yield from _letters(settings.operator_mail, room)
    yield archive.DATABASE, copy


def _certificates(data_dir: Path, room: Path) -> Iterator[tuple[str, Path]]:
    """As an authority gave them; each file is replaced as a whole meanwhile, never changed."""
    kept = room / "given"
    for name in archive.ACME_FILES:
        with contextlib.suppress(FileNotFoundError):
            kept.write_bytes((data_dir / archive.ACME / name).read_bytes())
            yield f"{archive.ACME}/{name}", kept


def _letters(maildir: Path, room: Path) -> Iterator[tuple[str, Path]]:
    """Letters to the operator; a mail reader may move one from ``new`` to ``cur`` meanwhile."""
    kept = room / "letter"
    for folder in (maildir / "new", maildir / "cur"):
        for letter in sorted(folder.iterdir()) if folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):
                kept.write_bytes(letter.read_bytes())
                yield f"{archive.LETTERS}/{folder.name}/{letter.name}", kept


# -- a directory of them -------------------------------------------------------------

_NAME: Final = "relay-{host}-{at:%Y%m%dT%H%M%SZ}{end}"


def name_for(hostname: str, lock: BackupLock, now: float) -> str:
    """Of a backup in a directory of them: sorts by time."""
    at = dt.datetime.fromtimestamp(now, dt.UTC)
    end = ".tar.gz.age" if lock.recipients else ".tar.gz.sealed" if lock.passphrase else ".tar.gz"
    return _NAME.format(host=hostname, at=at, end=end)


def keep_newest(directory: Path, hostname: str, most: int) -> list[Path]:
    """Delete all backups of this relay in the directory but the newest; what was deleted."""
    found = sorted(
        path
        for path in directory.glob(f"relay-{hostname}-[0-9]*T[0-9]*Z.tar.gz*")
        if path.is_file() and not path.is_symlink()
    )
    old = found[:-most]
    for path in old:
        path.unlink()
    return old
