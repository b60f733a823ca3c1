"""DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, one field for each key.

The header fields are put in canonical form once for all keys. ``prepare`` is
cheap and ``finish`` holds the private-key operations, which leave the
interpreter free; so a caller can do the one in the loop's thread and the
other in a pool, and the other for many copies at once.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from relay.keys.dkim_keys import SigningKey, sign_all
from relay.mail.canon import relaxed_body, relaxed_field
from relay.mail.scan import all_clean, all_dotless

__all__ = ["Pending", "SignError", "Signer", "SigningKey", "finish", "self_test"]

OVERSIGNED: Final = (
    "From",
    "Subject",
    "To",
    "Cc",
    "Date",
    "Message-ID",
    "Reply-To",
    "Content-Type",
    "Content-Transfer-Encoding",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
)
"""Named once more in ``h=`` than the message has them, so that adding one breaks the signature (RFC 6376 §5.4.2)."""
SIGNED: Final = (
    "MIME-Version",
    "Feedback-ID",
    "X-Sender-Contact",
    "X-Report-Abuse",
    "Permission",
    "List-Id",
    "In-Reply-To",
    "References",
)
"""Signed where present."""

_LINE: Final = 78
_NAMES: Final = OVERSIGNED + SIGNED
_PLACE: Final = {name.lower().encode(): place for place, name in enumerate(_NAMES)}
_KEPT_HEADS: Final = 256
_KEPT_FIELDS: Final = 512


class SignError(Exception):
    """The keys don't make signatures that verify; the text says which, or why."""


class Pending(NamedTuple):
    """All that is to be signed; nothing of it depends on the private keys."""

    keys: tuple[SigningKey, ...]
    heads: tuple[bytes, ...]
    """Each signature's field up to ``b=``."""
    forms: tuple[bytes, ...]
    """The same in canonical form."""
    canonical: bytes
    """The signed fields in canonical form."""


def finish(copies: Sequence[Pending]) -> list[list[bytes]]:
    """Each copy's DKIM-Signature fields, with CRLF: the slow part, for any thread, cheaper for several at once."""
    values = sign_all(
        [(key, copy.canonical + form) for copy in copies for key, form in zip(copy.keys, copy.forms, strict=True)]
    )
    heads = [head for copy in copies for head in copy.heads]
    fields = [
        head + _folded_value(base64.b64encode(value)) + b"\r\n" for head, value in zip(heads, values, strict=True)
    ]
    found: list[list[bytes]] = []
    start = 0
    for copy in copies:
        found.append(fields[start : start + len(copy.heads)])
        start += len(copy.heads)
    return found


class Signer:
    """Signs with the keys of one domain, in their order."""

    def __init__(self, keys: Sequence[SigningKey]) -> None:
        self._keys = tuple(keys)
        self._heads: dict[tuple[int, ...], tuple[tuple[bytes, ...], tuple[bytes, ...]]] = {}
        """By how often each of ``_NAMES`` is there: each signature's field up to ``h=``, as written and canonical."""
        self._fields: dict[bytes, tuple[int, bytes]] = {}
        """Fields met lately, as most are alike in all copies: place in ``_NAMES`` (-1: not signed), canonical form."""

    def sign(self, fields: Sequence[bytes], body_hash: bytes, now: float) -> list[bytes]:
        """``prepare`` and ``finish`` in one: DKIM-Signature fields, to be put before the others."""
        return finish([self.prepare(fields, body_hash, now)])[0]

    def prepare(self, fields: Sequence[bytes], body_hash: bytes, now: float) -> Pending:
        """What is to be signed of a message.

        ``fields`` are its header fields in order, each with CRLF; ``body_hash``
        is the SHA-256 digest of the relaxed body; ``now`` (seconds UTC) is the
        signatures' ``t=``.
        """
        places: list[list[bytes]] = [[] for _ in _NAMES]
        for field in fields:
            place, form = self._fields.get(field) or self._met(field)
            if place >= 0:
                places[place].append(form)
        # Of several fields with one name the last is signed first (RFC 6376 §5.4.2).
        canonical = b"".join([form for present in places for form in reversed(present)])
        counts = tuple([len(present) for present in places])
        heads = self._heads.get(counts)
        if heads is None:
            heads = self._new_heads(counts)
        at, digest = int(now), base64.b64encode(body_hash)
        tail, form = b"\tt=%d; bh=%s;\r\n\tb=" % (at, digest), b" t=%d; bh=%s; b=" % (at, digest)
        return Pending(
            self._keys, tuple([one + tail for one in heads[0]]), tuple([one + form for one in heads[1]]), canonical
        )

    def _met(self, field: bytes) -> tuple[int, bytes]:
        if len(self._fields) >= _KEPT_FIELDS:
            self._fields.clear()
        place = _PLACE.get(field[: field.find(b":")].rstrip(b" \t").lower(), -1)
        found = self._fields[field] = (place, relaxed_field(field) if place >= 0 else b"")
        return found

    def _new_heads(self, counts: tuple[int, ...]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        if len(self._heads) >= _KEPT_HEADS:
            self._heads.clear()
        names: list[str] = []
        for place, count in enumerate(counts):
            names += [_NAMES[place]] * (count + (place < len(OVERSIGNED)))
        heads = tuple(_head(key, names) for key in self._keys)
        if not (all_clean(heads) and all_dotless(heads)):  # what follows them is digits and base64
            raise SignError("a domain or selector can't stand in a header field")
        found = self._heads[counts] = heads, tuple(relaxed_field(head)[:-2] for head in heads)
        return found


def _head(key: SigningKey, names: Sequence[str]) -> bytes:
    """A signature's field up to and including ``h=``, folded."""
    tags = ["v=1;", f"a={key.algorithm};", "c=relaxed/relaxed;", f"d={key.domain};", f"s={key.selector};"]
    line, lines = "DKIM-Signature:", []
    pieces = [f" {tag}" for tag in tags] + [f" h={names[0]}"] + [f":{name}" for name in names[1:]]
    pieces[-1] += ";"
    for piece in pieces:
        if len(line) + len(piece) > _LINE:
            lines.append(line)
            line = "\t" + piece.lstrip(" ")
        else:
            line += piece
    return "\r\n".join([*lines, line, ""]).encode("ascii")


def _folded_value(value: bytes) -> bytes:
    """The value of ``b=``, which starts behind three columns."""
    width = _LINE - 3
    return b"\r\n\t".join([value[i : i + width] for i in range(0, len(value), width)])


def self_test(keys: Sequence[SigningKey]) -> None:
    """Sign a sample and verify each signature with dkimpy; raises SignError if one doesn't verify."""
    import dkim  # only here: the reference implementation, not needed for signing

    if not keys:
        return
    domain = keys[0].domain
    fields = [
        f"From: Self-test <test@{domain}>\r\n".encode(),
        b"To: someone@example.net\r\n",
        b"Subject: a folded\r\n\t subject \r\n",
        b"Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n",
    ]
    body = b"One  line \r\n\r\n"
    signatures = Signer(keys).sign(fields, sha256(relaxed_body(body)).digest(), 1767225600)
    records = {f"{key.selector}._domainkey.{key.domain}.": key.record.encode() for key in keys}

    def look_up(name: bytes | str, timeout: float = 0) -> bytes | None:
        return records.get(name.decode() if isinstance(name, bytes) else name)

    for key, signature in zip(keys, signatures, strict=True):
        message = signature + b"".join(fields) + b"\r\n" + body
        try:
            verified = dkim.DKIM(message).verify(dnsfunc=look_up)
        except (dkim.DKIMException, ValueError) as error:
            raise SignError(_fault(key, f": {error}")) from error
        if not verified:
            raise SignError(_fault(key, ""))


def _fault(key: SigningKey, why: str) -> str:
    return (
        f"the {key.algorithm} key {key.selector} of {key.domain} makes signatures that don't verify{why};"
        f" `relay domain rotate {key.domain}` makes new keys"
    )
