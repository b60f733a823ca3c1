"""Room on the disk: what counts for it and against it, and that it holds among messages and processes."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from relay.store.place import Place
from relay.store.sqlite.room import LOG_FLOOR_OCTETS, PAGE_OCTETS, DiskRoom, cost
from relay.store.sqlite.shrink import SPARE_PAGES

MIB = 1024 * 1024
LEAST = 64 * MIB


class Disk:
    """What a ``DiskRoom`` is told."""

    def __init__(self, tmp_path: Path, *, free: int, free_pages: int = 0, log: int = 0, share: int = 1) -> None:
        self.database = tmp_path / "relay.db"
        self.free, self.others, self.told, self.now, self.looks = free, 0, 0, 100.0, 0
        self.conn = sqlite3.connect(self.database, isolation_level=None)
        if free_pages:
            self.conn.execute("CREATE TABLE t (a BLOB)")
            self.conn.execute("BEGIN")
            for _ in range((free_pages + SPARE_PAGES) // 256 + 1):
                self.conn.execute("INSERT INTO t VALUES (zeroblob(?))", (256 * PAGE_OCTETS,))
            self.conn.execute("COMMIT")
            self.conn.execute("DELETE FROM t")
        Path(f"{self.database}-wal").write_bytes(bytes(log))
        self.room = DiskRoom(
            self.database, self.conn, LEAST, share=share, tell=self._tell, others=lambda: self.others,
            free=self._free, clock=lambda: self.now,
        )  # fmt: skip

    def _tell(self, octets: int) -> None:
        self.told = octets

    def _free(self, database: Path) -> int:
        self.looks += 1
        return self.free


@pytest.mark.parametrize(
    ("free", "free_pages", "log", "octets", "fits"),
    [
        pytest.param(500 * MIB, 0, 0, 25 * MIB, True, id="plenty"),
        pytest.param(LEAST + MIB, 0, 0, 10_000, True, id="just room"),
        pytest.param(LEAST, 0, 0, 10_000, False, id="none"),
        pytest.param(LEAST + 30 * MIB, 0, 0, 25 * MIB, False, id="once in the log, once in the database"),
        pytest.param(LEAST + 51 * MIB, 0, 0, 25 * MIB, True, id="twice its size"),
        pytest.param(LEAST + 10 * MIB, 0, 10 * MIB, 10_000, False, id="the log goes into the database yet"),
        pytest.param(40 * MIB, 50 * MIB // PAGE_OCTETS, 0, 200_000, True, id="free pages are room"),
        pytest.param(40 * MIB, 50 * MIB // PAGE_OCTETS, 0, 25 * MIB, False, id="but not without end"),
        pytest.param(LOG_FLOOR_OCTETS, 80 * MIB // PAGE_OCTETS, 0, 10_000, False, id="the log needs the disk itself"),
        pytest.param(0, 80 * MIB // PAGE_OCTETS, 0, 10, False, id="full"),
    ],
)
def test_what_fits(tmp_path: Path, free: int, free_pages: int, log: int, octets: int, fits: bool) -> None:
    disk = Disk(tmp_path, free=free, free_pages=free_pages, log=log)
    assert disk.room.fits(octets) is fits
    assert disk.room.take(octets) is fits


def test_between_two_looks_each_message_counts(tmp_path: Path) -> None:
    """200-KB messages that all come within a second don't pass the mark together."""
    disk = Disk(tmp_path, free=LEAST + 10 * MIB)
    taken = 0
    while disk.room.take(200_000):
        taken += 1
    assert taken == 10 * MIB // cost(200_000)
    assert disk.told == taken * cost(200_000)
    disk.room.give(200_000)
    assert disk.told == (taken - 1) * cost(200_000)


def test_what_others_are_about_to_write_counts(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free=LEAST + 10 * MIB, share=2)
    disk.others = 10 * MIB
    assert not disk.room.take(1000)
    disk.others, disk.now = 0, disk.now + 2
    assert disk.room.take(MIB)
    assert disk.room.take(MIB)
    assert not disk.room.take(MIB)  # its half of 10, less the 4 that are not written yet
    disk.others = 3 * MIB
    assert disk.room.take(MIB + MIB // 4)  # a large one is asked of the whole: 10, less 4 and 3
    assert not disk.room.take(MIB + MIB // 4)


def test_a_refusal_looks_again_but_not_for_each_message(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free=LEAST)
    for _ in range(100):
        assert not disk.room.fits(0)
    assert disk.looks == 1
    disk.free += MIB
    disk.now += 0.1
    assert disk.room.fits(0)


def test_a_directory_that_is_gone_has_no_room(tmp_path: Path) -> None:
    disk = Disk(tmp_path, free=500 * MIB)

    def gone(database: Path) -> int:
        raise FileNotFoundError(database)

    room = DiskRoom(disk.database, disk.conn, LEAST, free=gone)
    assert not room.fits(0) and room.full


def test_a_place_is_lost_when_a_file_of_it_is_deleted_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "relay.db"
    log = tmp_path / "relay.db-wal"
    path.write_bytes(b"")
    place = Place(path)
    assert place.lost() == ""
    log.write_bytes(b"")
    assert place.lost(thorough=True) == ""
    log.unlink()
    assert "relay.db-wal: No such file" in place.lost(thorough=True) and place.same_file()
    log.write_bytes(b"")
    path.rename(tmp_path / "moved")
    assert "relay.db: No such file" in place.lost(thorough=True) and not place.same_file()
    path.write_bytes(b"")
    assert "another file" in place.lost(thorough=True)
