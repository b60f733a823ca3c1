"""Is the address dead? One judgement from codes and words, careful by rule.

A person is never mailed again after ``dead``, so it takes the other server's
own clear word, and anything that speaks against it wins: block lists, full
mailboxes, limits, policies. What is unclear is not dead. Enhanced codes:
RFC 3463 and the IANA registry of enhanced status codes.

Codes come from two sides. Those in the other server's reply count for
themselves. A Status made by the reporting server is taken at its word where
the reply code fits it and no words speak against it.
Words alone count if they speak of the address beyond doubt, or answered RCPT:
after DATA, a filter's "user unknown" often means the content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from relay.feedback.phrases import ADDRESS, AGAINST, AT_RCPT, CLEAR, FULL

DEAD_CODES = frozenset(("1.1", "1.2", "1.3", "1.6", "1.10", "2.1"))
"""Subject and detail of permanent codes that say that the address takes no mail."""

REFUSALS = frozenset((521, 550, 551, 553, 556))
"""Reply codes that fit a dead address; with another one a Status of the reporting server is taken for a guess."""

_ENHANCED = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY = re.compile(r"(?<![\w.:+-])([45]\d\d)(?=[ \-:,]|$)(?! ?(?:octets|bytes|kb|mb)\b)", re.I | re.M)
_ADDRESS = re.compile(r"<[^<>\s]{1,320}>|[^\s<>@,;:()\"]{1,80}@[A-Za-z0-9.-]{1,255}")


@dataclass(frozen=True, slots=True)
class Judgement:
    """``dead`` only if the address itself takes no mail, for ever."""

    dead: bool
    kind: str
    """``unknown-address``, ``mailbox-full``, ``blocked``, … or ``other``."""
    status: str
    """Best enhanced code, ``""`` if there is none."""
    reply: int | None


def judge(status: str, diagnostic: str, note: str, *, own_words: bool = False) -> Judgement:
    """Judge a failure.

    ``status``: the report's own code; ``diagnostic``: the other server's
    answer; ``note``: the readable text around it; ``own_words``: the
    diagnostic is a program's output rather than an SMTP answer.
    """
    words = _ADDRESS.sub("<>", diagnostic)
    codes = [(int(k), f"{int(s)}.{int(d)}") for k, s, d in _ENHANCED.findall(words) if k != "2"]
    replies = [int(code) for code in _REPLY.findall(words)]
    against = _against(words) or _full(note)
    best = _best(codes, status)
    reply = replies[0] if replies else None
    if against:
        return Judgement(False, against, best, reply)
    permanent = [code for klass, code in codes if klass == 5]
    if (codes and not permanent) or (not codes and replies and replies[0] < 500) or status.startswith("4"):
        return Judgement(False, "temporary", best, reply)
    specific = [code for code in permanent if not _generic(code)]
    if specific:
        dead = all(code in DEAD_CODES for code in specific)
        return Judgement(dead, "unknown-address" if dead else _kind(specific), best, reply)
    own = status.partition(".")[2]
    if own and not _generic(own):
        dead = own in DEAD_CODES and not own_words and (not replies or replies[0] in REFUSALS or _supported(words))
        return Judgement(dead, "unknown-address" if dead else _kind([own]), best, reply)
    # Two sides that agree on the address: 5.1.0 in the answer, clear words in the notice.
    agreed = "1.0" in permanent and bool(CLEAR.search(note))
    dead = (agreed or _clear(words, note)) and not own_words
    return Judgement(dead, "unknown-address" if dead else "other", best, reply)


def _against(words: str) -> str:
    return next((kind for kind, pattern in AGAINST if pattern.search(words)), "")


def _full(note: str) -> str:
    """A notice that speaks of space contradicts any code."""
    return "mailbox-full" if FULL.search(note) else ""


def _supported(words: str) -> bool:
    return bool(CLEAR.search(words) or ADDRESS.search(words))


def _clear(words: str, note: str) -> bool:
    if CLEAR.search(words):
        return True
    return bool(ADDRESS.search(words) and (AT_RCPT.search(words) or AT_RCPT.search(note)))


def _generic(code: str) -> bool:
    """``0.0``, ``1.0``, ``5.0``: says nothing about the cause; subject 7 always tells of a policy."""
    subject, _, detail = code.partition(".")
    return subject != "7" and (detail == "0" or subject in ("0", "5"))


def _kind(codes: list[str]) -> str:
    for code in codes:
        if code == "2.2":
            return "mailbox-full"
        if code in ("3.4", "2.3"):
            return "too-large"
        if code == "4.6":
            return "loop"
        if code == "4.7":
            return "expired"
        if code.startswith("7."):
            return "policy"
        if code.startswith("4."):
            return "network"
    return "other"


def _best(codes: list[tuple[int, str]], status: str) -> str:
    """The first code of the answer that says something, else the report's, else any."""
    telling = [f"{klass}.{code}" for klass, code in codes if not _generic(code)]
    if telling:
        return telling[0]
    if status and not _generic(status.partition(".")[2]):
        return status
    return f"{codes[0][0]}.{codes[0][1]}" if codes else status
