"""From a delivered message to "I never agreed", in Chromium; and the permission that the message carries (R8b)."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from relay.audit.permission import LENGTH
from tests.peers.conftest import Office
from tests.support.browser import Browser, available
from tests.support.octets import values
from tests.support.peers import missing, until
from tests.support.smtp import mail

pytestmark = pytest.mark.peers
ROOT = Path(__file__).parents[2]
WHO = "why-contest@rcpt.example"
BODY = "MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<html><body><p>Hello</p></body></html>\r\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not available():
        missing("chromium or chromedriver")
    with Browser() as window:
        yield window


@pytest.fixture(scope="module")
def message(office: Office) -> bytes:
    """A delivered message to somebody whose consent is under a signed head."""
    office.agree(WHO)
    office.relay.cli("audit", "head")
    office.send(office.bulk, mail(to=WHO, subject="News", body="").removesuffix("\r\n") + BODY, WHO)
    return office.sink.to(WHO).data


def test_the_message_carries_its_permission_and_anybody_can_check_it(
    office: Office, message: bytes, tmp_path: Path
) -> None:
    (token,) = values(message, "Permission")
    assert len(token) == LENGTH
    signed = re.sub(r"\s", "", values(message, "DKIM-Signature")[0]).lower()
    assert ":permission" in signed.split("h=")[1].split(";")[0]
    records = {f"{one.name}.".encode(): one.value.encode() for one in office.dkim}
    assert dkim.verify(message, dnsfunc=lambda name, timeout=5: records.get(name))
    file = tmp_path / "mail.eml"
    file.write_bytes(message)
    base = f"http://127.0.0.1:{office.relay.http}"
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "proof_check.py", "--mail", file, "--url", base],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_i_never_agreed_by_the_link_of_a_message(
    office: Office, message: bytes, browser: Browser, tmp_path: Path
) -> None:
    page = tmp_path / "message.html"
    parsed = email.message_from_bytes(message, policy=email.policy.default)
    page.write_text(parsed.get_content())
    browser.open(page.as_uri())
    browser.click("a[href*='/why/']")
    until(lambda: "/why/" in browser.url(), "the page is open")
    text = browser.text()
    assert "Yes, send me the news" in text and "form on acme.example" in text and "date isn" not in text
    assert office.ask(office.bulk, WHO).code == 250
    browser.click("#never")
    until(lambda: "have stopped" in browser.text(), "answered")
    assert str(office.ask(office.bulk, WHO)).startswith("550 5.7.1 unsubscribed")
    (listed,) = office.relay.json("contest", "list", "acme")
    assert (listed["email"], listed["says"], listed["state"]) == (WHO, "never", "open")
    asked = b"relay contest answer acme"
    until(lambda: any(asked in m.data for m in list(office.sink.messages)), "the tenant is asked for its proof")
    proof = "Signed at our stand in Tartu on the third of May, form number 17"
    office.relay.cli("contest", "answer", "acme", str(listed["id"]), "--text", proof)
    browser.open(browser.url())
    assert proof in browser.text()
    browser.click("#refuse")
    until(lambda: "void for good" in browser.text(), "the last word")
    assert office.relay.json("contest", "show", "acme", str(listed["id"]))["state"] == "refused"
