"""What was found to be fine is not looked at again: copies of one letter are often the same, octet for octet."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

MOST: Final = 4096


class Passed:
    """Contents that a policy has let through, by tenant, the latest of them."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, bytes], None] = OrderedDict()

    def __contains__(self, key: tuple[int, bytes]) -> bool:
        if key not in self._seen:
            return False
        self._seen.move_to_end(key)
        return True

    def add(self, key: tuple[int, bytes]) -> None:
        self._seen[key] = None
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)
