"""Pixel and links as slots: where they are put, what stays as it came, and what is refused."""

from __future__ import annotations

import quopri
from collections.abc import Mapping, Sequence

import pytest

from relay.mail.additions import Additions
from relay.mail.content import Content
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import Template, compile_template
from relay.pipeline.chain import merge

PIXEL = "https://t.example/o/{{token}}.gif"
IMAGE = b'<img src="https://t.example/o/T%d.gif" width="1" height="1" alt="" style="border:0" />'
LINKS = (
    ("https://shop.example/?a=1&b=2", "https://t.example/c/1/{{token}}?x=1&y=2"),
    ("http://b.example", "{{whole}}"),
)
VALUES = [{"token": "T1", "whole": "https://t.example/w1?a&b"}, {"token": "T2", "whole": "https://t.example/w2"}]


def message(body: bytes, content_type: str = "text/html", encoding: str = "8bit") -> bytes:
    head = f"From: a@b.example\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


def compiled(raw: bytes, additions: Additions, values: Sequence[Mapping[str, str]] = VALUES) -> Template:
    return compile_template(scan(raw, ScanLimits()), additions, frozenset(), values)


def copies(raw: bytes, additions: Additions) -> list[bytes]:
    """The body for each of VALUES, twice the same."""
    renderer = Renderer(Template.decode(compiled(raw, additions).encode()))
    bodies = [renderer.render(values).body for values in VALUES]
    assert bodies == [renderer.render(values).body for values in VALUES], "a retry makes the same copy"
    return bodies


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"<p>x</p>", b""),
        (b"<html><body><p>x</p>", b"</body></html>\r\n"),
        (b"<p>x</p></body>between", b"</body>\r\n"),
        (b"<!-- </body> --><p title='</body>'>x</p>", b""),
        (b"<script>'</body>'</script>x", b""),
        (b"", b""),
    ],
)
def test_the_pixel_stands_before_the_end_of_the_body(before: bytes, after: bytes) -> None:
    got = copies(message(before + after), Additions(pixel=PIXEL))
    for number, body in enumerate(got, 1):
        assert body.replace(b"\r\n", b"") == (before + IMAGE % number + after).replace(b"\r\n", b"")


@pytest.mark.parametrize("end", [b"<a href='", b"<!-- never ends", b"<script>x", b"<style>", b"<p class"])
def test_no_pixel_where_it_would_not_be_one(end: bytes) -> None:
    raw = message(b"<p>x</p>" + end + b"\r\n")
    assert compiled(raw, Additions(pixel=PIXEL)).slots == frozenset()


@pytest.mark.parametrize(
    ("tag", "got"),
    [
        (b'<a href="https://shop.example/?a=1&amp;b=2">', b'<a href="https://t.example/c/1/T1?x=1&amp;y=2">'),
        (b"<a href='https://shop.example/?a=1&b=2'>", b"<a href='https://t.example/c/1/T1?x=1&amp;y=2'>"),
        (b"<a href=https://shop.example/?a=1&b=2 id=x>", b'<a href="https://t.example/c/1/T1?x=1&amp;y=2" id=x>'),
        (b"<A class=x HREF = ' https://shop.example/?a=1&#38;b=2 '>", b"<A class=x HREF = 'https://t.example/c/1/T1?x=1&amp;y=2'>"),
        (b'<area href="http://b.example">', b'<area href="https://t.example/w1?a&amp;b">'),
        (b'<a href="http:b.example">', b'<a href="https://t.example/w1?a&amp;b">'),
    ],
)  # fmt: skip
def test_a_link_is_replaced_in_its_place(tag: bytes, got: bytes) -> None:
    raw = message(b"<p>\r\n" + tag + b"words</a>\r\n</p>\r\n")
    assert copies(raw, Additions(links=LINKS))[0] == b"<p>\r\n" + got + b"words</a>\r\n</p>\r\n"


@pytest.mark.parametrize(
    "kept",
    [
        b'<a href="https://other.example/">',
        b'<a href="https://shop.example/?a=1&b=2#f">',
        b'<a title="https://shop.example/?a=1&amp;b=2">',
        b'<!-- <a href="http://b.example"> -->',
        b'<img src="http://b.example">',
        b'<a href="{{unsubscribe_url}}">',
        b'<a x="<a href=http://b.example>">',
        b"<a href>",
        b"text http://b.example",
        b"<script>'<a href=http://b.example>'</script>",
        b'<a href="#" href="http://b.example">',
    ],
)
def test_all_else_stays_octet_for_octet(kept: bytes) -> None:
    raw = message(kept + b"\r\n")
    template = compiled(raw, Additions(links=LINKS))
    assert template.slots <= {"unsubscribe_url"}
    assert Renderer(template).render({"unsubscribe_url": "{{unsubscribe_url}}"}).body == kept + b"\r\n"


def test_plain_text_stays_and_so_does_who_asks_for_nothing() -> None:
    raw = message(b"See http://b.example\r\n", "text/plain")
    additions = Additions(links=LINKS, pixel=PIXEL)
    assert compiled(raw, additions).slots == frozenset() and copies(raw, additions)[0] == b"See http://b.example\r\n"
    raw = message(b'<a href="http://b.example">x</a>\r\n')
    assert compiled(raw, Additions(), []).body == (b'<a href="http://b.example">x</a>\r\n',)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "7bit"])
def test_in_every_encoding(encoding: str) -> None:
    import base64

    markup = (
        b'<p>\xc3\xbc <a href="http://b.example">x</a></p>' if encoding != "7bit" else b"<a href=http://b.example>x"
    )
    body = {"quoted-printable": quopri.encodestring, "base64": base64.encodebytes}.get(encoding, lambda b: b)(markup)
    raw = message(body.replace(b"\n", b"\r\n") + b"\r\n", "text/html; charset=utf-8", encoding)
    template = compiled(raw, Additions(links=LINKS, pixel=PIXEL))
    rendered = Renderer(template).render(VALUES[0])
    content = Content(scan(b"".join(rendered.fields) + b"\r\n" + rendered.body, ScanLimits()))
    assert [link.url for link in content.links] == ["https://t.example/w1?a&b"]
    assert "https://t.example/o/T1.gif" in content.texts[0].source


@pytest.mark.parametrize("charset", ["koi8-r", "shift_jis", "utf-16", "iso-2022-jp", "windows-1251"])
def test_in_every_charset(charset: str) -> None:
    letters = "日本" if charset in ("shift_jis", "iso-2022-jp", "utf-16") else "Привет"
    markup = f"<p>{letters}</p><a href='http://b.example'>{letters}</a>".encode(charset)
    import base64

    body = base64.encodebytes(markup).replace(b"\n", b"\r\n")
    template = compiled(message(body, f"text/html; charset={charset}", "base64"), Additions(links=LINKS))
    rendered = Renderer(template).render(VALUES[0])
    content = Content(scan(b"".join(rendered.fields) + b"\r\n" + rendered.body, ScanLimits()))
    assert [(link.url, link.words) for link in content.links] == [("https://t.example/w1?a&b", letters)]


def test_together_with_a_footer_and_placeholders() -> None:
    raw = message(b'<body><a href="http://b.example">x</a> {{unsubscribe_url}}</body>\r\n')
    additions = Additions("Footer", "<b>Footer</b>", pixel=PIXEL, links=LINKS)
    first, second = copies(raw, additions)
    assert b"w1?a&amp;b" in first and IMAGE % 1 in first and b"Footer</b>" in first and IMAGE % 2 in second
    assert first.index(b"Footer</b>") < first.index(b"<img src=")


def test_one_pixel_a_message_and_none_in_amp() -> None:
    raw = (
        b"From: a@b.example\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n"
        b"--b\r\n\r\ntext\r\n--b\r\nContent-Type: text/x-amp-html\r\n\r\n<html amp4email>\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<p>one\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>two\r\n--b--\r\n"
    )
    (body, _) = copies(raw, Additions(pixel=PIXEL))
    assert body.count(b"<img") == 1 and body.index(b"<p>one") < body.index(b"<img") < body.index(b"<p>two")


@pytest.mark.parametrize(
    ("additions", "values", "fault"),
    [
        (Additions(pixel="https://t.example/{{token}}"), [{"token": "x"}, {}], "not every recipient has a value"),
        (Additions(pixel="https://t.example/{{token}}"), [{"token": ""}], "not every recipient has a value"),
        (Additions(pixel="https://t.example/{{token}}"), [], "not every recipient has a value"),
        (Additions(links=(("http://b.example", "https://t.example/{{x}}"),)), VALUES, "the slot x"),
        (Additions(pixel="javascript:x"), VALUES, "no web address"),
        (Additions(pixel="https://t.example/a b"), VALUES, "no web address"),
        (Additions(pixel='https://t.example/">'), VALUES, "no web address"),
        (Additions(links=(("http://b.example", ""),)), VALUES, "no web address"),
        (Additions(links=(("http://b.example", "https://t.example/\r\n"),)), VALUES, "no web address"),
    ],
)
def test_a_link_that_would_lead_nowhere_is_refused(
    additions: Additions, values: list[dict[str, str]], fault: str
) -> None:
    with pytest.raises(ValueError, match=fault):
        compiled(message(b"<p>x\r\n"), additions, values)


def test_a_value_cannot_leave_its_attribute() -> None:
    values = {"token": 'x"><script>alert(1)</script>\r\n', "whole": "'\" onclick=x"}
    raw = message(b"<a href=http://b.example>x</a>\r\n")
    body = Renderer(compiled(raw, Additions(links=LINKS, pixel=PIXEL), [values])).render(values).body
    assert (
        b"<script" not in body
        and b'" onclick' not in body
        and body.count(b"\r\n") == raw.count(b"\r\n", raw.index(b"<a"))
    )


def test_engine_slots_need_no_values() -> None:
    template = compiled(message(b"<p>x\r\n"), Additions(pixel="{{report_url}}"), [])
    assert template.slots == {"report_url"}


def test_a_copy_with_a_pixel_is_nobody_else_s() -> None:
    assert not compiled(message(b"<p>x\r\n"), Additions(pixel=PIXEL)).slots <= {"report_url"}


def test_of_two_policies_the_first_has_its_say() -> None:
    first = Additions(pixel="https://a.example/{{x}}", links=(("http://l", "https://a.example"),))
    second = Additions(
        pixel="https://b.example", links=(("http://l", "https://b.example"), ("http://m", "https://b.example"))
    )
    both = merge(first, second)
    assert both.pixel == first.pixel and both.links == (*first.links, second.links[1])
    assert merge(Additions(), second).links == second.links


def test_a_policy_finds_the_links_it_rewrites() -> None:
    """What ``Message.content`` tells of a link is what ``Additions.links`` takes."""
    raw = message(b"<base href='https://shop.example/'><a href='/x?a=1&amp;b'>x</a><a href=HTTP:B.example>y</a>\r\n")
    found = Content(scan(raw, ScanLimits())).links
    links = tuple((link.url, f"https://t.example/{number}") for number, link in enumerate(found))
    (body, _) = copies(raw, Additions(links=links))
    assert (
        body
        == b"<base href='https://shop.example/'><a href='https://t.example/0'>x</a><a href=\"https://t.example/1\">y</a>\r\n"
    )


def test_large_html_and_bombs_are_left_alone() -> None:
    raw = message(b"<a href=http://b.example>\r\n" * 25_000)
    assert compiled(raw, Additions(links=LINKS, pixel=PIXEL)).slots == frozenset()
    raw = message(b"<a href=http://b.example>x\r\n" * 12_000)
    assert len([p for p in compiled(raw, Additions(links=LINKS)).body if not isinstance(p, bytes)]) == 10_000
