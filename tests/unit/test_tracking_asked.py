"""Where people are asked whether they may be tracked, and how it is recorded (R33): forms, API, preferences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.mail.address import parse_address
from relay.people import consents
from relay.store.database import transaction
from relay.tracking import consents as track
from relay.tracking.consents import TrackingConsent
from relay.tracking.hosts import TrackingHosts
from tests.support.signup import Signup
from tests.support.web import Served, Shop, serving

WORDS = "I agree that acme sees when I open its mails"


@pytest.fixture
def signup(tmp_path: Path) -> Iterator[Signup]:
    made = Signup(tmp_path)
    yield made
    made.close()


def known(signup: Signup, address: str) -> TrackingConsent:
    person = consents.standing(signup.shop.conn, signup.shop.tenant_id, parse_address(address).canonical, "")
    return track.of(signup.shop.conn, person.subscriber_id or 0)


def test_a_form_asks_by_a_box_of_its_own(signup: Signup) -> None:
    page = signup.client().get(f"/s/{signup.form.key}").text
    assert WORDS not in page, "only a form that is to"
    signup.edit(ask_tracking=True)
    page = signup.client().get(f"/s/{signup.form.key}").text
    assert WORDS in page and re.search(r'<input type="checkbox" name="tracking" value="yes" id="tracking">', page)
    signup.agree("silent@example.com")
    assert signup.live("silent@example.com") and not known(signup, "silent@example.com").live
    assert signup.ask("ann@example.com", tracking="yes").status_code == 200
    confirm = signup.client().get(signup.links("ann@example.com")[0]).text
    assert WORDS in confirm
    assert not known(signup, "ann@example.com").live, "nothing before the answer"
    signup.client().post(signup.links("ann@example.com")[0], data={"answer": "confirm"})
    found = known(signup, "ann@example.com")
    assert found.live and found.means == "double-opt-in" and found.wording.startswith(WORDS) and found.ip
    row = signup.shop.conn.execute(
        "SELECT evidence FROM consent_history WHERE action = 'tracking-given' ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert '"form":"news"' in row[0]


def test_a_form_that_does_not_ask_takes_no_such_box(signup: Signup) -> None:
    signup.agree("ann@example.com", tracking="yes")
    assert not known(signup, "ann@example.com").live


def test_an_older_request_brings_nobody_back(signup: Signup) -> None:
    signup.edit(ask_tracking=True)
    signup.ask("ann@example.com", tracking="yes")
    link = signup.links("ann@example.com")[0]
    signup.now += 60
    with transaction(signup.shop.conn) as conn:
        person = consents.subscriber(conn, signup.shop.tenant_id, "ann@example.com", signup.now)
        track.withdraw(conn, signup.shop.tenant_id, person, means="preferences", now=signup.now, evidence={})
    signup.now += 60
    signup.client().post(link, data={"answer": "confirm"})
    assert signup.live("ann@example.com") and not known(signup, "ann@example.com").live
    signup.now += 3600
    signup.agree("ann@example.com", tracking="yes")
    assert known(signup, "ann@example.com").live, "a newer one does"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("tracking"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


def test_the_api_records_it_as_other_consents(shop: Shop, served: Served) -> None:
    head = {"Authorization": f"Bearer {shop.token}"}
    shop.consent("ann@example.com", "news")
    given = {
        "email": "Ann@example.com",
        "source": "form on acme.example",
        "wording": "You may see it.",
        "ip": "192.0.2.1",
    }
    made = served.client.post("/v1/consents/tracking", json=given, headers=head)
    assert made.status_code == 201 and made.json()["live"] and made.json()["wording"] == "You may see it."
    found = served.client.get("/v1/consents/tracking", params={"email": "ann@example.com"}, headers=head)
    assert found.json() == made.json()
    ended = served.client.delete("/v1/consents/tracking", params={"email": "ann@example.com"}, headers=head)
    assert ended.status_code == 200 and not ended.json()["live"]
    again = served.client.post("/v1/consents/tracking", json=given, headers=head)
    assert again.status_code == 409 and again.json()["type"].endswith("/tracking-off")
    for bad in ({"wording": ""}, {"source": "unknown"}, {"ip": "x"}, {"at": "2999-01-01T00:00:00Z"}):
        assert served.client.post("/v1/consents/tracking", json=given | bad, headers=head).status_code == 422, bad
    nobody = served.client.get("/v1/consents/tracking", params={"email": "nobody@example.com"}, headers=head)
    assert nobody.status_code == 404
    assert served.client.post("/v1/consents/tracking", json=given).status_code == 401


def test_the_preferences_page_gives_it_to_nobody_unasked(shop: Shop, served: Served) -> None:
    person = shop.consent("ben@example.com", "news")
    path = "/p/" + shop.link(person, 0)
    assert 'name="agree" value="yes" id="agree">' in served.client.get(path).text
    for data in ({"tracking": "on"}, {"tracking": "on", "agree": "no"}, {"tracking": "?"}, {"agree": "yes"}):
        served.client.post(path, data=data)
        assert not track.of(shop.conn, person).live, data
    served.client.post(path, data={"tracking": "on", "agree": "yes"})
    found = track.of(shop.conn, person)
    assert found.live and found.means == "preferences" and found.ip == "127.0.0.1"
    served.client.post(path, data={"tracking": "off"})
    assert track.of(shop.conn, person).withdrawn_at is not None
    assert shop.live(person) == {"news"}, "no topic ends with it"
    served.client.post(path, data={"tracking": "on", "agree": "yes"})
    assert track.of(shop.conn, person).live, "the person's own hand"


@pytest.mark.parametrize(
    ("own", "proved", "tenant_hosts", "base"),
    [
        ("", True, True, "https://r.example"),
        ("", False, True, "https://new.example"),
        ("shop.example", False, True, "https://links.shop.example"),
        ("shop.example", True, True, "https://links.shop.example"),
        ("shop.example", True, False, "https://r.example"),
        ("shop.example", False, False, "https://new.example"),
    ],
)
def test_where_links_are(own: str, proved: bool, tenant_hosts: bool, base: str) -> None:
    assert TrackingHosts("https://r.example", "https://new.example", tenant_hosts).of(own, proved) == base


def test_a_host_has_the_port_of_the_relays_pages() -> None:
    assert TrackingHosts("http://r.example:8080").of("shop.example", True) == "http://links.shop.example:8080"
    assert TrackingHosts("https://r.example").of("", False) == "https://r.example"
