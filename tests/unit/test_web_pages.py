"""Unsubscribe and preference pages through a real socket."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from relay.store.database import transaction
from relay.texts.language import language
from relay.web.people import EVERYTHING
from tests.support.web import Served, Shop, serving

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("web"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def person(shop: Shop, request: pytest.FixtureRequest) -> int:
    """A subscriber of their own for each test, with two topics."""
    email = re.sub(r"\W", "", request.node.name)[-50:] + "@example.com"
    shop.consent(email, "newsletter")
    return shop.consent(email, "offers")


def link(shop: Shop, person: int, topic: str = "offers") -> str:
    return "/u/" + shop.link(person, shop.topic_id(topic) if topic else EVERYTHING)


def test_get_and_head_change_nothing_and_name_tenant_and_topic(shop: Shop, served: Served, person: int) -> None:
    before = shop.dump()
    page = served.client.get(link(shop, person))
    assert page.status_code == 200
    assert "acme" in page.text and "offers" in page.text
    assert page.text.count("<button") == 1
    assert served.client.head(link(shop, person)).status_code == 200
    assert shop.dump() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_change_nothing(shop: Shop, served: Served, person: int, method: str) -> None:
    before = shop.dump()
    answer = served.client.request(method, link(shop, person), content=b"List-Unsubscribe=One-Click")
    assert answer.status_code == 405
    assert "POST" in answer.headers["allow"]
    assert shop.dump() == before


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b"List-Unsubscribe=One-Click"},
        {
            "content": b"list-unsubscribe=one-click\r\n",
            "headers": {"content-type": "application/x-www-form-urlencoded"},
        },
        {"data": {"scope": "topic"}},
    ],
    ids=["urlencoded", "multipart", "no-type", "other-case", "button"],
)
def test_post_unsubscribes_from_the_topic_without_redirect_or_cookie(
    shop: Shop, served: Served, person: int, body: dict[str, object]
) -> None:
    answer = served.client.post(link(shop, person), **body)  # type: ignore[arg-type]
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert shop.live(person) == {"newsletter"}


def test_a_second_post_changes_nothing(shop: Shop, served: Served, person: int) -> None:
    served.client.post(link(shop, person), data=ONE_CLICK)
    before = shop.dump()
    assert served.client.post(link(shop, person), data=ONE_CLICK).status_code == 200
    assert shop.dump() == before
    assert "already" in served.client.get(link(shop, person)).text


def test_topic_zero_and_the_button_for_everything_end_all(shop: Shop, served: Served, person: int) -> None:
    answer = served.client.post(link(shop, person), data={"scope": "all"})
    assert answer.status_code == 200
    assert shop.live(person) == set()
    other = shop.consent("zero@example.com", "offers")
    served.client.post(link(shop, other, topic=""), data=ONE_CLICK)
    assert shop.live(other) == set()
    assert shop.value("SELECT count(*) FROM suppression WHERE subscriber_id = ? AND topic_id = 0", other) == 1


@pytest.mark.parametrize("body", [b"", b"scope=none", b"List-Unsubscribe=Two-Clicks", b"\xff\xfe=\x00", b"{}"])
def test_a_post_that_asks_for_nothing_changes_nothing(shop: Shop, served: Served, person: int, body: bytes) -> None:
    before = shop.dump()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = served.client.post(link(shop, person), content=body, headers=kind)
    assert answer.status_code == 400
    assert "press the button" in answer.text
    assert shop.dump() == before


@pytest.mark.parametrize("path", ["/u/", "/p/"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "forged", "odd"])
def test_a_damaged_token_says_what_to_do(shop: Shop, served: Served, person: int, path: str, damage: str) -> None:
    token = shop.link(person, shop.topic_id("offers"))
    wrong = {
        "cut": token[:-1],
        "flipped": token[:20] + ("A" if token[20] != "A" else "B") + token[21:],
        "forged": base64.urlsafe_b64encode(bytes([1]) + b"x" * 30).decode().rstrip("="),
        "odd": "%C3%A9%00%22%3E%3Cscript%3E",
    }[damage]
    before = shop.dump()
    for answer in (served.client.get(path + wrong), served.client.post(path + wrong, data=ONE_CLICK)):
        assert answer.status_code == 404
        assert "Open the link again" in answer.text
        assert "<script" not in answer.text
    assert shop.dump() == before


def test_what_stood_behind_the_link_in_a_text_is_no_part_of_it(shop: Shop, served: Served, person: int) -> None:
    there = link(shop, person)
    for behind in (".", "/", ")", ">", "),", "%3E", ".)", ";", "%E2%80%9D", "%20", "'"):
        page = served.client.get(there + behind)
        assert page.status_code == 200 and "offers" in page.text and f'"{there}"' in page.text
        assert served.client.get(there.replace("/u/", "/p/") + behind).status_code == 200
    assert served.client.get(there + "/more").status_code == 404
    assert served.client.post(there + ".", data=ONE_CLICK).status_code == 200
    assert shop.live(person) == {"newsletter"}


def test_works_for_a_frozen_tenant_and_without_its_submission(shop: Shop, served: Served) -> None:
    tenant_id, _ = shop.add_tenant("frozen")
    person = shop.consent("cold@example.com", "news", tenant_id=tenant_id)
    with transaction(shop.conn):
        shop.conn.execute("UPDATE tenant SET freeze = 'all' WHERE id = ?", (tenant_id,))
    topic = shop.value("SELECT id FROM topic WHERE tenant_id = ?", tenant_id)
    token = shop.link(person, topic, submission_id=987_654_321, number=7)
    assert served.client.post("/u/" + token, data=ONE_CLICK).status_code == 200
    assert shop.live(person) == set()


def test_an_erased_address_has_nothing_left_to_do(shop: Shop, served: Served) -> None:
    token = shop.link(4_000_000, 1)
    assert served.client.post("/u/" + token, data=ONE_CLICK).status_code == 200
    assert "no longer stored" in served.client.get("/p/" + token).text


def test_evidence_and_event_are_kept(shop: Shop, served: Served, person: int) -> None:
    served.client.post(link(shop, person), data=ONE_CLICK, headers={"user-agent": "Mail Provider/1.0"})
    sql = "SELECT evidence FROM consent_history WHERE subscriber_id = ? AND action = 'withdrawn'"
    evidence = str(shop.value(sql, person))
    assert "Mail Provider/1.0" in evidence and "127.0.0.1" in evidence
    assert shop.value("SELECT count(*) FROM event WHERE kind = 'unsubscribed'") >= 1


def test_preferences_end_what_is_unticked(shop: Shop, served: Served, person: int) -> None:
    path = "/p/" + shop.link(person, shop.topic_id("offers"))
    page = served.client.get(path)
    assert page.text.count('type="checkbox" name="keep"') == 2
    ids = re.findall(r'name="shown" value="(\d+)"', page.text)
    answer = served.client.post(path, data={"shown": ids, "keep": str(shop.topic_id("newsletter"))})
    assert answer.status_code == 200
    assert 'role="status"' in answer.text and "ended" in answer.text
    assert shop.live(person) == {"newsletter"}


def test_preferences_leave_a_topic_that_the_page_did_not_show(shop: Shop, served: Served, person: int) -> None:
    path = "/p/" + shop.link(person, 0)
    served.client.post(path, data={"shown": str(shop.topic_id("offers"))})
    assert shop.live(person) == {"newsletter"}


def test_preferences_know_no_topic_of_another_person(shop: Shop, served: Served, person: int) -> None:
    other = shop.consent("other-topics@example.com", "rare")
    served.client.post("/p/" + shop.link(person, 0), data={"shown": [str(shop.topic_id("rare")), "x", "-1"]})
    assert shop.live(other) == {"rare"}
    assert shop.live(person) == {"newsletter", "offers"}


def test_preferences_stop_everything(shop: Shop, served: Served, person: int) -> None:
    path = "/p/" + shop.link(person, shop.topic_id("offers"))
    assert served.client.post(path, data={"scope": "all"}).status_code == 200
    assert shop.live(person) == set()
    page = served.client.get(path)
    assert "checkbox" not in page.text
    assert "own form" in page.text


def test_saving_without_a_change_says_so(shop: Shop, served: Served, person: int) -> None:
    ids = [str(shop.topic_id("offers")), str(shop.topic_id("newsletter"))]
    before = shop.dump()
    answer = served.client.post("/p/" + shop.link(person, 0), data={"shown": ids, "keep": ids})
    assert "nothing has changed" in answer.text
    assert shop.dump() == before


def test_names_are_escaped_and_the_address_is_masked(shop: Shop, served: Served) -> None:
    person = shop.consent("secret.name@example.com", '"><img src=x onerror=alert(1)>')
    page = served.client.get(link(shop, person, '"><img src=x onerror=alert(1)>')).text
    assert "<img" not in page and "&lt;img" in page
    assert "secret.name" not in page


def test_pages_are_sealed_against_scripts_frames_and_caches(shop: Shop, served: Served, person: int) -> None:
    page = served.client.get(link(shop, person))
    policy = page.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page.text, re.S)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';") and "frame-ancestors 'none'" in policy
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert "<script" not in page.text and "http" not in re.sub(r"<style>.*?</style>", "", page.text, flags=re.S)
    assert '<html lang="en">' in page.text


def test_an_x_forwarded_for_of_a_stranger_is_not_believed(shop: Shop, served: Served, person: int) -> None:
    served.client.post(link(shop, person), data=ONE_CLICK, headers={"x-forwarded-for": "203.0.113.9"})
    sql = "SELECT evidence FROM consent_history WHERE subscriber_id = ? AND action = 'withdrawn'"
    assert "203.0.113.9" not in str(shop.value(sql, person))


def test_a_trusted_proxy_names_the_client(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, http={"trusted_proxies": ["127.0.0.1"]})
    person = shop.consent("far@example.com", "offers")
    with serving(shop) as served:
        path = "/u/" + shop.link(person, shop.topic_id("offers"))
        headers = {"x-forwarded-for": "198.51.100.1, 203.0.113.9"}
        assert httpx.post(served.url + path, data=ONE_CLICK, headers=headers, trust_env=False).status_code == 200
    evidence = str(shop.value("SELECT evidence FROM consent_history WHERE action = 'withdrawn'"))
    assert "203.0.113.9" in evidence and "198.51.100.1" not in evidence


@pytest.mark.parametrize(
    "claim, kept", [("::ffff:203.0.113.9", "203.0.113.9"), ("[2001:db8::7]:443", "2001:db8::7"), ("a" * 5000, "a" * 64)]
)
def test_evidence_names_the_client_in_one_way_and_briefly(tmp_path: Path, claim: str, kept: str) -> None:
    shop = Shop.create(tmp_path, http={"trusted_proxies": ["127.0.0.1"]})
    person = shop.consent("far@example.com", "offers")
    with serving(shop) as served:
        path = "/u/" + shop.link(person, shop.topic_id("offers"))
        headers = {"x-forwarded-for": claim}
        assert httpx.post(served.url + path, data=ONE_CLICK, headers=headers, trust_env=False).status_code == 200
    evidence = json.loads(str(shop.value("SELECT evidence FROM consent_history WHERE action = 'withdrawn'")))
    assert evidence["ip"] == kept


def test_a_spam_report_takes_a_post_and_stops_everything(shop: Shop, served: Served, person: int) -> None:
    path = link(shop, person).replace("/u/", "/report/")
    before = shop.dump()
    page = served.client.get(path)
    assert page.status_code == 200 and "acme" in page.text
    assert served.client.post(path).status_code == 400
    assert shop.dump() == before
    for _ in range(2):
        assert served.client.post(path, data={"report": "abuse"}).status_code == 200
    rows = shop.conn.execute("SELECT reason FROM suppression WHERE subscriber_id = ?", (person,)).fetchall()
    assert [row[0] for row in rows] == ["complaint"]
    assert served.client.get("/report/" + "A" * 42).status_code == 404


def test_the_bare_report_page_tells_what_to_paste(shop: Shop, served: Served) -> None:
    before = shop.dump()
    page = served.client.get("/report")
    assert page.status_code == 200 and "X-Report-Abuse" in page.text and 'lang="en"' in page.text
    assert "Spam melden" in served.client.get("/report?lang=de").text
    for data in ({"report": "abuse"}, {"email": "somebody@example.com", "text": "spam"}):
        refused = served.client.post("/report", data=data)
        assert refused.status_code == 422 and "aria-invalid" in refused.text
    assert shop.dump() == before


@pytest.fixture
def streams_of(shop: Shop) -> dict[str, int]:
    """Service mail of the shop; its people see both."""
    found = {}
    with transaction(shop.conn):
        for name, essential in (("orders", 0), ("codes", 1)):
            shop.conn.execute(
                "INSERT INTO stream (tenant_id, name, kind, consent, created_at, ground, essential)"
                " VALUES (?, ?, 'transactional', 'exempt', 0, 'contract', ?) ON CONFLICT DO NOTHING",
                (shop.tenant_id, name, essential),
            )
            found[name] = shop.value("SELECT id FROM stream WHERE name = ?", name)
    return found


def ended_streams(shop: Shop, person: int) -> list[int]:
    rows = shop.conn.execute("SELECT -topic_id FROM suppression WHERE subscriber_id = ? AND topic_id < 0", (person,))
    return [row[0] for row in rows]


def test_service_mail_is_ended_stream_by_stream(
    shop: Shop, served: Served, person: int, streams_of: dict[str, int]
) -> None:
    page = "/p/" + shop.link(person)
    shown = served.client.get(page).text
    assert "orders" in shown and "codes" in shown and "because of a contract with acme" in shown
    answer = served.client.post(page, data={"stream": str(streams_of["orders"])})
    assert answer.status_code == 200 and "You get no more of these messages." in answer.text
    assert ended_streams(shop, person) == [streams_of["orders"]]
    assert shop.live(person) == {"newsletter", "offers"}
    before = shop.dump()
    served.client.post(page, data={"stream": str(streams_of["orders"])})
    assert shop.dump() == before


@pytest.mark.parametrize("code", ["en", "de", "es", "et", "fr", "ru", "uk"])
def test_what_is_essential_ends_only_by_who_read_what_is_lost(
    shop: Shop, served: Served, streams_of: dict[str, int], code: str
) -> None:
    person = shop.consent(f"essential.{code}@example.com", "offers")
    page, said = "/p/" + shop.link(person) + f"?lang={code}", language(code)
    before = shop.dump()
    asked = served.client.post(page, data={"stream": str(streams_of["codes"])})
    assert asked.status_code == 200 and str(said.text("essential.lost")) in asked.text
    assert shop.dump() == before, "nothing is ended before the person has read it"
    sure = {"stream": str(streams_of["codes"]), "sure": "yes"}
    done = served.client.post(page, data=sure)
    assert str(said.text("service.stopped")) in done.text
    assert ended_streams(shop, person) == [streams_of["codes"]]


@pytest.mark.parametrize("stream", ["0", "-1", "999999", "1 OR 1=1", "codes", "²"])
def test_a_stream_that_isn_t_the_tenant_s_ends_nothing(
    shop: Shop, served: Served, person: int, streams_of: dict[str, int], stream: str
) -> None:
    before = shop.dump()
    assert served.client.post("/p/" + shop.link(person), data={"stream": stream}).status_code == 400
    assert shop.dump() == before


def test_one_click_and_everything_leave_service_mail(
    shop: Shop, served: Served, person: int, streams_of: dict[str, int]
) -> None:
    served.client.post(link(shop, person, topic=""), data=ONE_CLICK)
    served.client.post("/p/" + shop.link(person), data={"scope": "all"})
    assert shop.live(person) == set() and ended_streams(shop, person) == []
