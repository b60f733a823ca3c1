"""What a report says of an address: its fields and words, put to the table that replies on the wire are put to.

Codes come from two sides. Those in the other server's reply count for
themselves. A Status made by the reporting server is taken at its word where the
reply code fits it. The readable notice is asked only where the answer tells
nothing, but a notice that speaks of space contradicts any code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from relay.verdict.answer import Answer, read
from relay.verdict.phrases import PATTERNS, PhraseGroup
from relay.verdict.table import ADDRESS_CODES, generic, telling
from relay.verdict.values import AddressSays, AnswerKind, Judgement

REFUSALS: Final = frozenset((521, 550, 551, 553, 556))
"""Reply codes that fit a dead address; with another one a Status of the reporting server is taken for a guess."""

_AT_RCPT: Final = re.compile(
    r"(?:>>>|after|reply to|response to|\bin|\bat|smtp:|our|command:?|error (?:in|at|from)"
    r"|\[)\s*(?:the )?RCPT[ _]?(?:TO)?"
    r"|RCPT TO (?:response|command|generated)|does not like recipient|recipient (?:was |is "
    r"|\S{1,80} )?(?:rejected|refused) by"
    r"|(?:while|when) (?:talking|sending).{0,60}RCPT|RCPT TO:? ?(?:<[^>\s]{0,320}> ?)?said|\(state 14\)",
    re.I,
)
_AFTER_DATA: Final = re.compile(
    r"(?:end of|after|to|in|our|at|response to|>>>|sending) (?:the )?(?:end of )?(?:\.? ?\()?(?:DATA\b|mail data"
    r"|message (?:body|text|content)|BDAT|the dot|\.\s*$)"
    r"|failed after I sent the message|DATA (?:command|response|generated)|final dot|eod\b"
    r"|(?:after|at|to|sending) (?:the )?end of (?:the )?message",
    re.I,
)
_BEFORE_RCPT: Final = re.compile(
    r"(?:reply to|response to|after|>>>) (?:the )?(?:MAIL\b|[EH]{2}LO|STARTTLS|AUTH|initial|connect)"
    r"|refused to talk to me|but (?:the )?(?:sender|my name|connection) (?:was|is) rejected",
    re.I,
)
"""Nobody had been named yet."""
_NONE_LEFT: Final = re.compile(
    r"need rcpt|\brcpt first|no (?:valid )?recipients (?:specified|given|were)"
    r"|>>> RCPT[^\n]{0,400}\n(?:[^\n]{0,200}\n){0,3}?[ \t>]{0,9}<<< 5",
    re.I,
)
"""RCPT was refused beyond doubt, whatever was said after DATA: to a pipelining client that answer comes first."""
_ENVELOPE: Final = re.compile(
    r"^[ \t]{0,8}(?:subject|from|to|cc|date|sent|sent date|mail from|rcpt to|size[^:\n]{0,20}|number of lines"
    r"|message-?id|sender)[ \t]*:[^\n]*$",
    re.I | re.M,
)
"""Lines that say which message it was, in a notice in words."""
_QUOTE: Final = re.compile(
    r"(?:\b(?:return|respon|repl|answer|said|says|reason|error|diagnostic|details|report)[^\n:]{0,60}"
    r"|\bhost [^\n:\[]{0,255}\[[^\n\]]{2,60}\](?::\d{1,5})?):[ \t]*(?:\n[ \t]*)?[\"'<]{0,2}(?=[45]\d\d[ -])",
    re.I,
)
"""What a notice says before it quotes the other server's answer."""
_SILENT: Final = frozenset((AnswerKind.OTHER, AnswerKind.PROTOCOL))
"""Kinds of an answer that tells nothing of its cause."""


def judge(
    status: str,
    diagnostic: str,
    note: str,
    *,
    own_words: bool = False,
    addresses: Iterable[str] = (),
    vouched: bool = True,
) -> Judgement:
    """Judge a failure.

    ``status``: the report's own code; ``diagnostic``: the other server's
    answer; ``note``: the readable text about this recipient; ``own_words``: the
    diagnostic is a program's output rather than an SMTP answer; ``vouched``:
    the report says who made it.
    """
    addresses = tuple(addresses)
    answer = read(diagnostic, addresses)
    stage = stage_of(diagnostic) or stage_of(note)
    judged = replace(answer, codes=_codes(answer, status)).judged(stage)
    if judged.kind in _SILENT and judged.lasting and note:
        judged = _by_note(judged, note, status, addresses, stage)
    elif (
        judged.doubt == AnswerKind.UNKNOWN_ADDRESS
        and judged.permanent
        and not telling(answer.codes)
        and _agrees(note, addresses)
    ):
        judged = replace(judged, address=AddressSays.DEAD, why=f"{judged.why}, and the notice says so too")
    elif judged.address is AddressSays.DEAD and not _certain(stage, answer, status, vouched):
        judged = replace(judged, address=AddressSays.SUSPECTED)
    if judged.address is not AddressSays.ALIVE and _full(note, addresses):
        judged = replace(
            judged, kind=AnswerKind.FULL, address=AddressSays.ALIVE, lasting=False, why="the notice speaks of space"
        )
    if own_words and judged.address is not AddressSays.ALIVE:
        judged = replace(
            judged, kind=AnswerKind.SYSTEM, address=AddressSays.ALIVE, why="a program's output, no server's answer"
        )
    return judged if judged.status or not status else replace(judged, status=status)


def _certain(stage: str, answer: Answer, status: str, vouched: bool) -> bool:
    """Whether a server said so: by a code, at RCPT, or in a reply that somebody vouches for; else it is mere words."""
    coded = status.startswith("5") and status[2:] in ADDRESS_CODES
    return stage == "rcpt" or bool(telling(answer.codes)) or coded or (answer.reply is not None and vouched)


def _codes(answer: Answer, status: str) -> tuple[str, ...]:
    """The answer's codes, and the report's where that can be believed."""
    if not status or telling(answer.codes) or any(code.startswith("4") for code in answer.codes):
        return answer.codes
    if status.startswith("4"):
        return (*answer.codes, status) if answer.reply is None and not answer.codes else answer.codes
    own = status[2:]
    if generic(own) or (answer.reply is not None and answer.reply < 500):
        return answer.codes
    if (
        own in ADDRESS_CODES
        and PATTERNS[PhraseGroup.DISABLED].search(answer.words.lower())
        and not _supported(answer.words)
    ):
        return answer.codes  # suspended isn't unknown, and the other server didn't say so
    fits = answer.reply is None or answer.reply in REFUSALS or own not in ADDRESS_CODES
    return (*answer.codes, status) if fits or _supported(answer.words) else answer.codes


def _supported(words: str) -> bool:
    lower = words.lower()
    return bool(PATTERNS[PhraseGroup.NOBODY].search(lower) or PATTERNS[PhraseGroup.UNKNOWN].search(lower))


def _by_note(silent: Judgement, note: str, status: str, addresses: tuple[str, ...], stage: str) -> Judgement:
    """What the notice says where the answer said nothing; nobody's own answer, so weak words don't kill."""
    answer = read(note, addresses)
    told = replace(answer, codes=_codes(answer, status), reply=answer.reply or silent.reply).judged(stage)
    if told.kind in _SILENT:
        return silent
    return replace(told, status=told.status or silent.status, why=f"{told.why} in the notice")


def _full(note: str, addresses: tuple[str, ...]) -> bool:
    return bool(note) and bool(PATTERNS[PhraseGroup.FULL].search(read(note, addresses).words.lower()))


def _agrees(note: str, addresses: tuple[str, ...]) -> bool:
    """Clear words in the notice beside an answer that refused the address without a reason."""
    return bool(note) and bool(PATTERNS[PhraseGroup.NOBODY].search(read(note, addresses).words.lower()))


def stage_of(text: str) -> str:
    """``mail``, ``rcpt``, ``dot``, or ``""`` where the text doesn't say which command was answered."""
    if _NONE_LEFT.search(text):
        return "rcpt"
    if _AFTER_DATA.search(text):
        return "dot"
    if _AT_RCPT.search(text):
        return "rcpt"
    return "mail" if _BEFORE_RCPT.search(text) else ""


def by_words(text: str, addresses: Iterable[str] = (), stage: str = "") -> Judgement:
    """Judge a failure that is told in words only, by whoever wrote them; ``stage``: where the words don't say.

    Weak words count for little where neither a code stands beside them nor a word of which command was answered.
    """
    addresses = tuple(addresses)
    stage = stage_of(text) or stage
    answer = read(_ENVELOPE.sub("", _quoted(text)), addresses)
    judged = answer.judged(stage)
    if judged.kind in _SILENT:
        answer = read(_ENVELOPE.sub("", text), addresses)
        judged = answer.judged(stage)
    if (
        judged.address is not AddressSays.DEAD
        or telling(answer.codes)
        or (stage == "rcpt" and answer.reply is not None)
    ):
        return judged
    lower = answer.words.lower()
    clear = PATTERNS[PhraseGroup.NOBODY].search(lower) or (
        answer.reply and PATTERNS[PhraseGroup.NO_ACCOUNT].search(lower)
    )
    return replace(judged, address=AddressSays.DOUBTED if clear else AddressSays.SUSPECTED)


def _quoted(text: str) -> str:
    """The other server's answer where a notice quotes it, up to a blank line; else the whole.

    What a notice says around it is the same for every failure: ``rejected by the recipient domain``.
    """
    found = _QUOTE.search(text)
    if not found:
        return text
    answer = text[found.end() :].partition("\n\n")[0]
    return answer if answer.strip() else text
