"""An answer as text → its codes and the remote's own words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from relay.verdict.table import LOOKED_AT, judge
from relay.verdict.values import AddressSays, Judgement
from relay.verdict.words import own_words

_ENHANCED: Final = re.compile(r"(?<![\w.])([245])\.(\d{1,3})\.(\d{1,3})(?!\.?\d)")
_REPLY: Final = re.compile(r"(?<![\w.:+#-])([45]\d\d)(?=[ \-:,;.)\]]|$)(?! ?(?:octets|bytes|kb|mb|days|hours)\b)", re.I)
MOST_CODES: Final = 8
_SUBJECT: Final = re.compile(
    r"\s{0,4}(?:[245]\d\d[ -]{1,3})?(?:#?[245]\.\d{1,3}\.\d{1,3}[ :]{1,3})?[<\"'(\[]{0,3}"
    r"(?:([^\s<>\"'()\[\],;:@]{1,128})@[\w.-]{1,255}[>\"')\]]{0,3}[:,.]?\s"
    r"|((?:[\w-]{1,63}\.){1,8}[a-z]{2,24})[>\"')\]]{0,3}[:,]? {1,3}"
    r"(?:does ?n.?t|does not|is not|not found|is unknown|unknown)\b)",
    re.I,
)
"""What an answer begins with: the local part of an address, or a host's name that isn't there."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a server."""

    reply: int | None
    codes: tuple[str, ...]
    """Enhanced codes in their order, each once; those of class 2 are left out."""
    words: str
    of_another: bool = False
    """It begins with an address or host that isn't theirs whom it was about, and names them nowhere."""

    def judged(self, stage: str = "") -> Judgement:
        """What it says of another, such as the sender, is believed of the recipient only if it is said again."""
        found = judge(self.reply, self.codes, self.words, stage)
        return replace(found, address=AddressSays.DOUBTED) if self.of_another and found.dead else found


def read(text: str, addresses: Iterable[str] = (), reply: int | None = None) -> Answer:
    """``text``: the answer, with its reply code unless ``reply`` has it; ``addresses``: whom it was about."""
    addresses = tuple(addresses)
    words = own_words(text[: 2 * LOOKED_AT], addresses)
    codes: dict[str, None] = {}
    for klass, subject, detail in _ENHANCED.findall(words):
        if klass != "2" and len(codes) < MOST_CODES:
            codes[f"{klass}.{int(subject)}.{int(detail)}"] = None
    if reply is None:
        found = _REPLY.search(words)
        reply = int(found[1]) if found else None
    return Answer(reply, tuple(codes), _without_codes(words)[:LOOKED_AT], _of_another(text, addresses))


def _of_another(text: str, addresses: tuple[str, ...]) -> bool:
    found = _SUBJECT.match(text)
    if found is None or not addresses:
        return False
    said = text.lower()
    for address in addresses:
        local, _, domain = address.lower().rpartition("@")
        if address.lower() in said or (found[1] or "").lower() == local or (found[2] or "").lower() == domain:
            return False
    return True


def _without_codes(words: str) -> str:
    """Words without the codes that stand at the head of each line: ``no such 5.1.1 user`` is one phrase."""
    return re.sub(r"\s{2,}", " ", _ENHANCED.sub(" ", words)).strip()
