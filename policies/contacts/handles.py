"""Names at messengers and networks, as "@acme_help" or "https://t.me/acme_help"."""

from __future__ import annotations

import re
from typing import Final

from policies.contacts.plain import folded

LEAST_HANDLE: Final = 5
_HANDLE: Final = re.compile(
    r"(?:@|(?:https?://)?(?:www\.)?(?:t\.me|telegram\.me|telegram\.dog|instagram\.com|x\.com|twitter\.com|facebook\.com|vk\.com"
    r"|m\.me|line\.me/ti/p|signal\.me/#p|join\.skype\.com|tiktok\.com|ok\.ru)/@?)([A-Za-z][\w.]{4,63})/?\Z",
    re.IGNORECASE,
)
_NETWORKS: Final = (
    "telegram", "tg", "instagram", "insta", "ig", "skype", "viber", "signal", "whatsapp", "facebook", "fb", "vk",
    "twitter", "tiktok", "wechat", "line", "телеграм", "телеграмм", "тг", "инстаграм", "скайп", "вайбер",
)  # fmt: skip
_BAR_WORDS: Final = ("underscore", "underline", "unterstrich", "tiret bas", "guion bajo", "подчеркивание", "alakriips")


def handle_of(contact: str) -> str:
    """The name alone; empty for what is none."""
    found = _HANDLE.match(contact.strip())
    return found[1] if found is not None and len(found[1]) >= LEAST_HANDLE else ""


def handle_pattern(handle: str) -> re.Pattern[str]:
    """Behind an ``@`` in any form, a link's path or query, or the name of a network; for ``folded`` text."""
    words = "|".join(re.escape(folded(word)) for word in _BAR_WORDS)
    bar = rf"(?:[\W_]{{1,3}}(?:{words})[\W_]{{1,3}}|[\W_]{{0,3}})"
    name = bar.join(re.escape(folded(piece)) for piece in re.split(r"[_.]", handle) if piece)
    networks = "|".join(sorted((re.escape(folded(word)) for word in _NETWORKS), key=len, reverse=True))
    before = rf"(?:@[\W_]{{0,3}}|(?<![a-z])at\s|/@?|domaln=|(?<![a-z])(?:{networks})[\W_]{{1,4}}(?:@[\W_]{{0,3}})?)"
    return re.compile(rf"{before}{name}(?![a-z]|[_.][a-z])")
