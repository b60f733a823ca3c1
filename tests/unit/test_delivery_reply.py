"""Replies: strict, bounded, in whatever pieces they come."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.delivery.smtp import reply as reply_module
from relay.delivery.smtp.reply import MAX_REPLY_OCTETS, Reply, ReplyError, ReplyParser, one_line

WIRE = b"220 hi\r\n250-a\r\n250-b c\r\n250 d\r\n354\r\n550-5.1.1 no\n550 5.1.1 user\n"
REPLIES = [Reply(220, "hi"), Reply(250, "a\nb c\nd"), Reply(354, ""), Reply(550, "5.1.1 no\n5.1.1 user")]


@given(st.lists(st.integers(0, len(WIRE)), max_size=12))
def test_any_cutting_gives_the_same_replies(cuts: list[int]) -> None:
    parser, found = ReplyParser(), []
    edges = [0, *sorted(cuts), len(WIRE)]
    for start, end in itertools.pairwise(edges):
        found += parser.feed(WIRE[start:end])
    assert found == REPLIES
    assert parser.empty


def test_what_a_server_says_again_and_again_is_kept_within_bounds() -> None:
    replies = [reply for n in range(1000) for reply in ReplyParser().feed(b"250 2.0.0 queued as %d\r\n" % n)]
    assert [reply.text for reply in replies] == [f"2.0.0 queued as {n}" for n in range(1000)]
    assert 0 < len(reply_module._kept) <= 256
    # Within a reply of several lines the same line is a part.
    assert ReplyParser().feed(b"250 ok\r\n250-ok\r\n250 ok\r\n") == [Reply(250, "ok"), Reply(250, "ok\nok")]


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n",
        b"\r\n",
        b"99 x\r\n",
        b"600 x\r\n",
        b"199 x\r\n",
        b"250x\r\n",
        b"550-a\r\n250 b\r\n",
        b"452-a\r\n354 b\r\n",
        b"250-a\r\n550 b\r\n",
        b"+OK x\r\n",
        b"\xb2\xb2\xb2 x\r\n",
    ],
)
def test_what_is_no_reply_is_refused(wire: bytes) -> None:
    with pytest.raises(ReplyError):
        ReplyParser().feed(wire)


@pytest.mark.parametrize(
    ("wire", "reply"),
    [
        (b"554-5.7.1 rejected\r\n550 5.7.1 see our page\r\n", Reply(550, "5.7.1 rejected\n5.7.1 see our page")),
        (b"451-4.7.1 a\r\n550 5.7.1 b\r\n", Reply(550, "4.7.1 a\n5.7.1 b")),
        (b"550-5.1.1 a\r\n450 4.2.1 b\r\n", Reply(450, "5.1.1 a\n4.2.1 b")),
        (b"250-a\r\n251 b\r\n", Reply(251, "a\nb")),
        (b"250\ttaken as 1234\r\n", Reply(250, "taken as 1234")),
        (b"550-a\r\n550\tb\r\n", Reply(550, "a\nb")),
        (b"550\r\n", Reply(550, "")),
        (b"550 \r\n", Reply(550, "")),
        (b"550\n", Reply(550, "")),
        (b"550-\r\n550\r\n", Reply(550, "\n")),
        (b"550-no such\r\nuser here\r\n550 5.1.1 bye\r\n", Reply(550, "no such\nuser here\n5.1.1 bye")),
        (b"550-no such\r\n\r\n550 bye\r\n", Reply(550, "no such\n\nbye")),
        ("550 Utilisateur inconnu à cette adresse\r\n".encode(), Reply(550, "Utilisateur inconnu à cette adresse")),
        (b"550 utilisateur inconnu \xe0 cette adresse\r\n", Reply(550, "utilisateur inconnu \ufffd cette adresse")),
        (b"550 " + b"x" * 5000 + b"\r\n", Reply(550, "x" * 5000)),
    ],
)
def test_what_is_a_reply_beyond_doubt_is_read(wire: bytes, reply: Reply) -> None:
    parser = ReplyParser()
    assert parser.feed(wire) == [reply]
    assert parser.empty


@pytest.mark.parametrize("piece", [b"x" * 1000, b"250-" + b"x" * 1000 + b"\r\n"], ids=["one line", "many lines"])
def test_memory_is_bounded(piece: bytes) -> None:
    parser = ReplyParser()
    with pytest.raises(ReplyError, match="longer than"):
        for _ in range(MAX_REPLY_OCTETS // 1000 + 2):
            parser.feed(piece)


@given(st.binary(max_size=300))
def test_anything_is_either_read_or_refused(data: bytes) -> None:
    try:
        for reply in ReplyParser().feed(data):
            assert 200 <= reply.code <= 599
            assert reply.line.isprintable()
    except ReplyError as error:
        assert str(error).isprintable()


@pytest.mark.parametrize(
    ("text", "enhanced"),
    [
        ("5.1.1 no", (5, 1, 1)),
        ("5.1.10", (5, 1, 10)),
        ("4.7.1: later", (4, 7, 1)),
        ("5.1.1\n5.1.1 x", (5, 1, 1)),
        ("user 5.1.1", None),
        ("3.1.1 x", None),
        ("5.1.1234 x", None),
        ("192.0.2.1 is blocked", None),
        ("5.1 x", None),
    ],
)
def test_enhanced(text: str, enhanced: tuple[int, int, int] | None) -> None:
    assert Reply(550, text).enhanced == enhanced


def test_one_line() -> None:
    assert one_line("a\r\nb\x1b[31mc\0") == "a b [31mc"
    assert len(one_line("x" * 9999)) == 500
