"""A tenant hides the way out: by HTML and CSS, by parts that only some readers see, by odd shapes (R6, R7).

``tests/peers/test_footer_visible.py`` tries the HTML on parts alone, with thousands of random documents; here the
message goes the whole way, and a browser shows what arrived.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from tests.attacks.conftest import Ground
from tests.peers.test_footer_visible import APART, LINK, SHOWN, assert_shown
from tests.support.browser import Browser, available
from tests.support.peers import missing
from tests.support.smtp import Received, mail

WHO = "reader@people.example"
TRICKS = (
    "open comment", "open conditional comment", "open style", "open textarea", "open noscript",
    "open attribute, double quote", "open template", "hidden wrapper", "early body end",
    "overlay after the body end", "display none body, important", "everything hidden",
    "hidden in a media query", "hidden by starting style", "white on white", "tiny font", "off the screen",
    "pulled up", "scaled to nothing", "overlay", "overlay by pseudo-element", "base", "frameset",
    "linked sheet", "placeholder that splits a comment's end", "placeholder in a hidden element",
    "placeholder in a link",
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def people(ground: Ground) -> None:
    ground.agree(WHO)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not available():
        missing("chromium or chromedriver")
    with Browser() as window:
        yield window


def link_of(got: Received) -> str:
    return str(re.findall(r"<(http[^>]+/u/[^>]+)>", got.field("List-Unsubscribe"))[0])


def parts(got: Received) -> list[EmailMessage]:
    """Leaves of the message and of messages in it."""
    parsed = email.message_from_bytes(got.data, policy=email.policy.default)
    return [part for part in parsed.walk() if not part.is_multipart() and isinstance(part, EmailMessage)]


def with_link(got: Received) -> list[str]:
    """Types of the parts in which the link stands, decoded as a reader does."""
    link = link_of(got)
    found = []
    for part in parts(got):
        octets = part.get_payload(decode=True)
        assert isinstance(octets, bytes)
        charset = part.get_content_charset("utf-8")
        if link in octets.decode(charset if charset.startswith("utf-16") else "latin-1", "replace"):
            found.append(part.get_content_type())
    return found


@pytest.mark.peers
@pytest.mark.parametrize("name", TRICKS)
def test_html_hides_nothing(ground: Ground, browser: Browser, name: str) -> None:
    got = ground.deliver(page(SHOWN[name]), WHO)
    (shown,) = [part.get_content() for part in parts(got) if part.get_content_type() == "text/html"]
    assert_shown(browser, shown.replace(link_of(got), LINK).encode("utf-8"))


@pytest.mark.parametrize("name", APART)
def test_html_in_which_no_place_is_safe_comes_second(ground: Ground, name: str) -> None:
    """Scripts and the like could take the footer away: it goes to a part of its own, before them."""
    got = ground.deliver(page(APART[name][0]), WHO)
    first, second = parts(got)
    assert (first.get_content_type(), second.get_content_type()) == ("text/plain", "text/html")
    assert_told(first, got)


def page(html: str) -> str:
    fields = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n"
    return mail(to=WHO, subject="Hidden", body=html + "\r\n", extra=fields)


def assert_told(part: EmailMessage, got: Received) -> None:
    """The text says how to leave, and whose mail it is."""
    text = str(part.get_content()).replace("\r\n", "\n")
    assert re.search(rf"(?m)^Unsubscribe: {re.escape(link_of(got))}$", text), text
    assert "Sent by acme, post@acme.example" in text


def mixed(kind: str, *leaves: tuple[str, str]) -> str:
    """Header fields and body of a multipart of (header, content)."""
    body = "".join(f"--b\r\n{head}\r\n\r\n{content}\r\n" for head, content in leaves)
    return f'MIME-Version: 1.0\r\nContent-Type: multipart/{kind}; boundary="b"\r\n\r\n{body}--b--\r\n'


TEXT, HTML = ("Content-Type: text/plain", "Hello"), ("Content-Type: text/html", "<p>Hello</p>")
AMP = ("Content-Type: text/x-amp-html", "<!doctype html><html amp4email><head></head><body>Hello</body></html>")
WATCH = ("Content-Type: text/watch-html", "<b>Hello</b>")
PDF = ("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64", "JVBERi0=")
PICTURE = ("Content-Type: image/png\r\nContent-Transfer-Encoding: base64", "iVBORw0=")
NAMED = ("Content-Type: text/html; name=a.html\r\nContent-Disposition: attachment; filename=a.html", "<p>All of it</p>")
WRAPPED = ["text/plain"]
"""The relay's own part, put before what can't take a footer or needn't be what a reader is shown."""

SHAPES: dict[str, tuple[str, list[str]]] = {
    "alternative": (mixed("alternative", TEXT, HTML), ["text/plain", "text/html"]),
    "AMP, which some prefer": (mixed("alternative", TEXT, AMP, HTML), ["text/plain", "text/x-amp-html", "text/html"]),
    "watch": (mixed("alternative", TEXT, WATCH, HTML), ["text/plain", "text/watch-html", "text/html"]),
    "alternative that ends in a picture": (mixed("alternative", TEXT, HTML, PICTURE), WRAPPED),
    "alternative called attachment": (
        mixed("alternative", TEXT, (HTML[0] + "\r\nContent-Disposition: attachment", HTML[1])),
        ["text/plain", "text/html"],
    ),
    "related whose start is its second": (
        mixed("related; start=\"<s>\"", HTML, (HTML[0] + "\r\nContent-ID: <s>", "<p>Really</p>")), ["text/html"] * 2,
    ),
    "a document alone": (f"MIME-Version: 1.0\r\n{PDF[0]}\r\n\r\n{PDF[1]}\r\n", WRAPPED),
    "a picture alone": (f"MIME-Version: 1.0\r\n{PICTURE[0]}\r\n\r\n{PICTURE[1]}\r\n", WRAPPED),
    "everything attached": (mixed("mixed", PDF, NAMED), WRAPPED),
    "a message in the message": (
        mixed("mixed", ("Content-Type: message/rfc822", "Subject: All of it\r\n\r\nHello")), WRAPPED,
    ),
    "signed": (mixed("signed", TEXT, ("Content-Type: application/pgp-signature", "x")), WRAPPED),
    "encrypted": (mixed("encrypted", ("Content-Type: application/pgp-encrypted", "Version: 1"), PDF), WRAPPED),
    "no text type": ("MIME-Version: 1.0\r\nContent-Type: text/enriched\r\n\r\n<bold>Hello</bold>\r\n", WRAPPED),
    "two types": ("Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n", WRAPPED),
    "no delimiter": ('MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\nHello\r\n', WRAPPED),
    "empty": ("\r\n", ["text/plain"]),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_no_shape_is_without_a_way_out(ground: Ground, name: str) -> None:
    """In each readable part, or before what can't be read."""
    head = mail(to=WHO, subject="Shapes", body="").removesuffix("\r\n")
    got = ground.deliver(head + SHAPES[name][0], WHO)
    assert with_link(got) == SHAPES[name][1], got.data.decode("latin-1")
    if SHAPES[name][1] is WRAPPED:
        assert_told(parts(got)[0], got)


CODED = {
    "base64": ("utf-8", "base64", "SGVsbG8sIHlvdSE="),
    "quoted-printable": ("utf-8", "quoted-printable", "Hello=\r\n"),
    "quoted-printable that ends in the middle": ("utf-8", "quoted-printable", "Hello ="),
    "UTF-16": ("utf-16", "base64", "/v8ASABpACE="),
    "UTF-7": ("utf-7", "7bit", "Hello +AKM-"),
    "escapes to another set": ("iso-2022-jp", "7bit", "Hello \x1b$B"),
    "no such charset": ("x-nobody-knows", "8bit", "Hello"),
    "no such encoding": ("utf-8", "x-uuencode", "Hello"),
    "flowed": ("utf-8; format=flowed; delsp=yes", "7bit", "Hello \r\nyou "),
}


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("name", CODED)
def test_no_coding_swallows_it(ground: Ground, name: str, kind: str) -> None:
    charset, encoding, body = CODED[name]
    fields = f"MIME-Version: 1.0\r\nContent-Type: text/{kind}; charset={charset}\r\n"
    fields += f"Content-Transfer-Encoding: {encoding}\r\n"
    got = ground.deliver(mail(to=WHO, subject="Coded", body=body + "\r\n", extra=fields), WHO)
    wanted = "text/plain" if name == "no such encoding" else f"text/{kind}"
    assert wanted in with_link(got), got.data.decode("latin-1")


@pytest.mark.parametrize(
    "placed",
    ["{{relay_footer}}", "{{unsubscribe_url}}", "{{ relay_footer }}", "{{relay_footer}}" * 50, "{{{{relay_footer}}}}"],
)
def test_a_placeholder_moves_the_footer_and_never_removes_it(ground: Ground, placed: str) -> None:
    got = ground.deliver(mail(to=WHO, subject="Placed", body=f"Hi {placed}\r\nBye\r\n"), WHO)
    assert_told(parts(got)[0], got)
