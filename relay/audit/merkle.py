"""Merkle trees as RFC 9162 §2.1 has them: hashes, roots, proofs. Pure, SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

EMPTY = hashlib.sha256(b"").digest()
"""Root of a tree without leaves."""

Subtree = Callable[[int, int], bytes]
"""Gives the hash of the leaves from a number up to, not with, another."""


def leaf_hash(data: bytes) -> bytes:
    """RFC 9162 §2.1.1: the prefix keeps a leaf from passing for a node."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes: level by level, where the last of an odd number goes up as it is."""
    level, sha256 = list(hashes), hashlib.sha256
    while len(level) > 1:
        odd = level[len(level) & ~1 :]
        level = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2])]  # noqa: B905
        level += odd
    return level[0] if level else EMPTY


class Tree:
    """A tree that grows at its right edge; keeps one hash for each whole subtree there.

    ``stack`` holds (level, hash), the largest first: the binary digits of the size.
    """

    def __init__(self, stack: Iterable[tuple[int, bytes]] = ()) -> None:
        self.stack = list(stack)
        self.size = sum(1 << level for level, _ in self.stack)

    def add(self, hash_: bytes, whole: Callable[[int, int, bytes], None] | None = None) -> None:
        """Add a leaf hash; ``whole(level, number, hash)`` hears of each subtree that it completes."""
        level, number, stack = 0, self.size, self.stack
        self.size += 1
        while number & 1:
            left = stack.pop()[1]
            level, number, hash_ = level + 1, number >> 1, node_hash(left, hash_)
            if whole is not None:
                whole(level, number, hash_)
        stack.append((level, hash_))

    def root(self) -> bytes:
        if not self.stack:
            return EMPTY
        right = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            right = node_hash(left, right)
        return right


def split(size: int) -> int:
    """The largest power of two smaller than ``size`` (RFC 9162 §2.1.1's k)."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(number: int, size: int, subtree: Subtree) -> list[bytes]:
    """Hashes that lead from a leaf to the root, the lowest first (RFC 9162 §2.1.3.1)."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + split(end - start)
        if number < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_path(first: int, second: int, subtree: Subtree) -> list[bytes]:
    """Hashes that show the tree of ``first`` leaves to be the beginning of that of ``second`` (§2.1.4.1)."""
    path: list[bytes] = []
    start, end, known = 0, second, True
    while first != end:
        middle = start + split(end - start)
        if first <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start, known = middle, False
    if not known:
        path.append(subtree(start, end))
    return path[::-1]


def verify_inclusion(hash_: bytes, number: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 §2.1.3.2."""
    if not 0 <= number < size:
        return False
    fn, sn, r = number, size - 1, hash_
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def verify_consistency(first: int, second: int, first_root: bytes, second_root: bytes, path: Sequence[bytes]) -> bool:
    """RFC 9162 §2.1.4.2; the empty tree is the beginning of any."""
    if first == 0:
        return not path and first_root == EMPTY
    if first == second:
        return not path and first_root == second_root
    if not 0 < first < second or not path:
        return False
    rest = list(path)
    if first & (first - 1) == 0:
        rest.insert(0, first_root)
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = rest[0]
    for c in rest[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and fr == first_root and sr == second_root
