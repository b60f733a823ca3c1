"""One recipient's copy: literals joined with that recipient's values.

Deterministic and without I/O, so that a retry needs no stored copy. Whatever
is the same for all recipients is done once, the body's hash up to its first
slot too (RFC 6376 §3.7), if it is wanted at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from relay.mail.canon import relaxed_body, squeezed
from relay.mail.scan import all_clean, all_dotless
from relay.mail.slots import encode, joined
from relay.mail.stored import Piece, Slot, Template


class Rendered(NamedTuple):
    """A copy as it leaves."""

    fields: tuple[bytes, ...]
    """Header fields as they are written, each with its CRLF."""
    body: bytes
    body_hash: bytes
    """SHA-256 of the body in relaxed canonical form; empty if it was not asked for."""
    clean: bool = False
    """Known to have no bare CR, bare LF or NUL. Pieces that have none make a whole that has none."""
    dotless: bool = False
    """Known to have no line that begins with a dot, from its pieces likewise; not said of what isn't clean, where a
    line may end between two pieces."""


class Renderer:
    """Renders one template; keeps what all its copies share."""

    def __init__(self, template: Template) -> None:
        self._slots: list[Slot] = []
        numbers: dict[Slot, int] = {}
        self._fixed = [literals(one) if _is_fixed(one) else b"" for one in template.fields]
        self._varying = [
            (place, self._numbered(one, numbers)) for place, one in enumerate(template.fields) if not _is_fixed(one)
        ]
        self._body = self._numbered(joined(template.body), numbers)
        self._body_slots = sorted({piece for piece in self._body if isinstance(piece, int)})
        self._same = b"" if self._body_slots else literals(template.body)
        pieces = [piece for part in (*template.fields, template.body) for piece in part if isinstance(piece, bytes)]
        self._clean = all_clean(pieces)
        self._dotless = all_dotless(pieces)
        self._hashing: _Hashing | None = None
        self.names = frozenset(slot.name for slot in self._slots)
        """Of all slots: whose values a copy needs."""

    def _numbered(self, pieces: Sequence[Piece], numbers: dict[Slot, int]) -> list[bytes | int]:
        out: list[bytes | int] = []
        for piece in pieces:
            if isinstance(piece, Slot):
                if piece not in numbers:
                    numbers[piece] = len(self._slots)
                    self._slots.append(piece)
                out.append(numbers[piece])
            else:
                out.append(piece)
        return out

    def render(self, values: Mapping[str, str], prepend: Sequence[bytes] = (), *, hashed: bool = True) -> Rendered:
        """The copy for ``values`` by slot name (a missing one is empty), with whole fields put first by ``prepend``.

        ``hashed``: the body's hash is wanted, since the copy will be signed.
        """
        encoded = [encode(slot, values.get(slot.name, "")) for slot in self._slots]
        fields = self._fixed
        if self._varying:
            fields = fields.copy()
            for place, pieces in self._varying:
                fields[place] = _fill(pieces, encoded)
        body = _fill(self._body, encoded) if self._body_slots else self._same
        clean = self._clean and all_clean([*prepend, *encoded])
        return Rendered(
            (*prepend, *fields),
            body,
            self._hash(body, encoded) if hashed else b"",
            clean,
            clean and self._dotless and all_dotless([*prepend, *encoded]),
        )

    def _hash(self, body: bytes, encoded: Sequence[bytes]) -> bytes:
        hashing = self._hashing
        if hashing is None:
            hashing = self._hashing = _Hashing(self._body, self._body_slots)
        return hashing.of(body, encoded)

    def header(self, values: Mapping[str, str]) -> bytes:
        """The header alone, for a notice; links of the copy may stay empty."""
        encoded = [encode(slot, values.get(slot.name, "")) for slot in self._slots]
        fields = self._fixed.copy()
        for place, pieces in self._varying:
            fields[place] = _fill(pieces, encoded)
        return b"".join(fields)


class _Hashing:
    """The body's hash; made with the first copy that is signed."""

    def __init__(self, body: Sequence[bytes | int], slots: Sequence[int]) -> None:
        self._slots = slots
        self._same = b""
        """Of a body without slots."""
        self._start = hashlib.sha256()
        self._canonical: list[bytes | int] = []
        if not slots:
            whole = b"".join([piece for piece in body if isinstance(piece, bytes)])
            self._same = hashlib.sha256(relaxed_body(whole)).digest()
            return
        self._canonical = _canonical(body)
        if self._canonical and isinstance(self._canonical[0], bytes):
            self._start.update(self._canonical[0])
            self._canonical = self._canonical[1:]

    def of(self, body: bytes, encoded: Sequence[bytes]) -> bytes:
        if self._same:
            return self._same
        if self._canonical and all(map(encoded.__getitem__, self._slots)):
            digest = self._start.copy()
            digest.update(_fill(self._canonical, encoded))
            return digest.digest()
        return hashlib.sha256(relaxed_body(body)).digest()


def _fill(pieces: Sequence[bytes | int], encoded: Sequence[bytes]) -> bytes:
    return b"".join([encoded[piece] if isinstance(piece, int) else piece for piece in pieces])


def literals(pieces: Sequence[Piece]) -> bytes:
    """All octets of the pieces that are the same in every copy."""
    return b"".join([piece for piece in pieces if isinstance(piece, bytes)])


def _is_fixed(pieces: Sequence[Piece]) -> bool:
    return not any(isinstance(piece, Slot) for piece in pieces)


def _canonical(body: Sequence[bytes | int]) -> list[bytes | int]:
    """The body's pieces in relaxed canonical form; empty if that depends on the values.

    A value in a body has no line ends outside of soft breaks, no run of blanks and none at its ends, so as long as it
    isn't empty its neighbours' canonical forms don't depend on it. The last piece must have something on its last line.
    """
    if not body or isinstance(body[-1], int):
        return []
    out: list[bytes | int] = [squeezed(piece) if isinstance(piece, bytes) else piece for piece in body]
    last = out[-1]
    assert isinstance(last, bytes)
    if not last.endswith(b"\r\n"):
        return []
    out[-1] = last.rstrip(b"\r\n") + b"\r\n"
    return out
