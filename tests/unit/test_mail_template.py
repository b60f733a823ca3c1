"""What compiling changes and what it leaves alone."""

from __future__ import annotations

import base64
import binascii
import email
import email.policy
import html
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import cast

import pytest

from relay.mail.additions import Additions
from relay.mail.downgrade import downgrade
from relay.mail.render import Rendered, Renderer
from relay.mail.scan import Malformed, ScanLimits, scan
from relay.mail.template import Template, compile_template
from tests.fuzz.mail import corpus

FROM = b"From: a@example.com\r\n"
FOOTER = Additions(
    "FOOTER {{reason}}\nout: {{unsubscribe_url}}", '<p>FOOTER {{reason}} <a href="{{unsubscribe_url}}">out</a></p>'
)
VALUES = {
    "reason": "you asked",
    "unsubscribe_url": "https://r.example/u/TOKEN",
    "preferences_url": "https://r.example/p/TOKEN",
}


def copy_of(
    message: bytes,
    additions: Additions = FOOTER,
    values: Mapping[str, str] = VALUES,
    *,
    remove: frozenset[str] = frozenset(),
    if_missing: Sequence[tuple[str, str]] = (),
) -> Rendered:
    template = compile_template(scan(message, ScanLimits()), additions, remove, [values], if_missing=if_missing)
    return Renderer(Template.decode(template.encode())).render(values)


def whole(copy: Rendered) -> bytes:
    return b"".join(copy.fields) + b"\r\n" + copy.body


def parsed(copy: Rendered) -> EmailMessage:
    message = email.message_from_bytes(whole(copy), policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


def text_of(part: EmailMessage) -> str:
    content = part.get_content()
    assert isinstance(content, str)
    return content


def typed(charset: str, encoding: str, body: bytes, kind: str = "text/plain") -> bytes:
    head = (
        f"MIME-Version: 1.0\r\nContent-Type: {kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return FROM + head.encode() + body


def test_without_footer_every_octet_stays() -> None:
    body = b"x \t\r\n\r\n--\r\n\xff{{other}}\r\n\r\n\r\n"
    fields = b"X-Odd :  a\r\n\t b \r\n" + FROM + b"DKIM-Signature: v=1\r\n"
    copy = copy_of(fields + b"\r\n" + body, Additions())
    assert whole(copy) == fields + b"\r\n" + body


def test_corpus_without_footer_stays() -> None:
    tried = 0
    for message in corpus():
        try:
            scanned = scan(message, ScanLimits())
            template = compile_template(scanned, Additions())
        except Malformed:
            continue
        if template.placeholders or b"x" * 999 in message:
            continue
        tried += 1
        kept = [
            scanned.message[one.start : one.end]
            for one in scanned.fields
            if one.name not in (b"bcc", b"resent-bcc", b"return-path") and not one.name.startswith(b"relay-")
        ]
        assert whole(Renderer(template).render({})) == b"".join(kept) + b"\r\n" + scanned.message[scanned.body_start :]
    assert tried >= 10


def leaves(message: email.message.Message) -> list[tuple[str, bytes]]:
    """Leaves as Python's parser sees them, with decoded content."""
    found = []
    open_parts = [message]
    while open_parts:
        part = open_parts.pop(0)
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            open_parts[:0] = cast("list[email.message.Message]", part.get_payload())
        else:
            payload = b"" if part.is_multipart() else part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append((part.get_content_type(), payload))
    return found


def test_another_parser_reads_the_same_parts_beside_the_footer() -> None:
    tried = 0
    for message in corpus():
        try:
            scanned = scan(message, ScanLimits())
            template = compile_template(scanned, FOOTER, frozenset(), [VALUES])
        except Malformed:
            continue
        before = leaves(email.message_from_bytes(scanned.message))
        after = leaves(email.message_from_bytes(whole(Renderer(template).render(VALUES))))
        if template.wrapped:
            assert after[0][0] == "text/plain"
            assert b"FOOTER" in after[0][1]
            after = after[1:]
        assert [kind for kind, _ in after] == [kind for kind, _ in before]
        for (kind, old), (_, new) in zip(before, after, strict=True):
            assert kind.startswith("text/") or new.strip() == old.strip()
        tried += 1
    assert tried >= 20


CHARSETS = ("utf-8", "iso-8859-1", "koi8-r", "shift_jis", "gb18030", "utf-16", "utf-7", "iso-2022-jp", "hz")
ENCODINGS = [
    (charset, encoding)
    for charset in CHARSETS
    for encoding in ("8bit", "quoted-printable", "base64")
    if (charset, encoding) != ("utf-16", "8bit")  # its NULs can't stand in a message as they are
]


@pytest.mark.parametrize(("charset", "encoding"), ENCODINGS)
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
@pytest.mark.parametrize("reason", ["ascii", "Ünï — жук"])
def test_every_charset_and_encoding(charset: str, encoding: str, kind: str, reason: str) -> None:
    text = {"koi8-r": "привет", "iso-8859-1": "grüße", "utf-8": "grüße"}.get(charset, "日本")
    octets = f"{text} <a href='{{{{preferences_url}}}}'>x</a>\r\n".encode(charset)
    if encoding == "quoted-printable":
        octets = binascii.b2a_qp(octets, istext=False).replace(b"\n", b"\r\n")
    elif encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    copy = copy_of(typed(charset, encoding, octets, kind), values={**VALUES, "reason": reason})
    content = text_of(parsed(copy))
    shown = html.unescape(content) if kind == "text/html" else content
    assert text in shown
    assert f"FOOTER {reason}" in shown
    assert "https://r.example/u/TOKEN" in shown
    assert "https://r.example/p/TOKEN" in shown


@pytest.mark.parametrize(
    "message",
    [
        FROM + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n",
        FROM + b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
        FROM + b"Content-Type: multipart/encrypted; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
        FROM + b"Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b\r\n\r\ny\r\n--b--\r\n",
        FROM + b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nx\r\n",
        FROM + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nx\r\n",
        FROM + b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nx\r\n",
        FROM + b"Content-Type: multipart/mixed; boundary=gone\r\n\r\nx\r\n",
    ],
)
def test_wrapped_octet_for_octet(message: bytes) -> None:
    copy = copy_of(message)
    entity = message[len(FROM) :]
    assert b"\r\n" + entity + b"\r\n--" in copy.body
    top = parsed(copy)
    assert top.get_content_type() == "multipart/mixed"
    assert "FOOTER you asked" in text_of(next(top.iter_parts()))  # type: ignore[arg-type]
    assert whole(copy_of(message, Additions())) == message


def test_private_and_replaced_fields_go() -> None:
    message = (
        FROM
        + b"bcc: x\r\n y\r\nReturn-path: <z>\r\nRELAY-Topic: t\r\nX-Gone: 1\r\nX-Mine: old\r\nx-mine : older\r\n\r\n"
    )
    copy = copy_of(message, Additions(headers=(("X-Mine", "new"),)), remove=frozenset({"x-gone"}))
    assert copy.fields == (FROM, b"X-Mine: new\r\n")


def test_if_missing() -> None:
    missing = (("Date", "Mon, 23 Nov 2026 10:00:00 +0000"), ("Message-ID", "<x@y>"))
    copy = copy_of(FROM + b"date: now\r\n\r\n", Additions(), if_missing=missing)
    assert copy.fields == (FROM, b"date: now\r\n", b"Message-ID: <x@y>\r\n")


@pytest.mark.parametrize("value", ["a\r\nBcc: x", "a\nb", "a\rb", "a\0b", "a\u2028b", "a\x85b"])
def test_additions_cannot_begin_a_line(value: str) -> None:
    with pytest.raises(ValueError, match="control character"):
        copy_of(FROM + b"\r\n", Additions(headers=(("X", value),)))
    with pytest.raises(ValueError, match="no name"):
        copy_of(FROM + b"\r\n", Additions(headers=((value, "x"),)))


@pytest.mark.parametrize("body", [b"a\r\n", "ä\r\n".encode()])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_values_cannot_begin_a_line(body: bytes, encoding: str, kind: str) -> None:
    evil = "a\r\nBcc: x@y\r\n\r\n.\r\nRCPT TO:<z>\0\x85\u2028\ud800 ä"
    additions = Additions(
        FOOTER.footer_text, FOOTER.footer_html, (("X-Reason", "{{reason}}"), ("X-Two", "b {{reason}}"))
    )
    for known in ([], [{"reason": evil}]):
        message = typed("utf-8", encoding, body, kind)
        template = compile_template(scan(message, ScanLimits()), additions, frozenset(), known)
        copy = Renderer(template).render({**VALUES, "reason": evil})
        octets = whole(copy)
        assert octets.count(b"\r\n") == octets.count(b"\r") == octets.count(b"\n")
        assert b"\0" not in octets
        assert b"\r\nBcc" not in octets
        assert b"\r\n.\r\n" not in octets
        assert "Bcc" not in parsed(copy)


def test_headers_are_folded_between_words_and_encoded() -> None:
    headers = (
        ("List-Unsubscribe", "<mailto:{{unsubscribe_mailto}}>, <{{unsubscribe_url}}>"),
        ("X-Sender-Contact", '"Õun & Pojad" <info@example.com>'),
        ("X-Long", "word " * 40),
        ("X-Blanks", "a {{ reason }} b"),
    )
    values = {**VALUES, "unsubscribe_mailto": "u-" + "k" * 60 + "@r.example", "reason": "weil «du» es wolltest, " * 4}
    copy = copy_of(FROM + b"\r\n", Additions(headers=headers), values)
    assert copy.fields[1] == b"List-Unsubscribe: <mailto:u-%s@r.example>,\r\n <https://r.example/u/TOKEN>\r\n" % (
        b"k" * 60
    )
    assert all(len(line) <= 78 for field in copy.fields[2:] for line in field.split(b"\r\n"))
    message = parsed(copy)
    assert message["X-Sender-Contact"] == "Õun & Pojad <info@example.com>"
    assert message["X-Long"].split() == ["word"] * 40
    assert message["X-Blanks"] == "a " + ("weil «du» es wolltest, " * 4).strip() + " b"


def test_footer_lines_cannot_pass_for_a_delimiter() -> None:
    head = FROM + b"Content-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\n"
    for body in (
        b"\r\nx",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nx",
        b"\r\n--{{relay_footer}}",
        b"\r\n{{relay_footer}}",
    ):
        copy = copy_of(
            head + body + b"\r\n--cut--\r\n", Additions("a\n--cut\ncut--\n{{reason}}"), {"reason": "--cut--"}
        )
        assert len(scan(whole(copy), ScanLimits()).parts) == 2


def test_a_removed_placeholder_cannot_make_a_delimiter() -> None:
    head = FROM + b"Content-Type: multipart/mixed; boundary=cut\r\n\r\n--cut\r\n"
    for part in (
        b"\r\n-{{relay_footer}}-cut",
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n-=7B{relay_footer}}-cut",
    ):
        copy = copy_of(head + part + b"\r\nX: y\r\n\r\nz\r\n--cut--\r\n", Additions())
        assert len(scan(whole(copy), ScanLimits()).parts) == 2


@pytest.mark.parametrize(
    "mark",
    [
        b"{{unsubscribe_url}}",
        b"=7B=7Bunsubscribe_url=7D=7D",
        b"=7b=7bunsubscribe=5Furl=7D}",
        b"=257B=257Bunsubscribe_url=257D=257D",
        b"%7B%7Bunsub=\r\nscribe_url%7D%7D",
    ],
)
def test_placeholders_are_found_however_quoted_printable_writes_them(mark: bytes) -> None:
    copy = copy_of(typed("utf-8", "quoted-printable", b"out: " + mark + b"\r\n"), Additions())
    assert text_of(parsed(copy)).split() == ["out:", "https://r.example/u/TOKEN"]


def test_part_without_an_empty_line_before_its_body() -> None:
    head = FROM + b"Content-Type: multipart/mixed; boundary=ABCDE\r\n\r\n--ABCDE\r\n"
    copy = copy_of(head + b"--AB{{unsubscribe_url}}\r\nX: y\r\n\r\nz\r\n--ABCDE--\r\n", Additions())
    assert copy.body.startswith(b"--ABCDE\r\n\r\n--ABhttps://r.example/u/TOKEN\r\nX: y\r\n")


def test_lines_too_long() -> None:
    long = b"x" * 2000 + b"\r\n"
    copy = copy_of(typed("utf-8", "8bit", long), Additions())
    assert text_of(parsed(copy)).strip() == "x" * 2000
    assert b"Content-Transfer-Encoding: quoted-printable\r\n" in copy.fields
    grown = b"y" * 975 + b"{{unsubscribe_url}}\r\n"
    assert max(map(len, copy_of(typed("utf-8", "7bit", grown), Additions()).body.split(b"\r\n"))) <= 76


def test_needs_8bit_and_downgrade() -> None:
    message = (
        FROM + b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n--b\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "grüße --b\r\n".encode() + b"--b\r\n"
        b"Content-Type: application/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\xff\xfe\r\n--b--\r\n"
    )
    template = compile_template(scan(message, ScanLimits()), Additions())
    assert template.needs_8bit
    copy = Renderer(template).render({})
    lower = downgrade(copy.fields, copy.body)
    assert lower is not None
    assert whole(lower).isascii()
    assert leaves(email.message_from_bytes(whole(lower))) == leaves(email.message_from_bytes(message))
    signed = message.replace(b"multipart/mixed", b"multipart/signed")
    assert downgrade((signed.partition(b"\r\n\r\n")[0] + b"\r\n",), signed.partition(b"\r\n\r\n")[2]) is None


def test_needs_smtputf8() -> None:
    assert compile_template(scan("From: jüri@example.com\r\n\r\n".encode(), ScanLimits()), Additions()).needs_smtputf8
    assert not compile_template(scan(FROM + b"\r\n\xc3\xa4\r\n", ScanLimits()), Additions()).needs_smtputf8


def test_stored_template_is_checked() -> None:
    stored = compile_template(scan(FROM + b"\r\n", ScanLimits()), FOOTER).encode()
    with pytest.raises(ValueError, match="not a message template"):
        Template.decode(stored[:-1])
    with pytest.raises(ValueError, match="version 9"):
        Template.decode(stored.replace(b"\x01", b"\x09", 1))


def test_placeholders_told() -> None:
    template = compile_template(
        scan(FROM + b"\r\n{{relay_footer}} {{unsubscribe_url}} {{x}}\r\n", ScanLimits()), Additions()
    )
    assert template.placeholders == ("relay_footer", "unsubscribe_url")


@pytest.mark.parametrize(
    ("message", "wrapped"),
    [
        (b"Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nHi\r\n--b\r\n\r\nx\r\n--b--\r\n", False),
        (b"Content-Type: application/pdf\r\n\r\nx\r\n", False),
        (b"Content-Type: text/html\r\n\r\n<script>1</script>Hi\r\n", True),
    ],
)
def test_what_may_not_be_wrapped_stays_unless_it_would_hide_the_footer(message: bytes, wrapped: bool) -> None:
    message = FROM + b"MIME-Version: 1.0\r\n" + message
    additions = Additions("Unsubscribe: {{unsubscribe_url}}", wrap=False)
    template = compile_template(scan(message, ScanLimits()), additions)
    assert template.wrapped == wrapped
    assert wrapped or whole(Renderer(template).render({})) == message


def test_three_braces_are_a_placeholder_too() -> None:
    for mark in (b"{{{unsubscribe_url}}}", b"{{{ unsubscribe_url }}}", b"%7B%7Bunsubscribe_url%7D%7D"):
        for kind in (b"text/plain", b"text/html"):
            copy = copy_of(FROM + b"Content-Type: " + kind + b"\r\n\r\n<p>" + mark + b"</p>\r\n", Additions())
            assert copy.body == b"<p>https://r.example/u/TOKEN</p>\r\n"
    placed = b"Content-Type: text/html\r\n\r\n<p>a</p>{{{relay_footer}}}<p>b</p>\r\n"
    body = copy_of(FROM + placed, Additions("x", "<b>out</b>")).body
    assert b"{" not in body and body.index(b"out") < body.index(b"<p>b</p>")
    unquoted = b"Content-Type: text/html\r\n\r\n<a href={{{unsubscribe_url}}}>x</a>\r\n"
    assert not compile_template(scan(FROM + unquoted, ScanLimits()), Additions("x", "<b>out</b>")).wrapped
