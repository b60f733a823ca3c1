"""The relay under demonstration: its directory and ports, its commands, its service."""

from __future__ import annotations

import json
import os
import random
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

COMMAND_LIMIT_S: Final = 30.0
START_LIMIT_S: Final = 30.0
STOP_LIMIT_S: Final = 20.0
_FIRST_PORT, _LAST_PORT = 20_000, 32_000
"""Below the ports that systems give to outgoing connections, so that none is taken between choosing and binding."""
_TRIES: Final = 200

SETTINGS: Final = """
# Added for the demonstration: its nameserver, and a first part of four instead of twenty and one in ten.
[dns]
nameservers = ["127.0.0.1:{dns}"]
[policy.staged_sending]
first = 4
most = 4
"""
DELIVERY: Final = """
[delivery]
# For the demonstration: its mailbox provider's port instead of 25.
port = {mailboxes}
"""


class DemoError(Exception):
    """The demonstration can't go on; the text says why."""


@dataclass(frozen=True, slots=True)
class FreePorts:
    """Free ports of 127.0.0.1."""

    submission: int
    submissions: int
    inbound: int
    http: int
    dns: int
    mailboxes: int

    @classmethod
    def choose(cls, rng: random.Random) -> FreePorts:
        """Six in a row that nobody listens on; raises DemoError."""
        for _ in range(_TRIES):
            first = rng.randrange(_FIRST_PORT, _LAST_PORT, 10)
            if all(_is_free(first + offset) for offset in range(6)):
                return cls(*range(first, first + 6))
        raise DemoError("no free ports were found on 127.0.0.1")


def _is_free(port: int) -> bool:
    with ExitStack() as stack:
        try:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                stack.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    status: int
    output: str
    errors: str

    @property
    def text(self) -> str:
        return (self.output + self.errors).rstrip()


class Machine:
    """A directory with ``relay.toml``, and the service once it was started."""

    def __init__(self, directory: Path, ports: FreePorts, store: str = "") -> None:
        """``store``: URL of an empty database; SQLite in the directory without."""
        self.directory = directory
        self.store = store
        self.ports = ports
        self.log = directory / "relay.log"
        self._service: subprocess.Popen[str] | None = None

    def command(self, *words: str) -> Ran:
        """Run ``relay WORDS`` in the directory. Raises DemoError if it takes too long."""
        try:
            done = subprocess.run(
                [sys.executable, "-m", "relay.cli.main", *words],
                cwd=self.directory,
                capture_output=True,
                text=True,
                timeout=COMMAND_LIMIT_S,
                stdin=subprocess.DEVNULL,
                env=_environment(),
            )
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"`relay {' '.join(words)}` did not end in {COMMAND_LIMIT_S:g} s") from error
        return Ran(done.returncode, done.stdout, done.stderr)

    def must(self, *words: str) -> Ran:
        """Like ``command``; raises DemoError if it fails."""
        ran = self.command(*words)
        if ran.status:
            raise DemoError(f"`relay {' '.join(words)}` failed: {ran.text}")
        return ran

    def json(self, *words: str) -> Any:
        return json.loads(self.must(*words, "--json").output)

    def adapt_settings(self) -> None:
        """Own ports instead of those of ``init --dev``, so that another relay may run beside; and the neighbours."""
        file, ports = self.directory / "relay.toml", self.ports
        text = file.read_text("utf-8")
        own = {10587: ports.submission, 10465: ports.submissions, 10025: ports.inbound, 10088: ports.http}
        for usual, port in own.items():
            text = text.replace(f"127.0.0.1:{usual}", f"127.0.0.1:{port}")
        text = text.replace("\n[delivery]\n", DELIVERY.format(mailboxes=ports.mailboxes))
        file.write_text(text + SETTINGS.format(dns=ports.dns), "utf-8")

    def start(self) -> None:
        """Start ``relay serve`` and wait until it says READY. Raises DemoError."""
        with self.log.open("w", encoding="utf-8") as log:
            self._service = subprocess.Popen(
                [sys.executable, "-m", "relay.cli.main", "serve"],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for the demonstration, which then ends the relay in order
            )
        assert self._service.stdout is not None
        ready, _, _ = select.select([self._service.stdout], [], [], START_LIMIT_S)
        if not ready or self._service.stdout.readline().strip() != "READY":
            raise DemoError("the relay did not start: " + " | ".join(self.log_lines()[-5:]))

    def is_running(self) -> bool:
        return self._service is not None and self._service.poll() is None

    def stop(self) -> int | None:
        """End the service; its exit status, None if it wasn't started. Killed if it doesn't end in time."""
        service, self._service = self._service, None
        if service is None:
            return None
        if service.poll() is None:
            service.send_signal(signal.SIGTERM)
        try:
            status = service.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            service.kill()
            status = service.wait(STOP_LIMIT_S)
        if service.stdout is not None:
            service.stdout.close()
        return status

    def log_lines(self) -> list[str]:
        return self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []

    def until(self, met: Callable[[], bool], limit_s: float, pause_s: float = 0.3) -> bool:
        """Ask ``met()`` again and again, at most ``limit_s`` long."""
        end = time.monotonic() + limit_s
        while not met():
            if time.monotonic() > end:
                return False
            time.sleep(pause_s)
        return True


def _environment() -> dict[str, str]:
    """Plain output of the commands, whatever the terminal; no socket of a service manager that started us."""
    left_out = {"NOTIFY_SOCKET", "JOURNAL_STREAM", "FORCE_COLOR"}
    return {name: value for name, value in os.environ.items() if name not in left_out}
