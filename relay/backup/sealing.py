"""The lock of a backup: age (age-encryption.org/v1), by public keys or by a passphrase.

For public keys the file is an age file like any other: ``age -d -i KEY FILE | tar xz``. Locking by a passphrase is
done in memory by the library, and a backup doesn't fit there; so a key is made for this one file, and stands, locked
by the passphrase and in age's own armour, before it.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

ZIPPED: Final = b"\x1f\x8b"
AGE: Final = b"age-encryption.org/v1\n"
ARMOUR: Final = b"-----BEGIN AGE ENCRYPTED FILE-----"
_ARMOUR_ENDS: Final = b"-----END AGE ENCRYPTED FILE-----"
_LONGEST_ARMOUR: Final = 16 * 1024
_LONGEST_KEYS: Final = 256 * 1024
SHORTEST_PASSPHRASE: Final = 10


class BackupError(Exception):
    """A backup can't be made or used, nothing was replaced; the text says what to do."""


@dataclass(frozen=True, slots=True)
class BackupLock:
    """What a backup is locked with: public keys (``age1…``, ``ssh-ed25519 …``), or a passphrase; neither: nothing."""

    recipients: tuple[str, ...] = ()
    passphrase: str = ""

    @property
    def locks(self) -> bool:
        return bool(self.recipients or self.passphrase)


@dataclass(frozen=True, slots=True)
class BackupKeys:
    """What may open one: files with private keys, or a passphrase."""

    identities: tuple[Path, ...] = ()
    passphrase: str = ""


# -- writing -----------------------------------------------------------------------


@contextlib.contextmanager
def sealing(out: BinaryIO, lock: BackupLock) -> Iterator[BinaryIO]:
    """Where to write what is to be locked into ``out``. Raises BackupError, before anything is written, or OSError."""
    if not lock.locks:
        yield out
        return
    import pyrage

    recipients = [_recipient(text) for text in lock.recipients]
    if lock.passphrase:
        own = pyrage.x25519.Identity.generate()
        out.write(pyrage.passphrase.encrypt(str(own).encode(), lock.passphrase, armored=True).rstrip(b"\n") + b"\n")
        recipients = [own.to_public()]
    read_end, write_end = os.pipe()
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(os.fdopen(read_end, "rb"))
        work = _Beside(lambda: pyrage.encrypt_io(source, out, recipients), source.close)
        try:
            with os.fdopen(write_end, "wb") as into:
                yield into
        except BrokenPipeError:
            pass  # the other side says why
        finally:
            work.ended()
    if work.error is not None:
        raise OSError(f"the backup could not be locked: {work.error}") from work.error


def _recipient(text: str) -> Any:
    import pyrage

    for kind in (pyrage.x25519, pyrage.ssh):
        with contextlib.suppress(pyrage.RecipientError):
            return kind.Recipient.from_str(text.strip())
    shown = text if len(text) < 80 else f"{text[:76]}…"
    raise BackupError(f"{shown!r} is no public key of age: one begins with age1 (`age-keygen` makes one) or ssh-")


# -- reading -----------------------------------------------------------------------


@contextlib.contextmanager
def opening(file: BinaryIO, keys: BackupKeys, name: str) -> Iterator[BinaryIO]:
    """The unlocked octets of a backup. Raises BackupError: no backup, no key for it, the wrong one, damaged."""
    begins = file.read(len(ARMOUR))
    file.seek(0)
    if begins.startswith(ZIPPED):
        yield file
        return
    if begins.startswith(AGE):
        identities = _identities(keys, name)
    elif begins == ARMOUR:
        identities = [_own(file, keys, name)]
    elif not begins:
        raise BackupError(f"{name} is empty: it is no backup")
    else:
        raise BackupError(f"{name} is no backup of a relay: name a file that `relay backup` made")
    read_end, write_end = os.pipe()
    into = os.fdopen(write_end, "wb")
    work = _Beside(lambda: _unlock(file, into, identities, name), into.close)
    source = os.fdopen(read_end, "rb")
    try:
        yield source
        while source.read(1 << 16):  # what is behind the end of the archive is looked at as well
            pass
    except BaseException:
        source.close()
        work.ended()
        if isinstance(work.error, BackupError) and work.error.args[0] != _STOPPED:
            raise work.error from None
        raise
    source.close()
    work.ended()
    if work.error is not None:
        raise work.error


_STOPPED: Final = "stopped"


def _unlock(file: BinaryIO, into: BinaryIO, identities: list[Any], name: str) -> None:
    import pyrage

    try:
        pyrage.decrypt_io(file, into, identities)
    except pyrage.DecryptError as error:
        if "matching" in str(error):
            raise BackupError(
                f"{name} is locked for another key: name the file with its private key by --identity"
            ) from (error)
        raise BackupError(f"{name} is damaged or cut off: take another backup") from error
    except BrokenPipeError as error:
        raise BackupError(_STOPPED) from error
    except OSError as error:
        text = _STOPPED if "roken pipe" in str(error) else f"{name} is damaged or cut off: take another backup"
        raise BackupError(text) from error


def _own(file: BinaryIO, keys: BackupKeys, name: str) -> Any:
    """The key of this one file, by the passphrase; the file stands behind it then."""
    import pyrage

    if not keys.passphrase:
        raise BackupError(
            f"{name} is locked by a passphrase: give it by --passphrase-file, or --passphrase asks for it"
        )
    armour = b""
    while not armour.rstrip().endswith(_ARMOUR_ENDS):
        line = file.readline(256)
        armour += line
        if not line or len(armour) > _LONGEST_ARMOUR:
            raise BackupError(f"{name} is damaged or cut off: take another backup")
    try:
        return pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(armour, keys.passphrase).decode())
    except (pyrage.DecryptError, pyrage.IdentityError, UnicodeDecodeError, OSError) as error:
        raise BackupError(f"{name} doesn't open with this passphrase: it is another one, or the file is damaged") from (
            error
        )


def _identities(keys: BackupKeys, name: str) -> list[Any]:
    if not keys.identities:
        raise BackupError(f"{name} is locked for a key: name the file with the private one by --identity")
    return [identity for path in keys.identities for identity in _of_file(path)]


def _of_file(path: Path) -> list[Any]:
    import pyrage

    with path.open("rb") as file:
        text = file.read(_LONGEST_KEYS)
    try:
        if b"PRIVATE KEY-----" in text:
            return [pyrage.ssh.Identity.from_buffer(text)]
        lines = [line.strip() for line in text.decode().splitlines()]
        found = [pyrage.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except (pyrage.IdentityError, UnicodeDecodeError) as error:
        raise BackupError(f"{path} holds no private key of age that can be used: {error}") from error
    if not found:
        raise BackupError(f"{path} holds no private key of age: `age-keygen -o {path}` makes one")
    return found


class _Beside:
    """Work in a thread of its own at one end of a pipe, which is closed behind it."""

    def __init__(self, work: Callable[[], None], close: Callable[[], None]) -> None:
        self.error: BaseException | None = None
        self._work = work
        self._close = close
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error
        finally:
            try:
                self._close()
            except OSError as error:
                self.error = self.error or BackupError(_STOPPED).with_traceback(error.__traceback__)

    def ended(self) -> None:
        self._thread.join()
