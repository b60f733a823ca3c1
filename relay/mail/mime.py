"""Structured MIME fields: Content-Type and Content-Disposition.

Read as RFC 2045 §5.1, RFC 2183 and RFC 2231 say, and tolerant like the mail
programs that will show the message: comments, quoted strings, blanks in
unquoted values, missing semicolons, unclosed quotes. Values are ``str`` in
latin-1 view (one character an octet), so that a boundary keeps its bytes.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_TYPE = re.compile(r"[ \t]*([!#$%&'*+.^_`{|}~0-9A-Za-z-]+)[ \t]*/[ \t]*([!#$%&'*+.^_`{|}~0-9A-Za-z-]+)")
_TOKEN = re.compile(r"[ \t]*([^\s;]+)")
_PARAMETER = re.compile(r';[ \t]*([^\s;="]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*+)(?:"|\Z)|([^;]*+))', re.S)
_ESCAPE = re.compile(r"\\(.)", re.S)
_MAX_SECTIONS = 100
"""Continuations of one parameter (RFC 2231 §3); more are ignored."""


class Parametrized(NamedTuple):
    """A structured field's main value in lower case, and its parameters by lower-case name."""

    value: str
    parameters: dict[str, str]


def unfolded(value: bytes) -> bytes:
    """A field's value on one line, without blanks at its ends."""
    return value.translate(None, b"\r\n\0").strip(b" \t")


def _without_comments(text: str) -> str:
    """Comments nest, and quoted strings hide them (RFC 5322 §3.2.2)."""
    out: list[str] = []
    depth, start, quoted, position = 0, 0, False, 0
    for match in re.finditer(r'\\.|["()]', text, re.S):
        token, position = match.group(), match.start()
        if token == '"' and depth == 0:
            quoted = not quoted
        elif quoted or len(token) == 2:
            continue
        elif token == "(":
            if depth == 0:
                out.append(text[start:position])
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                start = match.end()
    if depth == 0:
        out.append(text[start:])
    return " ".join(out) if len(out) > 1 else out[0] if out else ""


@functools.lru_cache(maxsize=1024)
def parse_content_type(value: bytes) -> Parametrized | None:
    """``type/subtype`` and parameters; None if there is no type (RFC 2045 §5.2: text/plain then)."""
    text = _as_text(value)
    match = _TYPE.match(text)
    if match is None:
        return None
    return Parametrized(f"{match[1]}/{match[2]}".lower(), _parameters(text[match.end() :]))


def parse_token(value: bytes) -> Parametrized:
    """A single token and parameters: Content-Disposition, Content-Transfer-Encoding."""
    text = _as_text(value)
    match = _TOKEN.match(text)
    if match is None:
        return Parametrized("", _parameters(text))
    return Parametrized(match[1].lower(), _parameters(text[match.end() :]))


def _as_text(value: bytes) -> str:
    text = unfolded(value).decode("latin-1")
    return _without_comments(text) if "(" in text else text


def _parameters(text: str) -> dict[str, str]:
    if "=" not in text:
        return {}
    found: dict[str, str] = {}
    split: dict[str, dict[int, tuple[bool, str]]] = {}
    # A missing first semicolon ("text/html charset=x") is as common as it is wrong.
    for name, quoted, bare in _PARAMETER.findall(text if text.lstrip()[:1] == ";" else ";" + text):
        value = _ESCAPE.sub(r"\1", quoted) if "\\" in quoted else quoted or bare.strip(" \t")
        name = name.lower()
        if "*" in name:
            _collect(split, name, value)
        else:
            found.setdefault(name, value)
    for name, sections in split.items():
        found[name] = _joined(sections)
    return found


def _collect(split: dict[str, dict[int, tuple[bool, str]]], name: str, value: str) -> None:
    base, _, rest = name.partition("*")
    number, star, _ = rest.partition("*")
    extended = bool(star) or rest == ""
    if number and not (number.isdigit() and number.isascii() and len(number) < 4):
        return
    index = int(number or 0)
    if index < _MAX_SECTIONS:
        split.setdefault(base, {}).setdefault(index, (extended, value))


def _joined(sections: dict[int, tuple[bool, str]]) -> str:
    """Sections 0, 1, 2 … of one parameter, percent-decoded where marked so (RFC 2231 §3, §4)."""
    out: list[str] = []
    for index in range(len(sections)):
        if index not in sections:
            break
        extended, value = sections[index]
        if extended and index == 0 and value.count("'") >= 2:
            value = value.split("'", 2)[2]
        out.append(unquote_to_bytes(value.encode("latin-1")).decode("latin-1") if extended else value)
    return "".join(out)
