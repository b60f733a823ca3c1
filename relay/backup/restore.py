"""Taking a relay back from a backup: all of it is checked in a place of its own, then it replaces what is there."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.load import ConfigError, load
from config.settings import Settings
from relay.backup import archive
from relay.backup.archive import BackupManifest, unpack
from relay.backup.make import counts
from relay.backup.paths import own_paths
from relay.backup.sealing import BackupError, BackupKeys, opening
from relay.backup.since import carry_over
from relay.keys.belonging import FOREIGN, foreign
from relay.keys.secrets import Secrets, SecretsError
from relay.store import marks
from relay.store.contract import Failure
from relay.store.copy.run import copy_store
from relay.store.database import StoreError, connect, migrations, schema_of, transaction
from relay.store.files import open_small
from relay.store.sqlite.taken import faults_of, opened
from relay.store.whole import CopyRefused

MARGIN_S: Final = 60.0
"""Before a backup was read: what was written at that moment is looked at, too."""
Migrating = Callable[[Path, Path], None]
"""What brings a database to this release's schema, given its secrets file too."""


@dataclass(frozen=True, slots=True)
class RestoredRelay:
    """``kept``: where what was there before lies now; None where nothing was.

    ``carried``: people who left after the backup, as what was there knew; None where it could not be asked.
    """

    manifest: BackupManifest
    data_dir: Path
    settings_file: Path | None
    kept: Path | None
    tenants: int
    copies: int
    carried: int | None = None


@dataclass(frozen=True, slots=True)
class BackupChecked:
    """What lies in a directory of its own and was found whole, with the secrets that fit."""

    directory: Path
    manifest: BackupManifest
    tenants: int
    copies: int


@contextlib.contextmanager
def checked(
    file: Path, keys: BackupKeys, beside: Path, *, migrating: Migrating | None = None
) -> Iterator[BackupChecked]:
    """Everything that can be seen without replacing anything; laid down in ``beside``, and gone afterwards.

    ``migrating`` is for a backup of an older schema; without it that is refused. Raises BackupError, OSError.
    """
    with tempfile.TemporaryDirectory(prefix=".relay-restore-", dir=beside) as name:
        room = Path(name)
        with file.open("rb") as raw, opening(raw, keys, str(file)) as source:
            manifest = unpack(source, room, str(file))
        yield _usable(file, room, manifest, migrating)


def _usable(file: Path, room: Path, manifest: BackupManifest, migrating: Migrating | None) -> BackupChecked:
    database = room / archive.DATABASE
    faults = faults_of(database)
    if faults:
        raise BackupError(f"the database in {file} is damaged: {faults[0]}: take another backup")
    try:
        schema, newest = schema_of(database), migrations()[-1][0]
        if not schema:
            raise BackupError(f"the database in {file} is none of a relay: take another backup")
        if schema < newest and migrating is None:
            raise BackupError(
                f"{file} has schema {schema}, of release {manifest.release}; this release needs {newest}: restore it"
                " with --migrate, or with that release"
            )
        if schema < newest and migrating is not None:
            migrating(database, room / archive.SECRETS)
        with opened(database) as conn:
            if foreign(conn, Secrets.load(room / archive.SECRETS)):
                raise BackupError(f"{file}: {FOREIGN}")
            tenants, copies = counts(conn)
            marks.write(conn, marks.BACKED_UP, int(manifest.made_at))
    except (StoreError, SecretsError, Failure) as error:
        raise BackupError(f"the data in {file} can't be used: {error}") from error
    return BackupChecked(room, manifest, tenants, copies)


# -- in place of what is there -------------------------------------------------------


def replace(settings: Settings, file: Path, keys: BackupKeys, *, migrating: Migrating | None = None) -> RestoredRelay:
    """Database, secrets, what an ACME authority gave, letters to the operator; the settings stay as they are.

    Raises BackupError, OSError.
    """
    data_dir = settings.server.data_dir
    if not data_dir.is_dir():
        raise BackupError(f"there is no directory {data_dir} (server.data_dir): make it, or restore with --dir")
    with _alone(data_dir), checked(file, keys, data_dir, migrating=migrating) as found:
        _owned(found.directory, data_dir)
        if not isinstance(settings.stored, Path):
            _into_server(found.directory / archive.DATABASE, settings.stored)
            carried = None
        else:
            carried = _left_since(settings, found)
        kept = _exchange(found.directory, data_dir)
    return RestoredRelay(found.manifest, data_dir, None, kept, found.tenants, found.copies, carried)


def _left_since(settings: Settings, found: BackupChecked) -> int | None:
    """Take over who left meanwhile, if what is there is of the same relay and can be read."""
    try:
        secrets = Secrets.load(found.directory / archive.SECRETS)
        with contextlib.closing(connect(settings.database, readonly=True)) as before:
            if foreign(before, secrets):
                return None
            with opened(found.directory / archive.DATABASE) as conn, transaction(conn):
                return carry_over(before, conn, found.manifest.made_at - MARGIN_S, time.time())
    except (StoreError, SecretsError, Failure):
        return None


def _into_server(database: Path, url: str) -> None:
    """Into an empty database: what a server has is nobody's to move away but its own."""
    try:
        copy_store(database, url)
    except (StoreError, CopyRefused) as error:
        raise BackupError(f"nothing was replaced: {error}") from error
    database.unlink()


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """No relay runs there, nor starts meanwhile. Raises BackupError."""
    fd = open_small(data_dir / "lock")
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BackupError(f"a relay runs on {data_dir}: stop it first; nothing was replaced") from None
        yield
    finally:
        os.close(fd)


_DATA: Final = (archive.DATABASE, archive.SECRETS, archive.ACME, archive.LETTERS)
_WHERE_IT_HAS: Final = (archive.ACME, archive.LETTERS)
"""Stay where the backup has none."""
_BESIDE: Final = ("relay.db-wal", "relay.db-shm", "relay.db-turn", "relay.db-owners")


def _exchange(room: Path, data_dir: Path) -> Path | None:
    """What was there goes aside, as it is, then the new comes into its place."""
    aside = data_dir / f"before-restore-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    there = [name for name in (*_DATA, *_BESIDE) if os.path.lexists(data_dir / name)]
    there = [name for name in there if name not in _WHERE_IT_HAS or (room / name).is_dir()]
    if there:
        aside.mkdir(0o700)
        _owned(aside, data_dir)
        for name in there:
            (data_dir / name).rename(aside / name)
    for name in _DATA:
        if (room / name).exists():
            (room / name).rename(data_dir / name)
    _durable(data_dir)
    return aside if there else None


def _owned(top: Path, like: Path) -> None:
    """Root leaves nothing behind that the relay's own user could not open."""
    if os.geteuid() != 0:
        return
    whose = like.stat()
    for path in (top, *top.rglob("*")):
        os.chown(path, whose.st_uid, whose.st_gid, follow_symlinks=False)


def _durable(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


# -- where there is none -------------------------------------------------------------


def make_anew(directory: Path, file: Path, keys: BackupKeys, *, migrating: Migrating | None = None) -> RestoredRelay:
    """A whole relay in one directory, with its settings, as `relay init` lays it out; nothing is ever overwritten."""
    for name in ("relay.toml", "data", "tls"):
        if os.path.lexists(directory / name):
            raise BackupError(f"{directory / name} is there already, nothing was changed: name another --dir")
    made = not directory.exists()
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with checked(file, keys, directory, migrating=migrating) as found:
            _laid_out(found.directory, directory, str(file))
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                directory.rmdir()
        raise
    data_dir = directory / "data"
    return RestoredRelay(found.manifest, data_dir, directory / archive.SETTINGS, None, found.tenants, found.copies)


def _laid_out(room: Path, directory: Path, name: str) -> None:
    whole = room / "whole"
    data = whole / "data"
    data.mkdir(0o700, parents=True)
    for one in _DATA:
        if (room / one).exists():
            (room / one).rename(data / one)
    if (room / "tls").is_dir():
        (room / "tls").rename(whole / "tls")
        (whole / "tls").chmod(0o755)
        if (whole / archive.CERTIFICATE).exists():
            (whole / archive.CERTIFICATE).chmod(0o644)
    for one in (archive.PASSWORD, archive.CLIENT_SECRET, archive.ACME_KEY):
        if (room / one).exists():
            (room / one).rename(whole / one)
    text = own_paths((room / archive.SETTINGS).read_bytes().decode("utf-8-sig", "replace"), name)
    (whole / archive.SETTINGS).write_text(text, "utf-8")
    (whole / archive.SETTINGS).chmod(0o600)
    try:
        load(whole / archive.SETTINGS)
    except ConfigError as error:
        raise BackupError(f"the settings in {name} don't fit this release: {error}") from error
    # The settings at last: with them the relay is there.
    for path in sorted(whole.iterdir(), key=lambda path: path.name == archive.SETTINGS):
        path.rename(directory / path.name)
    shutil.rmtree(whole)
    _durable(directory)
