"""What words of states mean in twenty-two languages, by their roots and by what denies them (R4)."""

# ruff: noqa: RUF001 - Turkish letters are meant here

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.lists.list_alarm import may_alarm
from relay.lists.list_root_table import ROOTS
from relay.lists.list_status import StatusColumn, StatusMode, alarming
from relay.lists.list_words import Said, plain, settled

STATES = Path(__file__).parents[1] / "fixtures" / "list_words" / "states.txt"
_MEANT = {
    "agreed": {Said.AGREED},
    "out": {Said.LEFT, Said.STOPPED},
    "bounced": {Said.BOUNCED},
    "complained": {Said.COMPLAINED},
    "no": {Said.REFUSED},
    "nothing": {Said.NOTHING},
}


def states() -> Iterator[tuple[str, str, str]]:
    """Language, words and what they mean, of the table."""
    for line in STATES.read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        language, _, rest = line.partition(": ")
        for pair in rest.split("; "):
            words, _, meant = pair.rpartition("=")
            yield language, words, meant


ALL = [pytest.param(words, meant, id=f"{language}-{words}") for language, words, meant in states()]


@pytest.mark.parametrize(("words", "meant"), ALL)
def test_a_column_of_states_says_what_its_words_mean(words: str, meant: str) -> None:
    said = settled(StatusColumn(0, "Status", StatusMode.STATE).said(words))
    assert said in _MEANT[meant] | ({Said.UNKNOWN} if meant == "nothing" else set())


def test_the_quick_look_passes_over_no_word_that_the_closer_one_hears() -> None:
    roots = [root.rstrip("!") for lines in ROOTS.values() for line in lines for root in line.split(",")]
    endings = ("", "a", "lista", "mattomat", "mattomia", "mamıştır", "medi")
    words = [*(words for _, words, _ in states()), *(root + end for root in roots for end in endings)]
    assert [word for word in words if alarming(word, plain(word)) and not may_alarm(word)] == []
