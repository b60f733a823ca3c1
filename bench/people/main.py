"""``bench/consents``: options, room on the disk, what is measured in turn, results."""

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.backlog.main import table
from bench.harness import machine
from bench.harness.errors import BenchError
from bench.harness.main import commit
from bench.harness.net import free_port
from bench.harness.options import RESULTS
from bench.harness.rounds import locked
from bench.people import imports, lists, lookups, reads, relays
from bench.people.fill import OCTETS_EACH, difference, fill
from bench.people.judge import figures
from relay.store.database import StoreError
from relay.values.errors import RegistryError

SHEET_LINES = 1_000_000
_SAMPLE = 1_000
"""People by whom the fill is compared with an import."""
_SPARE_OCTETS = 4 << 30
_LISTS: dict[str, Callable[[Path, int, int], None]] = {
    "txt": lists.write_txt,
    "csv": lists.write_csv,
    "xlsx": lists.write_xlsx,
}


@dataclass(frozen=True, slots=True)
class Options:
    n: int
    lines: int
    directory: Path
    keep: Path | None
    results: Path
    lock: Path | None


def parse(argv: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="bench/consents", description="What a large registry of consents costs.")
    add = parser.add_argument
    add("--n", type=_count, default=10_000_000, help="people in the registry (default: 10000000)")
    add("--lines", type=_count, default=1_000_000, help="lines of a list that is imported (default: 1000000)")
    add("--dir", type=Path, default=Path("/var/tmp"), help="on a disk, for the databases (default: /var/tmp)")
    add("--keep", type=Path, help="keep the filled registry in this directory, or use the one that is there")
    add("--results", type=Path, default=RESULTS / "consents", help="folder (default: bench/results/consents)")
    add("--lock", type=Path, help="hold this lock while it measures, where measurements share a machine")
    given = parser.parse_args(argv)
    return Options(given.n, min(given.lines, given.n), given.dir, given.keep, given.results, given.lock)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1000 <= int(text) <= 100_000_000:
        raise argparse.ArgumentTypeError(f"{text!r}: write a number from 1000 to 100000000")
    return int(text)


def main(argv: Sequence[str]) -> int:
    options = parse(argv)
    try:
        record = measured(options)
    except (BenchError, RegistryError, StoreError, subprocess.CalledProcessError, sqlite3.Error, OSError) as error:
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


def room(directory: Path, n: int, lines: int) -> None:
    """Raises BenchError unless the registry, one more with the lines, and the lists fit on the disk."""
    if not machine.is_disk(kind := machine.filesystem(directory)):
        raise BenchError(f"{directory} is in memory ({kind}): name a directory on a disk with --dir")
    wanted = (n + 3 * lines) * OCTETS_EACH + n * 200 + _SPARE_OCTETS
    free = shutil.disk_usage(directory).free
    if free < wanted:
        raise BenchError(
            f"{directory}: {free >> 20} MiB are free, {n} people need {wanted >> 20}: name another disk with --dir"
        )


def measured(options: Options) -> dict[str, Any]:
    room(options.directory, options.n, options.lines)
    with contextlib.ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="relay-consents-", dir=options.directory))
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        ports = relays.Ports(free_port(), free_port())
        with locked(options.lock, shared=True):
            empty = directory / "empty"
            relays.make(empty, ports)
            _same(empty, directory)
            full = options.keep or directory / "full"
            _filled(full, empty, options.n)
            files = _lists(directory, options)
        return {
            "kind": "consents",
            "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "commit": commit(),
            "n": options.n,
            "lines": options.lines,
            "database_mib": relays.database(full).stat().st_size >> 20,
            **(found := _found(options, directory, empty, full, files, ports)),
            "figures": figures(options.n, options.lines, relays.database(full).stat().st_size, found),
        }


def _same(empty: Path, directory: Path) -> None:
    """Raises BenchError unless the fill writes what an import writes."""
    filled, other = (relays.copy(empty, directory / name) for name in ("sample", "sample-imported"))
    fill(relays.database(filled), relays.TENANT_ID, _SAMPLE)
    if found := difference(relays.database(filled), relays.database(other), relays.TENANT_ID, _SAMPLE):
        raise BenchError(f"bench/people/fill.py writes other rows than an import: {found}")


def _filled(full: Path, empty: Path, n: int) -> None:
    begin = time.monotonic()
    if full.exists():
        people = sqlite3.connect(relays.database(full)).execute("SELECT max(id) FROM subscriber").fetchone()[0]
        if people != n:
            raise BenchError(f"{full} holds {people} people: name another directory with --keep")
    else:
        relays.copy(empty, full)
        fill(relays.database(full), relays.TENANT_ID, n)
        relays.told(full, "audit", "head")  # the tree over what was filled in, and its first signed head
    shutil.copy(empty / "relay.toml", full)  # its ports may be others now
    size = relays.database(full).stat().st_size >> 20
    print(f"registry of {n} people: {size} MiB, ready after {time.monotonic() - begin:.0f} s", flush=True)


def _lists(directory: Path, options: Options) -> dict[str, Path]:
    """People that the registry doesn't hold."""
    found = {kind: directory / f"list.{kind}" for kind in _LISTS}
    for kind, write in _LISTS.items():
        write(found[kind], options.n + 1, _lines(kind, options))
    return found


def _lines(kind: str, options: Options) -> int:
    return min(options.lines, SHEET_LINES) if kind == "xlsx" else options.lines


def _found(
    options: Options, directory: Path, empty: Path, full: Path, files: dict[str, Path], ports: relays.Ports
) -> dict[str, Any]:
    """The import into the large registry comes last, since it changes it."""
    found: dict[str, Any] = {}
    people = options.n

    def keep(what: str, measure: Callable[[], Any], *, long: bool = False) -> None:
        with locked(options.lock, shared=long):  # what takes minutes keeps nobody out
            found[what] = measure()
        print(f"{what}: {found[what]}", flush=True)

    keep("lookups", lambda: lookups.lookups(relays.database(full), relays.TENANT_ID, people))
    keep("commands", lambda: reads.commands(full, people))
    keep("api", lambda: reads.api(full, ports, people))
    keep("bombs", lambda: imports.bombs(empty))
    keep("commits_alone", lambda: lookups.spread(imports.alone(empty, 2.0).whole))
    for kind, file in files.items():
        into = relays.copy(empty, directory / f"into-{kind}")
        keep(
            f"import_{kind}",
            lambda into=into, file=file, kind=kind: imports.imported(into, file, _lines(kind, options)),
        )
        shutil.rmtree(into)
    keep("export", lambda: imports.exported(full, people), long=True)
    changed = full
    if options.keep:
        with locked(options.lock, shared=True):
            changed = relays.copy(full, directory / "changed")
    keep("import_into_full", lambda: imports.imported(changed, files["csv"], options.lines))
    return {
        name: {what: list(one) if isinstance(one, tuple) else one for what, one in value.items()}
        if isinstance(value, dict)
        else value._asdict()
        for name, value in found.items()
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
