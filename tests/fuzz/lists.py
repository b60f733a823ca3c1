"""Mutated lists through every reader: ``python -m tests.fuzz.lists --n 2000 --seed 1``.

A run fails on any exception but ListError, on a reading over two seconds, on an entry whose address is not canonical.
"""

# ruff: noqa: RUF001 - Cyrillic letters are meant here

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from relay.lists.list_file import Entry, ListError, open_list
from relay.mail.address import parse_address
from tests.unit.test_lists import CARDS, sheet_row, workbook

LIMIT_S = 2.0
PLAIN = (
    b'email;name;city;groups\nann@people.example;Ann;Tartu;vip, new\n"Bob <bob@people.example>";Bob;;\n',
    'name,email,birthday\n"Jürgen ""J""",j@people.example,1990-01-01\n'.encode("cp1252"),
    "имя\tпочта\nИван\tivan@people.example\n".encode("cp1251"),
    "email\nann@people.example\n".encode("utf-16"),
    *(card[1].encode() for card in CARDS[:4]),
)
SCRAPS = (
    b"\n",
    b"\r",
    b'"',
    b";",
    b",",
    b"\t",
    b"\0",
    b"\xff\xfe",
    b"@",
    b"<",
    b"BEGIN:VCARD\n",
    b"END:VCARD\n",
    b"=\n",
)


def mutate(data: bytes, rng: random.Random) -> bytes:
    octets = bytearray(data)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(octets) + 1)
        kind = rng.randrange(3)
        if kind == 0:
            del octets[at : at + rng.randint(1, 20)]
        elif kind == 1:
            octets[at:at] = rng.choice(SCRAPS) * rng.randint(1, 30)
        elif octets:
            octets[at % len(octets)] = rng.randrange(256)
    return bytes(octets)


def run(count: int, seed: int) -> dict[str, int]:
    """``count`` mutated lists, every fiftieth a workbook; raises AssertionError that names run and seed."""
    rng = random.Random(seed)
    book = workbook(sheet_row(1, "email", "name") + sheet_row(2, "ann@people.example", "Ann"))
    outcomes = {"read": 0, "refused": 0}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        for number in range(count):
            path.write_bytes(mutate(book if number % 50 == 0 else rng.choice(PLAIN), rng))
            outcomes[_read(path, f"run {number} of seed {seed}")] += 1
    return outcomes


def _read(path: Path, name: str) -> str:
    started = time.process_time()
    try:
        entries = [entry for entry in open_list(path).read() if isinstance(entry, Entry)]
    except ListError:
        return "refused"
    finally:
        assert time.process_time() - started < LIMIT_S, name
    for entry in entries:
        assert parse_address(entry.address.canonical).canonical == entry.address.canonical, name
    return "read"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--n", type=int, default=2_000)
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    print(run(given.n, given.seed))


if __name__ == "__main__":
    main()
