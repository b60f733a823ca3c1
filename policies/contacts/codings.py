"""What stands in a text in another coding: percent signs, Base64, hexadecimal runs, escapes, A-labels."""

from __future__ import annotations

import base64
import binascii
import html
import itertools
import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote

import idna

MOST_RUNS: Final = 40
"""Encoded runs that are read."""
MOST_WORDS: Final = 3000
LEAST_DECODED: Final = 6
LEAST_RUN: Final = 14
"""Characters below which an encoded run holds no contact."""

_ONE_RUN: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\Z")
_TOKENS: Final = bytes(
    octet if octet > 127 or chr(octet).isalnum() or chr(octet) in "+/_-" else 32 for octet in range(256)
)
"""Of UTF-8."""
_LIKELY: Final = re.compile(
    r"(?:[I-Za-z0-9+/_-][C-PS-Za-fi-vyz0-9+/_-]"
    r"(?:[BCDFGHJKLNOPRSTVWXZabdefhijlmnpqrtuvxyz1235679+/_-].|.[g-z0-9+/_-])){3}"
)
"""Base64 of nine octets none of which is a control: the beginning of a text rather than of anything else."""
_ESCAPES: Final = re.compile(r"\\(?:u\{?([0-9a-fA-F]{2,6})\}?|x([0-9a-fA-F]{2})|([0-9a-fA-F]{2,6})[ \t\n]?)")
_DATA: Final = re.compile(r"data:[^,\"'<>\s]{0,100}base64,([A-Za-z0-9+/_\s-]{8,20000})", re.IGNORECASE)
_WIDE: Final = re.compile(r"%u([0-9a-fA-F]{4})")
"""As scripts write letters beyond an octet."""
_BASE32: Final = re.compile(r"[A-Z2-7]{16,}\Z")
_PERCENT: Final = re.compile(r"%[0-9a-fA-F]{2}")
TAG: Final = re.compile(r"<[^<>]{0,2000}>")
_URL_SAFE: Final = str.maketrans("-_", "+/")
_ODD: Final = re.compile("[\x00-\x1f\ufffd]")
_HEXADECIMAL: Final = re.compile(r"[0-9a-fA-F]+\Z")
_PUNYCODE: Final = re.compile(r"(?:[a-z0-9-]+\.){0,6}xn--[a-z0-9-]{1,60}(?:\.[a-z0-9-]{1,63}){0,6}", re.IGNORECASE)


class WrittenAt(NamedTuple):
    where: str
    """For people: ``the text``, ``a link`` …"""
    text: str


def unquoted(source: str) -> Iterator[str]:
    """Each form that percent signs hide, the last one without any."""
    resolved = source
    for _ in range(4):
        if not has_percent_signs(resolved):
            return
        resolved = unquote(_WIDE.sub(_letter_of, resolved), errors="replace")
        yield resolved


def has_percent_signs(text: str) -> bool:
    """Whether any of its percent signs hides a letter: those of widths in style sheets don't."""
    return "%" in text and (_PERCENT.search(text) is not None or _WIDE.search(text) is not None)


def _letter_of(found: re.Match[str]) -> str:
    return chr(int(found[1], 16))


def coded(source: str) -> Iterator[WrittenAt]:
    """What stands in the text in another coding."""
    resolved = source
    for resolved in unquoted(source):
        yield WrittenAt("a link", resolved)
    yield from runs_in(resolved, source, set())


def runs_in(resolved: str, source: str, seen: set[bytes]) -> Iterator[WrittenAt]:
    """The same without percent signs: ``resolved`` is ``source`` without them. What is in ``seen`` isn't read again."""
    octets = resolved.encode("utf-8", "surrogatepass")
    if b"base64," in octets.lower():
        for found in _DATA.finditer(resolved):
            yield from _readable(_base64("".join(found[1].split())), 0)
    words = [one for one in octets.translate(_TOKENS).split() if len(one) >= LEAST_RUN and one.isascii()]
    runs = dict.fromkeys(piece for one in words for piece in (one, *one.split(b"/")) if len(piece) >= LEAST_RUN)
    left = MOST_RUNS
    for octets_of_run in itertools.islice(runs, MOST_WORDS):
        if octets_of_run in seen:
            continue
        seen.add(octets_of_run)
        run = octets_of_run.decode("ascii")
        if _HEXADECIMAL.match(run) is not None and not len(run) % 2:
            for place in _readable(binascii.unhexlify(run), LEAST_DECODED):
                left -= 1
                yield place
        if _LIKELY.match(run) is not None:
            for place in _readable(_base64(run), LEAST_DECODED):
                left -= 1
                yield place
        if _BASE32.match(run) is not None:
            for place in _readable(_base32(run), LEAST_DECODED):
                left -= 1
                yield place
        if left <= 0:
            break
    if "xn--" in source or b"xn--" in source.encode("utf-8", "surrogatepass").lower():
        yield WrittenAt("a link", " ".join(_shown(found[0]) for found in _PUNYCODE.finditer(source)))


def unescaped(text: str) -> str:
    """Without the escapes of style sheets and scripts."""
    return _ESCAPES.sub(_letter, text) if "\\" in text else text


def _letter(found: re.Match[str]) -> str:
    number = int(found[1] or found[2] or found[3], 16)
    return chr(number) if 31 < number < 0x110000 else " "


def without_tags(text: str) -> str:
    return TAG.sub("", text)


def _base64(run: str) -> bytes:
    """Also URL-safe and without its end; empty for what is none."""
    plain = run.rstrip("=").translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(plain[: len(plain) - (len(plain) % 4 == 1)] + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return b""


def _base32(run: str) -> bytes:
    try:
        return base64.b32decode(run + "=" * (-len(run) % 8))
    except ValueError:
        return b""


def _shown(domain: str) -> str:
    labels = []
    for label in domain.lower().split("."):
        try:
            labels.append(label.encode("ascii").decode("idna") if label.startswith("xn--") else label)
        except (UnicodeError, idna.IDNAError):
            labels.append(label)
    return ".".join(labels)


def _readable(octets: bytes, least: int) -> Iterator[WrittenAt]:
    """If it is text, markup in it with and without tags."""
    if len(octets) <= least:
        return
    text = octets.decode("utf-8", "replace")
    if len(_ODD.findall(text[:200])) * 8 > min(len(text), 200):
        return
    plain = unquote(html.unescape(text))
    yield WrittenAt("something encoded", plain)
    again = plain.strip()
    if len(again) >= LEAST_RUN and _LIKELY.match(again) is not None and _ONE_RUN.match(again) is not None:
        inner = _base64(again).decode("utf-8", "replace")
        yield WrittenAt("something encoded twice", unquote(inner))
    if "<" in plain:
        yield WrittenAt("something encoded", without_tags(plain))
