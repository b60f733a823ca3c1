"""An answer as text → its codes and the remote's own words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from relay.verdict.table import LOOKED_AT, judge
from relay.verdict.values import Judgement
from relay.verdict.words import own_words

_ENHANCED: Final = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY: Final = re.compile(r"(?<![\w.:+#-])([45]\d\d)(?=[ \-:,;.)\]]|$)(?! ?(?:octets|bytes|kb|mb|days|hours)\b)", re.I)
MOST_CODES: Final = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a server."""

    reply: int | None
    codes: tuple[str, ...]
    """Enhanced codes in their order, each once; those of class 2 are left out."""
    words: str

    def judged(self, stage: str = "") -> Judgement:
        return judge(self.reply, self.codes, self.words, stage)


def read(text: str, addresses: Iterable[str] = (), reply: int | None = None) -> Answer:
    """``text``: the answer, with its reply code unless ``reply`` has it; ``addresses``: whom it was about."""
    words = own_words(text[: 2 * LOOKED_AT], addresses)
    codes: dict[str, None] = {}
    for klass, subject, detail in _ENHANCED.findall(words):
        if klass != "2" and len(codes) < MOST_CODES:
            codes[f"{klass}.{int(subject)}.{int(detail)}"] = None
    if reply is None:
        found = _REPLY.search(words)
        reply = int(found[1]) if found else None
    return Answer(reply, tuple(codes), _without_codes(words)[:LOOKED_AT])


def _without_codes(words: str) -> str:
    """Words without the codes that stand at the head of each line: ``no such 5.1.1 user`` is one phrase."""
    return re.sub(r"\s{2,}", " ", _ENHANCED.sub(" ", words)).strip()
