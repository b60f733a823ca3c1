"""Where the relay keeps what it has from an authority: in ``data_dir/acme``, for its own user alone.

Key and chain are one file, put in place in one step, so that nobody ever reads a key beside another's certificate.
"""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{16,256}", re.ASCII)
"""base64url, at least 128 bits of it (RFC 8555 §8.3)."""
MOST_OCTETS: Final = 4096
"""Of an answer to a challenge."""


class CertificatePlace:
    def __init__(self, data_dir: Path) -> None:
        self.folder = data_dir / "acme"
        self.certificate = self.folder / "certificate.pem"
        """Private key, certificate, chain."""
        self.beginning = self.folder / "self-signed.pem"
        """To begin with: without any, the ports that an authority asks at couldn't be opened."""
        self.account = self.folder / "account.json"
        self.state = self.folder / "state.json"
        self._answers = self.folder / "http-01"
        self._hellos = self.folder / "tls-alpn-01"

    def write(self, path: Path, content: bytes) -> None:
        """The whole file or what was there before; mode 0600, its owner that of data_dir (root may have called)."""
        for folder in (self.folder, path.parent):
            if not folder.is_dir():
                folder.mkdir(mode=0o700)
                self._give(folder)
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self._give(beside)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)

    def _give(self, path: Path) -> None:
        if not os.geteuid():
            owner = self.folder.parent.stat()
            os.chown(path, owner.st_uid, owner.st_gid)

    # -- challenges, for whoever answers at the ports ------------------------------------------------------------

    def put_answer(self, token: str, answer: str) -> None:
        self.write(self._answers / token, answer.encode())

    def answer(self, token: str) -> str | None:
        """What is to be served at ``/.well-known/acme-challenge/TOKEN``; None: no such challenge is open."""
        if not TOKEN.fullmatch(token):
            return None
        return _text(self._answers / token)

    def put_hello(self, name: str, pem: bytes) -> None:
        self.write(self._hellos / f"{name}.pem", pem)

    def hello(self, name: str) -> Path | None:
        """Key and certificate to show to who asks by ``acme-tls/1`` for that name (RFC 8737)."""
        if "/" in name or name.startswith("."):
            return None
        path = self._hellos / f"{name}.pem"
        return path if path.is_file() else None

    def forget_challenges(self) -> None:
        for folder in (self._answers, self._hellos):
            if folder.is_dir():
                for path in folder.iterdir():
                    path.unlink(missing_ok=True)

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """False: another process talks with the authority now."""
        self.write(self.folder / "lock", b"") if not (self.folder / "lock").exists() else None
        fd = os.open(self.folder / "lock", os.O_RDWR | os.O_CLOEXEC)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True
        finally:
            os.close(fd)


def _text(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return file.read(MOST_OCTETS).decode("ascii", "replace")
    except OSError:
        return None
