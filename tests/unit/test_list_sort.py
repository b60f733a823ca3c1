"""Sorting a list out of memory: the order of addresses, of each the first line, whatever fits into memory."""

from __future__ import annotations

import errno
import tempfile
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.lists import list_sort
from relay.lists.list_sort import Line, Sorter
from relay.lists.list_text import ListError


def line(address: str, number: int, gone: int = 0) -> Line:
    return (address, number, 1.5, "", None if number % 2 else "m@gmail.com", '{"a":"b"}', None, 1, "", gone)


@given(
    st.lists(st.sampled_from(["a@x", "b@x", "B@x", "ü@x", "c@x"]), max_size=40), st.integers(1, 9), st.integers(1, 4)
)
def test_the_first_line_of_each_address_in_their_order(addresses: list[str], run: int, block: int) -> None:
    given_lines = [line(address, number) for number, address in enumerate(addresses, 1)]
    first: dict[str, Line] = {}
    for one in given_lines:
        first.setdefault(one[0], one)
    with pytest.MonkeyPatch.context() as patch, closing(Sorter()) as sorter:
        patch.setattr(list_sort, "RUN", run)
        patch.setattr(list_sort, "_BLOCK", block)
        for one in given_lines:
            sorter.add(one)
        assert list(sorter.people()) == [first[address] for address in sorted(first)]


@given(st.lists(st.tuples(st.sampled_from(["a@x", "b@x", "c@x"]), st.booleans()), max_size=30), st.integers(1, 9))
def test_who_is_gone_in_one_line_is_gone_in_all(people: list[tuple[str, bool]], run: int) -> None:
    given_lines = [line(address, number, int(gone)) for number, (address, gone) in enumerate(people, 1)]
    out = {address for address, gone in people if gone}
    with pytest.MonkeyPatch.context() as patch, closing(Sorter()) as sorter:
        patch.setattr(list_sort, "RUN", run)
        for one in given_lines:
            sorter.add(one)
        assert [one[0] for one in sorter.people()] == sorted({address for address, _ in people} - out)
        others = [(one[1], one[0]) for one in given_lines if one[0] in out and not one[-1]]
        assert sorted(sorter.gone) == sorted(others)


def test_no_room_for_the_lines_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> object:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(list_sort, "RUN", 1)
    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with closing(Sorter()) as sorter, pytest.raises(ListError, match="No space left on device; name a directory"):
        sorter.add(line("a@x", 1))
