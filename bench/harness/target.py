"""The receiving side: Postfix's smtp-sink, and what it has counted.

``smtp-sink -c`` writes a record for every message to its standard output. It
counts messages, not recipients. Where one transaction may carry several
recipients, it also appends what arrives to a file (``-D``) in memory, and the
recipients are counted there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from bench.harness.errors import BenchError
from bench.harness.net import wait_for_smtp
from bench.harness.processes import start_tool

_RECORD = re.compile(rb"mesg=(\d+)\r")
_RECIPIENT = b"\nX-Rcpt-Args: "
_CHUNK = 1 << 20
_MEMORY = Path("/dev/shm")
_F_SETPIPE_SZ = 1031
_CONNECTIONS = 500


class Arrived(NamedTuple):
    """Since the target was started."""

    messages: int = 0
    recipients: int = 0
    at: float = 0.0
    """Monotonic time at which the last of them was seen."""


def last_count(output: bytes) -> int | None:
    """The newest message count in smtp-sink's output; None if it has no whole record."""
    records = _RECORD.findall(output)
    return int(records[-1]) if records else None


class RecipientCount:
    """Recipients in a growing dump of smtp-sink, read piece by piece."""

    def __init__(self) -> None:
        self.value = 0
        self._rest = b"\n"

    def add(self, data: bytes) -> None:
        """A marker may be cut by the end of a piece: the last octets are looked at again."""
        data = self._rest + data
        self.value += data.count(_RECIPIENT)
        self._rest = data[-(len(_RECIPIENT) - 1) :]


class Target:
    """One smtp-sink at a time on one port. Poll ``arrived`` often; end with ``stop``."""

    def __init__(self, port: int, state: Path) -> None:
        self.port = port
        self._state = state
        self._process: subprocess.Popen[bytes] | None = None
        self._directory: Path | None = None
        self._dump: Path | None = None
        self._offset = 0
        self._recipients = RecipientCount()
        self._output = b""
        self._now = Arrived()

    def start(self, dump: bool) -> None:
        """(Re)start it with all counts at zero; with ``dump`` recipients are counted and messages can be read."""
        self.stop()
        command = ["smtp-sink", "-c", "-m", str(_CONNECTIONS)]
        self._now, self._output = Arrived(at=time.monotonic()), b""
        if dump:
            place = _MEMORY if os.access(_MEMORY, os.W_OK) else self._state
            self._directory = Path(tempfile.mkdtemp(prefix="relay-bench-", dir=place))
            self._dump, self._offset, self._recipients = self._directory / "arrived", 0, RecipientCount()
            command += ["-D", str(self._dump)]
            if os.geteuid() == 0:
                shutil.chown(self._directory, "nobody")
        if os.geteuid() == 0:
            command += ["-u", "nobody"]  # smtp-sink refuses to run as root
        self._process = start_tool([*command, f"127.0.0.1:{self.port}", str(_CONNECTIONS)], subprocess.PIPE)
        descriptor = self._pipe()
        os.set_blocking(descriptor, False)
        with contextlib.suppress(OSError):  # else it waits for us a little earlier
            fcntl.fcntl(descriptor, _F_SETPIPE_SZ, 1 << 20)
        wait_for_smtp(self.port, 5, "smtp-sink")

    def _pipe(self) -> int:
        if self._process is None or self._process.stdout is None:
            raise BenchError("the target isn't running")
        return self._process.stdout.fileno()

    def arrived(self) -> Arrived:
        with contextlib.suppress(BlockingIOError):
            while piece := os.read(self._pipe(), _CHUNK):
                self._output = (self._output + piece)[-200:]
        if self._process is not None and self._process.poll() is not None:
            raise BenchError(f"smtp-sink ended with status {self._process.returncode}")
        messages = last_count(self._output) or self._now.messages
        recipients = messages if self._dump is None else self._count_recipients()
        if (messages, recipients) != self._now[:2]:
            self._now = Arrived(messages, recipients, time.monotonic())
        return self._now

    def _count_recipients(self) -> int:
        if self._dump is not None and self._dump.exists():
            with self._dump.open("rb") as file:
                file.seek(self._offset)
                while piece := file.read(_CHUNK):
                    self._offset += len(piece)
                    self._recipients.add(piece)
        return self._recipients.value

    def text(self) -> bytes:
        """What has arrived, as dumped; empty without a dump."""
        return self._dump.read_bytes() if self._dump is not None and self._dump.exists() else b""

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = self._dump = None
