"""The database server of the contestant ``relay-postgres``: Debian's PostgreSQL, durable, with the same store.

It runs as an ordinary user on a socket of its own, as one of the contestant's processes, so that its CPU and memory
are counted with the relay's.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from tests.support.postgres import Cluster

SETTINGS: Final = (
    "shared_buffers = 256MB",
    "max_wal_size = 4GB",
    "synchronous_commit = on",
    "fsync = on",
    "full_page_writes = on",
    "shared_preload_libraries = 'pg_stat_statements'",
    "pg_stat_statements.track = none",  # who counts sets it, for statements that are counted aren't timed
)
"""Beside Debian's defaults: a server that is looked after has room for what is used, and its commits are durable."""
_DATABASE: Final = "bench"


def installed() -> bool:
    return any(Path("/usr/lib/postgresql").glob("*/bin/postgres")) or shutil.which("postgres") is not None


def made(state: Path) -> Cluster:
    """A new one in ``state``, with an empty database, started."""
    cluster = at(state)
    cluster.directory.mkdir()
    cluster.make(SETTINGS)
    cluster.start()
    cluster.admin(f"CREATE DATABASE {_DATABASE} TEMPLATE template0")
    return cluster


def taken(source: Path, state: Path) -> Cluster:
    """A copy of one that was stopped, started."""
    copied(source / "pg", state / "pg")
    cluster = at(state)
    cluster.start()
    return cluster


def copied(source: Path, target: Path) -> None:
    """With owners and rights."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], check=True)


def at(state: Path) -> Cluster:
    return Cluster(state / "pg")


def url(cluster: Cluster) -> str:
    return cluster.url(_DATABASE)
