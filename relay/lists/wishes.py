"""What whoever gives a list says of it: one way for the command and the page, from words to an import's order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from relay.keys.secrets import Secrets
from relay.lists.consent_reading import Order
from relay.lists.list_file import ListFile, open_list
from relay.lists.list_words import Said, plain
from relay.people import consent_rules, profiles
from relay.people.consent_rules import ConsentTerms
from relay.values.errors import RegistryError

MEANINGS: Final = tuple(said.value for said in (Said.AGREED, Said.LEFT, Said.BOUNCED, Said.COMPLAINED, Said.REFUSED))
"""What a word of a status column may be said to mean."""


@dataclass(frozen=True, slots=True)
class ListWishes:
    """``status`` has ``WORD=MEANING`` or ``COLUMN:WORD=MEANING`` each; the others are as the command takes them."""

    topic: str
    source: str
    wording: str
    groups: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    encoding: str = ""
    dates: str = ""
    status: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    suppress: bool = False

    def terms(self) -> ConsentTerms:
        """Raises ConsentRefused."""
        return consent_rules.terms(topic=self.topic, source=self.source, wording=self.wording, means="import")

    def open(self, path: Path) -> ListFile:
        """The list, read with these wishes; raises RegistryError."""
        return open_list(
            path,
            encoding=self.encoding,
            skip=self.skip,
            keep=self.keep,
            answers=answers(self.status),
            dates=self.dates,
        )

    def order(self, tenant_id: int, secrets: Secrets, actor: str, now: float, *, dry_run: bool) -> Order:
        """Raises ConsentRefused, RegistryError."""
        return Order(
            tenant_id,
            secrets,
            self.terms(),
            actor,
            now,
            dry_run,
            groups=tuple(dict.fromkeys(profiles.group_name(name) for name in self.groups)),
            domains=frozenset(domain.strip().casefold() for domain in self.domains),
            suppress=self.suppress,
        )


def answers(words: Iterable[str]) -> dict[str, Said]:
    """What ``WORD=MEANING`` says, or ``COLUMN:WORD=MEANING`` of one column; raises RegistryError for other texts.

    Keys are ``plain`` words, those of one column ``COLUMN:WORD`` with both of them ``plain``.
    """
    found = {}
    for text in words:
        word, sign, meaning = text.rpartition("=")
        if not sign or not word.strip() or meaning.strip() not in MEANINGS:
            raise RegistryError(f"{text[:40]!r} is no WORD=MEANING; a meaning is one of {', '.join(MEANINGS)}")
        found[plain(word)] = Said(meaning.strip())
        column, sign, rest = word.rpartition(":")
        if sign:
            found[f"{plain(column)}:{plain(rest)}"] = Said(meaning.strip())
    return found
