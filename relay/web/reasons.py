"""Why something failed or was refused, as a key of the texts: pages show the code or reply beside it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from relay.texts.english_reasons import REASONS
from relay.verdict import answer
from relay.verdict.values import AnswerKind

_REPLY: Final = re.compile(r"[45]\d\d[ -]|[45]\.\d{1,3}\.\d{1,3}(?![\w.])")
_OWN: Final = re.compile(r"[45]\d\d [45]\.\d{1,3}\.\d{1,3} ([a-z][a-z-]{2,28}): ")
"""A refusal of the relay itself begins with its word."""


def key_of(word: str) -> str:
    """``reason.mailbox-full`` of the class ``mailbox-full``; empty for a word that has no text."""
    key = f"reason.{word}"
    return key if key in REASONS else ""


def key_of_step(what: str) -> str:
    """``step.delivered`` of what a message's story calls so; empty for a word that has no text."""
    key = f"step.{what}"
    return key if key in REASONS else ""


@lru_cache(maxsize=4_096)
def key_of_reply(said: str) -> str:
    """The same of a whole reply, as delivery reads it; empty for what is none, or tells nothing."""
    if not _REPLY.match(said):
        return ""
    own = _OWN.match(said)
    if own and (key := key_of(own[1])):
        return key
    kind = answer.read(said).judged().kind
    return "" if kind is AnswerKind.OTHER else key_of(kind.value)
