"""Memory that processes share, and that outlives the program that made it."""

from __future__ import annotations

import os
import tempfile


def unnamed(content: bytes) -> int:
    """A descriptor of a file without a name, of which no disk hears where that can be done."""
    try:
        fd = os.memfd_create("relay")
    except (AttributeError, OSError):
        with tempfile.TemporaryFile() as file:
            fd = os.dup(file.fileno())
    os.pwrite(fd, content, 0)
    return fd
