"""The fast reading of HTML finds what the thorough one finds, takes ordinary mail, and neither holds up other mail."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.mail import html_known, html_lane, html_reader
from relay.mail.html import PLACEHOLDER, plan
from relay.mail.html_css import Sheets
from relay.mail.html_font import PLAIN, main_font
from tests.support.soup import SCRAPS, TAGS, nested

NEWSLETTER = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>News</title>
<style type="text/css">@media (max-width:600px){.c{width:100%!important}} .pre{display:none}</style>
<!--[if mso]><style>td{width:600px}</style><![endif]--></head>
<body style="margin:0;padding:0" bgcolor="#eeeeee">
<div class="pre" style="display:none;max-height:0">Preview</div>
<table width="100%" cellpadding="0"><tbody><tr><td align="center" class="c" style="padding:4px">
<!--[if mso]><table><tr><td><![endif]--><![if !mso]><h1>Hello<br>you</h1><![endif]>
<p>One<p>Two <a href="https://a.test/?b=1&amp;c=2" target="_blank"><img src="https://a.test/x.gif" alt="5 x" width="9">
</a>
<ul><li>a<li>b <b>c</b></ul><o:p></o:p><webversion>Look</webversion><hr>
<p>{{relay_footer}}</p>
<TABLE><TR><TD nowrap>x</TABLE></div>
</td></tr></tbody></table></body></html>
"""


def said(sheets: Sheets) -> tuple[object, ...]:
    return (sheets.opaque, sheets.pseudo, sheets.pulls, sheets.floats_over, sheets.risky, sheets.octets)


def agree(html: str) -> bool:
    """Whether the fast reading takes a document; then it must agree with the thorough one."""
    spans = [match.span() for match in PLACEHOLDER.finditer(html)]
    fast = html_lane.read(html, spans)
    if fast is None:
        return False
    slow = html_reader.read(html, spans)
    assert (fast.offset, fast.before) == (slow.offset, slow.before), html
    assert (fast.roots, fast.root_risky) == (slow.roots, slow.root_risky), html
    assert said(fast.sheets) == said(slow.sheets), html
    assert fast.fonts or main_font(html, "", opaque=False) == PLAIN, html
    assert (fast.frameset, fast.noscript) == (slow.frameset, slow.noscript), html
    assert [place[:2] for place in fast.candidates] == [place[:2] for place in slow.candidates], html
    for (_, _, one), (_, _, other) in zip(fast.candidates, slow.candidates, strict=True):
        assert (one is None) == (other is None), html
        assert all(b.startswith(a) for a, b in zip(one or [], other or [], strict=True)), html
    return True


def test_both_readings_agree_on_tag_soup() -> None:
    taken = sum(agree(nested(random.Random(number))) for number in range(4000))
    assert 400 < taken < 3500


@given(st.lists(st.sampled_from([*SCRAPS, *TAGS, "<p>", "</p>", "<table>", "<tr>", "<td>", "</table>"]), max_size=12))
def test_both_readings_agree_on_scraps(pieces: list[str]) -> None:
    agree("".join(pieces))


@given(st.text(alphabet="<>/!-?=\"' abdivtrpfom{}[]&\n", max_size=60))
def test_both_readings_agree_on_anything(html: str) -> None:
    agree(html)


def test_an_ordinary_newsletter_is_read_fast() -> None:
    assert agree(NEWSLETTER)
    found = plan(NEWSLETTER)
    assert not found.hostile and [place.safe for place in found.placeholders] == [True]


def test_a_newsletter_that_ends_early_is_read_alike() -> None:
    taken = [agree(NEWSLETTER[:size]) for size in range(len(NEWSLETTER)) if NEWSLETTER[size] in "<>"]
    assert sum(taken) > len(taken) // 4


@pytest.mark.parametrize(
    "html",
    [
        "<b><div></b></div>",
        "<svg></svg>",
        "<form>",
        "<b>open",
        "<script>1</script>",
        "<p title='a>b'>",
        "<img onerror=x>",
        "<a><a>",
        "<td>",
        "<table><div>",
        "<div><table><tr><td></div>",
        "<p><b></p>",
        "<h1><h2>",
        "<noscript></noscript>",
        "<div",
        "<!--",
        "<style>",
        "<![CDATA[x]]>",
    ],
)
def test_odd_documents_are_read_thoroughly(html: str) -> None:
    assert html_lane.read(html, []) is None


def test_remembered_tags_are_bounded() -> None:
    for number in range(3):
        agree("".join(f"<a href='{number}-{tag}'>x</a>" for tag in range(4000)))
        assert len(html_known.KNOWN) <= 8192
    long = "x" * 1000
    assert agree(f"<p title='{long}'>")
    assert not any(long in text for text in html_known.KNOWN)


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 390 + "</p>" * 20_000,
        "<div>" * 470 + "</i>" * 20_000,
        "<ul>" + "<div>" * 300 + "<li>" * 20_000,
        "<div>" * 400 + "<title></title>" * 20_000,
        "<i></i>" * 40_000 + "<b><p></b>",
    ],
)
def test_what_would_take_long_is_refused(html: str) -> None:
    found = plan(html)
    assert found.hostile and found.reason.startswith("too many tags")
