"""Addresses in one cell of a list, however many stand there. Pure."""

from __future__ import annotations

import re
from typing import Final

from relay.mail.address import Address, AddressError
from relay.values.dates import address_in, unescape

_SPLIT: Final = re.compile(r"[;,|\s<>()\[\]]+")


def addresses_in(text: str) -> tuple[list[Address], list[str]]:
    """All addresses of a cell or line, each once, and what looks like one and is none."""
    found: dict[str, Address] = {}
    odd: list[str] = []
    if "@" not in text:
        return [], odd
    for token in _SPLIT.split(unescape(text.strip())):
        if "@" not in token:
            continue
        try:
            if "\ufffd" in token:
                raise AddressError("damaged")
            address = address_in(token.strip("\"'").rstrip(".:"))[0]
            found.setdefault(address.canonical, address)
        except AddressError:
            odd.append(token[:254])
    return list(found.values()), odd


def named_in(text: str) -> list[str]:
    """``Ann <a@…>, "Roe, Bob" <b@…>``: each of several people with a name; empty for anything else."""
    parts = [found[0].strip(" ,;") for found in _NAMED.finditer(text)]
    return parts if len(parts) > 1 and _NAMED.sub("", text).strip(" ,;") == "" else []


_NAMED: Final = re.compile(r'[\s,;]*(?:"[^"<>]*"|[^"<>,;@]*)\s*<[^<>\s]+@[^<>\s]+>')


def nothing_else(text: str) -> bool:
    """Does a cell hold addresses, and nothing beside them but what parts them?"""
    found, odd = addresses_in(text)
    return bool(found) and not odd and all("@" in token or not token.strip("\"'") for token in _SPLIT.split(text))
