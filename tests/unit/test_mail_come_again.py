"""A part that comes again is looked at once, and becomes the same."""

from __future__ import annotations

import pytest

from relay.mail import come_again, html
from relay.mail.transfer import encode_qp
from tests.unit.test_mail_template import copy_of, whole

PAGE = b"<html><body>\r\n" + b"<p>Caf\xc3\xa9 news of the week</p>\r\n" * 40 + b"</body></html>\r\n"


def _message(subject: bytes, body: bytes, encoding: bytes) -> bytes:
    return (
        b"From: a@example.com\r\nSubject: " + subject + b"\r\nContent-Type: text/html; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: " + encoding + b"\r\n\r\n" + body
    )


@pytest.mark.parametrize(("body", "encoding"), [(PAGE, b"8bit"), (encode_qp(PAGE), b"quoted-printable")])
def test_the_second_letter_of_a_newsletter_becomes_the_same(
    body: bytes, encoding: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = whole(copy_of(_message(b"one", body, encoding)))
    plans: list[str] = []
    monkeypatch.setattr(html, "plan", plans.append)
    second = whole(copy_of(_message(b"two", body, encoding)))
    assert second.replace(b"two", b"one") == first
    assert b"FOOTER" in second
    assert not plans


def test_what_is_alike_in_the_body_but_not_in_its_encoding_is_another() -> None:
    body = b"caf=C3=A9\r\n"
    assert come_again.decode(body, "quoted-printable") == b"caf\xc3\xa9\r\n"
    assert come_again.decode(body, "8bit") == body
    assert come_again.decode(body, "x-odd") is None


def test_long_parts_are_not_kept() -> None:
    long = b"=41" * (come_again.OCTETS // 3 + 1)
    assert come_again.decode(long, "quoted-printable") is not come_again.decode(long, "quoted-printable")
    short = b"=41" * 10
    assert come_again.decode(short, "quoted-printable") is come_again.decode(short, "quoted-printable")
