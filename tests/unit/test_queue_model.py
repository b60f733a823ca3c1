"""States and ids: tables, order, and what a person may mistype."""

from __future__ import annotations

import pytest

from relay.values.ids import EPOCH_S, ID_LENGTH, decode_id, encode_id, new_submission_id
from relay.values.states import TRANSITIONS, State, allowed

READY, HELD, DELIVERED, BOUNCED, EXPIRED, CANCELLED, DECLINED, WITHDRAWN = State


def test_numbers_are_those_in_the_database() -> None:
    assert [(s.name, s.value) for s in State] == [
        ("READY", 0),
        ("HELD", 1),
        ("DELIVERED", 2),
        ("BOUNCED", 3),
        ("EXPIRED", 4),
        ("CANCELLED", 5),
        ("DECLINED", 6),
        ("WITHDRAWN", 7),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (READY, {READY, HELD, DELIVERED, BOUNCED, EXPIRED, CANCELLED, DECLINED, WITHDRAWN}),
        (HELD, {READY, CANCELLED, DECLINED, EXPIRED}),
        (DELIVERED, {BOUNCED}),
        (BOUNCED, set()),
        (EXPIRED, set()),
        (CANCELLED, set()),
        (DECLINED, set()),
        (WITHDRAWN, set()),
    ],
)
def test_transitions(before: State, after: set[State]) -> None:
    assert TRANSITIONS[before] == after
    assert {state for state in State if allowed(before, state)} == after


def test_ids_sort_by_time_also_as_text() -> None:
    at = [EPOCH_S, EPOCH_S + 0.0015, EPOCH_S + 1, 1_790_000_000.0, 1_790_000_000.5, EPOCH_S + 2**41 / 1000 - 1]
    draws = [0, (1 << 22) - 1] * 3
    ids = [new_submission_id(now, lambda bits: draws.pop()) for now in at]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    texts = [encode_id(i) for i in ids]
    assert texts == sorted(texts)
    assert all(0 <= i < 2**63 for i in ids)


def test_id_has_41_bits_of_milliseconds_and_22_random_ones() -> None:
    assert new_submission_id(EPOCH_S + 1.5, lambda bits: 7 if bits == 22 else -1) == 1500 << 22 | 7


@pytest.mark.parametrize("now", [EPOCH_S - 1, EPOCH_S + 2**41 / 1000 + 1])
def test_a_clock_far_off_is_said(now: float) -> None:
    with pytest.raises(ValueError, match="clock"):
        new_submission_id(now, lambda bits: 0)


@pytest.mark.parametrize("value", [0, 1, 31, 32, 2**62, 2**63 - 1, 0x0123456789ABCDEF])
def test_text_form_round_trips(value: int) -> None:
    text = encode_id(value)
    assert len(text) == ID_LENGTH == 13 and text == text.lower() and not set(text) & set("ilou")
    assert decode_id(text) == decode_id(text.upper()) == value


def test_look_alikes_are_read() -> None:
    assert decode_id("OoIiLl0000000") == decode_id("0011110000000")
    assert decode_id("000000000000L") == 1


@pytest.mark.parametrize(
    "text", ["", "0", "0" * 12, "0" * 14, "u" + "0" * 12, "zzzzzzzzzzzzz", "00000 0000000", "é" * 13]
)
def test_other_text_is_no_id(text: str) -> None:
    with pytest.raises(ValueError):
        decode_id(text)


@pytest.mark.parametrize("value", [-1, 2**63])
def test_other_numbers_are_no_id(value: int) -> None:
    with pytest.raises(ValueError):
        encode_id(value)
