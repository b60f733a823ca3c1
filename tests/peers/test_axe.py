"""axe-core over every page behind a log-in, and the door: no serious or critical finding, light and dark.

Fetched by ``scripts/peers``, pinned there by its hash; skipped by name where it isn't.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.peers.test_clients import node_modules
from tests.peers.test_inside_chromium import (  # noqa: F401 - fixtures
    DESK,
    account_paths,
    browser,
    served,
    shop,
    sign_in,
)
from tests.support.browser import Browser, available
from tests.support.inside import held_campaign, person
from tests.support.peers import missing
from tests.support.web import Served, Shop

pytestmark = pytest.mark.skipif(not available(), reason="chromium and chromedriver are not installed")
BAD: Final = """
  return axe.run(document, {iframes: false, resultTypes: ['violations']}).then(found => found.violations
    .filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 120)).join(' | ')));
"""


@pytest.fixture(scope="module")
def axe() -> str:
    path = Path(node_modules()) / "axe-core" / "axe.min.js"
    if not path.exists():
        missing(f"axe-core (in {node_modules()})")
    return path.read_text("utf-8")


def found(browser: Browser, axe: str) -> list[str]:  # noqa: F811 - the fixture's name
    browser.script(axe)
    return list(browser.script(BAD))


def test_a_fault_is_found(browser: Browser, axe: str) -> None:  # noqa: F811
    browser.show(b"<!doctype html><html><title>x</title><h1>x</h1><img src='x.png'><input></html>")
    words = " ".join(found(browser, axe))
    assert "image-alt" in words and "label" in words and "html-has-lang" in words


@pytest.mark.parametrize(("width", "dark"), [(390, True), (1280, False)])
def test_no_page_has_a_serious_finding(
    shop: Shop,  # noqa: F811
    served: Served,  # noqa: F811
    browser: Browser,  # noqa: F811
    axe: str,
    width: int,
    dark: bool,
) -> None:
    held_campaign(shop, shop.tenant_id, subject="Another one")
    browser.set_size(width, phone=width < 500)
    browser.dark(dark)
    bad: dict[str, list[str]] = {}
    for role in ("owner", "operator"):
        who = person(shop, f"axe-{role}{width}@people.example", role, shop.tenant_id if role == "owner" else None)
        sign_in(browser, served, who)
        for path in account_paths(shop) if role == "owner" else DESK:
            browser.open(f"{served.url}{path}")
            bad[path] = found(browser, axe)
        browser.click("#logout")
        bad["/login"] = found(browser, axe)
    assert {path: faults for path, faults in bad.items() if faults} == {}
    assert len(bad) > 25
