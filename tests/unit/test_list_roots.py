"""What words of states mean in twenty-two languages, by their roots and by what denies them (R4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.lists.list_status import StatusColumn, StatusMode
from relay.lists.list_words import Said, settled

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
