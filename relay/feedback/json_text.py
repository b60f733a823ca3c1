"""JSON in mails of strangers: the objects of a text, however they are wrapped, and what one says as octets.

Bounded in octets, tries, depth and number of objects; nothing here raises.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

MAX_TRIES: Final = 10
MAX_OBJECTS: Final = 200
MAX_DEPTH: Final = 5
MAX_STRINGS: Final = 500
MAX_OCTETS: Final = 200_000
_WRAPPED: Final = (("!\n ", ""), ("!\n", ""), ("\n", ""))
"""How mail programs break long lines, and what undoes it."""
_BEGIN: Final = re.compile(r"[{\[]")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/\s]{100,}={0,2}")


def objects(text: str) -> list[Mapping[str, object]]:
    """The JSON objects that stand in a text, and those inside of them, innermost first."""
    found = _standing(text)
    if text.find("{") >= 0 and not _whole(text, found):
        texts = (text.replace(old, new) for old, new in _WRAPPED if old in text)
        mended = next((again for one in texts if _whole(one, again := _standing(one))), None)
        found = mended or _standing(text, strict=False)
    return [inner for value, _ in found for inner in _inside(value, MAX_DEPTH)][:MAX_OBJECTS]


def _whole(text: str, found: list[tuple[object, int]]) -> bool:
    """Whether the first brace of the text begins, or lies in, what was read."""
    return bool(found) and found[0][1] <= text.find("{")


def _standing(text: str, *, strict: bool = True) -> list[tuple[object, int]]:
    """Objects and lists of objects in a text, each with where it begins."""
    decoder = json.JSONDecoder(strict=strict)
    found: list[tuple[object, int]] = []
    at = tried = 0
    while tried < MAX_TRIES and (start := _BEGIN.search(text, at)) is not None:
        at = start.start()
        tried += text[at] == "{"
        if text[at] == "[" and not text[at + 1 : at + 100].lstrip().startswith("{"):
            at += 1
            continue
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        found.append((value, at))
        at = end
    return found


def _inside(value: object, depth: int) -> Iterator[Mapping[str, object]]:
    """An object after those inside of it, also in a text that is JSON itself (SNS wraps so)."""
    if isinstance(value, str):
        if value.lstrip()[:1] == "{" and depth:
            for inner, _ in _standing(value[:MAX_OCTETS], strict=False):
                yield from _inside(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value[:MAX_OBJECTS]:
            if isinstance(inner, dict):
                yield from _inside(inner, depth)
    elif isinstance(value, dict):
        if depth:
            for inner in list(value.values())[:MAX_STRINGS]:
                yield from _inside(inner, depth - 1) if isinstance(inner, dict | list | str) else ()
        yield value


def inside_of(value: object) -> tuple[bytes, ...]:
    """What an object says: its texts, those in base64 decoded, each as octets."""
    kept: list[bytes] = []
    waiting: list[object] = [value]
    octets = 0
    while waiting and len(kept) < MAX_STRINGS and octets < MAX_OCTETS:
        one = waiting.pop()
        if isinstance(one, str):
            kept.append(_octets(one))
            octets += len(kept[-1])
        elif isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    plain = b"\n".join(text for text in kept if b"\n" not in text)
    return (b"\n\n" + plain, *[text for text in kept if b"\n" in text][:50])


def _octets(text: str) -> bytes:
    if _BASE64.fullmatch(text.strip()):
        try:
            return base64.b64decode(text)
        except (binascii.Error, ValueError):
            pass
    return text.encode("utf-8", "replace")
