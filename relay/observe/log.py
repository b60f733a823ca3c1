"""One log line for each stage of a message, on stderr: text or JSON.

What strangers and tenants wrote can't end a line, begin one or steer a
terminal: it is escaped, and the lines of a traceback are set in.

Under systemd the journal adds the time, and each line starts with the
priority that sd-daemon(3) asks for.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from typing import TextIO

from relay.observe.escape import escaped, escaped_json
from relay.observe.lines import Lines

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Text(logging.Formatter):
    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self._journal = journal

    def format(self, record: logging.LogRecord) -> str:
        text = escaped(record.getMessage())
        if record.exc_info:
            text += "".join(f"\n    {escaped(line)}" for line in self.formatException(record.exc_info).split("\n"))
        if self._journal:
            priority = f"<{_PRIORITY.get(record.levelno, 6)}>"
            return "\n".join(priority + line for line in f"{record.name}: {text}".split("\n"))
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        return f"{at}.{int(record.msecs):03d}Z {record.levelname.lower():7} {record.name}: {text}"


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return escaped_json(json.dumps(entry, ensure_ascii=False))


def _handler(stream: TextIO | None) -> logging.Handler:
    """For a stderr that may be closed, or stand for something without a descriptor."""
    try:
        return logging.NullHandler() if stream is None else Lines(stream)
    except (OSError, ValueError):  # ValueError: io.UnsupportedOperation, or the stream is closed
        return logging.StreamHandler(stream)


def setup(level: str, form: str) -> None:
    """Send the relay's log to stderr; libraries are heard from warnings on."""
    handler = _handler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text(journal="JOURNAL_STREAM" in os.environ))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("relay").setLevel(level.upper())
    # aiosmtpd writes lines about each session and its constructor at level info.
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    logging.logThreads = False
    logging.logProcesses = False
    logging.logMultiprocessing = False
