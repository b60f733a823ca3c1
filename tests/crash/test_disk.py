"""The disk fills, by the relay's own queue or by somebody else, or what lies on it is taken away; and it ends well.

On a small tmpfs. Told each time: before it is full mail is refused with 452, nothing that was promised is lost, what
was refused doesn't arrive, ``/readyz`` says why, and mail is taken again by itself.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relay.store.database import connect, migrate, transaction
from relay.store.sqlite.checkpoint import Checkpointer
from relay.store.sqlite.room import USUAL_OCTETS, log_octets
from relay.store.sqlite.tight import RESERVE_OCTETS
from tests.crash.conftest import Victim
from tests.crash.test_faults import Sender, check
from tests.support.peers import until
from tests.support.smtp import mail
from tests.support.strace import Injected
from tests.support.tmpfs import MIB, Small

pytestmark = pytest.mark.peers

LEAST = 16 * MIB


class OnDisk(Victim):
    """A victim whose data lie on a file system of their own, of which 16 MiB are to stay free."""

    def __init__(self, directory: Path, disk: Small, **server: object) -> None:
        super().__init__(directory)
        self.disk = disk
        shutil.move(directory / "data", disk.directory / "data")
        self.database = disk.directory / "data/relay.db"
        self.settings["server"] = {"data_dir": str(disk.directory / "data"), **server}
        self.settings["limits"] = {"free_disk_octets": LEAST}
        self.configure()

    def configure(self, **delivery: object) -> None:
        self.relay.configure({**self.settings, "delivery": {**self.settings["delivery"], **delivery}})

    def readyz(self) -> tuple[int, dict[str, Any]]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.relay.http}/readyz", timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def red(self, words: str) -> None:
        until(lambda: words in str(self.readyz()[1].get("reasons", "")), f"/readyz says: {words}")

    def green(self) -> None:
        until(lambda: self.readyz()[0] == 200, "/readyz is green again", 40)


class Large(Sender):
    """A client whose messages are of ``octets``."""

    def __init__(self, victim: Victim, octets: int) -> None:
        super().__init__(victim)
        self._body = ("x" * 76 + "\r\n") * (octets // 78)

    def message(self, to: str, mark: str) -> str:
        return mail(to=to, subject="Faults", body=self._body, extra=f"X-Try: {mark}\r\n")

    def until_refused(self) -> str:
        while self.send():
            pass
        return self.refused[-1][1]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Small]:
    with Small(tmp_path / "disk", "80m") as disk:
        yield disk


def closed(victim: OnDisk) -> None:
    victim.sink.answering.set()
    victim.close()


@pytest.fixture
def victim(tmp_path: Path, disk: Small) -> Iterator[OnDisk]:
    made = OnDisk(tmp_path, disk)
    yield made
    closed(made)


@pytest.fixture
def two(tmp_path: Path, disk: Small) -> Iterator[OnDisk]:
    """Two mail processes."""
    made = OnDisk(tmp_path, disk, workers=2)
    yield made
    closed(made)


def filled(victim: OnDisk, octets: int) -> Large:
    """The queue grows until the relay takes no more; nothing is delivered."""
    victim.configure(enabled=False)
    victim.relay.start()
    sender = Large(victim, octets)
    assert sender.until_refused().startswith("452 4.3.1")
    assert victim.disk.free >= LEAST - MIB
    if octets <= USUAL_OCTETS:
        victim.red("nearly full")
    return sender


@pytest.mark.parametrize("octets", [200_000, pytest.param(8_000_000, marks=pytest.mark.slow)])
def test_a_disk_filled_by_its_own_queue_takes_mail_again_once_that_has_drained(victim: OnDisk, octets: int) -> None:
    sender = filled(victim, octets)
    size = victim.database.stat().st_size
    assert victim.relay.stop() == 0
    victim.configure()
    victim.relay.start()
    victim.drained()
    sender.again()
    until(sender.send, "mail is taken again")
    victim.green()
    until(lambda: victim.database.stat().st_size < max(size // 2, 12 * MIB), "space is given back", 40)
    victim.drained()
    check(victim, sender)
    assert [line for line in victim.relay.log if "disk is full" in line] == []
    assert victim.relay.stop() == 0
    victim.whole()


def test_a_log_that_took_the_whole_disk_is_moved_with_what_was_kept_back(disk: Small) -> None:
    """The database must grow by a page for it, and the log has left none."""
    path = disk.directory / "relay.db"
    migrate(path)
    with closing(connect(path)) as conn, closing(Checkpointer(path)) as checkpointer:
        checkpointer.step()  # which keeps something back
        conn.execute("PRAGMA wal_autocheckpoint = 0")
        conn.execute("CREATE TABLE filler (id INTEGER PRIMARY KEY, a BLOB)")
        with transaction(conn):
            conn.executemany("INSERT INTO filler (a) VALUES (zeroblob(3000))", [()] * 5000)
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with pytest.raises(sqlite3.OperationalError, match="full"):
            for turn in range(10_000):
                conn.execute("INSERT INTO filler (a) VALUES (zeroblob(3000))")
                first = turn * 100 % 5000
                conn.execute("UPDATE filler SET a = randomblob(3000) WHERE id BETWEEN ? AND ?", (first, first + 99))
        assert disk.free < MIB and log_octets(path) > MIB
        checkpointer.step()
        assert log_octets(path) == 0
        conn.execute("INSERT INTO filler (a) VALUES (zeroblob(3000))")
        checkpointer.step()
        assert Path(f"{path}-reserve").stat().st_size == RESERVE_OCTETS  # for the next time


@pytest.mark.slow
def test_several_sessions_and_processes_stop_before_the_disk_is_full(two: OnDisk) -> None:
    """25-MB messages would pass the mark all at once."""
    from concurrent.futures import ThreadPoolExecutor

    two.settings["limits"]["message_octets"] = 30_000_000
    two.configure(enabled=False)
    two.relay.start()
    senders = [Large(two, 20_000_000 if number % 2 else 200_000) for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert all(reply.startswith("452 4.3.1") for reply in pool.map(Large.until_refused, senders))
    assert [line for line in two.relay.log if "disk is full" in line] == []
    assert two.disk.free > 0
    two.relay.stop()
    two.configure()
    two.relay.start()
    two.drained()
    for sender in senders:
        check(two, sender)


def test_somebody_else_fills_the_disk(victim: OnDisk) -> None:
    """While copies are on their way: outcomes are kept, a stop and a start on the full disk lose nothing."""
    victim.relay.start()
    victim.sink.answering.clear()
    sender = Sender(victim)
    assert all(sender.send() for _ in range(20))
    victim.disk.fill()
    victim.sink.answering.set()
    until(lambda: not sender.send(), "mail is refused")  # the log's file may have some pages left
    victim.red("full")
    result = victim.relay.run("suppression", "add", "acme", "x@rcpt.example", "--reason", "complaint")
    assert result.returncode == 0 or "make room" in result.stderr
    assert "make room" in victim.relay.run("check").stdout
    assert victim.relay.stop() == 0
    try:
        victim.relay.start()
    except AssertionError:
        assert any("make room" in line for line in victim.relay.log)
        victim.disk.clear()
        victim.relay.start()
    else:
        victim.disk.clear()
    sender.again()
    until(sender.send, "mail is taken again")
    victim.green()
    victim.drained()
    check(victim, sender)
    assert victim.relay.stop() == 0
    victim.whole()


def test_no_inodes_are_left(tmp_path: Path) -> None:
    with Small(tmp_path / "disk", "80m", inodes=40) as disk:
        victim = OnDisk(tmp_path, disk)
        try:
            disk.use_inodes()
            with pytest.raises(AssertionError, match="did not start"):
                victim.relay.start()
            assert any("free inodes" in line or "inodes left" in line for line in victim.relay.log)
            for path in (disk.directory / "names").iterdir():
                path.unlink()
            victim.relay.start()
            disk.use_inodes()
            sender = Sender(victim)
            assert all(sender.send() for _ in range(5))
            victim.drained()
            check(victim, sender)
        finally:
            closed(victim)


def _takes(sender: Sender) -> bool:
    try:
        return sender.send()
    except (EOFError, OSError):
        sender.again()
        return False


@pytest.mark.parametrize("names", [("relay.db", "relay.db-wal", "relay.db-shm"), ("relay.db-wal",)], ids=["all", "log"])
def test_files_are_deleted_under_a_running_relay(victim: OnDisk, names: tuple[str, ...]) -> None:
    """What was promised is written down again, and the mail process that is started anew goes on with it."""
    victim.configure(enabled=False)
    victim.relay.start()
    sender = Sender(victim)
    assert all(sender.send() for _ in range(5))
    pid = victim.mail_process()
    for name in names:
        (victim.database.parent / name).unlink()
    assert not sender.send()
    until(lambda: pid not in victim.children(), "the process ends, for it can promise nothing", 40)
    sender.again()
    until(lambda: _takes(sender), "another has begun")
    victim.relay.kill()
    victim.configure()
    victim.relay.start()
    victim.drained()
    check(victim, sender)


def test_a_reader_that_never_ends_is_told_and_the_log_shrinks_after_it(victim: OnDisk) -> None:
    victim.relay.start()
    sender = Large(victim, 100_000)
    with closing(sqlite3.connect(victim.database, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM recipient").fetchone()
        for _ in range(120):
            assert sender.send()
        until(lambda: any("another program has been reading" in line for line in victim.relay.log), "it is told")
        reader.execute("ROLLBACK")
    until(lambda: log_octets(victim.database) <= 8 * MIB, "the log has begun anew")
    victim.drained()
    check(victim, sender)


def test_a_write_lock_that_another_program_keeps(victim: OnDisk) -> None:
    victim.relay.start()
    sender = Sender(victim)
    assert sender.send()
    with closing(sqlite3.connect(victim.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert not sender.send()  # within seconds, not when the other one likes
        victim.red("another program")
        other.execute("ROLLBACK")
    assert sender.send()
    victim.green()
    victim.drained()
    check(victim, sender)


def test_no_thread_can_be_made(victim: OnDisk) -> None:
    """All there will ever be are there before READY."""
    victim.relay.start()
    sender = Sender(victim)
    with Injected(victim.mail_process(), "clone,clone3", "error=EAGAIN"):
        assert all(sender.send() for _ in range(5))
        assert Large(victim, 2_000_000).send()  # is read in a thread
        victim.drained()
    assert sender.send()
    victim.drained()
    check(victim, sender)
    assert victim.relay.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calls", "fault"),
    [
        ("flock", "error=ENOLCK"),
        ("flock", "error=EIO"),
        ("pread64", "error=EIO"),
        ("pwrite64", "error=EIO"),
        ("pwrite64", "error=EROFS"),
        ("pwrite64", "error=EDQUOT"),
        ("fdatasync,fsync", "error=EIO"),
        ("fdatasync,fsync", "error=ENOSPC"),
        ("fdatasync,fsync", "delay_enter=2000000"),
        ("ftruncate,fallocate", "error=ENOSPC"),
        ("mmap", "error=ENOMEM"),
        ("openat", "error=EMFILE"),
        ("clone,clone3", "error=EAGAIN"),
    ],
)
def test_a_fault_that_lasts_for_a_while(victim: OnDisk, calls: str, fault: str) -> None:
    """Each client has its answer meanwhile, and afterwards mail is taken again by itself."""
    victim.relay.start()
    sender = Sender(victim)
    assert sender.send()
    with Injected(victim.mail_process(), calls, fault):
        for _ in range(8):
            sender.send()
    until(sender.send, "mail is taken again")
    victim.green()
    victim.drained()
    check(victim, sender)
    assert victim.relay.stop() == 0
    victim.whole()
