"""A mail's permission: the consent that it stands on, bound to the signed head of the log of that moment (R8b).

``docs/PERMISSION.md`` describes the field, so that others can check and make it. It names nobody: a salted commitment,
a leaf's number, and the head. Each copy that is delivered keeps them in somebody's mailbox, so that a history that is
written anew contradicts mail.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from relay.audit import heads, merkle
from relay.audit.errors import AuditError
from relay.audit.heads import Head
from relay.audit.prove import Object, Prover
from relay.audit.record import HASH_OCTETS
from relay.audit.rows import HISTORY, AuditRow, AuditRows
from relay.keys.tokens import Mark
from relay.store.as_of import AsOf
from relay.store.contract import Tx
from relay.store.together import Together

FIELD: Final = "Permission"
NONE: Final = "none"
"""In the place of a token: no consent that is under a head yet."""
TYPE: Final = "relay-permission"
VERSION: Final = 1
_VERSION_OCTET: Final = bytes([VERSION])
GIVEN: Final = frozenset({"consent-given", "consents-given", "adopted"})
"""Actions of leaves that hold consents."""
FRESH_S: Final = 60.0
"""A head is looked for anew after so long."""
_FORMAT: Final = struct.Struct(">B6s6sQ8s32s32s32s64s")
LENGTH: Final = 252
"""Characters of a token."""
_NO_HEAD: Final = bytes(HASH_OCTETS)


@dataclass(frozen=True, slots=True)
class Permission:
    """What a token says; ``head`` as far as the token has it, without the public key."""

    leaf: int
    commitment: bytes
    head: Head

    def token(self) -> str:
        return _text(self.leaf, self.commitment, *_head_octets(self.head))


def _head_octets(head: Head) -> tuple[bytes, bytes]:
    """What stands before the commitment, and after it."""
    before = head.size.to_bytes(6, "big") + head.at_us.to_bytes(8, "big") + bytes.fromhex(head.key_id)
    return before, head.root + (head.previous or _NO_HEAD) + head.signature


def _text(leaf: int, commitment: bytes, before: bytes, after: bytes) -> str:
    raw = _VERSION_OCTET + leaf.to_bytes(6, "big") + before + commitment + after
    return base64.urlsafe_b64encode(raw).decode()


def read(token: str) -> Permission:
    """What a token says, whoever made it. Raises AuditError for what is none."""
    try:
        raw = base64.urlsafe_b64decode(token.encode("ascii"))
        version, leaf, size, at_us, key, commitment, root, previous, signature = _FORMAT.unpack(raw)
    except (ValueError, binascii.Error, struct.error) as error:
        raise AuditError("this is no permission: it is damaged or incomplete") from error
    if version != VERSION or base64.urlsafe_b64encode(raw).decode() != token:
        raise AuditError("this is no permission of a version that is known here")
    before = b"" if previous == _NO_HEAD else previous
    number, leaves = int.from_bytes(leaf, "big"), int.from_bytes(size, "big")
    return Permission(number, commitment, Head(leaves, root, at_us, key.hex(), before, signature, b""))


class Permissions:
    """Makes tokens for copies; keeps the newest head for FRESH_S. ``clock`` gives seconds UTC."""

    def __init__(self, conn: Tx, clock: Callable[[], float]) -> None:
        self._conn = conn
        self._clock = clock
        self._rows = rows = AuditRows(conn, HISTORY)
        self._together: Together[tuple[int, int], dict[int, AuditRow]] = Together(
            lambda message, numbers: rows.given_among(*message, numbers)
        )
        self._head: Head | None = None
        self._octets = b"", b""
        """Of that head, for all copies under it."""
        self._looked_at = float("-inf")

    def of_copy(self, mark: Mark, as_of: AsOf) -> str:
        """For that copy; ``as_of``: the latest look at the store."""
        if not mark.subscriber_id:
            return NONE
        found = self._together.about((mark.submission_id, mark.topic_id), mark.number, as_of)
        return self._token(found.get(mark.subscriber_id))

    def token(self, subscriber_id: int, topic_id: int) -> str:
        """For that person on that topic; ``none`` where no consent of it is under a head yet."""
        return self._token(self._rows.given(subscriber_id, topic_id))

    def _token(self, row: AuditRow | None) -> str:
        if row is None or row.leaf is None or row.commitment is None:
            return NONE
        head = self._newest(row.leaf)
        return NONE if head is None else _text(row.leaf, row.commitment, *self._octets)

    def _newest(self, leaf: int) -> Head | None:
        now = self._clock()
        if self._head is None or leaf >= self._head.size or not 0 <= now - self._looked_at < FRESH_S:
            self._head, self._looked_at = heads.last(self._conn), now
            if self._head is not None:
                self._octets = _head_octets(self._head)
        return self._head if self._head is not None and leaf < self._head.size else None


def prove(conn: Tx, token: str) -> Object:
    """The document that shows a token's consent in the log as it was, and that log in today's.

    In the caller's transaction. Raises AuditError where the token is none, or contradicts the log.
    """
    said = read(token)
    key = conn.execute("SELECT public FROM audit_key WHERE id = ?", (said.head.key_id,)).fetchone()
    if key is None:
        raise AuditError("it names a key that this log never had: it is of another relay, or forged")
    then = Head(
        said.head.size, said.head.root, said.head.at_us, said.head.key_id, said.head.previous, said.head.signature,
        bytes(key[0]),
    )  # fmt: skip
    if not then.is_genuine():
        raise AuditError("its signature is wrong: it was changed, or this relay never made it")
    today = heads.last(conn)
    if today is None:
        raise AuditError("the log has no head")
    consistency = Prover(conn, today).consistency(then)
    entry = Prover(conn, then).leaf(said.leaf)
    return {
        "type": TYPE,
        "version": VERSION,
        "permission": token,
        **entry,
        **_place(conn, said),
        "then": then.fields(),
        "consistency": consistency["path"],
        "head": today.fields(),
    }


def _place(conn: Tx, said: Permission) -> Object:
    """Where in its leaf the commitment is, and the way to the leaf's root."""
    row = conn.execute("SELECT id, action, root FROM audit_leaf WHERE number = ?", (said.leaf,)).fetchone()
    if row is None or row[1] not in GIVEN:
        raise AuditError(f"leaf {said.leaf} holds no consent")
    commitments = [one.commitment for one in AuditRows(conn, HISTORY).of_leaf(row[0])]
    if said.commitment not in commitments:
        raise AuditError(f"leaf {said.leaf} holds no such consent: it was changed since, or never stood there")
    hashes = [merkle.leaf_hash(one) for one in commitments if one is not None]
    if merkle.root_of(hashes) != bytes(row[2]):
        raise AuditError("what was recorded is not what is there: `relay audit verify` says where")
    place = commitments.index(said.commitment)
    path = merkle.inclusion_path(place, len(hashes), lambda start, end: merkle.root_of(hashes[start:end]))
    return {"commitment": said.commitment.hex(), "place": place, "batch": [one.hex() for one in path]}
