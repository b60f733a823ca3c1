"""A whole mailing in a real Chromium by Tab, letters and Enter alone, JavaScript switched off; and its release.

Signed in, written, looked at, tested, sent, watched, stopped; the held campaign is released at the desk.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from relay.accounts import confirming, logins
from relay.campaigns import campaigns
from relay.mailings.mailings import MailingState
from relay.store.database import transaction
from tests.peers.test_mailing_e2e import PEOPLE, Office
from tests.support.browser import Browser, available
from tests.support.peers import until

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(not available(), reason="chromium and chromedriver are not installed"),
]
TAB, ENTER = "\ue004", "\ue007"
MOST_TABS = 150


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    made = Office(tmp_path_factory.mktemp("keyboard"), staging="always")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as window:
        window.scripts(False)
        yield window


class Keyboard:
    """Somebody with a keyboard: goes to things by Tab, and nowhere else."""

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser, self.url = browser, url

    def to(self, css: str) -> None:
        for _ in range(MOST_TABS):
            if self.browser.script("return document.activeElement.matches(arguments[0])", css):
                return
            self.browser.keys(TAB)
        raise AssertionError(f"Tab doesn't lead to {css} on {self.browser.url()}")

    def type(self, css: str, text: str) -> None:
        self.to(css)
        self.browser.keys(text)

    def enter(self, css: str) -> None:
        """Press what leads to another page."""
        self.to(css)
        self.browser.script("window.__leaving = true")
        self.browser.keys(ENTER)
        until(self._arrived, f"the page that {css} leads to")

    def _arrived(self) -> bool:
        return bool(self.browser.script("return !window.__leaving && document.readyState === 'complete'"))

    def sign_in(self, who: tuple[str, str]) -> None:
        self.browser.open(f"{self.url}/login?lang=en")
        self.type("#email", who[0])
        self.type("#password", who[1])
        self.enter("#sign-in")


def test_a_whole_mailing_by_keyboard_without_scripts(office: Office, browser: Browser) -> None:
    with transaction(office.conn) as conn:
        confirming.confirmed(conn, logins.find(conn, office.owner[0]), time.time())
    hands = Keyboard(browser, f"http://127.0.0.1:{office.relay.http}")
    hands.sign_in(office.owner)
    hands.enter("a[href='/account/send']")
    hands.enter("a[href='/account/send/new']")
    hands.type("#author", "news@acme.example")
    hands.type("#subject", "By keyboard")
    hands.type("#source", "<p>Hello {{ email }}</p>")
    hands.enter("#save")
    assert browser.text("h1").startswith("By keyboard")
    assert browser.frame_text_of("#phone").startswith("Hello news")
    hands.enter("a[href*='look=dark']")
    hands.enter("#send-test")
    assert "ann@acme.example" in browser.text("#tested")
    until(lambda: office.got("ann").total() == 1, "the test is there")
    hands.enter("#start")
    id_ = int(browser.url().rstrip("/").rpartition("/")[2].partition("?")[0])
    office.ended(id_)
    browser.open(browser.url())
    assert browser.text("#accepted") == str(PEOPLE)
    hands.enter("#campaign")
    hands.enter("#recipients")
    assert "news0@rcpt.example" in browser.text("main")
    row = office.row(id_)
    assert row.campaign_id is not None and row.state is MailingState.DONE
    hands.enter("h1 a")
    hands.type("#reason", "a wrong price")
    hands.enter("#stop")
    assert campaigns.by_id(office.conn, row.campaign_id).state == "stopped"
    hands.enter("#logout")
    _released(office, hands, row.campaign_id)
    until(lambda: office.got("news").total() == PEOPLE, "all copies are there")


def _released(office: Office, hands: Keyboard, campaign_id: int) -> None:
    """At the desk, by somebody of the staff."""
    office.relay.cli("user", "add", "eva@relay.example", "--role", "reviewer")
    hands.sign_in(("eva@relay.example", office.relay.json("user", "reset", "eva@relay.example")["password"]))
    hands.enter(f"a[href='/desk/campaigns/{campaign_id}']")
    hands.type("#reason", "asked, and it is fine")
    hands.enter("#release")
    assert campaigns.by_id(office.conn, campaign_id).state == "released"
