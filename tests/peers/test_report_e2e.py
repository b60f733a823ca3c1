"""A spam report on a service message that two people got in one copy: from the mail to the next RCPT (R25).

What is typed in on the copy's page stops nobody; the person's own link, which comes by letter, does.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.peers.conftest import Office
from tests.peers.test_web_chromium import CONTRAST
from tests.support.browser import Browser, available
from tests.support.octets import values
from tests.support.peers import missing, until
from tests.support.smtp import mail

pytestmark = pytest.mark.peers

END, ENTER = "\ue010", "\ue007"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not available():
        missing("chromium or chromedriver")
    with Browser() as window:
        yield window


@pytest.fixture(autouse=True)
def quiet(browser: Browser) -> Iterator[None]:
    browser.console()
    yield
    # Chromium writes a page's status of 4xx to its console.
    assert [line for line in browser.console() if "status of 422" not in line] == []


def link(office: Office, *people: str) -> str:
    """The link of the one copy that all of them got."""
    office.send(office.direct, mail(to=", ".join(people), subject="Your order"), *people)
    received = office.sink.to(people[0])
    assert set(people) <= set(received.recipients)
    (found,) = values(received.data, "X-Report-Abuse")
    return found.strip("<>")


def own_link(office: Office, person: str) -> str:
    """The link in the letter that the person got."""

    def letters() -> list[str]:
        mails = [m for m in office.sink.messages if person in m.recipients]
        return [values(m.data, "X-Report-Abuse")[0].strip("<>") for m in mails if b"Feedback-ID: report:" in m.data]

    until(lambda: bool(letters()), "the letter has come")
    return letters()[0]


COMPLAINTS = "SELECT count(*) FROM event WHERE kind = 'complained'"


def test_the_recipient_who_reports_gets_nothing_more_and_the_other_does(office: Office, browser: Browser) -> None:
    ann, ben = "ann-r@rcpt.example", "ben-r@rcpt.example"
    ((before,),) = office.rows(COMPLAINTS)
    browser.set_size(390, 844, phone=True)
    browser.open(link(office, ann, ben))
    assert "acme" in browser.text("h1")
    browser.press("#email", f" {ann.upper()}")
    browser.click("#report")
    assert browser.text("h1") == "Thank you"
    told = browser.text("main")
    assert office.ask(office.direct, ann).code == 250
    assert office.rows(COMPLAINTS) == [(before,)]
    browser.open(own_link(office, ann))
    browser.click("#report")
    assert str(office.ask(office.direct, ann)).startswith("550 5.7.1 suppressed")
    assert office.ask(office.direct, ben).code == 250

    browser.open(link(office, "eva-r@rcpt.example", "uma-r@rcpt.example"))
    browser.press("#email", "abe-r@rcpt.example")
    browser.press("#email", ENTER, leaves=True)
    assert browser.text("main") == told.replace("A…", "a…")
    assert office.rows(COMPLAINTS) == [(before + 1,)]


def test_a_slip_is_told_beside_the_field(office: Office, browser: Browser) -> None:
    """The browser's own check lets a name without a dot through; ours doesn't."""
    browser.open(link(office, "slip-r@rcpt.example", "slop-r@rcpt.example"))
    browser.press("#email", "slip-r@rcpt")
    browser.click("#report")
    assert "not a complete" in browser.text("#email-fault")
    assert browser.script("return document.getElementById('email').value") == "slip-r@rcpt"
    browser.press("#email", END + ".example")
    browser.click("#report")
    assert browser.text("h1") == "Thank you"
    assert own_link(office, "slip-r@rcpt.example")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_pages_fit_and_are_readable(office: Office, browser: Browser, width: int, dark: bool) -> None:
    people = (f"fit{width}{dark}-r@rcpt.example", f"fat{width}{dark}-r@rcpt.example")
    browser.set_size(width, 844, phone=width < 1000)
    browser.dark(dark)
    browser.open(link(office, *people) + "?lang=de")
    for step in ("field", "fault", "thanks"):
        assert browser.script("return document.documentElement.scrollWidth <= innerWidth"), step
        assert browser.script(CONTRAST) == [], step
        ground = browser.script("return getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(20, 22, 26)") is dark
        small = "[...document.querySelectorAll('button, input:not([type=hidden])')]"
        low = f"{small}.filter(e => e.getBoundingClientRect().height < 44)"
        unlabelled = f"{small}.filter(e => e.matches('input') && !e.labels.length)"
        assert browser.script(f"return {low}.length + {unlabelled}.length") == 0, step
        if step != "thanks":
            browser.press("#email", "someone-long-of-name@rcpt" if step == "field" else END + ".example")
            browser.click("#report")
    assert browser.text("h1") == "Danke"
