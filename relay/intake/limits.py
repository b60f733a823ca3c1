"""What all sessions share: counts by address, one budget of bytes, failed log-ins."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


class Budget:
    """Octets of message data that all sessions together may hold in memory."""

    def __init__(self, octets: int) -> None:
        self.octets = octets
        self.used = 0

    def take(self, octets: int) -> bool:
        if self.used + octets > self.octets:
            return False
        self.used += octets
        return True

    def give(self, octets: int) -> None:
        self.used -= octets


class Sessions:
    """Open sessions, in all and by client address."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._by_address: Counter[str] = Counter()
        self.open = 0

    def enter(self, address: str) -> bool:
        if self.open >= self._most or self._by_address[address] >= self._most_per_address:
            return False
        self.open += 1
        self._by_address[address] += 1
        return True

    def leave(self, address: str) -> None:
        self.open -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]


@dataclass(slots=True)
class _Window:
    started_at: float
    count: int


class Failures:
    """Failed log-ins by key (client address or account) within a window of seconds."""

    def __init__(
        self, most: int, window_s: float, *, clock: Callable[[], float] = time.monotonic, most_keys: int = 50_000
    ) -> None:
        self._most = most
        self._window_s = window_s
        self._clock = clock
        self._most_keys = most_keys
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def blocked(self, key: str) -> bool:
        window = self._windows.get(key)
        if window is None:
            return False
        if self._clock() - window.started_at > self._window_s:
            del self._windows[key]
            return False
        return window.count >= self._most

    def failed(self, key: str) -> None:
        window = self._windows.get(key)
        if window is None or self._clock() - window.started_at > self._window_s:
            self._windows[key] = _Window(self._clock(), 1)
            if len(self._windows) > self._most_keys:
                self._windows.popitem(last=False)
        else:
            window.count += 1
