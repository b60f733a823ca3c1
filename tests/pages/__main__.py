"""``python -m tests.pages``: takes the pictures into docs/pages/ and writes docs/PAGES.md about them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.pages import design
from tests.pages.bookshop import Bookshop, furnish
from tests.peers.test_web_chromium import ENTER, TAB
from tests.support.browser import Browser, available
from tests.support.inside import Person
from tests.support.web import Served, serving

DOCS: Final = Path(__file__).parents[2] / "docs"
WIDE: Final = 1280
NARROW: Final = 390
HEAD: Final = """# Pages

What people see, as it is: made by `make pages` (Chromium, a bookshop's few weeks). No page needs a script; all of them
follow the reader's language, and light or dark as the reader's system has it.
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """``who``: reader (a link of a letter), owner (of the tenant), reviewer and operator (of the provider)."""

    name: str
    title: str
    who: str
    path: str
    width: int = WIDE
    dark: bool = False
    language: str = "en"


def pictures(made: Bookshop) -> Iterator[Picture]:
    token = made.shop.link(made.reader, made.shop.topic_id("news"))
    yield Picture("unsubscribe", "Unsubscribe, one click", "reader", f"/u/{token}", NARROW)
    yield Picture("preferences", "What I get, and what I don't", "reader", f"/p/{token}", NARROW, language="uk")
    yield Picture("why", "Why am I getting this?", "reader", f"/why/{token}", NARROW, dark=True)
    yield Picture("register", "Registering for an account", "reader", "/register", NARROW, language="de")
    yield Picture("start", "The account: where you stand", "owner", "/account/")
    yield Picture("start-phone", "The same on a phone, in German, dark", "owner", "/account/", NARROW, True, "de")
    yield Picture("send", "A mailing is written", "owner", f"/account/send/{made.draft}/edit")
    yield Picture("campaign", "A campaign's figures", "owner", f"/account/campaigns/{made.sent}")
    yield Picture("people", "People, topics and their consents", "owner", "/account/people")
    yield Picture("imports", "A list is tried before it is taken", "owner", "/account/imports")
    yield Picture("keys", "Credentials, tokens and webhooks", "owner", "/account/keys", dark=True)
    yield Picture("recipients", "Each recipient, and what became of their copy", "owner",
                  f"/account/campaigns/{made.waiting}/recipients", dark=True)  # fmt: skip
    yield Picture("message", "One message: its copy while it is kept, and its story", "owner",
                  f"/account/messages/{made.message}", NARROW, language="fr")  # fmt: skip
    yield Picture("thread", "Writing with the staff, in Ukrainian", "owner", f"/account/support/{made.thread}",
                  language="uk")  # fmt: skip
    yield Picture("me", "One's own log-in: second factor, passkeys, sessions", "owner", "/account/me")
    yield Picture("announcements", "What the operator announces, on a phone, in German", "owner",
                  "/account/announcements", NARROW, language="de")  # fmt: skip
    yield Picture("waiting", "The desk: campaigns that wait for a word", "reviewer", "/desk/")
    yield Picture("decide", "One of them: content, figures, reasons", "reviewer", f"/desk/campaigns/{made.waiting}")
    yield Picture("announce", "The desk: planned work is announced", "operator", "/desk/announcements")
    yield Picture("registrations", "The desk: who registered", "operator", f"/desk/registrations/{made.registration}")
    yield Picture("tenant", "A tenant with its rates", "reviewer", "/desk/tenants/bookshop")


def document(shown: Iterable[Picture]) -> str:
    """docs/PAGES.md."""
    return "\n".join([HEAD, *(f"## {one.title}\n\n![{one.title}](pages/{one.name}.png)\n" for one in shown)])


def main() -> int:
    if not available():
        print("pages: chromium and chromedriver are needed", file=sys.stderr)
        return 1
    (DOCS / "pages").mkdir(exist_ok=True)
    with Browser() as browser:
        for dark, name in ((False, "components"), (True, "components-dark")):
            browser.set_size(WIDE)
            browser.dark(dark)
            browser.show(design.components())
            browser.screenshot(DOCS / "pages" / f"{name}.png")
    with tempfile.TemporaryDirectory() as directory:
        made = furnish(Path(directory))
        with serving(made.shop) as served, Browser() as browser:
            shown = list(pictures(made))
            for who, person in _people(made):
                _enter(browser, served, person)
                for one in shown:
                    if one.who == who:
                        _take(browser, served, one)
    (DOCS / "PAGES.md").write_text(document(shown), "utf-8")
    design.PAGE.write_text(design.document(), "utf-8")
    print(f"{len(shown)} pictures in {DOCS / 'pages'}")
    return 0


def _people(made: Bookshop) -> tuple[tuple[str, Person | None], ...]:
    return ("reader", None), ("owner", made.owner), ("reviewer", made.reviewer), ("operator", made.operator)


def _enter(browser: Browser, served: Served, person: Person | None) -> None:
    if person is None:
        return
    browser.set_size(WIDE)
    browser.open(f"{served.url}/login?lang=en")
    if "/login" not in browser.url():
        browser.click("#logout")
        browser.open(f"{served.url}/login?lang=en")
    browser.press("#email", person.email + TAB)
    browser.press("#password", person.password + ENTER, leaves=True)


def _take(browser: Browser, served: Served, one: Picture) -> None:
    browser.set_size(one.width, phone=one.width == NARROW)
    browser.dark(one.dark)
    browser.open(f"{served.url}{one.path}?lang={one.language}")
    browser.screenshot(DOCS / "pages" / f"{one.name}.png")


if __name__ == "__main__":
    sys.exit(main())
