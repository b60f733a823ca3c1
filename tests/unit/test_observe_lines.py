"""A log that nobody reads, that is closed or full, stops nobody."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from typing import TextIO

import pytest

from relay.observe import log
from relay.observe.lines import Lines


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w")
    yield reading, stream
    os.close(reading)
    stream.close()


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("relay", logging.INFO, "", 0, text, None, None)


def drained(reading: int) -> str:
    os.set_blocking(reading, False)
    octets = b""
    while True:
        try:
            octets += os.read(reading, 65536)
        except BlockingIOError:
            return octets.decode()


def test_a_reader_that_hangs_keeps_nobody_and_learns_how_many_lines_it_missed(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    lines = Lines(stream)
    size = fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    for _ in range(3 * size // 1000):  # would block for ever at the first that doesn't fit
        lines.emit(record("x" * 1000))
    missed = lines.left_out
    assert missed >= 2 * size // 1000
    drained(reading)
    lines.emit(record("again"))
    assert drained(reading) == f"({missed} lines could not be written)\nagain\n"
    lines.emit(record("and on"))
    assert drained(reading) == "and on\n"


def test_a_reader_that_is_gone_is_no_error(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    lines = Lines(stream)
    other, _ = os.pipe()
    os.dup2(other, reading)
    lines.emit(record("nobody reads"))
    assert lines.left_out == 1


@pytest.mark.parametrize("broken", ["%d", "%s %s"])
def test_a_line_that_can_not_be_made_is_no_error(pipe: tuple[int, TextIO], broken: str) -> None:
    lines = Lines(pipe[1])
    lines.emit(logging.LogRecord("relay", logging.INFO, "", 0, broken, ("x",), None))
    assert lines.left_out == 1


def test_a_full_disk_behind_it_is_no_error() -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        lines = Lines(full)
        lines.emit(record("x"))
    assert lines.left_out == 1


def test_a_process_without_stderr_logs_nothing() -> None:
    assert isinstance(log._handler(None), logging.NullHandler)
