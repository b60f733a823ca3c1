"""Who or what asked, by network and user agent: the operator's own entries, then a dated table (``machines.toml``)."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from relay.tracking.values import HitClass, HitJudgement, HitKind

_Net = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class KnownMachine:
    """One entry: known by agents, by networks, or where both stand by both."""

    name: str
    hit_class: HitClass
    scope: str = ""
    """``open``, ``click`` or both."""
    agents: tuple[str, ...] = ()
    """Words in the user agent, in lower case."""
    exactly: tuple[str, ...] = ()
    networks: tuple[_Net, ...] = ()

    def fits_agent(self, agent: str, lower: str) -> bool:
        return agent in self.exactly or any(word in lower for word in self.agents)

    @property
    def by_agent(self) -> bool:
        return bool(self.agents or self.exactly)


_SCOPES: Final = {HitKind.OPENED: "open", HitKind.CLICKED: "click", HitKind.FORWARDED: "click"}


class MachineTable:
    """Entries in order: the first that fits counts. Networks of all entries are found by prefix, agents one by one."""

    def __init__(self, entries: Sequence[KnownMachine], made: date) -> None:
        self.made = made
        self.entries = tuple(entries)
        self._agents = [(place, one) for place, one in enumerate(entries) if one.by_agent]
        self._nets: dict[tuple[int, int], dict[int, list[int]]] = {}
        """By version and prefix length: network bits → places of entries known by networks alone."""
        for place, one in enumerate(entries):
            for net in one.networks if not one.by_agent else ():
                bits = int(net.network_address) >> (net.max_prefixlen - net.prefixlen)
                self._nets.setdefault((net.version, net.prefixlen), {}).setdefault(bits, []).append(place)
        self._by_agent = lru_cache(maxsize=4096)(self._fitting)

    def judge(self, kind: HitKind, address: str, agent: str) -> HitJudgement | None:
        """The first entry that fits; None: nothing is known of it."""
        scope = _SCOPES[kind]
        found: int | None = None
        parsed = _parsed(address)
        for place in self._by_agent(agent):
            one = self.entries[place]
            if one.scope in ("", scope) and (not one.networks or _within(parsed, one.networks)):
                found = place
                break
        if parsed is not None:
            for place in self._places(parsed):
                if (found is None or place < found) and self.entries[place].scope in ("", scope):
                    found = place
        if found is None:
            return None
        return HitJudgement(self.entries[found].hit_class, self.entries[found].name)

    def _fitting(self, agent: str) -> tuple[int, ...]:
        lower = agent.lower()
        return tuple(place for place, one in self._agents if one.fits_agent(agent, lower))

    def _places(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> Iterable[int]:
        number, size = int(address), address.max_prefixlen
        for (version, length), table in self._nets.items():
            if version == address.version:
                yield from table.get(number >> (size - length), ())


def load(networks: Mapping[str, str] | None = None, agents: Mapping[str, str] | None = None) -> MachineTable:
    """The operator's entries, ``CLASS [open|click]`` by network and by words of the agent, before the relay's own."""
    told = tomllib.loads(resources.files("relay.tracking").joinpath("machines.toml").read_text("utf-8"))
    own: list[KnownMachine] = []
    for network, word in (networks or {}).items():
        hit_class, _, scope = word.partition(" ")
        own.append(KnownMachine("own entry", HitClass(hit_class), scope, networks=(ipaddress.ip_network(network),)))
    for agent, word in (agents or {}).items():
        hit_class, _, scope = word.partition(" ")
        own.append(KnownMachine("own entry", HitClass(hit_class), scope, agents=(agent.lower(),)))
    return MachineTable([*own, *map(_entry, told["machine"])], told["date"])


def _entry(told: Mapping[str, Any]) -> KnownMachine:
    return KnownMachine(
        told["name"],
        HitClass(told["class"]),
        told.get("scope", ""),
        tuple(word.lower() for word in told.get("agents", ())),
        tuple(told.get("exactly", ())),
        tuple(ipaddress.ip_network(one) for one in told.get("networks", ())),
    )


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address | None, networks: Iterable[_Net]) -> bool:
    return address is not None and any(address in one for one in networks)
