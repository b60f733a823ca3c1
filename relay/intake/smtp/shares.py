"""Memory and places that all sessions share, and who gives way where there is too little of them.

Octets are charged when they are held, never for being announced, to the one who holds them: a tenant, or on the open
port a client's network. While there is room, counters are all it costs. Where there is none, whoever wants some gets
it from who has more; so nobody can keep the others out, however many sessions it opens and however slowly it sends.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Callable, Iterable
from typing import Final, Protocol

QUIET_S: Final = 5.0
"""A session that hasn't moved on for so long may have to give its place to another."""
CROWD: Final = 50
"""Strangers of a network with so many more sessions than the one that asks need not even have been quiet."""
MODEST: Final = 50
"""A network with a 50th of all places, or with few, may ask others to leave; a flood is refused without a look."""
FEW: Final = 10
SLOW_S: Final = 30.0
"""A message that has not come in so long may have to give its memory to any other, also to one that has more."""


@functools.lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """What counts as one client: an IPv4 address, or a /64 of IPv6, where one machine has 2**64 addresses.

    IPv4 inside IPv6 (``::ffff:192.0.2.1``) is IPv4; what is no address stands for itself.
    """
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(found) >> 64 << 64)}/64"


class Account:
    """What one tenant, or one client's network, has of what is shared."""

    __slots__ = ("octets", "sessions")

    def __init__(self) -> None:
        self.octets = 0
        self.sessions = 0


class Holder(Protocol):
    """A session, as far as it may have to give way."""

    @property
    def charged(self) -> Account:
        """Whose memory its message is."""

    @property
    def held_octets(self) -> int: ...

    @property
    def reading_since(self) -> float:
        """When its message began, as the loop's time; 0: none is on its way in, or it can't be given up any more."""

    def give_way(self) -> None:
        """Give up the message that is on its way in: it is refused for now, and its octets are free at once."""


class Guest(Protocol):
    """A session, as far as it may have to leave."""

    @property
    def visitor(self) -> Account: ...

    @property
    def known(self) -> bool:
        """It has logged in."""

    @property
    def quiet_since(self) -> float:
        """When it last moved on, as the loop's time; 0: it is at work. Small talk of strangers moves nothing on."""

    def leave(self) -> None:
        """Send it away, for now."""


class Budget:
    """Octets of message data that all sessions together may hold in memory, and the most that one account may."""

    def __init__(self, octets: int, share: int, clock: Callable[[], float]) -> None:
        self.octets = octets
        self.share = min(share, octets)
        self.used = 0
        self._clock = clock
        self._holders: list[Iterable[Holder]] = []
        self._accounts: dict[int, Account] = {}

    def watch(self, holders: Iterable[Holder]) -> None:
        """The sessions of a listener, now and later: those that may have to give way."""
        self._holders.append(holders)

    def tenant(self, tenant_id: int) -> Account:
        """One for each tenant that sends; there are as many as the operator made."""
        found = self._accounts.get(tenant_id)
        if found is None:
            found = self._accounts[tenant_id] = Account()
        return found

    def take(self, account: Account, octets: int) -> bool:
        if self.used + octets > self.octets or account.octets + octets > self.share:
            return False
        self.used += octets
        account.octets += octets
        return True

    def give(self, account: Account, octets: int) -> None:
        self.used -= octets
        account.octets -= octets

    def take_from_others(self, asking: Holder, octets: int) -> bool:
        """Take after others gave way; False if nobody has to. Only called where room is short: it looks at all."""
        if asking.held_octets + octets > self.share:
            return False
        account = asking.charged
        for one in self._holding():
            if self.take(account, octets):
                return True
            if one is not asking and self._gives_way(one, asking, octets):
                one.give_way()
        return self.take(account, octets)

    def _holding(self) -> list[Holder]:
        """Whose messages are on their way in: those of who has most first, and of these the slowest."""
        found = [one for holders in self._holders for one in holders if one.held_octets and one.reading_since]
        found.sort(key=lambda one: (-one.charged.octets, one.reading_since))
        return found

    def _gives_way(self, one: Holder, asking: Holder, octets: int) -> bool:
        """To others whoever has more or is slow; of the same account only who is slow and holds more."""
        account = asking.charged
        slow = one.reading_since <= self._clock() - SLOW_S
        if one.charged is account:
            return slow and one.held_octets >= asking.held_octets + octets
        if account.octets + octets > self.share:
            return False
        return slow or one.charged.octets > account.octets + octets


class Sessions:
    """Open sessions, in all and by client's network."""

    def __init__(self, most: int, most_per_network: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._modest = max(FEW, most // MODEST)
        self._most_per_network = most_per_network
        self._clock = clock
        self._guests: list[Iterable[Guest]] = []
        self._by_network: dict[str, Account] = {}
        self.open = 0

    def watch(self, guests: Iterable[Guest]) -> None:
        """The sessions of a listener, now and later: those that may have to leave."""
        self._guests.append(guests)

    def enter(self, network: str) -> Account | None:
        """The network's account; None: there is no place for another session."""
        account = self._by_network.get(network)
        if account is None:
            account = Account()
        if account.sessions >= self._most_per_network:
            return None
        if self.open >= self._most and (account.sessions >= self._modest or not self._make_place(account)):
            return None
        self.open += 1
        account.sessions += 1
        self._by_network[network] = account
        return account

    def leave(self, network: str, account: Account) -> None:
        self.open -= 1
        account.sessions -= 1
        if not account.sessions:
            self._by_network.pop(network, None)

    def _make_place(self, account: Account) -> bool:
        """Send away the quietest stranger, then the quietest at all, of whichever network has most sessions."""
        quiet = self._clock() - QUIET_S
        chosen: Guest | None = None
        best = (False, 0, 0.0)
        for guests in self._guests:
            for one in guests:
                since = one.quiet_since
                sessions = one.visitor.sessions
                if since == 0.0 or sessions <= account.sessions:
                    continue
                if since > quiet and (one.known or sessions < account.sessions + CROWD):
                    continue
                rank = (not one.known, sessions, -since)
                if chosen is None or rank > best:
                    chosen, best = one, rank
        if chosen is None:
            return False
        chosen.leave()
        return True
