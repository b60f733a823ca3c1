"""Lines of more than 998 octets: mended wherever nobody can tell, refused where something would break."""

from __future__ import annotations

import base64
import email
import email.policy
from typing import Any

import pytest

from relay.mail.additions import Additions
from relay.mail.mend import mended
from relay.mail.render import Renderer
from relay.mail.scan import Malformed, ScanLimits, scan
from relay.mail.template import compile_template

HEAD = b"From: a@acme.example\r\nMIME-Version: 1.0\r\n"
LONG = b"word " * 250 + b"end\r\nshort\r\n"
FOOTER = Additions("Unsubscribe: {{unsubscribe_url}}", '<a href="{{unsubscribe_url}}">x</a>')


def sent(message: bytes, additions: Additions | None = None) -> bytes:
    template = compile_template(scan(message, ScanLimits()), additions or Additions())
    copy = Renderer(template).render({"unsubscribe_url": "https://r.example/u/T"})
    octets = b"".join(copy.fields) + b"\r\n" + copy.body
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    return octets


def leaf(head: bytes, body: bytes, kind: bytes = b"multipart/mixed") -> bytes:
    """A message of two parts; the second is the one in question."""
    return (
        HEAD + b'Content-Type: ' + kind + b'; boundary="B"\r\n\r\n--B\r\nContent-Type: text/plain\r\n\r\nhi\r\n--B\r\n'
        + head + b"\r\n\r\n" + body + b"\r\n--B--\r\n"
    )  # fmt: skip


def second(octets: bytes) -> Any:
    parts: Any = email.message_from_bytes(octets).get_payload()
    return parts[1]


TEXTS = (
    *(b"text/calendar; method=REQUEST; charset=utf-8", b"text/csv", b"text/xml", b"text/x-vcard; charset=utf-8"),
    *(b"text/plain\r\nContent-Disposition: attachment; filename=a.txt", b"text/rtf", b"text/css; charset=latin1"),
    *(b"text/html\r\nContent-Disposition: attachment; filename=a.html", b"text/rfc822-headers"),
)


@pytest.mark.parametrize("additions", [None, FOOTER])
@pytest.mark.parametrize("kind", TEXTS)
def test_text_is_encoded_anew(kind: bytes, additions: Additions | None) -> None:
    for body in (LONG, b"a;" * 900, "ü".encode() * 700, LONG + b"--B not quite\r\n.\r\n", LONG + b"trailing  "):
        part = second(sent(leaf(b"Content-Type: " + kind, body), additions))
        assert part["Content-Transfer-Encoding"] == "quoted-printable"
        assert part.get_payload(decode=True) == body


@pytest.mark.parametrize("encoding", [b"7bit", b"8bit", b"binary"])
def test_other_octets_become_base64(encoding: bytes) -> None:
    body = b'{"a": "' + "ö".encode() * 800 + b'"}\r\n--not the end\r\n'
    part = second(sent(leaf(b"Content-Type: application/json\r\nContent-Transfer-Encoding: " + encoding, body)))
    assert part["Content-Transfer-Encoding"] == "base64" and part.get_payload(decode=True) == body


@pytest.mark.parametrize("kind", [b"application/pdf", b"image/png", b"text/plain\r\nContent-Disposition: attachment"])
def test_base64_is_cut_into_lines(kind: bytes) -> None:
    octets = bytes(range(256)) * 20
    body = base64.b64encode(octets)
    made = sent(leaf(b"Content-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64", body))
    part = second(made)
    assert part["Content-Transfer-Encoding"] == "base64" and part.get_payload(decode=True) == octets
    assert max(map(len, made.split(b"\r\n"))) <= 76


def test_quoted_printable_with_long_lines_is_written_anew() -> None:
    body = b"=C3=BC " * 200 + b"=\r\nx"
    part = second(sent(leaf(b"Content-Type: text/csv\r\nContent-Transfer-Encoding: quoted-printable", body)))
    assert part.get_payload(decode=True) == "ü ".encode() * 200 + b"x"


def test_a_message_alone() -> None:
    for kind, name in ((b"text/csv", "quoted-printable"), (b"application/xml", "base64")):
        made = email.message_from_bytes(sent(HEAD + b"Content-Type: " + kind + b"\r\n\r\n" + LONG))
        assert made["Content-Transfer-Encoding"] == name and made.get_payload(decode=True) == LONG


def test_the_boundary_is_not_imitated() -> None:
    part = second(sent(leaf(b"Content-Type: text/csv", LONG + b"--Bx\r\n--B\r\n".replace(b"--B\r\n", b""))))
    assert part.get_payload(decode=True) == LONG + b"--Bx\r\n"


@pytest.mark.parametrize(("kind", "where"), [(b"multipart/signed", "signed"), (b"multipart/encrypted", "encrypted")])
def test_signed_and_encrypted_parts_are_refused_with_the_reason(kind: bytes, where: str) -> None:
    inner = (
        b"--B\r\nContent-Type: text/plain\r\n\r\n"
        + LONG
        + b"\r\n--B\r\nContent-Type: application/x\r\n\r\nx\r\n--B--\r\n"
    )
    message = HEAD + b"Content-Type: " + kind + b"; boundary=B\r\n\r\n" + inner
    at = message.index(b"word")
    told = rf"line \d+ \(offset {at}\) has more than 998 octets in an? {where} part"
    with pytest.raises(Malformed, match=told):
        sent(message)
    nested = (
        HEAD
        + b"Content-Type: "
        + kind
        + b"; boundary=B\r\n\r\n--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n"
    )
    nested += b"--C\r\nContent-Type: text/csv\r\n\r\n" + LONG + b"--C--\r\n--B\r\n\r\nx\r\n--B--\r\n"
    with pytest.raises(Malformed, match=where):
        sent(nested)


def test_a_signature_in_one_line_is_no_signed_part() -> None:
    octets = bytes(range(256)) * 8
    message = leaf(
        b'Content-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64',
        base64.b64encode(octets), b"multipart/signed",
    )  # fmt: skip
    assert second(sent(message)).get_payload(decode=True) == octets


def test_the_message_in_the_message_is_mended_inside() -> None:
    inner = (
        leaf(b"Content-Type: text/html; charset=utf-8", b"<p>" + LONG).replace(b'"B"', b'"I"').replace(b"--B", b"--I")
    )
    inner = inner.replace(b"From:", b"References: " + b"<a@b.example> " * 90 + b"\r\nFrom:")
    part = second(sent(leaf(b"Content-Type: message/rfc822\r\nContent-Disposition: attachment", inner.rstrip())))
    message = part.get_payload()[0]
    assert message.get_all("Content-Transfer-Encoding") is None
    assert message["References"].split() == ["<a@b.example>"] * 90
    assert second(bytes(message).replace(b"\n", b"\r\n")).get_payload(decode=True) == b"<p>" + LONG


def test_a_message_of_one_part_in_the_message_says_how_it_is_encoded() -> None:
    inner = (
        HEAD + b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + "ü".encode() * 900
    )
    part = second(sent(leaf(b"Content-Type: message/rfc822", inner)))
    message = part.get_payload()[0]
    assert message.get_all("Content-Transfer-Encoding") == ["quoted-printable"]
    assert message.get_payload(decode=True) == "ü".encode() * 900


def test_reports_are_folded() -> None:
    body = b"Reporting-MTA: dns; a\r\n\r\nFinal-Recipient: rfc822; a@b\r\nDiagnostic-Code: smtp; " + b"550 no " * 200
    part = second(sent(leaf(b"Content-Type: message/delivery-status", body, b"multipart/report")))
    assert part.get_payload()[1]["Diagnostic-Code"].split() == ["smtp;"] + ["550", "no"] * 200


def test_headers_of_parts_are_folded() -> None:
    name = b"; ".join(b'x-%d="%s"' % (number, b"y" * 60) for number in range(20))
    made = second(sent(leaf(b"Content-Type: application/x; " + name, b"x")))
    assert made.get_param("x-19") == "y" * 60
    with pytest.raises(Malformed, match="can't be folded"):
        sent(leaf(b"Content-Type: application/x; name=" + b"y" * 1000, b"x"))


@pytest.mark.parametrize(
    "message",
    [
        leaf(b"Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode", LONG),
        leaf(b"Content-Type: text/plain\r\nContent-Type: text/html", LONG),
        leaf(b"Content-Type: application/x", b"x").replace(b"\r\n\r\n--B\r\n", b"\r\n\r\n" + LONG + b"--B\r\n", 1),
        leaf(b"Content-Type: application/x", b"x") + LONG,
        leaf(b"Content-Type: multipart/mixed; boundary=none", LONG),
    ],
)
def test_what_nothing_can_be_done_about_is_refused(message: bytes) -> None:
    at = message.index(b"word ")
    line = message.count(b"\n", 0, at) + 1
    with pytest.raises(Malformed, match=rf"554 5\.6\.0 line {line} \(offset {at}\) has more than 998"):
        sent(message)


def test_the_offset_is_the_clients_though_the_header_was_mended() -> None:
    message = leaf(b"Content-Type: multipart/mixed; boundary=none", LONG).replace(
        b"MIME", "Subject: Ü\r\nMIME".encode(), 1
    )
    scanned = mended(scan(message, ScanLimits()), ScanLimits(), smtputf8=False)
    with pytest.raises(Malformed, match=rf"\(offset {message.index(b'word ')}\)"):
        compile_template(scanned, Additions())


def test_hashes_and_lengths_of_a_body_that_changed_go() -> None:
    lies = b"Content-MD5: OUMrvS9s4Gh4iTbChEh44w==\r\nContent-Length: 7\r\n"
    message = HEAD + lies + b"Content-Type: text/plain\r\n\r\nHello\r\n"
    assert lies in sent(message)
    assert b"Content-MD5" not in sent(message, FOOTER) and b"Content-Length" not in sent(message, FOOTER)
    part = leaf(b"Content-Type: text/html\r\n" + lies.rstrip(), b"<p>Hello</p>", b"multipart/alternative")
    assert lies in sent(part) and b"Content-MD5" not in sent(part, FOOTER)
    wrapped = sent(message.replace(b"text/plain", b"application/x"), FOOTER)
    assert b"Content-MD5" not in wrapped and b"multipart/mixed" in wrapped


def test_a_field_whose_name_is_too_long_is_refused() -> None:
    name = b"X-" + b"x" * 1200
    head = b"From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    body = b"\r\n--b\r\n%s: inline; a=b\r\n\r\nHi\r\n--b--\r\n"
    with pytest.raises(Malformed, match="can't be folded there"):
        compile_template(scan(head + body % name, ScanLimits()), Additions(), frozenset(), [{}])
    limits = ScanLimits()
    with pytest.raises(Malformed, match="can't be folded there"):
        mended(scan(head + name + b": a b\r\n" + body % b"X-Short", limits), limits, smtputf8=False)
