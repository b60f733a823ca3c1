"""Log-ins: how many failed, and who got in lately. Both tables have a bound."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class _Window:
    started_at: float
    count: int


class Failures:
    """Failed log-ins by key (client's network or account) within a window of seconds."""

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


class KnownAccounts:
    """Accounts that logged in lately, by client's network: they are let in there whoever else is guessing.

    Behind one address may be many (NAT), and one of them must not lock the others out.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        lasts_s: float = 86_400.0,
        most_networks: int = 10_000,
        most_accounts: int = 100,
    ) -> None:
        self._clock = clock
        self._lasts_s = lasts_s
        self._most_networks = most_networks
        self._most_accounts = most_accounts
        self._networks: OrderedDict[str, OrderedDict[str, float]] = OrderedDict()

    def logged_in(self, network: str, account: str) -> None:
        accounts = self._networks.get(network)
        if accounts is None:
            accounts = self._networks[network] = OrderedDict()
            if len(self._networks) > self._most_networks:
                self._networks.popitem(last=False)
        else:
            self._networks.move_to_end(network)
        accounts[account] = self._clock()
        accounts.move_to_end(account)
        if len(accounts) > self._most_accounts:
            accounts.popitem(last=False)

    def any(self, network: str) -> bool:
        """Whether some account logged in from there lately."""
        accounts = self._networks.get(network)
        return accounts is not None and self._clock() - next(reversed(accounts.values())) < self._lasts_s

    def has(self, network: str, account: str) -> bool:
        accounts = self._networks.get(network)
        at = accounts.get(account) if accounts is not None else None
        return at is not None and self._clock() - at < self._lasts_s
