"""What policies see of a message's text."""

from relay.mail.content import Content, content
from relay.mail.scan import ScanLimits, scan

MESSAGE = (
    b"From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=koi8-r\r\nContent-Transfer-Encoding: base64\r\n\r\n8NLJ18XU\r\n"
    b"--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<p>=7B{unsubscribe=\r\n_url}}\r\n"
    b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\n{{relay_footer}}\r\n--b--\r\n"
)


def test_texts_and_placeholders() -> None:
    assert content(scan(MESSAGE, ScanLimits())) == Content(
        ("Привет", "<p>{{unsubscribe_url}}"), frozenset({"unsubscribe_url"})
    )


def test_bounded() -> None:
    assert content(scan(MESSAGE, ScanLimits()), 8).texts == ("Привет", "<p")
    assert content(scan(MESSAGE, ScanLimits()), 6).texts == ("Привет",)
