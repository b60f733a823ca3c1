"""How much a message is like what its tenant sent before: words and hosts of links that were seen, or weren't.

All numbers are of 32 bits. A tenant is remembered by those of its days with
mail, so that a newsletter with another story still speaks its language, signs
with its address and leads to its pages; what a thief sends does not. What was
sent today is known from tomorrow on: else the thief's first letter would make
his second one look familiar.
"""

from __future__ import annotations

import itertools
import zlib
from array import array
from collections.abc import Iterable, Set
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from relay.brake.values import ContentSample
from relay.mail.likeness import words
from relay.mail.shown import shown

if TYPE_CHECKING:
    from relay.pipeline.contract import Message

MOST: Final = 3_000
"""Numbers of a tenant's day, 12 KB."""
MOST_HOSTS: Final = 30
FEW: Final = 3
"""Words below which a text says nothing."""


def sample_of(message: Message, own: Set[str]) -> ContentSample:
    """Of a message as policies see it; ``own``: the tenant's domains, whose hosts need not be known."""
    seen = shown(message.content)
    found = words(f"{message.subject}\n{seen.text}")
    hosts = {host for link in message.content.links if (host := _host(link.url)) and not _below(host, own)}
    numbers = sorted(zlib.crc32(f"host {host}".encode("utf-8", "surrogatepass")) for host in hosts)
    return ContentSample(found.core | found.frame, frozenset(numbers[:MOST_HOSTS]))


def unlike(sample: ContentSample, known: Set[int]) -> int:
    """0: much as before; 1: new; 2: nothing of it was ever seen."""
    told = len(sample.words)
    same = len(sample.words & known) / told if told else 1.0
    if sample.hosts:
        met = len(sample.hosts & known) / len(sample.hosts)
        if (same >= 0.6 and met >= 0.5) or (same >= 0.35 and met == 1.0) or (told < FEW and met >= 0.5):
            return 0
        if not met:
            return 2 if same < 0.75 else 1
        return 1
    if told < FEW or same >= 0.6:
        return 0
    return 2 if same < 0.35 else 1


def numbers(stored: bytes) -> list[int]:
    """Of a day as it is stored."""
    found = array("I")
    found.frombytes(stored[: len(stored) // found.itemsize * found.itemsize])
    return found.tolist()


def learned(stored: bytes, samples: Iterable[ContentSample]) -> bytes:
    """A day with some samples more."""
    found = dict.fromkeys(numbers(stored))
    for sample in samples:
        found.update(dict.fromkeys(sorted(sample.words | sample.hosts)))
    return array("I", itertools.islice(found, MOST)).tobytes()


def _host(url: str) -> str:
    if not url.startswith(("http:", "https:", "//")):
        return ""
    try:
        return (urlsplit(url).hostname or "").rstrip(".").lower().removeprefix("www.")
    except ValueError:
        return ""


def _below(host: str, own: Set[str]) -> bool:
    return host in own or any(host.endswith(f".{one}") for one in own)
