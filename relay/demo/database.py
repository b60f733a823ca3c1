"""A PostgreSQL server of the demonstration's own, on a socket in a directory that goes; where one is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from relay.demo.machine import DemoError

LIMIT_S: Final = 60.0
_DEBIAN: Final = Path("/usr/lib/postgresql")
_ACCOUNT: Final = "postgres"
_ROLE: Final = "relay"
_TMP: Final = Path("/tmp")
"""A socket's path is short, and another account has to get there."""
_LACKING: Final = (
    "no PostgreSQL server is installed here (Debian: `apt-get install postgresql`); or name an empty database of one:"
    " --store postgresql://USER@HOST/NAME"
)


class DemoDatabase:
    """Runs until it is closed; raises DemoError where it can't be made."""

    def __init__(self) -> None:
        self._programs = _programs()
        self._account = _ACCOUNT if os.geteuid() == 0 else None  # the server refuses to be root
        self._place = Path(tempfile.mkdtemp(prefix="relay-demo-pg-", dir=_TMP))
        self._data = self._place / "data"
        try:
            if self._account:
                shutil.chown(self._place, _whose(self._account), None)
            self._run("initdb", "-U", _ROLE, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions")
            options = f"-c listen_addresses= -c unix_socket_directories={self._place}"
            self._run("pg_ctl", "-l", str(self._place / "log"), "-o", options, "-w", "start")
        except BaseException:
            self.close()
            raise
        self.url = f"postgresql://{_ROLE}@/postgres?host={self._place}"

    def close(self) -> None:
        """End the server and take its directory away."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-m", "fast", "-w", "stop")
        shutil.rmtree(self._place, ignore_errors=True)

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._programs / program, "-D", str(self._data), *words],
            user=self._account,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            start_new_session=True,  # Ctrl-C is for the demonstration, which then ends the server in order
        )
        if done.returncode:
            raise DemoError(f"{program} failed: {' '.join((done.stderr + done.stdout).split())[-300:]}")


def _programs() -> Path:
    """Where the newest server's are."""
    found = sorted(_DEBIAN.glob("*/bin/pg_ctl"), key=lambda path: int(path.parts[-3]))
    if not found and (there := shutil.which("pg_ctl")):
        found = [Path(there)]
    if not found:
        raise DemoError(_LACKING)
    return found[-1].parent


def _whose(account: str) -> int:
    try:
        return pwd.getpwnam(account).pw_uid
    except KeyError:
        raise DemoError(f"a server is not run by root, and there is no account {account}: run this as a user") from None
