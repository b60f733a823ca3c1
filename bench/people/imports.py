"""Importing, exporting and refusing, each by the relay's own command, with a relay's commits beside the imports."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError
from bench.people import relays
from bench.people.fill import SOURCE, TOPIC, WORDING
from bench.people.lists import BOMBS
from bench.people.lookups import spread
from relay.store.sqlite import checkpoint
from relay.store.sqlite.committer import Committer

_EVERY_S = 0.01
_TERMS = ("--topic", TOPIC, "--source", SOURCE, "--wording", WORDING, "--attest", "--json")


class Imported(NamedTuple):
    """``wait_…``: how long a relay's writes waited for the lock meanwhile; ``commit_…``: until they were durable."""

    lines: int
    seconds: float
    memory_mib: float
    wait_p99_ms: float
    wait_most_ms: float
    commit_p50_ms: float
    commit_p99_ms: float
    commit_most_ms: float


class Exported(NamedTuple):
    rows: int
    seconds: float
    memory_mib: float


class Bomb(NamedTuple):
    seconds: float
    memory_mib: float
    said: str


@dataclass(slots=True)
class Commits:
    """Milliseconds of each commit: until the lock was held, and until it was durable."""

    waits: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


def imported(directory: Path, file: Path, lines: int) -> Imported:
    """Raises BenchError unless every line was taken."""
    with committing(relays.database(directory)) as commits:
        ran = relays.run(directory, ["consent", "import", relays.TENANT, str(file), *_TERMS])
    if ran.status:
        raise BenchError(f"import of {file.name}: {ran.error.strip().splitlines()[-1:]}")
    taken = json.loads(ran.output)["taken"]
    if taken != lines:
        raise BenchError(f"import of {file.name}: {taken} lines were taken, {lines} are there")
    waited, whole = spread(commits.waits), spread(commits.whole)
    return Imported(
        lines, ran.seconds, ran.memory_mib, waited.p99, max(commits.waits), whole.p50, whole.p99, max(commits.whole)
    )


def alone(directory: Path, seconds: float) -> Commits:
    """The same commits with nothing beside them."""
    with committing(relays.database(directory)) as commits:
        time.sleep(seconds)
    return commits


def exported(directory: Path, people: int) -> Exported:
    target = directory / "export.csv"
    try:
        ran = relays.run(directory, ["consent", "export", relays.TENANT, str(target), "--topic", TOPIC, "--json"])
        if ran.status or (written := json.loads(ran.output)["written"]) != people:
            raise BenchError(f"export: {ran.error.strip() or f'{written} rows in place of {people}'}")
    finally:
        target.unlink(missing_ok=True)
    return Exported(people, ran.seconds, ran.memory_mib)


def bombs(directory: Path) -> dict[str, Bomb]:
    """Raises BenchError if one of them isn't refused."""
    found = {}
    for what, (name, write) in BOMBS.items():
        path = directory / name
        write(path)
        try:
            ran = relays.run(directory, ["consent", "import", relays.TENANT, str(path), *_TERMS])
        finally:
            path.unlink()
        lines = ran.error.strip().splitlines() or [ran.output[:200]]
        if ran.status != 1:
            raise BenchError(f"{what}: exit status {ran.status}: {lines[-1]}")
        found[what] = Bomb(ran.seconds, ran.memory_mib, lines[-1].replace(str(path), name))
    return found


@contextlib.contextmanager
def committing(database: Path) -> Iterator[Commits]:
    """Small commits by the relay's own committer, a hundred a second, with its checkpoints beside them."""
    commits, ended = Commits(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_commit(database, commits, ended)))
    thread.start()
    try:
        yield commits
    finally:
        ended.set()
        thread.join()


async def _commit(database: Path, commits: Commits, ended: threading.Event) -> None:
    committer = Committer(database, turns=True)
    beside = asyncio.create_task(checkpoint.run(database))
    try:
        while not ended.is_set():
            begin = time.perf_counter()

            def work(conn: sqlite3.Connection, begin: float = begin) -> float:
                waited = time.perf_counter() - begin
                conn.execute("UPDATE meta SET value = value + 1 WHERE name = 'retry'")
                return waited

            waited = await committer.submit(work)
            commits.waits.append(waited * 1000)
            commits.whole.append((time.perf_counter() - begin) * 1000)
            await asyncio.sleep(_EVERY_S)
    finally:
        beside.cancel()
        await committer.close()
