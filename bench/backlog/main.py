"""``bench/queue``: options, room on the disk, the scenes in turn, results."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.backlog.fill import OCTETS_EACH, Part, fill
from bench.backlog.running import Ports, configure
from bench.backlog.scenes import LONGEST_S, SMALL_ADDRESS, Cost, Rush, cost, rush
from bench.contestant import RELAY, ROOT, prepared
from bench.harness import machine
from bench.harness.errors import BenchError
from bench.harness.main import commit
from bench.harness.material import cache_directory, key
from bench.harness.net import free_port
from bench.harness.options import RESULTS
from bench.harness.processes import cgroup_mount
from bench.harness.rounds import locked
from bench.harness.works import DOMAIN, SELECTOR, message

_DEFERRED = 200
"""The small tenant's copies that are due at the start."""
_FRESH = 150
_SPARE_OCTETS = 2 << 30


@dataclass(frozen=True, slots=True)
class Options:
    n: int
    rounds: int
    seconds: float
    directory: Path
    results: Path
    lock: Path | None


def parse(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="bench/queue", description="What a long queue costs the relay, on loopback.")
    add = parser.add_argument
    add("--n", type=_count, default=1_000_000, help="recipients in the queue (default: 1000000)")
    add("--rounds", type=int, choices=range(1, 10), default=3, help="of fresh mail beside the queue (default: 3)")
    add("--seconds", type=float, default=2.5, help="aimed length of a load (default: 2.5)")
    add("--dir", type=Path, default=Path("/var/tmp"), help="on a disk, for the databases (default: /var/tmp)")
    add("--results", type=Path, default=RESULTS / "queue", help="folder for results (default: bench/results/queue)")
    add("--lock", type=Path, help="hold this lock while it measures, where measurements share a machine")
    given = parser.parse_args(argv)
    return Options(given.n, given.rounds, given.seconds, given.dir, given.results, given.lock)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1000 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number from 1000 to 100000000")
    return int(text)


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    try:
        record = measured(options)
    except (BenchError, subprocess.CalledProcessError, sqlite3.Error) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130
    options.results.mkdir(parents=True, exist_ok=True)
    path = options.results / f"{record['date'][:10]}-{record['commit']}-{options.n}.json"
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    print(f"\n{table(record)}\nkept in {path}")
    return 0


def table(record: dict[str, Any]) -> str:
    rows = [
        (what, figure, goal, "" if met is None else "yes" if met else "NOT YET")
        for what, figure, goal, met in record["figures"]
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return "\n".join(
        f"{what:{widths[0]}}  {figure:>{widths[1]}}  {goal:>{widths[2]}}  {met}".rstrip()
        for what, figure, goal, met in rows
    )


def room(directory: Path, n: int) -> None:
    """Raises BenchError unless two queues of n recipients, one of them copied, fit on the disk."""
    if not machine.is_disk(kind := machine.filesystem(directory)):
        raise BenchError(f"{directory} is in memory ({kind}): name a directory on a disk with --dir")
    wanted = 2 * n * OCTETS_EACH + _SPARE_OCTETS
    free = shutil.disk_usage(directory).free
    if free < wanted:
        raise BenchError(
            f"{directory}: {free >> 20} MiB are free, {n} recipients need {wanted >> 20}: name another disk with --dir"
        )


def measured(options: Options) -> dict[str, Any]:
    room(options.directory, options.n)
    ports = Ports(free_port(), free_port(), free_port())
    with contextlib.ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="relay-queue-", dir=options.directory))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)
        cgroup = stack.enter_context(cgroup_mount(directory))
        text = directory / "message"
        text.write_bytes(message(10_240))
        of_small = directory / "message-small"
        of_small.write_bytes(text.read_bytes().replace(DOMAIN.encode(), b"small.example"))
        with locked(options.lock, shared=True):
            empty, full = (_relay(directory / name, ports) for name in ("empty", "full"))
            due = _relay(directory / "due", ports)
        _filled(options, full, _waiting(options.n))
        with locked(options.lock):
            spent = cost(empty, full, ports, cgroup, text, options.rounds, options.seconds)
        print(f"cost of fresh mail: {spent}", flush=True)
        shutil.rmtree(full)
        _filled(options, due, _due(options.n))
        with locked(options.lock):
            found = rush(due, ports, cgroup, of_small, _DEFERRED, _FRESH)
        print(f"start with all due: {found}", flush=True)
    return {
        "kind": "queue",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "n": options.n,
        "cost": spent._asdict(),
        "rush": found._asdict(),
        "figures": figures(options.n, spent, found),
    }


def _waiting(n: int) -> list[Part]:
    later = time.time() + 7200
    return [
        Part("bench", "transactional", n - n // 100, "rcpt.example", f"news@{DOMAIN}", later),
        Part("small", "transactional", n // 100, "rcpt.example", "post@small.example", later),
    ]


def _due(n: int) -> list[Part]:
    """The big tenant's copies are all due, and before those of the small one."""
    now = time.time()
    return [
        Part("bench", "transactional", n - n // 100, "slow.example", f"news@{DOMAIN}", now - 3600),
        Part("small", "transactional", _DEFERRED, "rcpt.example", "post@small.example", now - 60, at_once=True),
        Part("small", "transactional", n // 100 - _DEFERRED, "rcpt.example", "post@small.example", now + 7200),
    ]


def _filled(options: Options, directory: Path, parts: list[Part]) -> None:
    with locked(options.lock, shared=True):
        begin = time.monotonic()
        fill(directory / "data" / "relay.db", [part for part in parts if part.recipients > 0])
    size = (directory / "data" / "relay.db").stat().st_size >> 20
    print(f"queue of {options.n} recipients: made in {time.monotonic() - begin:.0f} s, database {size} MiB", flush=True)


def _relay(directory: Path, ports: Ports) -> Path:
    """A relay with the big tenant ``bench`` and the small one, both known by their addresses; no signatures."""
    directory.mkdir()
    cache = cache_directory()
    shutil.copytree(prepared(cache, DOMAIN, SELECTOR, str(key(cache))) / "data", directory / "data")
    configure(directory, "relay", ports)
    command = [*RELAY, "-c", str(directory / "relay.toml")]

    def quiet(*args: str) -> None:
        subprocess.run([*command, *args], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)

    quiet("credential", "add", "bench", "--stream", "transactional", "--ip", "127.0.0.1/32")
    quiet("tenant", "add", "small", "--contact", "post@small.example", "--plan", "unlimited", "--transactional")
    quiet("domain", "add", "small", "small.example")
    quiet("domain", "verify", "small", "small.example", "--vouch", "benchmark")
    quiet("credential", "add", "small", "--stream", "transactional", "--ip", f"{SMALL_ADDRESS}/32")
    conn = sqlite3.connect(directory / "data" / "relay.db")
    with conn:
        conn.execute("DELETE FROM dkim_key")
    conn.close()
    return directory


def figures(n: int, spent: Cost, found: Rush) -> list[tuple[str, str, str, bool | None]]:
    """(what, figure, goal, whether it is reached; None without a goal)"""
    first = found.first_s
    most = max(spent.memory_mib, found.memory_mib)
    return [
        ("recipients in the queue", f"{n}", "", None),
        ("start to first delivery", _seconds(first), "< 10 s", first is not None and first < 10),
        ("memory at the peak", f"{most:.0f} MiB", "< 300 MiB", most < 300),
        ("CPU of 1000 fresh messages, empty queue", f"{spent.empty:.2f} s", "", None),
        ("the same beside this queue", f"{spent.full:.2f} s", "", None),
        ("ratio", f"{spent.ratio:.2f}", "≤ 1.2", spent.ratio <= 1.2),
        ("small tenant's deferred mail, first copy leaves", _seconds(found.deferred_first_s), "", None),
        (f"… the last of {_DEFERRED}", _seconds(found.deferred_last_s), "", None),
        ("small tenant's fresh mail arrives, p50", _ms(found.fresh_p50_ms), "", None),
        ("… p99", _ms(found.fresh_p99_ms), "", None),
    ]


def _seconds(value: float | None) -> str:
    return f"{value:.1f} s" if value is not None else f"not within {LONGEST_S:.0f} s"


def _ms(value: float | None) -> str:
    return f"{value:.1f} ms" if value is not None else f"not within {LONGEST_S:.0f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
