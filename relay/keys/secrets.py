"""The relay's own secrets: master keys, keyed hashes, sealed values, tokens.

One file below ``data_dir`` holds master keys, one a line: ``KEYID HEX``. The
first line is the one new values are made with; the others stay so that old
links, bounces and sealed keys go on to work after a rotation.
"""

from __future__ import annotations

import base64
import functools
import hmac
import os
import secrets as _random
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relay.store.files import cause

MAC_OCTETS = 12
MOST_PAYLOAD = 32


_RESTORE = "restore it from a backup: passwords, links and keys are made with it, and no new one would fit them"


class SecretsError(Exception):
    """The secrets file can't be used; the text says what to do."""


def _missing(path: Path) -> str:
    if any(path.parent.glob("*.db")) or (path.parent / "node").exists():  # the latter where it is on a server
        return f"{_RESTORE} (its database is there)"
    return "restore it from a backup, or make a new relay with `relay init`"


def generate_password() -> str:
    """A credential of 160 bits, 32 characters without look-alikes (RFC 4648 base32)."""
    return base64.b32encode(_random.token_bytes(20)).decode().lower()


@functools.lru_cache(maxsize=64)
def _derive(master: bytes, purpose: str) -> bytes:
    return hmac.digest(master, b"relay/" + purpose.encode(), "sha256")


@functools.lru_cache(maxsize=64)
def _hashes(master: bytes, purpose: str) -> tuple[blake2b, blake2b]:
    """Keyed BLAKE2b (RFC 7693 §2.9) of a token's MAC and of its keystream, to copy: the key is hashed once.

    A copy of a message has three tokens, of two such hashes each; an HMAC takes three times as long.
    """
    mac = blake2b(key=_derive(master, "token/" + purpose), digest_size=MAC_OCTETS)
    return mac, blake2b(key=_derive(master, "mask/" + purpose), digest_size=MOST_PAYLOAD)


@dataclass(frozen=True, slots=True)
class Secrets:
    """Master keys by key id (1 to 255); ``current`` makes new values."""

    keys: dict[int, bytes]
    current: int

    @classmethod
    def create(cls, path: Path) -> Secrets:
        """Write a fresh secrets file (mode 0600); never overwrites one."""
        line = f"1 {_random.token_hex(32)}\n"
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
        return cls.load(path)

    @classmethod
    def load(cls, path: Path) -> Secrets:
        try:
            text = path.read_text("ascii")
        except FileNotFoundError as error:
            raise SecretsError(f"secrets file {path} is missing; {_missing(path)}") from error
        except OSError as error:
            todo = cause(path) or f"can't be read: {error.strerror}"
            raise SecretsError(f"secrets file {path} {todo}") from error
        except UnicodeDecodeError as error:
            raise SecretsError(f"secrets file {path} is damaged: not text; {_RESTORE}") from error
        keys: dict[int, bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if not line.strip():
                continue
            try:
                kid, hexed = line.split()
                keys[int(kid)] = bytes.fromhex(hexed)
            except ValueError as error:
                raise SecretsError(f"secrets file {path}, line {number}: not `KEYID HEX`; {_RESTORE}") from error
        if not keys or not all(0 < k < 256 and len(v) >= 32 for k, v in keys.items()):
            raise SecretsError(f"secrets file {path} holds no usable key; {_RESTORE}")
        return cls(keys, next(iter(keys)))

    def fingerprints(self) -> dict[int, int]:
        """Of each key 62 bits that tell nothing of it, by which a database knows those that it was made with."""
        return {kid: int.from_bytes(self.derived("fingerprint", kid)[:8]) >> 2 for kid in self.keys}

    def derived(self, purpose: str, kid: int | None = None) -> bytes:
        """A 32-octet key of its own for each purpose."""
        return _derive(self.keys[kid or self.current], purpose)

    def password_hash(self, password: str, kid: int | None = None) -> bytes:
        """Keyed hash of a generated password: key id, then HMAC-SHA-256."""
        kid = kid or self.current
        return bytes([kid]) + hmac.digest(
            self.derived("password", kid), password.encode("utf-8", "surrogateescape"), "sha256"
        )

    def password_matches(self, password: str, stored: bytes) -> bool:
        if not stored or stored[0] not in self.keys:
            return False
        return hmac.compare_digest(self.password_hash(password, stored[0]), stored)

    def seal(self, purpose: str, plain: bytes, bound: str) -> bytes:
        """Encrypt (AES-256-GCM) for the one place that ``bound`` names: moved elsewhere, it opens no more.

        0, key id, nonce, ciphertext; key id and place are authenticated (RFC 5116 §2.1, associated data).
        """
        nonce, kid = _random.token_bytes(12), bytes([self.current])
        key = AESGCM(self.derived("seal/" + purpose))
        return b"\0" + kid + nonce + key.encrypt(nonce, plain, _associated(kid, bound))

    def unseal(self, purpose: str, sealed: bytes, bound: str) -> bytes:
        """What was sealed for that place; raises SecretsError."""
        try:
            if sealed[0] != 0:
                raise SecretsError(f"a sealed {purpose} has the form of earlier releases: it was put here later")
            key = AESGCM(self.derived("seal/" + purpose, sealed[1]))
            return key.decrypt(sealed[2:14], sealed[14:], _associated(sealed[1:2], bound))
        except (InvalidTag, KeyError, IndexError, ValueError) as error:
            raise SecretsError(
                f"a sealed {purpose} can't be opened: its master key is missing, it was moved or it is damaged"
            ) from error

    def seal_anew(self, purpose: str, sealed: bytes, bound: str) -> bytes:
        """From the form before schema 70 (key id, nonce, ciphertext, bound to nothing); raises SecretsError."""
        try:
            key = AESGCM(self.derived("seal/" + purpose, sealed[0]))
            return self.seal(purpose, key.decrypt(sealed[1:13], sealed[13:], None), bound)
        except (InvalidTag, KeyError, IndexError, ValueError) as error:
            raise SecretsError(f"a sealed {purpose} can't be opened: its master key is missing") from error

    # -- signed, opaque tokens ----------------------------------------------

    def sign(self, purpose: str, payload: bytes) -> bytes:
        """Key id, payload under a keystream, MAC of 96 bits (a synthetic-IV construction).

        The same payload gives the same token; nothing of it shows. Raises ValueError above ``MOST_PAYLOAD`` octets.
        """
        if len(payload) > MOST_PAYLOAD:
            raise ValueError(f"a token carries at most {MOST_PAYLOAD} octets, not {len(payload)}")
        mac_of, stream_of = _hashes(self.keys[self.current], purpose)
        mac = _digest(mac_of, payload)
        return bytes([self.current]) + _mask(_digest(stream_of, mac), payload) + mac

    def verify(self, purpose: str, token: bytes) -> bytes | None:
        """The payload, or None for anything that was not made here for this purpose."""
        if not 1 + MAC_OCTETS < len(token) <= 1 + MAC_OCTETS + MOST_PAYLOAD or token[0] not in self.keys:
            return None
        mac_of, stream_of = _hashes(self.keys[token[0]], purpose)
        mac = token[-MAC_OCTETS:]
        payload = _mask(_digest(stream_of, mac), token[1:-MAC_OCTETS])
        return payload if hmac.compare_digest(_digest(mac_of, payload), mac) else None


def _associated(kid: bytes, bound: str) -> bytes:
    return b"relay/sealed" + kid + bound.encode()


def _digest(keyed: blake2b, data: bytes) -> bytes:
    copy = keyed.copy()
    copy.update(data)
    return copy.digest()


def _mask(stream: bytes, data: bytes) -> bytes:
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream[:size], "big")).to_bytes(size, "big")
