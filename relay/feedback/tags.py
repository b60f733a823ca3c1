"""Finding our own signed tags in what comes back, where nothing else says whom a report is about.

Feedback loops send every report to one address, so the tag stands in the
returned copy: in its reverse-path, in the fields that the relay put in, in the
links. Everything else in a report can be invented; a tag can't.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from relay.feedback.mime import MAX_TEXT_OCTETS, parse, split_header
from relay.keys.secrets import Secrets
from relay.keys.tokens import LINK_LENGTH, LOCAL_LENGTH, Mark, read_link, read_local_part

MAX_CANDIDATES: Final = 200
"""Looked at in one place; a copy of ours has half a dozen."""
_LOCAL: Final = re.compile(rf"[bu]-[a-z2-7]{{{LOCAL_LENGTH - 2}}}", re.I)
_LINK: Final = re.compile(rf"(?:/|%2f)([a-z0-9_-]{{{LINK_LENGTH}}})(?=__;|[^a-z0-9_-]|$)", re.I)
_FIRST: Final = ("return-path", "x-original-mail-from", "list-unsubscribe", "x-report-abuse")
"""Fields that the relay or its peer wrote, surest first; a tenant's own fields come after them."""


@dataclass(frozen=True, slots=True)
class FoundTags:
    """What was found: ``marks`` are of the first place that had any, each once."""

    marks: tuple[Mark, ...] = ()
    place: str = ""
    forged: int = 0
    """Texts of that form that are none of ours, or damaged."""

    @property
    def one(self) -> Mark | None:
        """The mark, if all tags agree about the person and the message; their topics may differ."""
        copies = {(mark.subscriber_id, mark.submission_id, mark.number) for mark in self.marks}
        return self.marks[0] if len(copies) == 1 else None


def find(secrets: Secrets, reverse_path: str, copies: Sequence[bytes]) -> FoundTags:
    """``reverse_path``: what the report says it was; ``copies``: returned messages, or their header alone."""
    forged = 0
    for place, text in _places(reverse_path, copies):
        marks, bad = _marks(secrets, text)
        forged += bad
        if marks:
            return FoundTags(tuple(marks), place, forged)
    return FoundTags(forged=forged)


def _places(reverse_path: str, copies: Sequence[bytes]) -> Iterator[tuple[str, str]]:
    """Where a tag may stand, surest first; what costs more is made only when it is asked for."""
    yield "original-mail-from", reverse_path
    heads = [split_header(copy.replace(b"\r\n", b"\n"))[0] for copy in copies]
    for name in _FIRST:
        yield name, "\n".join(value for head in heads for key, value in head if key == name)
    yield "header", "\n".join(value for head in heads for _, value in head)
    for copy in copies:
        yield "text", _text(copy)


def _text(copy: bytes) -> str:
    """The readable parts of a copy, decoded; links of HTML are kept."""
    texts = [part.text() for part in parse(copy).parts if part.type.startswith("text/")]
    return "\n".join(texts)[: 2 * MAX_TEXT_OCTETS] or copy[:MAX_TEXT_OCTETS].decode("latin-1")


def _marks(secrets: Secrets, text: str) -> tuple[list[Mark], int]:
    """Each mark once, and how many texts only look like a tag."""
    found: dict[Mark, None] = {}
    forged = 0
    for at, match in enumerate(_LOCAL.finditer(text)):
        if at >= MAX_CANDIDATES:
            break
        tag = read_local_part(secrets, match.group())
        if tag is None:
            forged += 1
        else:
            found[tag[1]] = None
    for at, match in enumerate(_LINK.finditer(text)):
        if at >= MAX_CANDIDATES:
            break
        mark = read_link(secrets, match.group(1))
        if mark is not None:  # other links have that form by chance
            found[mark] = None
    return list(found), forged
