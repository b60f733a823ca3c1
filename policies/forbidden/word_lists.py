"""The lists: a TOML file for each class, with groups of words in each language and rules that weigh them together.

``words.GROUP`` has a text for each language: terms with commas between them.
Each word of a term stands for all that begin with it (from four letters on; a
``$`` behind it, or fewer letters: this very word); ``#`` is any number.
A rule such as ``"6: earn + home < 12"`` gives 6 points where a term of each
group stands within 12 words; ``"-8: animal"`` takes some away. Ten points in
one passage are a suspicion. ``domains`` are hosts, and endings such as ``.xxx``.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Mapping, Set
from pathlib import Path
from typing import Final, NamedTuple

from policies.forbidden.reading import plain_words

OWN: Final = Path(__file__).parent / "lists"
LANGUAGES: Final = ("en", "ru", "uk", "et", "de", "fr", "es")
LEAST_STEM: Final = 4
ENOUGH: Final = 10
"""Points that make a suspicion."""
NEAR: Final = 12
"""Words, where a rule doesn't say how far."""

_RULE: Final = re.compile(r"\s*(-?\d+)\s*:\s*([a-z]+)(?:\s*\+\s*([a-z]+))?\s*(?:<\s*(\d+)\s*)?\Z")
_NAME: Final = re.compile(r"[a-z][a-z-]{1,30}\Z")


class Rule(NamedTuple):
    points: int
    first: str
    second: str
    """Empty: the first group alone."""
    within: int
    text: str


class WordClass(NamedTuple):
    """One class of forbidden content."""

    name: str
    title: str
    rules: tuple[Rule, ...]
    groups: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]]
    """Group and language → its terms, each as words."""
    domains: tuple[str, ...]


def read_lists(directory: str = "") -> tuple[WordClass, ...]:
    """Those that come with the relay; a file of the same name in ``directory`` stands for one, another adds a class.

    Raises ValueError that names file and fault.
    """
    files = {path.stem: path for path in sorted(OWN.glob("*.toml"))}
    if directory:
        given = Path(directory)
        if not given.is_dir():
            raise ValueError(f"lists: {directory} is no directory")
        files |= {path.stem: path for path in sorted(given.glob("*.toml"))}
    return tuple(_class(name, path) for name, path in sorted(files.items()))


def _class(name: str, path: Path) -> WordClass:
    if not _NAME.match(name):
        raise ValueError(f"{path}: the name of a class is made of small letters")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
        groups = _groups(table.get("words", {}))
        rules = tuple(_rule(text, {group for group, _ in groups}) for text in table.get("rules", ()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    unknown = sorted(table.keys() - {"title", "rules", "domains", "words"})
    if unknown:
        raise ValueError(f"{path}: unknown key {unknown[0]} (there are: title, rules, domains, words)")
    used = {group for rule in rules for group in (rule.first, rule.second)}
    idle = sorted({group for group, _ in groups} - used)
    if idle:
        raise ValueError(f"{path}: no rule uses words.{idle[0]}")
    domains = tuple(str(one).lower() for one in table.get("domains", ()))
    return WordClass(name, str(table.get("title", name)), rules, groups, domains)


def _groups(table: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], tuple[tuple[str, ...], ...]]:
    groups: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {}
    for group, languages in table.items():
        for language, text in languages.items():
            if language not in LANGUAGES:
                raise ValueError(f"words.{group}: {language} is no language here (there are: {', '.join(LANGUAGES)})")
            # Tens of thousands of terms are made of a third as many words.
            terms = dict.fromkeys(tuple(map(sys.intern, plain_words(term))) for term in text.split(","))
            groups[group, language] = tuple(term for term in terms if term)
    return groups


def _rule(text: str, groups: Set[str]) -> Rule:
    found = _RULE.match(text)
    if found is None:
        raise ValueError(f'rule "{text}": write it like "6: earn + home < 12"')
    for group in (found[2], found[3]):
        if group and group not in groups:
            raise ValueError(f'rule "{text}": there is no words.{group}')
    return Rule(int(found[1]), found[2], found[3] or "", int(found[4] or NEAR), " ".join(text.split()))


def terms_of(classes: Iterable[WordClass], language: str) -> int:
    """How many terms there are in a language."""
    return sum(len(terms) for one in classes for (_, spoken), terms in one.groups.items() if spoken == language)
