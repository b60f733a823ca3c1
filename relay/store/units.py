"""Units of work of a group commit, and why one could not be taken."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

Work = Callable[[sqlite3.Connection], Any]


Done = Callable[[Any, BaseException | None], None]
"""Called on the loop after the fsync with what the unit returned, or with why nothing of it is kept."""


class StoreBusy(Exception):
    """The store could not take the write now; nothing of it was kept."""


class StoreFull(StoreBusy):
    """The disk is full."""
