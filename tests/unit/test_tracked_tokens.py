"""Tokens of tracked links: they hold where they lead, and nobody makes one (R33)."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.keys.secrets import Secrets
from relay.keys.tracked_tokens import (
    COPY_LENGTH,
    DECOY,
    CopyMark,
    LinkMark,
    copy_token,
    link_token,
    read_copy,
    read_link_of,
    split,
)

MARK = CopyMark(7, 9, 2**32 - 1, 2**63 - 1, 65_534)


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return Secrets.create(tmp_path / "secrets")


def test_what_is_signed_is_read(secrets: Secrets) -> None:
    token = copy_token(secrets, MARK)
    assert len(token) == COPY_LENGTH and read_copy(secrets, token) == MARK
    for url in ("https://x.example/", "http://x.example/?" + "a=b&" * 400, "https://x.example/" + "%D0%90" * 200, ""):
        for flags in (0, DECOY):
            link = LinkMark(65_535, 500, flags, url)
            assert read_link_of(secrets, 5, link_token(secrets, 5, link)) == link


def test_a_usual_link_is_short(secrets: Secrets) -> None:
    url = "https://www.shop.example/sale?utm_source=newsletter&utm_medium=email&utm_campaign=spring"
    assert len(link_token(secrets, 1, LinkMark(0, 1, 0, url))) < len(url)


def test_a_changed_token_is_none(secrets: Secrets) -> None:
    copy, link = (
        copy_token(secrets, MARK),
        link_token(secrets, MARK.submission_id, LinkMark(1, 2, 0, "https://x.example/")),
    )
    assert split(copy + link) == (copy, link)
    other = "B" if copy[5] == "A" else "A"
    for place in range(0, len(copy), 3):
        assert read_copy(secrets, copy[:place] + other + copy[place + 1 :]) in (None, MARK)
    for place in range(0, len(link), 3):
        changed = link[:place] + other + link[place + 1 :]
        assert changed == link or read_link_of(secrets, MARK.submission_id, changed) is None
    for bad in ("", "=", "\u00e4" * 20, copy + "A", link[:-1], link + "A", link + "=", "A" * 7_000):
        assert read_copy(secrets, bad) is None and read_link_of(secrets, MARK.submission_id, bad) is None


def test_a_link_is_of_its_message_alone(secrets: Secrets) -> None:
    link = link_token(secrets, 5, LinkMark(0, 1, 0, "https://x.example/"))
    assert read_link_of(secrets, 6, link) is None


def test_old_keys_still_read(secrets: Secrets) -> None:
    copy, link = copy_token(secrets, MARK), link_token(secrets, 5, LinkMark(0, 1, 0, "https://x.example/"))
    rotated = Secrets({2: b"x" * 32, **secrets.keys}, 2)
    assert read_copy(rotated, copy) == MARK and read_link_of(rotated, 5, link) is not None
    other = Secrets({1: b"y" * 32}, 1)
    assert read_copy(other, copy) is None and read_link_of(other, 5, link) is None
