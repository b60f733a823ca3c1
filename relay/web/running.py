"""What is going on at the moment in this process, counted by name."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Hashable


class Running:
    """Places by name; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: Counter[Hashable] = Counter()

    def take(self, name: Hashable, most: int = 1) -> bool:
        """Take a place; False if ``most`` are taken. Whoever got one gives it back."""
        with self._lock:
            if self._taken[name] >= most:
                return False
            self._taken[name] += 1
            return True

    def give_back(self, name: Hashable) -> None:
        with self._lock:
            self._taken[name] -= 1
            if not self._taken[name]:
                del self._taken[name]
