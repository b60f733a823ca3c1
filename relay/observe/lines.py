"""Log lines on stderr that never stop the mail: not where it is closed, on a full disk, or read by nobody.

Whoever reads a pipe (journald, a container's runtime) may hang. A write would
then wait for ever, and with it every session and delivery. So a line waits for
a moment at most, then it is left out and counted, and the next one that gets
through is preceded by how many there were.
"""

from __future__ import annotations

import logging
import os
import select
import stat
from typing import Final, TextIO

PATIENCE_MS: Final = 100
"""The first line that finds the pipe full waits so long, the following ones not at all."""
PIECE_OCTETS: Final = 4096
"""PIPE_BUF: so much fits where poll(2) says that there is room."""


class Lines(logging.StreamHandler[TextIO]):
    """Writes whole lines to the stream's descriptor."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._fd = stream.fileno()
        self._poll: select.poll | None = None
        mode = os.fstat(self._fd).st_mode
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):  # others never keep a writer waiting for long
            self._poll = select.poll()
            self._poll.register(self._fd, select.POLLOUT)
        self.left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if self.left_out:
                text = f"({self.left_out} lines could not be written)\n{text}"
            if self._written(f"{text}\n".encode("utf-8", "backslashreplace")):
                self.left_out = 0
            else:
                self.left_out += 1
        except Exception:  # a log is never worth an exception where it is written
            self.left_out += 1

    def flush(self) -> None:
        """Nothing is kept back."""

    def _written(self, octets: bytes) -> bool:
        view = memoryview(octets)
        while view:
            if self._poll is not None and not self._room(self._poll):
                return False
            view = view[os.write(self._fd, view[:PIECE_OCTETS] if self._poll is not None else view) :]
        return True

    def _room(self, poll: select.poll) -> bool:
        """A reader that is gone counts as room: the write says so at once (EPIPE)."""
        return bool(poll.poll(0 if self.left_out else PATIENCE_MS))
