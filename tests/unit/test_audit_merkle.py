"""The tree against RFC 9162 written down word by word, for every size up to 70."""

from __future__ import annotations

import hashlib
import random
import sqlite3
from pathlib import Path

import pytest

from relay.audit import merkle
from relay.audit.errors import AuditError
from relay.audit.nodes import Nodes, is_stored
from relay.store.database import connect, migrate

MOST = 70


def mth(data: list[bytes]) -> bytes:
    """RFC 9162 §2.1.1."""
    if not data:
        return hashlib.sha256(b"").digest()
    if len(data) == 1:
        return hashlib.sha256(b"\x00" + data[0]).digest()
    k = largest_power(len(data))
    return hashlib.sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def largest_power(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def path(m: int, data: list[bytes]) -> list[bytes]:
    """§2.1.3.1."""
    if len(data) == 1:
        return []
    k = largest_power(len(data))
    return [*path(m, data[:k]), mth(data[k:])] if m < k else [*path(m - k, data[k:]), mth(data[:k])]


def proof(m: int, data: list[bytes], whole: bool = True) -> list[bytes]:
    """§2.1.4.1's SUBPROOF."""
    if m == len(data):
        return [] if whole else [mth(data)]
    k = largest_power(len(data))
    if m <= k:
        return [*proof(m, data[:k], whole), mth(data[k:])]
    return [*proof(m - k, data[k:], False), mth(data[:k])]


DATA = [b"%d" % number for number in range(MOST)]


def subtree(start: int, end: int) -> bytes:
    return mth(DATA[start:end])


def test_known_answers() -> None:
    """The roots that Certificate Transparency's own tests have for their eight leaves."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    hashes = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in leaves]
    assert merkle.root_of([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root_of(hashes[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root_of(hashes).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@pytest.mark.parametrize("size", range(MOST + 1))
def test_roots_and_proofs_are_the_standards(size: int) -> None:
    data = DATA[:size]
    root = merkle.root_of([merkle.leaf_hash(one) for one in data])
    assert root == mth(data)
    for number in range(size):
        found = merkle.inclusion_path(number, size, subtree)
        assert found == path(number, data)
        assert merkle.verify_inclusion(merkle.leaf_hash(data[number]), number, size, found, root)
    for first in range(1, size + 1):
        found = merkle.consistency_path(first, size, subtree)
        assert found == proof(first, data)
        assert merkle.verify_consistency(first, size, mth(data[:first]), root, found)


def test_no_other_proof_is_taken() -> None:
    rng = random.Random(9162)
    for _ in range(400):
        size = rng.randrange(2, MOST + 1)
        number = rng.randrange(size)
        root, leaf = mth(DATA[:size]), merkle.leaf_hash(DATA[number])
        sound = merkle.inclusion_path(number, size, subtree)
        for wrong in spoiled(sound, rng):
            assert not merkle.verify_inclusion(leaf, number, size, wrong, root)
        assert not merkle.verify_inclusion(leaf, size, size, sound, root)
        assert not merkle.verify_inclusion(leaf, -1, size, sound, root)
        first = rng.randrange(1, size)
        grown = merkle.consistency_path(first, size, subtree)
        for wrong in spoiled(grown, rng):
            assert not merkle.verify_consistency(first, size, mth(DATA[:first]), root, wrong)
        assert not merkle.verify_consistency(size, first, root, mth(DATA[:first]), grown)
        assert not merkle.verify_consistency(first, size, mth(DATA[1 : first + 1]), root, grown)


def spoiled(sound: list[bytes], rng: random.Random) -> list[list[bytes]]:
    place = rng.randrange(len(sound))
    other = sound.copy()
    other[place] = rng.randbytes(32)
    return [other, sound[:place] + sound[place + 1 :], [*sound, rng.randbytes(32)], []]


def test_stored_subtrees_give_the_same(tmp_path: Path) -> None:
    """Every eighth level is stored; the rest is made of it."""
    conn = filled(tmp_path / "relay.db", 70_000)
    nodes, rng = Nodes(conn), random.Random(1)
    hashes = [row[0] for row in conn.execute("SELECT hash FROM audit_leaf ORDER BY id")]
    for size in (1, 255, 256, 257, 65_535, 65_536, 70_000, *(rng.randrange(1, 70_000) for _ in range(8))):
        root = merkle.root_of(hashes[:size])
        assert nodes.root(size) == root
        number, first = rng.randrange(size), rng.randrange(1, size + 1)
        inclusion = merkle.inclusion_path(number, size, nodes.subtree)
        assert merkle.verify_inclusion(hashes[number], number, size, inclusion, root)
        grown = merkle.consistency_path(first, size, nodes.subtree)
        assert merkle.verify_consistency(first, size, merkle.root_of(hashes[:first]), root, grown)
    conn.execute("DELETE FROM audit_node WHERE level = 8 AND number = 3")
    with pytest.raises(AuditError, match="damaged"):
        Nodes(conn).whole(10, 0)


def filled(database: Path, size: int) -> sqlite3.Connection:
    migrate(database)
    conn, tree = connect(database), merkle.Tree()

    def keep(level: int, number: int, hash_: bytes) -> None:
        if is_stored(level):
            conn.execute("INSERT INTO audit_node VALUES (?, ?, ?)", (level, number, hash_))

    conn.execute("BEGIN")
    for number in range(size):
        hash_ = merkle.leaf_hash(b"%d" % number)
        conn.execute("INSERT INTO audit_leaf VALUES (?, 0, 'x', 0, 1, x'', ?, ?)", (3 * number + 1, hash_, number))
        tree.add(hash_, keep)
    conn.execute("COMMIT")
    return conn


@pytest.mark.parametrize("size", range(35))
def test_root_of_many_is_that_of_a_tree_that_grew(size: int) -> None:
    tree, hashes = merkle.Tree(), [merkle.leaf_hash(bytes([number])) for number in range(size)]
    for hash_ in hashes:
        tree.add(hash_)
    assert merkle.root_of(hashes) == tree.root()
