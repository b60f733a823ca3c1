"""What Postal's own file of settings, ``postal.yml``, says of things that are set here too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from relay.takeover.main_cf import read
from relay.takeover.plan import TakeoverPlan

MEGABYTE = 1 << 20


class PostalSettings(NamedTuple):
    """Empty or 0 where it isn't said."""

    dkim_identifier: str = ""
    message_octets: int = 0
    relays: tuple[str, ...] = ()


def read_settings(paths: Iterable[Path]) -> PostalSettings:
    """Of version 2 and 3. Raises TakeoverError where a file can't be read."""
    said: dict[str, list[str]] = {}
    for path in paths:
        for name, value in _pairs(read(path, below_root=False)):
            said.setdefault(name, []).append(value)
    size = said.get("smtp_server.max_message_size", ["0"])[-1]
    return PostalSettings(
        dkim_identifier=said.get("dns.dkim_identifier", [""])[-1],
        message_octets=int(size) * MEGABYTE if re.fullmatch(r"\d{1,4}", size) else 0,
        relays=tuple(said.get("postal.smtp_relays", ())),
    )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """``group.name`` with its value, once for each of a list's: the file has two levels and plain values."""
    group = name = ""
    for line in text.splitlines():
        bare = re.sub(r"(^|\s)#.*", "", line).rstrip()
        if found := re.fullmatch(r"(\w+):\s*", bare):
            group, name = found[1], ""
        elif found := re.fullmatch(r"\s+(\w+):\s*(.*)", bare):
            name = found[1]
            listed = re.fullmatch(r"\[(.*)\]", found[2])
            for value in listed[1].split(",") if listed else [found[2]] if found[2] else []:
                yield f"{group}.{name}", value.strip().strip("\"'")
        elif (found := re.fullmatch(r"\s*-\s+(.*)", bare)) and name:
            yield f"{group}.{name}", found[1].strip().strip("\"'")


def carry_settings(plan: TakeoverPlan, told: PostalSettings) -> None:
    if told.message_octets:
        plan.settings["limits", "message_octets"] = told.message_octets, "smtp_server.max_message_size"
    if not told.relays:
        return
    try:
        url = urlsplit(told.relays[0])
        host, port = url.hostname or "", url.port or 25
    except ValueError:
        host = ""
    if not host:
        plan.look("postal.smtp_relays", f"{told.relays[0]} names no host and port: set [delivery] smart_host by hand")
        return
    shown = f"[{host}]" if ":" in host else host
    plan.settings["delivery", "smart_host"] = f"{shown}:{port}", "postal.smtp_relays"
    if len(told.relays) > 1:
        plan.look("postal.smtp_relays", f"{len(told.relays)} were tried in turn: the first is taken as smart host")
    if "SSL" in url.query or port == 465:
        plan.look("postal.smtp_relays", f"TLS from the first octet isn't spoken outwards: take port 587 of {host}")
