"""Account and desk in a real Chromium: phone and desktop, light and dark, three languages; a frame without means.

But for keys on held campaigns no page has a script, so all of this is with scripts as good as switched off.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from relay.announcements import book as announcements
from relay.announcements.book import AnnouncementWish
from relay.announcements.values import AnnouncementKind
from relay.campaigns import campaigns
from relay.conduct import enforcement
from relay.lists import runs
from relay.lists.stopping import suppress
from relay.lists.wishes import ListWishes
from relay.people import topics
from relay.queue.operator import Operator
from relay.registration import invites
from relay.signup import forms
from relay.signup.forms import FormWish
from relay.store.database import transaction
from relay.support import threads
from relay.tenants import credentials, domains, streams, tenants
from relay.uploads import book as list_book
from relay.uploads.values import JobKind, ToldJob
from relay.values.facts import Reason
from relay.values.ids import encode_id
from relay.webhooks import book
from tests.peers.test_web_chromium import CONTRAST, ENTER, TAB
from tests.support.browser import Browser, available
from tests.support.inside import Person, held_campaign, person
from tests.support.peers import until
from tests.support.web import Served, Shop, serving

pytestmark = pytest.mark.skipif(not available(), reason="chromium and chromedriver are not installed")
LONG = "Donaudampfschifffahrtsgesellschaftskapitänskajütenschlüssel-und-mehr-davon-ohne-Leerzeichen"
UNNAMED = """
  return [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a, iframe')]
    .filter(e => !e.closest('[aria-hidden], [hidden]'))
    .filter(e => !((e.labels && e.labels.length) || e.textContent.trim() || e.title || e.getAttribute('aria-label')))
    .map(e => e.outerHTML.slice(0, 90));
"""
TWICE = """
  const seen = {}; document.querySelectorAll('[id]').forEach(e => seen[e.id] = (seen[e.id] || 0) + 1);
  return Object.keys(seen).filter(id => seen[id] > 1);
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    directory = tmp_path_factory.mktemp("inside")
    (directory / "terms.txt").write_text(f"Terms\n\n{LONG}")
    accounts = {"registration": "open", "terms": str(directory / "terms.txt")}
    shop = Shop.create(directory, accounts=accounts)
    held_campaign(shop, shop.tenant_id, subject=f"{LONG} {LONG}", name=LONG)
    shop.consent("reader@people.example", "club")
    now = time.time()
    with transaction(shop.conn) as conn:
        owner = tenants.by_id(conn, shop.tenant_id)
        domains.add(conn, shop.secrets, owner, "acme.example", actor="t", now=now)
        stream = streams.of_tenant(conn, owner.id)[0]
        credentials.add_password(conn, shop.secrets, owner, stream, actor="t", now=now)
        suppress(conn, owner.id, "gone@people.example", Reason.HARD_BOUNCE, detail=LONG, means="hand", now=now)
        url = f"https://app.acme.example/{LONG}".replace("ä", "a").replace("ü", "u")
        topics.edit(conn, owner.id, "club", title="Our club", description=LONG, actor="t", now=now)
        forms.add(
            conn, owner, "footer", FormWish(("club",), f"Yes. {LONG}", LONG), languages=("en",), actor="t", now=now
        )
        run = runs.begin(
            conn, owner.id, topics.known(conn, owner.id, "club"), at=now, file=f"{LONG}.csv", sha256="0" * 64,
            source=LONG, actor="t",
        )  # fmt: skip
        job = list_book.add(
            conn, owner.id, JobKind.TRY, file=f"{LONG}.csv", octets=9, wishes=ListWishes("club", LONG, LONG), actor="t",
            now=now, import_id=run,
        )  # fmt: skip
        list_book.claim(conn, "w", lambda job: True, now)
        said = ToldJob(
            sums=(f"7 lines: {LONG}",), asked=(("asked: 'state' is 'zebra' (1 line)", "zebra"),),
            refused=(f"line 7: {LONG}",), refusals=9, taken=3,
        )  # fmt: skip
        list_book.end(conn, job, "w", said, None, now)
        book.add(conn, shop.secrets, owner.id, url, [], allow_private=False, actor="t", now=now)
        operator = Operator("relay.example.com", "Example Mail", ())
        enforcement.warn(conn, operator, owner, reason=LONG, actor="t", now=now)
        threads.open_(
            conn, operator, "https://relay.example.com", owner.id, LONG, LONG, about="campaign:1", actor="t",
            now=now - 9 * 86_400,
        )  # fmt: skip
        work = AnnouncementWish(
            AnnouncementKind.WORK, LONG[:120].strip(), LONG, now, now + 90_000, urgent=LONG, tenants=("acme",)
        )
        announcements.add(conn, work, actor="t", now=now)
        invites.add(conn, None, note=LONG, actor="t", now=now)
        conn.execute(
            "INSERT INTO registration (at, state, email, person, name, phone, country, city, company, about, language,"
            " ip, agent, token_at, confirmed_at, resembles) VALUES (1, 'waiting', 'ann@people.example', x'', 'Ann',"
            " '+372 5123456', 'EE', 'Tartu', ?, ?, 'en', '192.0.2.7', ?, 1, 2, ?)",
            (LONG[:80], LONG, LONG, '[{"tenant": "acme", "what": "phone", "value": "3725123456"}]'),
        )
    return shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as window:
        yield window


def sign_in(browser: Browser, served: Served, who: Person) -> None:
    """By keyboard alone, from wherever the browser is."""
    browser.open(f"{served.url}/login?lang=en")
    if "/login" not in browser.url():
        browser.click("#logout")
    browser.press("#email", who.email + TAB)
    browser.press("#password", who.password + ENTER, leaves=True)


def account_paths(shop: Shop) -> list[str]:
    id_ = encode_id(shop.value("SELECT max(id) FROM submission WHERE tenant_id = ?", shop.tenant_id))
    return [
        "/register", "/terms",
        "/account/", "/account/campaigns", "/account/campaigns/1", "/account/messages", f"/account/messages/{id_}",
        "/account/people", "/account/people/one?email=reader@people.example", "/account/suppressions",
        "/account/imports", "/account/imports/1", "/account/lists/1", "/account/export", "/account/forms",
        "/account/forms/footer", "/account/topics", "/account/wordings", "/account/wordings/1",
        "/account/contests", "/account/domains", "/account/domains/acme.example", "/account/keys",
        "/account/keys/webhooks/1", "/account/logins", "/account/me", "/account/me/activity",
        "/account/support", "/account/support?about=campaign:1", "/account/support/1", "/account/statements/1",
        "/account/announcements", "/account/announcements/1", "/account/send", "/account/send/new",
        "/account/templates", "/account/plan", "/account/campaigns/1/recipients",
    ]  # fmt: skip


DESK = (
    "/desk/", "/desk/campaigns/1", "/desk/tenants", "/desk/tenants/acme", "/desk/reports", "/desk/log", "/desk/logins",
    "/desk/queue", "/desk/health", "/desk/people", "/desk/registrations", "/desk/registrations/1", "/desk/support",
    "/desk/support/1", "/desk/statements/1", "/desk/announcements", "/desk/announcements/1",
)  # fmt: skip


@pytest.mark.parametrize(("width", "dark", "language"), [(390, True, "de"), (390, False, "uk"), (1280, False, "en")])
@pytest.mark.parametrize("role", ["owner", "operator"])
def test_every_page_fits_and_is_readable(
    shop: Shop, served: Served, browser: Browser, width: int, dark: bool, language: str, role: str
) -> None:
    who = person(shop, f"{role}{width}{language}@people.example", role, shop.tenant_id if role == "owner" else None)
    browser.set_size(width, phone=width < 500)
    browser.dark(dark)
    sign_in(browser, served, who)
    browser.console()
    for path in account_paths(shop) if role == "owner" else DESK:
        browser.open(f"{served.url}{path}{'&' if '?' in path else '?'}lang={language}")
        browser.script("document.querySelectorAll('details').forEach(one => one.open = true)")
        assert browser.script("return document.documentElement.scrollWidth") <= width, path
        assert browser.script("return document.documentElement.lang") == language
        assert browser.script(CONTRAST) == [], path
        assert browser.script(UNNAMED) == [] and browser.script(TWICE) == [], path
        assert browser.script("return document.querySelectorAll('h1').length") == 1, path
        assert [line for line in browser.console() if "username" not in line] == [], path
        assert browser.script("return document.documentElement.outerHTML.length") < 100_000, path


def test_a_campaign_is_decided_by_keyboard_and_its_content_does_nothing(
    shop: Shop, served: Served, browser: Browser
) -> None:
    id_ = held_campaign(shop, shop.tenant_id, subject="Decide me")
    browser.set_size(1280)
    sign_in(browser, served, person(shop, "judge@relay.example", "reviewer"))
    browser.open(f"{served.url}/desk/campaigns/{id_}")
    assert browser.script("return document.querySelector('iframe.preview').contentDocument") is None  # its own origin
    assert not [line for line in browser.console() if "evil.example" in line]  # nothing was even asked for
    browser.press("#reason", "looks fine" + ENTER)  # Enter decides nothing by itself
    assert campaigns.by_id(shop.conn, id_).state == "undecided"
    browser.press("#release", ENTER, leaves=True)
    assert campaigns.by_id(shop.conn, id_).state == "released" and "released" in browser.text("h1")


def test_held_campaigns_are_walked_and_decided_by_keys(shop: Shop, served: Served, browser: Browser) -> None:
    ids = [held_campaign(shop, shop.tenant_id, subject=f"Key {number}") for number in range(3)]
    browser.set_size(1280)
    sign_in(browser, served, person(shop, "keys@relay.example", "reviewer"))
    browser.console()
    browser.open(f"{served.url}/desk/")
    focused = "const e = document.activeElement; return e.id || e.getAttribute('href')"
    links = browser.script("return [...document.querySelectorAll('[data-campaign]')].map(e => e.getAttribute('href'))")
    for keys, at in (("j", 0), ("j", 1), ("k", 0), ("k", 0), ("jj", 2)):
        browser.press(":focus" if browser.script("return document.activeElement !== document.body") else "body", keys)
        assert browser.script(focused) == links[at], keys
    browser.press(":focus", "r", leaves=True)
    assert browser.url().endswith(f"{links[2]}#release") and browser.script(focused) == "release"
    browser.open(f"{served.url}/desk/campaigns/{ids[0]}")
    browser.press("body", "j", leaves=True)
    assert browser.url().endswith(f"/desk/campaigns/{ids[1]}")
    browser.press("body", "d")
    assert browser.script(focused) == "reason"
    browser.press("#reason", "jrkd")  # letters where one types
    assert browser.script("return document.getElementById('reason').value") == "jrkd"
    browser.script("document.activeElement.blur()")
    browser.press("body", "d")
    assert browser.script(focused) == "decline" and campaigns.by_id(shop.conn, ids[1]).state == "undecided"
    browser.press(":focus", ENTER, leaves=True)
    assert campaigns.by_id(shop.conn, ids[1]).state == "declined" and browser.console() == []


def test_a_form_is_looked_at_without_being_stored(shop: Shop, served: Served, browser: Browser) -> None:
    """Into the frame, by a button and no script."""
    browser.set_size(1280)
    sign_in(browser, served, person(shop, "looks@people.example", "editor", shop.tenant_id))
    browser.console()
    browser.open(f"{served.url}/account/forms")
    browser.press("#name", "fresh")
    browser.press("#wording", "Write to me about the fair.")
    browser.click("input[name=topic]", wait=False)
    browser.click("#look", wait=False)
    until(lambda: browser.frame_text("preview").count("Write to me about the fair."), "the preview")
    assert "Our club" in browser.frame_text("preview") and browser.url().endswith("/account/forms")
    assert [row.name for row in forms.of_tenant(shop.conn, shop.tenant_id)] == ["footer"]
    assert browser.console() == []
