"""Counts that take long are shown again, and made anew behind the page: nobody but the first waits for them.

What was counted stands for some seconds, the longer the longer it took. After that it is shown once more, at most
two minutes old, while a thread counts.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

LONG_S: Final = 0.03
"""What is there sooner is counted each time."""
KEPT_TIMES: Final = 30
"""So many times as long as it took does a count stand."""
SHOWN_S: Final = 120.0
"""Nothing older is shown."""
MOST: Final = 500
_T = TypeVar("_T")
_log: Final = logging.getLogger("relay.web")


@dataclass(frozen=True, slots=True)
class Counted(Generic[_T]):
    """``age_s``: seconds since it was counted."""

    found: _T
    age_s: float


@dataclass(frozen=True, slots=True)
class _Kept:
    found: Any
    at: float
    """On the monotonic clock."""
    until: float


_kept: dict[Hashable, _Kept] = {}
_running: set[Hashable] = set()
_lock: Final = threading.Lock()


def counted(key: Hashable, count: Callable[[], _T], *, fresh: bool = False) -> Counted[_T]:
    """What ``count`` says, or said a moment ago; ``fresh``: never that, after something was done.

    ``count`` may be called in a thread of its own, so it opens what it reads from.
    """
    begun = time.monotonic()
    one = None if fresh else _kept.get(key)
    if one is not None and begun - one.at < SHOWN_S:
        if begun >= one.until:
            _behind(key, count)
        return Counted(one.found, begun - one.at)
    return Counted(_made(key, count, begun), 0.0)


def _made(key: Hashable, count: Callable[[], _T], begun: float) -> _T:
    found = count()
    took = time.monotonic() - begun
    with _lock:
        _kept.pop(key, None)
        if took > LONG_S:
            while len(_kept) >= MOST:
                _kept.pop(next(iter(_kept)))
            _kept[key] = _Kept(found, begun + took, begun + took + KEPT_TIMES * took)
    return found


def _behind(key: Hashable, count: Callable[[], _T]) -> None:
    with _lock:
        if key in _running:
            return
        _running.add(key)

    def run() -> None:
        try:
            _made(key, count, time.monotonic())
        except Exception:
            _log.warning("a count behind a page failed", exc_info=True)
        finally:
            _running.discard(key)

    threading.Thread(target=run, name="count", daemon=True).start()
