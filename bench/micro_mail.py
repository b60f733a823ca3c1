"""CPU of the steps of one 10-KB message: ``python -m bench.micro_mail``; µs, best of five rounds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from relay.delivery.smtp.sign import Signer
from relay.keys.dkim_keys import ED25519, RSA, SigningKey, generate
from relay.keys.secrets import Secrets
from relay.mail import html
from relay.mail.additions import Additions
from relay.mail.canon import relaxed_body
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, find_bare, scan
from relay.mail.template import Template, compile_template

_TEXT = b"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor.\r\n" * 40
_ROW = b'<p style=3D"color:#333"><a href=3D"https://example.com/x">Lorem ipsum</a> dolor =E2=80=94 sit</p>\r\n'
MESSAGE = (
    b"Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000\r\nFrom: News <news@example.com>\r\nTo: a@example.org\r\n"
    b"Subject: Hello there\r\nMIME-Version: 1.0\r\nMessage-ID: <a@b>\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    b'Content-Type: multipart/alternative; boundary="bbb"\r\n\r\n'
    b"--bbb\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + _TEXT + b"\r\n"
    b"--bbb\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    b"<html><body>\r\n" + _ROW * 60 + b"</body></html>\r\n--bbb--\r\n"
)
ADDITIONS = Additions(
    "You get this because {{reason}}\nUnsubscribe: {{unsubscribe_url}}\nPreferences: {{preferences_url}}",
    '<p>You get this because {{reason}}<br><a href="{{unsubscribe_url}}">Unsubscribe</a></p>',
    (
        ("List-Unsubscribe", "<mailto:{{unsubscribe_mailto}}>, <{{unsubscribe_url}}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("X-Sender-Contact", '"Shop Õun" <info@example.com>'),
        ("Feedback-ID", "c1:t1:bulk:relay"),
    ),
)
VALUES = {
    "reason": "you subscribed to «news» of Õun at example.com",
    "unsubscribe_url": "https://relay.example.com/u/" + "a" * 42,
    "preferences_url": "https://relay.example.com/p/" + "a" * 42,
    "unsubscribe_mailto": "u-" + "a" * 50 + "@mail.example.com",
}


def measure(work: Callable[[], object], count: int = 300) -> float:
    """Least CPU of one call, in µs."""
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        for _ in range(count):
            work()
        best = min(best, (time.process_time() - start) / count)
    return best * 1e6


def main() -> None:
    scanned = scan(MESSAGE, ScanLimits())
    template = compile_template(scanned, ADDITIONS, frozenset(), [VALUES])
    stored = template.encode()
    renderer = Renderer(template)
    part = scanned.parts[2]
    page = MESSAGE[part.body_start : part.body_end].decode("latin-1")
    copy = renderer.render(VALUES)
    keys = [SigningKey("example.com", "s", algorithm, generate(algorithm).key) for algorithm in (RSA, ED25519)]
    signer = Signer(keys)
    secrets = Secrets({1: b"1" * 32}, 1)
    stored_password = secrets.password_hash("a password")
    rows: list[tuple[str, Callable[[], object]]] = [
        ("find_bare", lambda: find_bare(MESSAGE)),
        ("scan", lambda: scan(MESSAGE, ScanLimits())),
        ("compile", lambda: compile_template(scanned, ADDITIONS, frozenset(), [VALUES])),
        ("  of which html.plan", lambda: html.plan(page)),
        ("compile without footer", lambda: compile_template(scanned, Additions(), frozenset(), [{}])),
        ("encode", template.encode),
        ("decode", lambda: Template.decode(stored)),
        ("Renderer", lambda: Renderer(template)),
        ("render with body hash", lambda: renderer.render(VALUES)),
        ("  sha256 of the body alone", lambda: hashlib.sha256(copy.body).digest()),
        ("  relaxed_body alone", lambda: relaxed_body(copy.body)),
        ("prepare both signatures", lambda: signer.prepare(copy.fields, copy.body_hash, 0.0)),
        ("RSA-2048 signature", lambda: keys[0].sign(copy.fields[0])),
        ("Ed25519 signature", lambda: keys[1].sign(copy.fields[0])),
        ("check a password", lambda: secrets.password_matches("a password", stored_password)),
    ]
    print(f"message {len(MESSAGE)} octets, copy {len(copy.body)}, stored {len(stored)}")
    for name, work in rows:
        print(f"{name:30} {measure(work):8.1f}")


if __name__ == "__main__":
    main()
