"""Messages in, rendered copies out, octet for octet; ``cases.toml`` says why each case exists.

``python -m tests.golden.test_mail_golden`` writes the expected files anew; read the difference before keeping it.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from relay.mail import html
from relay.mail.additions import Additions
from relay.mail.canon import relaxed_body
from relay.mail.render import Renderer
from relay.mail.scan import ScanLimits, scan
from relay.mail.template import Template, compile_template

FOLDER = Path(__file__).parent / "mail"
CASES = tomllib.loads((FOLDER / "cases.toml").read_text())
ADDITIONS = Additions(
    footer_text="{{reason}}\nUnsubscribe: {{unsubscribe_url}}\n Shop Õun, news@example.com",
    footer_html='<p>{{reason}}<br><a href="{{unsubscribe_url}}">Unsubscribe</a> Shop Õun</p>',
    headers=(
        ("List-Unsubscribe", "<mailto:{{unsubscribe_mailto}}>, <{{unsubscribe_url}}>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ("X-Sender-Contact", '"Shop Õun" <news@example.com>'),
    ),
)
VALUES = {
    "reason": "You subscribed to «news» of Žanna & Co",
    "unsubscribe_url": "https://relay.example.com/u/abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
    "preferences_url": "https://relay.example.com/p/abcdefghijklmnopqrstuvwxyzabcdefghijklmnop",
    "unsubscribe_mailto": "u-abcdefghijklmnop@mail.example.com",
}


def plain_guard(footer_html: str, *, detached: bool = False, direction: str = "", font: str = "") -> str:
    """Instead of the long styles that keep a footer visible: these have their own tests."""
    return f'<div id="relay-footer">{footer_html}</div>'


def rendered(name: str) -> bytes:
    message = (FOLDER / f"{name}.in.eml").read_bytes()
    template = compile_template(scan(message, ScanLimits()), ADDITIONS, frozenset(), [VALUES])
    copy = Renderer(Template.decode(template.encode())).render(VALUES)
    assert copy.body_hash == hashlib.sha256(relaxed_body(copy.body)).digest()
    return b"".join(copy.fields) + b"\r\n" + copy.body


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "guard", plain_guard)
    assert rendered(name) == (FOLDER / f"{name}.out.eml").read_bytes(), CASES[name]


if __name__ == "__main__":
    html.guard = plain_guard
    for case in CASES:
        (FOLDER / f"{case}.out.eml").write_bytes(rendered(case))
