"""Sentences about how the columns of a list were understood, for whoever gave it. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Final

from relay.lists.list_status import StatusColumn, StatusMode, called
from relay.lists.list_words import Said

_MEANS: Final = {
    Said.LEFT: "unsubscribed",
    Said.STOPPED: "unsubscribed, if nothing says why",
    Said.BOUNCED: "bounced",
    Said.COMPLAINED: "complained",
    Said.REFUSED: "no consent",
    Said.UNKNOWN: "something that nobody here knows",
}


def how_read(status: Sequence[StatusColumn], dated: Container[int] = ()) -> list[str]:
    """How the columns of status were understood; ``dated``: places of those that hold the time of the consent too."""
    told = []
    for column in status:
        if column.mode is StatusMode.BAD:
            what = f"what stands there means {_MEANS[column.bad]}"
        elif column.mode is StatusMode.UNTIL:
            what = "read as until when the consent counts; one that is over is none"
        elif column.mode is StatusMode.YES:
            what = "read as whether the person agreed" + (", and when" if column.index in dated else "")
        else:
            what = "read as the person's status"
        told.append(f"column {column.index + 1} ({column.name!r}): {what}")
    return told


def again(index: int, name: str, first: int) -> str:
    """A column that was left out for another one."""
    named = called(name)
    return f"column {index + 1} ({named!r}) says the same as column {first + 1}; only column {first + 1} was taken"
