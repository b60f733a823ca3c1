"""A PostgreSQL server for tests: Debian's, run as an ordinary user, on a socket of its own in a temporary directory.

One for each process of the tests, made when the first one asks. Each store is a database of its own, copied from one
that has the schema already.
"""

from __future__ import annotations

import atexit
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path

import psycopg

from relay.store.database import migrate
from tests.support.peers import missing

_BIN = "/usr/lib/postgresql"
_ROLE = "relay"
_TEMPLATE = "with_schema"
_numbers = itertools.count(1)


def programs() -> Path:
    """Where the newest server's programs are; skips where there is none (fails in CI)."""
    found = sorted(Path(_BIN).glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    if not found and (there := shutil.which("postgres")):
        found = [Path(there)]
    if not found:
        missing("PostgreSQL (package postgresql)")
    return found[-1].parent


class Cluster:
    """A cluster in a directory, which may have been copied there; ``stop`` and ``start`` as faults want them."""

    def __init__(self, directory: Path) -> None:
        self.bin = programs()
        self.directory = directory
        self.data = directory / "data"
        self._user = "postgres" if os.geteuid() == 0 else None  # the server refuses to be root

    def make(self, settings: tuple[str, ...]) -> None:
        """Its files, not started."""
        self.directory.chmod(0o755)
        if self._user:
            whose = pwd.getpwnam(self._user)
            os.chown(self.directory, whose.pw_uid, whose.pw_gid)
        self._run(
            "initdb", "-D", str(self.data), "-U", _ROLE, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync",
            "--no-instructions",
        )  # fmt: skip
        lines = ["listen_addresses = ''", "max_connections = 200", *settings]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self.bin / program, *words], user=self._user, cwd="/", capture_output=True, text=True, timeout=60,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stderr} {done.stdout}"

    def start(self) -> None:
        log, socket = str(self.directory / "log"), f"-k {self.directory}"
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-o", socket, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    def url(self, database: str, role: str = _ROLE) -> str:
        return f"postgresql://{role}@/{database}?host={self.directory}"

    def admin(self, sql: str) -> list[tuple[object, ...]]:
        """One statement as the superuser, outside of a transaction."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as conn:
            cursor = conn.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []


class Server(Cluster):
    """One of a test's own, gone with its process."""

    def __init__(self, settings: tuple[str, ...] = (), place: Path | None = None) -> None:
        """``place``: where its directory is made."""
        super().__init__(Path(tempfile.mkdtemp(prefix="relay-pg-", dir=place)))
        self.make(("shared_buffers = 32MB", *settings))
        self.start()
        atexit.register(self.remove)

    def kill(self) -> None:
        """SIGKILL to the postmaster; its children end by themselves."""
        pid = self.pid()
        os.kill(pid, signal.SIGKILL)
        end = time.monotonic() + 20
        while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
            time.sleep(0.01)

    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def empty(self) -> str:
        """URL of a new database with nothing in it."""
        name = f"t{next(_numbers)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE template0")
        return self.url(name)

    def made(self) -> str:
        """URL of a new database with the schema."""
        if not self.admin(f"SELECT 1 FROM pg_database WHERE datname = '{_TEMPLATE}'"):
            self.admin(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
            migrate(self.url(_TEMPLATE))
        name = f"t{next(_numbers)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        return self.url(name)

    def like(self, url: str) -> str:
        """URL of a new database with what is in that one."""
        name = f"t{next(_numbers)}"
        self.admin(f"CREATE DATABASE {name} TEMPLATE {url.rpartition('?')[0].rpartition('/')[2]}")
        return self.url(name)

    def remove(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        subprocess.run(["rm", "-rf", str(self.directory)], check=False)  # hundreds of files a database: much quicker so


@cache
def server() -> Server:
    """The one of this process. Commits are not flushed: what tests kill is programs, not the machine."""
    return Server(("fsync = off", "full_page_writes = off"))
