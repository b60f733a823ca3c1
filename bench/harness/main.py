"""``bench/run``: rounds in which the contestants take turns, results, comparison."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

from bench.harness import docs, machine, results, table
from bench.harness.contestant import BENCH, Place
from bench.harness.errors import BenchError
from bench.harness.material import cache_directory, certificate, key
from bench.harness.net import free_port
from bench.harness.options import Options, parse
from bench.harness.processes import cgroup_mount
from bench.harness.rounds import Rounds

ROOT = BENCH.parent
PAGE = ROOT / "docs" / "BENCHMARKS.md"
_AGAIN = 2
"""Rounds more for a work that seems to have fallen."""


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    signal.signal(signal.SIGTERM, _interrupted)
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/sbin"
    try:
        if options.write_docs:
            return write_docs(options)
        if options.show is not None:
            return show(options.show, options.against)
        return quick(options) if options.quick else full(options)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130


def _interrupted(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def show(path: Path, against: Path | None) -> int:
    records = results.read(path)
    print(table.table(records), end="")
    return compare(records, against) if against is not None else 0


def write_docs(options: Options) -> int:
    source = options.show or results.last(options.results)
    if source is None:
        raise BenchError(f"no results in {options.results}: `make bench` makes them")
    docs.write(PAGE, results.read(source), docs.last_queues(options.results / "queue"))
    print(f"{PAGE.relative_to(ROOT)}: written from {source.name}")
    return 0


def compare(records: list[results.Record], source: Path) -> int:
    before = results.read(source)
    found = results.changes(before, records)
    print(table.comparison(found, source.name, results.differences(before, records)), end="")
    return 1 if any(change.by < table.FELL for change in found) else 0


def full(options: Options) -> int:
    """All rounds; the results are kept under the day and the commit."""
    options.results.mkdir(parents=True, exist_ok=True)
    name = f"{datetime.date.today().isoformat()}-{commit()}"
    target = options.results / f"{name}.jsonl"
    for number in range(2, 1000):
        if not target.exists():
            break
        target = options.results / f"{name}-{number}.jsonl"
    growing = target.with_suffix(".jsonl.tmp")
    with growing.open("w") as file, prepared(options) as rounds:
        for record in itertools.chain([about(options, rounds.place)], rounds.run(options)):
            file.write(json.dumps(record, sort_keys=True) + "\n")
            file.flush()
    records = results.read(growing)
    text = table.table(records)
    target.with_suffix(".txt").write_text(text)
    growing.replace(target)
    print(f"\n{text}\nkept in {target} and {target.with_suffix('.txt').name}")
    return 0 if any(r["kind"] in ("load", "latency", "idle") for r in records) else 1


def quick(options: Options) -> int:
    """Short rounds; a work that fell is repeated before it is told. Nothing is kept."""
    source = options.against or results.last(options.results)
    if source is not None:
        results.read(source)
    with prepared(options) as rounds:
        records: list[results.Record] = [about(options, rounds.place), *rounds.run(options)]
        if source is not None:
            fallen = {c.test for c in results.changes(results.read(source), records) if c.by < table.FELL}
            if fallen:
                print(f"again, to be sure: {', '.join(sorted(fallen))}", flush=True)
                works = tuple(work for work in options.works if work.name in fallen)
                records += rounds.run(replace(options, works=works, rounds=_AGAIN))
    print("\n" + table.table(records))
    if source is None:
        print(f"no earlier results in {options.results} to compare with: `make bench` makes them")
        return 0
    return compare(records, source)


@contextlib.contextmanager
def prepared(options: Options) -> Iterator[Rounds]:
    """Tools, directory, key and control group; raises BenchError if one is missing."""
    if not Path("/proc/self/stat").exists():
        raise BenchError("this benchmark needs Linux")
    if not (shutil.which("smtp-source") and shutil.which("smtp-sink")):
        raise BenchError("smtp-source and smtp-sink are missing: install Postfix (as root on Debian: scripts/peers)")
    kind = machine.filesystem(options.directory)
    if not machine.is_disk(kind):
        raise BenchError(f"{options.directory} is in memory ({kind}): name a directory on a disk with --dir")
    cache = cache_directory()
    with contextlib.ExitStack() as stack:
        try:
            directory = Path(tempfile.mkdtemp(prefix="relay-bench-", dir=options.directory))
        except OSError as error:
            raise BenchError(f"{options.directory}: {error.strerror}; name another directory with --dir") from None
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.chmod(0o755)  # daemons that drop root reach their queues through it
        cgroup = stack.enter_context(cgroup_mount(directory))
        if cgroup is None:
            print("no cgroup v2 to be had (root and a mount): CPU comes from /proc, rounded to clock ticks")
        place = Place(directory, cache, key(cache), certificate(cache), cgroup, free_port())
        yield Rounds(place, options.seconds)


def about(options: Options, place: Place) -> dict[str, Any]:
    return {
        "kind": "machine",
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpus": machine.cpus(),
        "threads_per_core": machine.threads_per_core(),
        "cpu": machine.cpu_model(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "filesystem": machine.filesystem(options.directory),
        "postfix": output("postconf", "-d", "mail_version").replace("mail_version =", "Postfix"),
        "cpu_from": "proc" if place.cgroup is None else "cgroup",
        "rounds": options.rounds,
        "seconds": options.seconds,
        "sessions": options.sessions,
        "chosen": options.chosen,
    }


def commit() -> str:
    """Of the working tree, with -dirty after it if tracked files differ."""
    found = output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD") or "unknown"
    changed = output("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no")
    return f"{found}-dirty" if changed else found


def output(*command: str) -> str:
    """Standard output, or nothing if the command fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
