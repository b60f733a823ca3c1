"""Which links of a message lead by way of the relay, and that nothing else of it changes (R33)."""

from __future__ import annotations

import base64
import email
import email.policy
import quopri

import pytest

from relay.mail.additions import Additions
from relay.mail.own_tracking import LINK_SLOT, PIXEL_SLOT, TrackWish, sendable
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import Template, compile_template

WISH = TrackWish(True, True, own=("https://relay.example/",))
FOOTER = Additions(footer_text="Leave: {{unsubscribe_url}}", footer_html='<a href="{{unsubscribe_url}}">Leave</a>')


def message(html: bytes, kind: str = "text/html; charset=utf-8", encoding: str = "") -> bytes:
    if encoding == "base64":
        html = base64.encodebytes(html).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        html = quopri.encodestring(html).replace(b"\n", b"\r\n")
    coded = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    head = f"From: a@b.example\r\nTo: c@d.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n{coded}"
    return head.encode() + b"\r\n" + html + b"\r\n"


def compiled(raw: bytes, wish: TrackWish = WISH, additions: Additions = FOOTER) -> Template:
    return compile_template(scan(raw, ScanLimits()), additions, track=wish)


def plain(template: Template) -> dict[str, str]:
    return {f"{LINK_SLOT}{place}": link.raw for place, link in enumerate(template.tracked)}


def tracked(template: Template) -> dict[str, str]:
    values = {f"{LINK_SLOT}{place}": f"https://t.example/c/{place}" for place in range(len(template.tracked))}
    return values | {PIXEL_SLOT: '<img src="https://t.example/o/x.gif" />'}


def body(template: Template, values: dict[str, str]) -> bytes:
    made = Renderer(template).render(values | {"unsubscribe_url": "https://relay.example/u/x"})
    parsed = email.message_from_bytes(b"".join(made.fields) + b"\r\n" + made.body, policy=email.policy.SMTP)
    found = parsed.get_payload(decode=True)
    assert isinstance(found, bytes)
    return found


LINKS = {
    b'<a href="https://x.example/a">': ["https://x.example/a"],
    b"<a href='https://x.example/a'>": ["https://x.example/a"],
    b"<a href=https://x.example/a>": ["https://x.example/a"],
    b"<a href = https://x.example/a >": ["https://x.example/a"],
    b'<A HREF="HTTPS://X.example/a">': ["https://x.example/a"],
    b'<a class="b" href="https://x.example/a" style="c">': ["https://x.example/a"],
    b'<a title="a > b" href="https://x.example/a">': ["https://x.example/a"],
    b'<a\nhref="https://x.example/a"\n>': ["https://x.example/a"],
    b'<a href=" https://x.example/a ">': ["https://x.example/a"],
    b'<a href="https://x.example/?a=1&amp;b=2">': ["https://x.example/?a=1&b=2"],
    b'<a href="https://x.example/?a=1&b=2">': ["https://x.example/?a=1&b=2"],
    b'<a href="https://x.example/?a=1&#38;b=2">': ["https://x.example/?a=1&b=2"],
    b'<a href="&#104;ttps://x.example/a">': ["https://x.example/a"],
    b'<a href="https:&#x2F;&#x2F;x.example/a">': ["https://x.example/a"],
    b'<a href="https:\\\\x.example\\a">': ["https://x.example/a"],
    b'<a href="https:/x.example/a">': ["https://x.example/a"],
    b'<a href="https://x.example/a b">': ["https://x.example/a%20b"],
    b'<a href="https://x.example/a%20b">': ["https://x.example/a%20b"],
    b'<a href="https://x.example/a#part">': ["https://x.example/a#part"],
    b'<a href="https://x.example">': ["https://x.example/"],
    b'<a href="https://x.example:8443/a">': ["https://x.example:8443/a"],
    b'<a href="https://[2001:db8::1]/a">': ["https://[2001:db8::1]/a"],
    '<a href="https://m\u00fcnchen.example/\u00fc?q=\u00e4">'.encode(): [
        "https://xn--mnchen-3ya.example/%C3%BC?q=%C3%A4"
    ],
    b'<area href="https://x.example/map">': ["https://x.example/map"],
    b'<base href="https://shop.example/d/"><a href="rel?x=1">': ["https://shop.example/d/rel?x=1"],
    b'<base href="https://shop.example/d/"><a href="/root">': ["https://shop.example/root"],
    b'<base href="https://shop.example/d/"><a href="//other.example/p">': ["https://other.example/p"],
    b'<base href="https://shop.example/d/"><a href="#top">': [],
    b'<a href="//x.example/p">': ["https://x.example/p"],
    b'<a href="relative">': [],
    b'<a href="#top">': [],
    b'<a href="">': [],
    b"<a href>": [],
    b'<a name="x">': [],
    b'<a href="mailto:a@b.example">': [],
    b'<a href="tel:+123">': [],
    b'<a href="sms:+123">': [],
    b'<a href="javascript:alert(1)">': [],
    b'<a href="data:text/html,x">': [],
    b'<a href="ftp://x.example/">': [],
    b'<a href="https://">': [],
    b'<a href="https://user:pass@x.example/">': [],
    b'<a href="https://bank.example@evil.example/">': [],
    b'<a href="https://x.example:99999/">': [],
    b'<a href="https://relay.example/u/abc">': [],
    b'<a href="HTTPS://RELAY.example/p/abc">': [],
    b'<a href="{{unsubscribe_url}}">': [],
    b'<a href="{{ preferences_url }}">': [],
    b'<a href="https://x.example/{{unsubscribe_url}}">': [],
    b'<a href="https://x.example/unsubscribe?u=1">': [],
    b'<a href="https://x.example/Un-Subscribe/1">': [],
    b'<a href="https://x.example/optout">': [],
    b'<a href="https://x.example/opt-out/9">': [],
    b'<a href="https://x.example/?action=unsubscribe">': [],
    b'<a href="https://x.example/newsletter/abmelden">': [],
    b'<a href="https://x.example/email-preferences">': [],
    b'<a href="https://x.example/preferences">': [],
    b'<a href="https://x.example/report-spam">': [],
    b'<a href="https://unsubscribe.example/offer">': ["https://unsubscribe.example/offer"],
    b'<a href="https://x.example/subscribe">': ["https://x.example/subscribe"],
    b'<a href="https://x.example/optoutdoor-gear">': ["https://x.example/optoutdoor-gear"],
    b'<a data-relay-track="none" href="https://x.example/a">': [],
    b'<a href="https://x.example/a" DATA-RELAY-TRACK=NONE>': [],
    b'<a data-relay-track="all" href="https://x.example/a">': ["https://x.example/a"],
    b'<a clicktracking="off" href="https://x.example/a">': [],
    b'<a clicktracking=off href="https://x.example/a">': [],
    b'<a disable-tracking="true" href="https://x.example/a">': [],
    b'<a data-pm-no-track href="https://x.example/a">': [],
    b'<a ses:no-track href="https://x.example/a">': [],
    b'<a data-msys-clicktrack="0" href="https://x.example/a">': [],
    b'<!-- <a href="https://x.example/a"> -->': [],
    b"<style>a[href='https://x.example/a']{}</style>": [],
    b'<img src="https://x.example/a.png">': [],
    b'<link href="https://x.example/a.css">': [],
    b'<form action="https://x.example/a">': [],
    b'<a href="https://x.example/a"><a href="https://x.example/a">': ["https://x.example/a"],
    b'<a href="https://x.example/a"><a href="https://x.example/b">': ["https://x.example/a", "https://x.example/b"],
    b'<a href="https://first.example/" href="https://second.example/">': ["https://first.example/"],
    b'<a href="https://x.example/' + b"p" * 3000 + b'">': [],
}


@pytest.mark.parametrize("markup", LINKS)
@pytest.mark.parametrize("encoding", ["", "base64", "quoted-printable"])
def test_links(markup: bytes, encoding: str) -> None:
    sent = b"<html><body><p>Hello</p>" + markup + b"text</a></body></html>"
    template = compiled(message(sent, encoding=encoding))
    assert [link.url for link in template.tracked] == LINKS[markup]
    without = compile_template(scan(message(sent, encoding=encoding), ScanLimits()), FOOTER)
    assert body(template, plain(template)) == body(without, {}), "who isn't tracked gets what was written"
    seen = body(template, tracked(template))
    assert seen.count(b"https://t.example/c/") == sum(
        sent.count(link.raw.encode("latin-1")) for link in template.tracked
    )
    assert seen.count(b"https://t.example/o/x.gif") == 1


@pytest.mark.parametrize(
    ("wish", "pixel", "links"),
    [(TrackWish(), 0, 0), (TrackWish(opens=True), 1, 0), (TrackWish(clicks=True), 0, 1), (WISH, 1, 1)],
)
def test_a_wish_is_what_is_placed(wish: TrackWish, pixel: int, links: int) -> None:
    template = compiled(message(b'<p><a href="https://x.example/">x</a></p>'), wish)
    names = Renderer(template).names
    assert (PIXEL_SLOT in names, len(template.tracked)) == (bool(pixel), links)


def test_without_a_wish_nothing_is_looked_at() -> None:
    raw = message(b'<p><a href="https://x.example/">x</a></p>')
    assert compile_template(scan(raw, ScanLimits()), FOOTER).encode() == compiled(raw, TrackWish()).encode()


def test_plain_text_is_left_unless_the_setting_says_otherwise() -> None:
    raw = message(b"See https://x.example/a?b=1, or (https://y.example/).\r\nhttps://relay.example/u/z", "text/plain")
    assert compiled(raw).tracked == ()
    template = compiled(raw, WISH._replace(text=True))
    assert [link.url for link in template.tracked] == ["https://x.example/a?b=1", "https://y.example/"]
    assert b"See https://t.example/c/0, or (https://t.example/c/1).\r\n" in body(template, tracked(template))
    assert b"https://x.example/a?b=1, or (https://y.example/)." in body(template, plain(template))


def test_amp_has_links_and_no_picture() -> None:
    amp = (
        b"<!doctype html><html amp4email><head><meta charset=utf-8></head>"
        b'<body><a href="https://x.example/a">x</a></body></html>'
    )
    raw = (
        b'From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/x-amp-html; charset=utf-8\r\n\r\n" + amp + b"\r\n"
        b'--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<a href="https://x.example/a">x</a>\r\n--b--\r\n'
    )
    template = compiled(raw)
    made = Renderer(template).render(tracked(template))
    first, second = made.body.split(b"text/html", 1)
    assert b"https://t.example/c/0" in first and b"/o/x.gif" not in first
    assert b"https://t.example/c/0" in second and b"/o/x.gif" in second


def test_the_picture_is_seen_once_and_before_the_end() -> None:
    raw = (
        b'From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/html\r\n\r\n<html><body>one</body></html>\r\n"
        b"--b\r\nContent-Type: text/html\r\n\r\n<html><body>two</body></html>\r\n--b--\r\n"
    )
    template = compiled(raw)
    made = Renderer(template).render(tracked(template)).body
    assert made.count(b"/o/x.gif") == 1 and made.index(b"/o/x.gif") < made.index(b"</body>")


def test_many_links_are_bounded() -> None:
    html = b"".join(b'<a href="https://x.example/%d">x</a>\r\n' % number for number in range(2_000))
    template = compiled(message(html))
    assert len(template.tracked) == 500
    assert b'href="https://x.example/1999"' in body(template, tracked(template))


def test_a_link_for_handing_on_is_told() -> None:
    raw = message(b'<a data-relay-track="forward" href="https://x.example/f">f</a><a href="https://x.example/f">f</a>')
    assert [(link.url, link.forward) for link in compiled(raw).tracked] == [
        ("https://x.example/f", True),
        ("https://x.example/f", False),
    ]


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251", "shift_jis", "iso-2022-jp", "utf-16", "gb18030"])
def test_links_in_other_charsets(charset: str) -> None:
    html = '<html><body>\u0410 <a href="https://x.example/a">x</a></body></html>'
    raw = message(html.encode(charset, "xmlcharrefreplace"), f"text/html; charset={charset}", "base64")
    template = compiled(raw)
    assert [link.url for link in template.tracked] == ["https://x.example/a"]
    assert b"https://t.example/c/0" in body(template, tracked(template))


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://x.example/a\r\nSet-Cookie: a=b", "https://x.example/aSet-Cookie:%20a=b"),
        ("https://x.example/\u202e", "https://x.example/%E2%80%AE"),
        ("http://x.example/?q=%zz", "http://x.example/?q=%zz"),
        ("https://x%00.example/", ""),
        ("https:///nohost", ""),
        ("javascript://x.example/%0aalert(1)", ""),
    ],
)
def test_what_a_redirect_can_carry(url: str, sent: str) -> None:
    assert sendable(url) == sent
