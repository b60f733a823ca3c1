"""Tokens in links and in the relay's own addresses: what they say, their one spelling, what is no token."""

from __future__ import annotations

import base64
import string

import pytest

from relay.keys.secrets import MOST_PAYLOAD, Secrets
from relay.keys.tokens import LINK_LENGTH, SHARED, Mark, link_token, local_part, read_link, read_local_part

SECRETS = Secrets({1: b"1" * 32}, 1)
OTHER = Secrets({1: b"2" * 32}, 1)
MARKS = [
    Mark(0, 0, 0, 0),
    Mark(7, 3, 1_790_000_000_123_456_789, 41),
    Mark(2**32 - 1, 2**32 - 1, 2**64 - 1, SHARED),
]


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize("prefix", ["b", "u"])
def test_a_local_part_says_what_went_in(prefix: str, mark: Mark) -> None:
    local = local_part(SECRETS, prefix, mark)
    assert len(local) == 52
    assert read_local_part(SECRETS, local) == (prefix, mark)
    assert read_local_part(SECRETS, local.upper()) == (prefix, mark)  # hosts on the way may change its case
    assert read_local_part(OTHER, local) is None


def test_what_was_made_once_stays_good() -> None:
    """Links and addresses in mail that was sent never expire."""
    assert read_local_part(SECRETS, "b-agqan2452ald2x6gftrjedxctzsb56aa5roe2ux7noznbj7fra") == ("b", MARKS[1])
    assert local_part(SECRETS, "b", MARKS[1]) == "b-agqan2452ald2x6gftrjedxctzsb56aa5roe2ux7noznbj7fra"


@pytest.mark.parametrize("mark", MARKS)
def test_a_local_part_is_base32(mark: Mark) -> None:
    token = local_part(SECRETS, "b", mark)[2:]
    raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
    assert base64.b32encode(raw).decode().rstrip("=").lower() == token
    assert mark.submission_id.to_bytes(8, "big") not in raw or not mark.submission_id  # masked: it tells nothing


@pytest.mark.parametrize("mark", MARKS)
def test_one_octet_altered_is_no_local_part(mark: Mark) -> None:
    local = local_part(SECRETS, "u", mark)
    for place in range(2, len(local)):
        for other in string.ascii_lowercase + "234567":
            if other != local[place]:
                assert read_local_part(SECRETS, local[:place] + other + local[place + 1 :]) is None


@pytest.mark.parametrize("mark", MARKS)
def test_a_link_says_what_went_in(mark: Mark) -> None:
    token = link_token(SECRETS, mark)
    assert len(token) == LINK_LENGTH
    assert read_link(SECRETS, token) == mark
    assert read_link(OTHER, token) is None
    assert read_local_part(SECRETS, "u-" + token) is None


@pytest.mark.parametrize(
    "local", ["", "-", "u", "u-", "b-a", "x-" + "a" * 50, "u-" + "a" * 49, "u-" + "a" * 500, "u-é"]
)
def test_what_is_no_local_part(local: str) -> None:
    assert read_local_part(SECRETS, local) is None


@pytest.mark.parametrize("token", ["", "a", "a" * LINK_LENGTH, "a" * 500, "é" * LINK_LENGTH, "=" * LINK_LENGTH])
def test_what_is_no_link(token: str) -> None:
    assert read_link(SECRETS, token) is None


def test_what_is_too_long_for_a_token_is_refused() -> None:
    """More than the keystream would show."""
    assert SECRETS.verify("link", SECRETS.sign("link", b"x" * MOST_PAYLOAD)) == b"x" * MOST_PAYLOAD
    with pytest.raises(ValueError, match="at most 32 octets, not 33"):
        SECRETS.sign("link", b"x" * (MOST_PAYLOAD + 1))
    assert SECRETS.verify("link", bytes([1]) + b"x" * (MOST_PAYLOAD + 13)) is None
