"""The form of a backup: a tar, compressed (RFC 1952), that any machine can read.

First ``manifest.json``, then what makes a relay, at last ``checksums`` in the form of ``sha256sum -c``. What ends
before that was cut off.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import re
import tarfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, BinaryIO, Final

from relay.backup.sealing import BackupError

FORMAT: Final = 2
"""Since 2 what an ACME authority gave is in it, and the files with secrets of [oidc] and [tls]."""
_KIND: Final = "relay-backup"
_MANIFEST, _CHECKSUMS = "manifest.json", "checksums"
_CHUNK: Final = 1 << 20
_SMALL: Final = 4 << 20
"""Octets: manifest and checksums, of a thousand letters at most."""
_LEVEL: Final = 1
"""Of compression: three quarters of what the best saves, at a tenth of its time."""

DATABASE: Final = "relay.db"
SECRETS: Final = "secrets"
SETTINGS: Final = "relay.toml"
CERTIFICATE: Final = "tls/certificate.pem"
TLS_KEY: Final = "tls/key.pem"
PASSWORD: Final = "smart-host-password"
CLIENT_SECRET: Final = "oidc-client-secret"
ACME_KEY: Final = "acme-key"
ACME: Final = "acme"
"""What an authority of certificates gave: the account, and the newest certificate with its key."""
ACME_FILES: Final = ("account.json", "certificate.pem", "state.json")
LETTERS: Final = "operator-mail"
_KNOWN: Final = re.compile(
    "|".join(
        map(
            re.escape,
            (
                *(DATABASE, SECRETS, SETTINGS, CERTIFICATE, TLS_KEY, PASSWORD, CLIENT_SECRET, ACME_KEY),
                *(f"{ACME}/{name}" for name in ACME_FILES),
            ),
        )
    )
    + rf"|{LETTERS}/(?:new|cur)/[^/\0]+"
)
NEEDED: Final = (DATABASE, SECRETS, SETTINGS)


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What is said of a backup; ``made_at`` in seconds UTC, when its database was read."""

    made_at: float
    release: str
    schema: int
    hostname: str
    store: str
    """``sqlite`` or ``postgresql``: where the data were. In the file they are SQLite's."""
    tenants: int
    copies: int
    """In the queue."""


def write(out: BinaryIO, manifest: BackupManifest, members: Iterable[tuple[str, Path]]) -> None:
    """Write all of it. Raises OSError."""
    head = json.dumps({"kind": _KIND, "format": FORMAT, **asdict(manifest)}, indent=1).encode()
    sums = []
    with (
        gzip.GzipFile(fileobj=out, mode="wb", compresslevel=_LEVEL, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w|", format=tarfile.PAX_FORMAT, bufsize=_CHUNK) as tar,
    ):
        sums.append(_add(tar, _MANIFEST, io.BytesIO(head), len(head), manifest.made_at))
        for name, path in members:
            with path.open("rb") as file:
                sums.append(_add(tar, name, file, os.fstat(file.fileno()).st_size, manifest.made_at))
        text = "".join(f"{digest}  {name}\n" for name, digest in sums).encode()
        _add(tar, _CHECKSUMS, io.BytesIO(text), len(text), manifest.made_at)


def _add(tar: tarfile.TarFile, name: str, file: BinaryIO, octets: int, at: float) -> tuple[str, str]:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode, entry.mtime = octets, 0o600, int(at)
    hashed = _Hashed(file)
    tar.addfile(entry, hashed)
    return name, hashed.digest()


class _Hashed:
    """A file that is hashed as it is read."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, octets: int = -1) -> bytes:
        found = self._file.read(octets)
        self._hash.update(found)
        return found

    def digest(self) -> str:
        return self._hash.hexdigest()


def unpack(source: BinaryIO, into: Path, name: str) -> BackupManifest:
    """Lay all of it down in an empty directory, each file for its owner alone. Raises BackupError, OSError."""
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as zipped, tarfile.open(fileobj=zipped, mode="r|") as tar:
            manifest = _unpack(tar, into, name)
            while zipped.read(_CHUNK):  # its own checksum stands at its end
                pass
            return manifest
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BackupError(f"{name} is damaged or cut off ({error}): take another backup") from error


def _unpack(tar: tarfile.TarFile, into: Path, name: str) -> BackupManifest:
    manifest, sums, told = None, {}, ""
    for entry in tar:
        file = tar.extractfile(entry)
        if told:
            raise BackupError(f"{name} goes on behind its end: it was changed")
        if manifest is None:
            if entry.name != _MANIFEST or file is None or entry.size > _SMALL:
                raise BackupError(f"{name} is no backup of a relay: name a file that `relay backup` made")
            head = file.read()
            manifest, sums[_MANIFEST] = _manifest(head, name), hashlib.sha256(head).hexdigest()
        elif entry.name == _CHECKSUMS and file is not None and entry.size <= _SMALL:
            told = file.read().decode("utf-8", "replace")
        elif not entry.isreg() or file is None or not _KNOWN.fullmatch(entry.name) or entry.name in sums:
            raise BackupError(f"{name} holds {entry.name!r}, which is nothing of a relay's: it was changed")
        else:
            sums[entry.name] = _laid(file, into / entry.name)
    if manifest is None:
        raise BackupError(f"{name} is empty: it is no backup")
    if told != "".join(f"{digest}  {member}\n" for member, digest in sums.items()):
        raise BackupError(f"{name} is damaged or cut off (its checksums don't agree): take another backup")
    missing = [one for one in NEEDED if one not in sums]
    if missing:
        raise BackupError(f"{name} holds no {', '.join(missing)}: take another backup")
    return manifest


def _laid(file: Any, path: Path) -> str:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    hashed = hashlib.sha256()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as out:
        while chunk := file.read(_CHUNK):
            hashed.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(fd)
    return hashed.hexdigest()


def _manifest(head: bytes, name: str) -> BackupManifest:
    try:
        told = json.loads(head)
        if told["kind"] != _KIND:
            raise ValueError("another kind")
        if told["format"] > FORMAT:
            raise BackupError(f"{name} was made by a newer release ({told['release']}): install that one, or a later")
        known = {field.name: told[field.name] for field in fields(BackupManifest)}
        return BackupManifest(**known)
    except (ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{name} is no backup of a relay: name a file that `relay backup` made") from error
