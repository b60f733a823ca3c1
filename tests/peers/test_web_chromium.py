"""The pages in a real Chromium: what a person sees and presses.

A link that is only opened changes nothing (mail scanners open links); the
button does. Pages fit a phone, work without script, and are readable in light
and dark.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.browser import Browser, available
from tests.support.web import Served, Shop, serving
from tests.unit.test_web_report_shared import SUBMISSION, Copy

pytestmark = pytest.mark.skipif(not available(), reason="chromium and chromedriver are not installed")

TAB, ENTER = "\ue004", "\ue007"
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel-und-mehr-davon-ohne-Leerzeichen"

CONTRAST = """
  const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).slice(0, 3)
    .map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
  return [...document.querySelectorAll('h1, h2, p, a, button, small, strong, legend, li')]
    .filter(e => e.textContent.trim())
    .map(e => { const a = lum(getComputedStyle(e).color), b = lum(ground(e));
      return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 80)]; })
    .filter(([ratio]) => ratio < 4.5);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("chromium"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as window:
        yield window


@pytest.fixture(autouse=True)
def quiet(browser: Browser) -> Iterator[None]:
    """Whatever a page does, the browser has nothing to complain about: nothing blocked, nothing missing."""
    browser.console()
    yield
    assert browser.console() == []


def test_opening_the_link_changes_nothing_and_the_button_unsubscribes(
    shop: Shop, served: Served, browser: Browser
) -> None:
    person = shop.consent("mary@example.com", "offers")
    shop.consent("mary@example.com", "newsletter")
    before = shop.dump()
    browser.set_size(390, 844, phone=True)
    browser.open(served.url + "/u/" + shop.link(person, shop.topic_id("offers")))
    assert "acme sends mail on “offers”" in browser.text("main")
    assert shop.dump() == before
    browser.click("#unsubscribe")
    assert browser.text("h1") == "You are unsubscribed"
    assert shop.live(person) == {"newsletter"}
    browser.click("#everything")
    assert "no more mailings" in browser.text("main")
    assert shop.live(person) == set()


def test_the_keyboard_alone_is_enough(shop: Shop, served: Served, browser: Browser) -> None:
    person = shop.consent("keys@example.com", "offers")
    browser.open(served.url + "/u/" + shop.link(person, shop.topic_id("offers")))
    browser.press("body", TAB)
    assert browser.script("return document.activeElement.id") == "unsubscribe"
    assert browser.script("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press("#unsubscribe", ENTER, leaves=True)
    assert browser.text("h1") == "You are unsubscribed"
    assert shop.live(person) == set()


def test_preferences_end_what_is_unticked(shop: Shop, served: Served, browser: Browser) -> None:
    person = shop.consent("prefs@example.com", "offers")
    shop.consent("prefs@example.com", "newsletter")
    browser.open(served.url + "/p/" + shop.link(person, 0))
    browser.click(f"input[value='{shop.topic_id('offers')}']")
    browser.click("#save")
    assert browser.text("[role=status]").startswith("Saved")
    assert "offers" in browser.text(".ended")
    assert shop.live(person) == {"newsletter"}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_pages_fit_and_are_readable(shop: Shop, served: Served, browser: Browser, width: int, dark: bool) -> None:
    person = shop.consent(f"{'long' * 15}@{'sub.' * 30}example.com", LONG)
    ended = shop.consent(f"fit{width}{dark}@example.com", "offers")
    served.client.post("/u/" + shop.link(ended, shop.topic_id("offers")), data={"scope": "topic"})
    browser.set_size(width, 844, phone=width < 1000)
    browser.dark(dark)
    for path in (
        "/u/" + shop.link(person, shop.topic_id(LONG)),
        "/p/" + shop.link(person, 0),
        "/u/" + shop.link(ended, shop.topic_id("offers")),
        "/p/" + shop.link(ended, 0),
        "/u/" + shop.link(4_000_000, 1),
    ):
        browser.open(served.url + path)
        assert browser.script("return document.documentElement.scrollWidth <= innerWidth"), path
        assert browser.script(CONTRAST) == []
        ground = browser.script("return getComputedStyle(document.body).backgroundColor")
        assert (ground == "rgb(20, 22, 26)") is dark
        small = "[...document.querySelectorAll('button, .topic')].filter(e => e.getBoundingClientRect().height < 44)"
        assert browser.script(f"return {small}.length") == 0
        unlabelled = "[...document.querySelectorAll('input:not([type=hidden])')].filter(e => !e.labels.length)"
        assert browser.script(f"return {unlabelled}.length") == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390])
def test_forms_letters_and_reports_fit_a_phone(tmp_path: Path, browser: Browser, width: int, dark: bool) -> None:
    with closing(Copy(tmp_path)) as copy:
        pages, shop = copy.pages, copy.shop
        wording = f"I agree that acme sends me its newsletter, under https://acme.example/{'terms/' * 40}"
        form = pages.add("long", topics=("newsletter", "Donaudampfschifffahrtsgesells"), wording=wording)
        assert pages.ask("ann@people.example", form=form).status_code == 200
        person = shop.consent(f"{'long' * 15}@{'sub.' * 30}example.com", LONG)
        own = shop.link(person, shop.topic_id(LONG), SUBMISSION, 0)
        paths = ["/report", copy.path, f"/report/{own}", f"/s/{form.key}", *pages.links("ann@people.example")]
        url = str(pages.client().base_url).rstrip("/")
        browser.set_size(width, 844, phone=True)
        browser.dark(dark)
        for path in paths:
            for language in ("en", "de", "uk"):
                browser.open(f"{url}{path}?lang={language}")
                assert browser.script("return document.documentElement.scrollWidth <= innerWidth"), path
                assert browser.script(CONTRAST) == [], path
        browser.open(url + copy.path)
        browser.script(f"document.querySelector('#email').value = '{'long' * 15}@{'sub.' * 30}example.com'")
        browser.click("#report")
        assert browser.script("return document.documentElement.scrollWidth <= innerWidth")
        assert browser.script(CONTRAST) == []
