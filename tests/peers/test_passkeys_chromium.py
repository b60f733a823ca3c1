"""Passkeys in a real Chromium with a device of its own making (WebAuthn's virtual authenticator, by WebDriver)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from relay.accounts import logins, passkeys
from tests.peers.test_web_chromium import CONTRAST, ENTER, TAB
from tests.support.browser import Browser, available
from tests.support.inside import Person, person
from tests.support.peers import until
from tests.support.ports import free_port
from tests.support.web import Shop, serving

pytestmark = pytest.mark.skipif(not available(), reason="chromium and chromedriver are not installed")


@pytest.fixture(scope="module")
def address() -> str:
    return f"http://localhost:{free_port()}"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, address: str) -> Iterator[Shop]:
    """Reached as its settings say: a browser has passkeys for names alone."""
    port = address.rpartition(":")[2]
    shop = Shop.create(
        tmp_path_factory.mktemp("passkeys"), links={"base_url": address}, listen={"http": f"127.0.0.1:{port}"}
    )
    with serving(shop):
        yield shop


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as window:
        yield window


@pytest.fixture
def device(browser: Browser) -> Iterator[str]:
    added = browser.add_authenticator()
    yield added
    browser.remove_authenticator(added)


def sign_in(browser: Browser, address: str, who: Person) -> None:
    browser.open(f"{address}/login?lang=en")
    if "/login" not in browser.url():
        browser.click("#logout")
    browser.press("#email", who.email + TAB)
    browser.press("#password", who.password + ENTER, leaves=True)


@pytest.mark.parametrize("role", ["owner", "reviewer"])
def test_from_adding_to_signing_in_by_keyboard(
    shop: Shop, browser: Browser, address: str, device: str, role: str
) -> None:
    who = person(shop, f"{role}@people.example", role, shop.tenant_id if role == "owner" else None)
    sign_in(browser, address, who)
    browser.console()
    browser.open(f"{address}/account/me")
    browser.press("#passkey-new", ENTER)
    browser.press("#name", "Work laptop")
    browser.press("#password3", who.password + ENTER, leaves=True)
    assert "Work laptop" in browser.text("main")
    browser.press("#passkey-button", ENTER, leaves=True)
    assert "Work laptop" in browser.text("#passkey-list")
    key = passkeys.of_login(shop.conn, logins.find(shop.conn, who.email).id)[0]
    assert browser.credentials(device) == [key.credential]
    browser.press("#logout", ENTER, leaves=True)
    browser.press("#passkey-button", ENTER, leaves=True)
    assert browser.url() == f"{address}/{'account' if role == 'owner' else 'desk'}/"
    assert [line for line in browser.console() if "username" not in line and "Clear-Site-Data" not in line] == []
    browser.open(f"{address}/account/me")
    assert "by passkey" in browser.text("section[aria-labelledby=sessions]")
    # The same device makes no second one.
    browser.press("#passkey-new", ENTER)
    browser.press("#name", "Again")
    browser.press("#password3", who.password + ENTER, leaves=True)
    browser.click("#passkey-button", wait=False)
    until(lambda: "already" in browser.text("main"), "the sentence about a known device")
    # One that was removed opens nothing, and the page says so.
    browser.open(f"{address}/account/me")
    browser.click("#passkey-list button")
    assert "/login" in browser.url()  # with the session that it began
    browser.press("#passkey-button", ENTER, leaves=True)
    assert "removed" in browser.text("[role=alert]")


def test_a_device_whose_owner_says_no(browser: Browser, address: str) -> None:
    browser.open(f"{address}/login?lang=en")
    if "/login" not in browser.url():
        browser.click("#logout")
    refusing = browser.add_authenticator(verified=False)
    browser.click("#passkey-button", wait=False)
    until(lambda: "No passkey came" in browser.text("main"), "the sentence about a device that gave none")
    browser.remove_authenticator(refusing)


@pytest.mark.parametrize(("width", "dark", "language"), [(390, True, "de"), (390, False, "uk"), (1280, False, "en")])
def test_its_pages_fit_and_are_readable(
    shop: Shop, browser: Browser, address: str, device: str, width: int, dark: bool, language: str
) -> None:
    who = person(shop, f"look{width}{language}@people.example", "owner", shop.tenant_id)
    browser.set_size(width, phone=width < 500)
    browser.dark(dark)

    def looked_at(name: str) -> None:
        assert browser.script("return document.documentElement.scrollWidth") <= width, name
        assert browser.script("return document.documentElement.lang") == language, name
        assert browser.script(CONTRAST) == [], name

    sign_in(browser, address, who)
    browser.open(f"{address}/account/me?lang={language}")
    browser.press("#passkey-new", ENTER)
    browser.press("#name", "x" * 60)
    browser.press("#password3", who.password + ENTER, leaves=True)
    looked_at("new")
    browser.click("#passkey-button")
    looked_at("me")
    browser.click("#logout")
    browser.open(f"{address}/login?lang={language}")
    looked_at("login")
