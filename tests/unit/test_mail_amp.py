"""AMP mail keeps its parts; the AMP part gets a footer that the format allows, or doesn't leave."""

from __future__ import annotations

import email
import email.policy
import re
from email.message import EmailMessage

import pytest

from relay.mail.additions import Additions
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.stored import Template
from relay.mail.template import compile_template

LINK = "https://r.example/u/T"
HEAD = (
    '<!doctype html>\r\n<html ⚡4email data-css-strict>\r\n<head>\r\n<meta charset="utf-8">\r\n'
    '<script async src="https://cdn.ampproject.org/v0.js"></script>\r\n'
    '<script async custom-element="amp-form" src="https://cdn.ampproject.org/v0/amp-form-0.1.js"></script>\r\n'
    "<style amp4email-boilerplate>body{visibility:hidden}</style>\r\n"
    "<style amp-custom>%s</style>\r\n</head>\r\n<body>\r\n"
)
SHOP = (
    '<amp-carousel width="400" height="300"><amp-img src="https://a.example/1.png" width="4" height="3"></amp-img>'
    '</amp-carousel>\r\n<form method="post" action-xhr="https://a.example/vote"><input name="a" type="text">'
    '<button on="tap:x.submit">Send</button></form>\r\n'
)
PLAIN = HEAD % "h1{color:red}" + SHOP + "</body>\r\n</html>\r\n"


def made(markup: str, *, amp: bool = True, encoding: str = "8bit") -> tuple[Template, list[EmailMessage], bytes]:
    message = (
        "From: a@acme.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=B\r\n\r\n"
        "--B\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n"
        f"--B\r\nContent-Transfer-Encoding: {encoding}\r\nContent-Type: text/x-amp-html; charset=utf-8\r\n\r\n"
        f"{markup}\r\n"
        "--B\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello</p>\r\n--B--\r\n"
    ).encode()
    additions = Additions(
        "Unsubscribe: {{unsubscribe_url}}",
        '{{reason}}<br><a style="x:y!important" href="{{unsubscribe_url}}">Out</a>', amp=amp,
    )  # fmt: skip
    template = compile_template(scan(message, ScanLimits()), additions, values=[{"reason": "ö"}])
    template = Template.decode(template.encode())
    copy = Renderer(template).render({"unsubscribe_url": LINK, "reason": "ö"})
    octets = b"".join(copy.fields) + b"\r\n" + copy.body
    parsed = email.message_from_bytes(octets, policy=email.policy.default)
    return template, list(parsed.iter_parts()), octets  # type: ignore[arg-type]


def text(part: EmailMessage) -> str:
    return part.get_payload(decode=True).decode()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "markup",
    [
        PLAIN,
        HEAD.replace("⚡4email", "amp4email") % "" + "<p>Hi</p></body></html>",
        HEAD % "div{display:none}a{opacity:0}" + "<p>Hi</body></html>",
        '<!doctype html><html amp4email><head></head><body>Hello</body></html>',
    ],
)  # fmt: skip
def test_it_gets_a_footer_that_its_format_allows(markup: str) -> None:
    template, parts, _ = made(markup)
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/x-amp-html", "text/html"]
    assert not template.wrapped and not template.dropped
    assert all(LINK in text(part) for part in parts)
    page = text(parts[1])
    added = page[page.index('<div style="display:block') :]
    assert "!important" not in page and "id=" not in added
    assert added.index("</div>") < added.index("</body>") and page.rstrip().endswith("</html>")
    assert re.sub(r"(</p>)?<div style=\"display:block.*?</div>\r\n", "", page, flags=re.S).replace("\r\n", "") == (
        markup.replace("\r\n", "")
    )


def test_placeholders_and_their_links() -> None:
    _, parts, _ = made(PLAIN.replace("</body>", '{{relay_footer}}<a href="{{{unsubscribe_url}}}">x</a></body>'))
    assert text(parts[1]).count(LINK) == 2 and "{{" not in text(parts[1])


@pytest.mark.parametrize(
    "markup",
    [
        PLAIN.replace("</body>", "<script>document.body.remove()</script></body>"),
        PLAIN.replace("h1{color:red}", "body{display:none}"),
        PLAIN.replace("h1{color:red}", ".x{position:fixed;top:0;left:0;width:100%;height:100%}"),
        PLAIN.replace("<body>", "<body hidden>"),
        PLAIN.replace("</body>", "<plaintext>"),
    ],
)
def test_one_that_would_hide_it_does_not_leave_but_the_others_do(markup: str) -> None:
    template, parts, octets = made(markup)
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert template.dropped == ("text/x-amp-html",) and not template.wrapped
    assert octets.count(b"--B\r\n") == 2 and octets.rstrip().endswith(b"--B--")
    assert all(LINK in text(part) for part in parts)


def test_it_is_dropped_by_setting() -> None:
    template, parts, _ = made(PLAIN, amp=False)
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    assert template.dropped == ("text/x-amp-html",)


def test_an_amp_part_that_nobody_can_read_does_not_leave() -> None:
    _, parts, _ = made("no base64 at all *", encoding="x-odd")
    assert [part.get_content_type() for part in parts][-1] == "text/html"
    assert LINK in text(parts[0])
