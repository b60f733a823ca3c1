"""The machine a relay runs on: its clock, how fast its disk is, how late its mail."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from config.settings import Settings
from config.units import MINUTE
from relay.checks.result import CheckResult, bad, ok, warn
from relay.store.contract import Tx

_STA_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5
_SYNCS: Final = 5
_SLOW_S, _VERY_SLOW_S = 0.05, 0.5
_LATE_S: Final = 15 * MINUTE
_FIRST_2026: Final = 1_767_225_600


class _Timex(ctypes.Structure):
    """struct timex (adjtimex(2)); what is not read here is room."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 256),
    )


def check_clock(now: float, synchronised: Callable[[], bool | None] | None = None) -> CheckResult:
    """Does the kernel think that somebody keeps its time right? ``synchronised``: None where it doesn't say."""
    if now < _FIRST_2026:
        return bad(
            "clock", f"it shows {time.strftime('%Y-%m-%d', time.gmtime(now))}", "set it, and install NTP (chrony)"
        )
    found = (synchronised or _synchronised)()
    if found is None:
        return ok("clock", "the system doesn't tell whether it is kept right")
    if not found:
        todo = "install and start chrony or systemd-timesyncd; DKIM, DMARC and all waits go by it"
        return warn("clock", "nobody keeps it right (not synchronised by NTP)", todo)
    return ok("clock", "synchronised")


def _synchronised() -> bool | None:
    try:
        found = _Timex()
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(found))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR and not found.status & _STA_UNSYNC


def check_sync(data_dir: Path, clock: Callable[[], float] = time.perf_counter) -> CheckResult:
    """How long the disk takes to keep something for good: each commit waits for that."""
    path = data_dir / f".doctor-{os.getpid()}"
    took = []
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            for _ in range(_SYNCS):
                os.pwrite(fd, bytes(4096), 0)
                begun = clock()
                os.fdatasync(fd)
                took.append(clock() - begun)
        finally:
            os.close(fd)
            path.unlink()
    except OSError as error:
        return bad("disk sync", f"{data_dir} can't be written: {error.strerror}", "run this as the relay's user")
    middle = sorted(took)[_SYNCS // 2]
    told = f"{middle * 1000:.1f} ms"
    if middle > _VERY_SLOW_S:
        return bad("disk sync", told, "find out what is at the disk (`iostat -x 5`), or move data_dir to a quicker one")
    if middle > _SLOW_S:
        return warn("disk sync", told, "each commit waits so long: a quicker disk, or one with a protected cache")
    return ok("disk sync", told)


def check_lateness(conn: Tx, now: float) -> Iterator[CheckResult]:
    """What waits although it is due, and what waits for a person."""
    # From the index alone: the rows of a million take ten seconds. A lease's end counts as its due time.
    first_at, waits = conn.execute("SELECT min(due_at), count(*) FROM recipient WHERE state = 0").fetchone()
    late_s = 0.0 if first_at is None else max(0.0, now - first_at)
    told = "1 copy waits" if waits == 1 else f"{waits} copies wait"
    if late_s:
        told = f"{told}, the first has been due for {late_s / MINUTE:.0f} min"
    if late_s > _LATE_S:
        todo = (
            "is the relay running, `[delivery] enabled`, port 25 open? `relay queue list --state ready` has the replies"
        )
        yield bad("queue", told, todo)
    else:
        yield ok("queue", told)
    campaigns = conn.execute("SELECT count(*) FROM campaign WHERE state IN ('undecided', 'stopped')").fetchone()[0]
    if campaigns:
        yield warn("campaigns", f"{campaigns} wait for your verdict", "`relay campaign list`, then release or decline")


def check_running(running: int | None) -> CheckResult:
    if running is None:
        return bad(
            "relay", "it doesn't run", "`systemctl start relay`, or `relay serve`; `journalctl -u relay` says why"
        )
    return ok("relay", f"running (process {running})" if running else "running")


def check_limits(settings: Settings) -> Iterator[CheckResult]:
    """Memory that the limits allow, against what there is."""
    try:
        pages, octets = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return
    whole = pages * octets
    limits = settings.limits
    wanted = limits.memory_octets + limits.inbound_memory_octets + settings.server.workers * 200 * (1 << 20)
    told = f"{whole >> 20} MiB; the limits allow the relay about {wanted >> 20}"
    if wanted > whole:
        yield bad("memory", told, "lower [limits] memory_octets or [server] workers, or give the machine more")
    elif wanted > whole * 0.8:
        yield warn("memory", told, "lower [limits] memory_octets, or give the machine more")
    else:
        yield ok("memory", told)
