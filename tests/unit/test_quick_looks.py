"""The quick ways of content checks find what the thorough ones find: letters of a text, words by chunks (R16, R17)."""

# ruff: noqa: RUF001 - letters of many alphabets are meant here

from __future__ import annotations

import json
from pathlib import Path

import pytest

from policies.contacts.glimpses import letters_and_digits, may_hold
from policies.contacts.needles import needles
from policies.contacts.plain import digits_in, folded, letters_in, shown_digits
from policies.forbidden import reading
from relay.mail.content_html import visible
from tests.support.content import mail, read

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "content"
TEXTS = [
    json.loads(line)["text"]
    for name in ("ordinary.jsonl", "oblique.jsonl", "forbidden.jsonl")
    for line in (SAMPLES / name).read_text("utf-8").splitlines()
]
ODD = (
    *("", " ", "\u200b", "v i a g r a", "v.i.a.g.r.a now", "V-I-A-G-R-A", "a b c d", "1 2 3 4 5 6"),
    *("10 000 Euro und 1\u00a0234,50", "10\u2009000 и 2 000 000 руб.", "2024 100 людей", "1.5 300"),
    *("abc1 234", "10 0000", "ﬁnance ①②③ ５５５５ ٣٤٥", "🅅🄸🄰🄶🅁🄰", "r\u0301e\u0301lay", "ca\u200bsi\u00adno"),
    *("саsino", "казинo", "viagra… 50 % … c\u0336i\u0336a\u0336l\u0336i\u0336s"),
    *("$ale $100 100$ w!n !!! |ife", "https://click.acme.example/AbCdEf0123456789/x?y=1&z=2", "e\u0301"),
    *("ⓐⓑⓒ ⓐ", "ъы ю æ œ ß", "漢字 と relay", "a\u2028b", "x" * 100, "o n e t w o", "i . i . i . i . i . i"),
    *("• 1 • 2 • 3", "st\u00adop\ufeff", "Ｖｉａｇｒａ", "𝐯𝐢𝐚𝐠𝐫𝐚", "v\U000e0041iagra", "50%off", "т е к с т ы"),
)


@pytest.mark.parametrize("texts", [ODD, TEXTS], ids=["odd", "samples"])
def test_words_by_chunks_are_those_of_the_whole(texts: tuple[str, ...]) -> None:
    for text in texts:
        quick, whole = reading.read_text(text), reading._read_whole(text)
        assert (quick.words, quick.others, quick.glued) == (whole.words, whole.others, whole.glued), text
        for number in range(0, len(quick.words), 7):
            assert quick.span(number, number) == whole.span(number, number), text


@pytest.mark.parametrize("texts", [ODD, TEXTS], ids=["odd", "samples"])
def test_letters_as_octets_are_those_by_words(texts: tuple[str, ...]) -> None:
    for text in texts:
        letters, digits = letters_and_digits(text)
        # What is no letter of ASCII parts nothing: a little more may be found, never less.
        thorough = letters_in(folded(text))
        assert letters.decode("ascii", "ignore") == thorough.decode("ascii", "ignore"), text
        assert digits == digits_in(shown_digits(text)), text


HIDDEN = {
    "an attribute": '<p title="write to support@relay.test">Hello</p>',
    "a comment": "<!-- support@relay.test --><p>Hello</p>",
    "a style sheet": "<style>p:after{content:'support@' 'relay.test'}</style><p>Hello</p>",
    "two style rules": "<style>a:after{content:'support@re'} b:after{content:'lay.test'}</style><p>Hello</p>",
    "cells that flow": "<div style='float:left'>support@re</div><div style='float:left'>lay.test</div>",
    "percent signs": '<a href="https://a.example/?to=support%40rel%61y.test">Hello</a>',
    "percent signs twice": '<a href="https://a.example/?to=support%2540rel%2561y.test">Hello</a>',
    "Base64 in a query": '<a href="https://a.example/?q=c3VwcG9ydEByZWxheS50ZXN0">Hello</a>',
    "hexadecimal": '<a href="https://a.example/?q=737570706f72744072656c61792e74657374">Hello</a>',
    "turned round": '<bdo dir="rtl">tset.yaler@troppus</bdo>',
    "letters of another alphabet": "<p>Привет, suppоrt@rеlау.tеst</p>",
    "letters in circles": "<p>ⓢⓤⓟⓟⓞⓡⓣ@ⓡⓔⓛⓐⓨ.ⓣⓔⓢⓣ</p>",
    "an escape": "<p style=\"content:'\\73upport@relay.test'\">Hello</p>",
    "fullwidth digits": "<p>Привет: ＋３７２ ５５５５ ０１００</p>",
}


@pytest.mark.parametrize("where", HIDDEN)
def test_a_glimpse_misses_no_place(where: str) -> None:
    contacts = needles(("support@relay.test", "+372 5555 0100"))
    assert may_hold(read(mail(HIDDEN[where], "html")), contacts)
    assert not may_hold(read(mail("<p>Привет, hello, 372 0100</p>", "html")), contacts)


def test_what_does_not_show_is_left_out_in_all_planes() -> None:
    assert visible("a\u200bb\U000e0041c\u00add — й") == "abcd — й"
    plain = "plain — й"
    assert visible(plain) is plain
