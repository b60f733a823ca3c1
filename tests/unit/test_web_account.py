"""A tenant's own pages through a real socket: each does what the command of its name does, and says so."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from relay.accounts import logins
from relay.campaigns import campaigns
from relay.people import suppressions
from relay.queue import held
from relay.store.database import transaction
from relay.tenants import credentials, domains
from relay.texts.language import language
from relay.values.ids import encode_id
from relay.webhooks import book
from tests.support.inside import Person, held_campaign, person, signed_in, visitor
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("account"), dns={"nameservers": ["127.0.0.1:9"]})


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(scope="module")
def owner(served: Served, shop: Shop) -> Iterator[httpx.Client]:
    with signed_in(served, person(shop, "owner@acme.example", "owner", shop.tenant_id)) as client:
        yield client


def secret_of(page: httpx.Response) -> str:
    found = re.search(r'id="secret">([^<]+)<', page.text)
    assert found is not None, page.text
    return found[1].strip()


def test_a_campaign_is_seen_and_stopped(shop: Shop, owner: httpx.Client) -> None:
    id_ = held_campaign(shop, shop.tenant_id, name="spring & more", state="released")
    assert f'href="/account/campaigns/{id_}"' in owner.get("/account/campaigns").text
    page = owner.get(f"/account/campaigns/{id_}").text
    assert "9.09 %, between 5.48 and 13.99 %" in page and f'href="/account/campaigns/{id_}/recipients"' in page
    assert owner.post(f"/account/campaigns/{id_}/stop").status_code == 422
    assert owner.post(f"/account/campaigns/{id_}/stop", data={"reason": "wrong prices"}).status_code == 303
    row = campaigns.by_id(shop.conn, id_)
    assert (row.state, row.why) == ("stopped", "wrong prices")
    assert 'id="stop"' not in owner.get(f"/account/campaigns/{id_}").text


def test_campaigns_page_by_page(shop: Shop, served: Served) -> None:
    tenant_id, _ = shop.add_tenant("many-campaigns")
    made = [held_campaign(shop, tenant_id, name=f"c{n}", copies=1) for n in range(27)]
    with signed_in(served, person(shop, "o@many.example", "viewer", tenant_id)) as client:
        found = re.findall(r'href="/account/campaigns/(\d+)"', client.get("/account/campaigns").text)
        assert [int(one) for one in found] == made[:1:-1]
        rest = client.get("/account/campaigns", params={"before": made[2]}).text
        assert re.findall(r'href="/account/campaigns/(\d+)"', rest) == [str(made[1]), str(made[0])]
        for odd in ("0", "-1", "x", "9" * 30, ""):
            assert client.get("/account/campaigns", params={"before": odd}).status_code == 200


def test_messages_are_found_and_tell_their_story(shop: Shop, owner: httpx.Client) -> None:
    held_campaign(shop, shop.tenant_id, name="findable", subject="Findable <one>", copies=3)
    id_ = encode_id(shop.value("SELECT max(id) FROM submission"))
    message_id = shop.conn.execute("SELECT message_id FROM submission ORDER BY id DESC LIMIT 1").fetchone()[0]
    link = f'href="/account/messages/{id_}"'
    for query in ({}, {"campaign": "findable"}, {"recipient": "P1@people.example"}, {"id": id_}, {"id": message_id},
                  {"state": "held", "campaign": "findable"}, {"subject": "findable <O"},
                  {"day": "2999-12-31"}):  # fmt: skip
        assert link in owner.get("/account/messages", params=query).text, query
    for query in ({"campaign": "other"}, {"recipient": "nobody@people.example"}, {"id": "no-such"}, {"tag": "x"},
                  {"state": "delivered", "campaign": "findable"}, {"subject": "lost"},
                  {"day": "2001-01-01"}):  # fmt: skip
        assert link not in owner.get("/account/messages", params=query).text, query
    page = owner.get(f"/account/messages/{id_}").text
    assert (
        page.count("@people.example</bdi>") >= 3
        and "Findable &lt;one&gt;" in page
        and "<strong>Accepted</strong>" in page
    )
    assert "<strong>Angenommen</strong>" in owner.get(f"/account/messages/{id_}?lang=de").text
    owner.get("/account/?lang=en")
    for odd in ("2026-13-01", "tomorrow", "<b>", "9999-12-31T99"):
        assert owner.get("/account/messages", params={"day": odd}).status_code == 422, odd
    for odd in ("x", id_[:-1], "0" * 40, "%00"):
        assert owner.get(f"/account/messages/{odd}").status_code == 404


def test_a_copy_is_looked_at_while_it_is_kept(shop: Shop, served: Served, owner: httpx.Client) -> None:
    held_campaign(shop, shop.tenant_id, name="looked at", copies=2)
    id_ = shop.value("SELECT max(id) FROM submission")
    path = f"/account/messages/{encode_id(id_)}"
    page = owner.get(f"{path}?copy=1&look=dark").text
    assert f'src="{path}/copy?number=1&amp;look=dark"' in page and "p1@people.example" in page
    frame = owner.get(f"{path}/copy?number=1")
    assert "Autumn offer" in frame.text and "Twenty percent off." in frame.text
    assert "sandbox" in frame.headers["content-security-policy"] and "src=" not in frame.text
    assert "<script" not in frame.text and "onload" not in frame.text
    assert owner.get(f"{path}/copy?part=text").status_code == 200
    assert owner.get(f"{path}/copy?number=7").status_code == owner.get(f"{path}/copy?number=x7").status_code == 404
    other_id, _ = shop.add_tenant("looks-elsewhere")
    with signed_in(served, person(shop, "o@looks-elsewhere.example", "owner", other_id)) as stranger:
        assert stranger.get(f"{path}/copy").status_code == stranger.get(path).status_code == 404
    with transaction(shop.conn) as conn:
        conn.execute("DELETE FROM body WHERE submission_id = ?", (id_,))  # as with the last copy
    gone = owner.get(path)
    assert gone.status_code == 200 and "<iframe" not in gone.text and owner.get(f"{path}/copy").status_code == 404


def test_a_consent_by_hand_is_shown_proved_and_ended(shop: Shop, owner: httpx.Client) -> None:
    shop.consent("first@people.example", "club")
    given = {
        "email": "Ann@People.example",
        "topic": "club",
        "source": "paper form, stand 7",
        "wording": "Write to <me>.",
    }
    for lacking in given:
        assert owner.post("/account/people/give", data=given | {lacking: ""}).status_code == 422, lacking
    answer = owner.post("/account/people/give", data=given)
    assert answer.headers["location"] == "/account/people/one?email=ann%40people.example"
    page = owner.get(answer.headers["location"]).text
    assert "paper form, stand 7" in page and "Write to &lt;me&gt;." in page
    document = owner.post("/account/people/proof", data={"email": "ann@people.example", "topic": "club"})
    assert document.headers["content-disposition"].startswith("attachment") and json.loads(document.text)["state"]
    assert owner.get("/account/people", params={"email": "ann@people.example"}).status_code == 303
    ended = owner.post("/account/people/withdraw", data={"email": "ann@people.example", "topic": "club"})
    assert ended.status_code == 303
    assert "Unsubscribed" in owner.get("/account/people/one", params={"email": "ann@people.example"}).text
    assert owner.post("/account/people/give", data=given).status_code == 422  # who left comes back alone
    for odd in ("", "nobody@people.example", "no address", "<b>@x"):
        answer = owner.get("/account/people/one", params={"email": odd})
        assert answer.status_code == 404 and "<b>" not in answer.text


def test_until_when_a_campaign_is_watched_is_told(shop: Shop, owner: httpx.Client) -> None:
    id_ = held_campaign(shop, shop.tenant_id, name="watched one", state="watching")
    begun = 4_000_000_000.0
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE campaign SET window_started_at = ? WHERE id = ?", (begun, id_))
    until = language("en").moment(begun + held.terms_of(shop.settings).window_s)
    assert held.terms_of(shop.settings).window_s == 6 * 3600
    assert f"<bdi>watched one</bdi>” is being watched until {until}" in owner.get("/account/").text
    assert until in owner.get(f"/account/campaigns/{id_}").text
    message = encode_id(shop.value("SELECT max(id) FROM submission WHERE campaign_id = ?", id_))
    assert until in owner.get(f"/account/messages/{message}").text


def test_people_of_a_group_page_by_page(shop: Shop, served: Served) -> None:
    tenant_id, _ = shop.add_tenant("grouped")
    ids = [shop.consent(f"m{number:03}@people.example", "club", tenant_id=tenant_id) for number in range(120)]
    with transaction(shop.conn) as conn:
        for name, members in (("even & odd", ids[::2]), ("nobody", [])):
            (group,) = conn.execute(
                "INSERT INTO list_group (tenant_id, name, created_at) VALUES (?, ?, 0) RETURNING id", (tenant_id, name)
            ).fetchone()
            conn.executemany("INSERT INTO membership VALUES (?, ?)", [(group, one) for one in members])
    with signed_in(served, person(shop, "o@grouped.example", "owner", tenant_id)) as client:
        assert ">even &amp; odd</option>" in client.get("/account/people").text
        found, query = list[str](), "group=even+%26+odd"
        while query:
            page = client.get(f"/account/people?{query}").text
            found += re.findall(r"<bdi>(m\d+)@people.example</bdi>", page)
            more = re.search(r'href="\?([^"]+)" rel="next"', page)
            query = more[1].replace("&amp;", "&") if more else ""
        assert found == [f"m{number:03}" for number in range(0, 120, 2)]
        assert "m000@" not in client.get("/account/people?group=nobody").text
        assert "m000@" not in client.get("/account/people?group=none+such&after=x").text
    with signed_in(served, person(shop, "other@acme.example", "owner", shop.tenant_id)) as stranger:
        assert "m000@" not in stranger.get("/account/people?group=even+%26+odd").text


def test_a_suppression_by_hand_and_its_end(shop: Shop, owner: httpx.Client) -> None:
    def reasons() -> list[str]:
        rows = suppressions.page(
            shop.conn, shop.tenant_id, address="bob@people.example", reason=None, after=None, limit=9
        )
        return [row.reason.value for _, row in rows]

    add = {"email": "Bob@people.example", "reason": "hand", "detail": "asked by phone"}
    assert owner.post("/account/suppressions", data=add | {"reason": "nonsense"}).status_code == 422
    assert owner.post("/account/suppressions", data=add).status_code == 303
    page = owner.get("/account/suppressions", params={"email": "bob@people.example"}).text
    assert reasons() == ["hand"] and "asked by phone" in page
    assert owner.post("/account/suppressions/lift", data={"email": "bob@people.example"}).status_code == 422
    lift = {"email": "bob@people.example", "why": "a slip"}
    assert owner.post("/account/suppressions/lift", data=lift).status_code == 303 and reasons() == []
    owner.post("/account/suppressions", data=add | {"reason": "unsubscribed"})
    assert owner.post("/account/suppressions/lift", data=lift).status_code == 422 and reasons() == ["unsubscribed"]
    actor = shop.conn.execute("SELECT actor FROM audit WHERE action = 'suppression-added' ORDER BY id DESC").fetchone()
    assert actor[0] == "owner@acme.example"


def test_suppressions_page_by_page(shop: Shop, served: Served) -> None:
    tenant_id, _ = shop.add_tenant("many-gone")
    with transaction(shop.conn):
        for number in range(60):
            shop.conn.execute(
                "INSERT INTO subscriber (tenant_id, address, created_at) VALUES (?, ?, 0)",
                (tenant_id, f"p{number:02}@x.example"),
            )
        shop.conn.execute(
            "INSERT INTO suppression (subscriber_id, topic_id, reason, since_at) SELECT id, 0, 'hand', 0"
            " FROM subscriber WHERE tenant_id = ?",
            (tenant_id,),
        )
    with signed_in(served, person(shop, "o@gone.example", "viewer", tenant_id)) as client:
        for path in ("/account/suppressions", "/account/people"):
            first = client.get(path).text
            more = re.search(r'href="(\?[^"]+)" rel="next"', first)
            assert more is not None and "p49@" in first and "p50@" not in first
            rest = client.get(path + more[1].replace("&amp;", "&")).text
            assert "p50@" in rest and "p59@" in rest and "p49@" not in rest and 'rel="next"' not in rest


def test_a_domain_is_claimed_and_looked_up(shop: Shop, owner: httpx.Client) -> None:
    assert owner.post("/account/domains", data={"name": "not a domain"}).status_code == 422
    made = owner.post("/account/domains", data={"name": "News.Shop.example"})
    assert made.headers["location"] == "/account/domains/news.shop.example"
    page = owner.get(made.headers["location"]).text
    row = domains.find(shop.conn, "news.shop.example", shop.tenant_id)
    assert f"relay-verify={row.token}" in page and "v=DKIM1; k=rsa;" in page and "v=spf1" in page
    assert owner.post("/account/domains", data={"name": "news.shop.example"}).status_code == 422
    looked = owner.post("/account/domains/news.shop.example/verify")
    assert looked.status_code == 200 and "not known" in looked.text  # no name server answers here
    assert domains.find(shop.conn, "news.shop.example", shop.tenant_id).verified_at is None
    assert owner.get("/account/domains/no-such.example").status_code == 404


def test_credentials_are_made_reset_and_revoked(shop: Shop, owner: httpx.Client) -> None:
    held_campaign(shop, shop.tenant_id)  # there is a stream then
    page = owner.post("/account/keys/credentials", data={"stream": "bulk"})
    first = secret_of(page)
    row = next(one for one in credentials.listing(shop.conn, shop.tenant_id) if one.revoked_at is None)
    assert first not in shop.dump() and first not in owner.get("/account/keys").text
    second = secret_of(owner.post(f"/account/keys/credentials/{row.id}/reset"))
    stored = shop.conn.execute("SELECT secret_hash FROM credential WHERE id = ?", (row.id,)).fetchone()[0]
    assert shop.secrets.password_matches(second, stored) and not shop.secrets.password_matches(first, stored)
    assert owner.post(f"/account/keys/credentials/{row.id}/revoke").status_code == 303
    assert owner.post(f"/account/keys/credentials/{row.id}/reset").status_code == 404
    assert owner.post("/account/keys/credentials", data={"stream": "no-such"}).status_code == 422


def test_tokens_are_made_and_revoked(shop: Shop, served: Served, owner: httpx.Client) -> None:
    assert owner.post("/account/keys/tokens", data={"name": "none"}).status_code == 422
    token = secret_of(owner.post("/account/keys/tokens", data={"name": "desk", "scope-read": "yes"}))
    with visitor(served) as program:
        headers = {"authorization": f"Bearer {token}"}
        assert program.get("/v1/quota", headers=headers).status_code == 200
        (id_,) = shop.conn.execute("SELECT id FROM api_token WHERE name = 'desk'").fetchone()
        assert owner.post(f"/account/keys/tokens/{id_}/revoke").status_code == 303
        assert program.get("/v1/quota", headers=headers).status_code == 401
    assert owner.post(f"/account/keys/tokens/{id_}/revoke").status_code == 422


def test_webhooks_are_made_rotated_and_removed(shop: Shop, owner: httpx.Client) -> None:
    for wrong in ("http://127.0.0.1/hook", "https://10.0.0.1/", "ftp://x", "https://app.example/hook extra", ""):
        assert owner.post("/account/keys/webhooks", data={"url": wrong}).status_code == 422, wrong
    data = {"url": "https://app.example/hook", "events": "delivered, bounced"}
    assert owner.post("/account/keys/webhooks", data=data | {"events": "nonsense"}).status_code == 422
    secret = secret_of(owner.post("/account/keys/webhooks", data=data))
    assert secret.startswith("whsec_")
    row = book.of_tenant(shop.conn, shop.tenant_id)[0]
    assert row.types == {"delivered", "bounced"}
    assert secret_of(owner.post(f"/account/keys/webhooks/{row.id}/rotate")) != secret
    assert owner.get(f"/account/keys/webhooks/{row.id}").status_code == 200
    assert owner.post(f"/account/keys/webhooks/{row.id}/remove").status_code == 303
    assert owner.get(f"/account/keys/webhooks/{row.id}").status_code == 404


def test_an_owner_sees_to_the_tenants_log_ins_and_no_others(shop: Shop, served: Served, owner: httpx.Client) -> None:
    made = owner.post("/account/logins", data={"email": "new@acme.example", "role": "viewer"})
    new = Person("new@acme.example", secret_of(made))
    row = logins.find(shop.conn, new.email)
    assert (row.tenant_id, row.role) == (shop.tenant_id, "viewer")
    with signed_in(served, new) as client:
        assert client.get("/account/").status_code == 200 and client.get("/account/logins").status_code == 403
        reset = owner.post(f"/account/logins/{row.id}/reset")
        assert client.get("/account/").status_code == 303  # ended with the old password
    with signed_in(served, Person(new.email, secret_of(reset))) as client:
        assert owner.post(f"/account/logins/{row.id}/disable").status_code == 303
        assert client.get("/account/").status_code == 303
    assert owner.post(f"/account/logins/{row.id}/enable").status_code == 303
    assert owner.post(f"/account/logins/{row.id}/second").status_code == 422  # there is none
    assert owner.post(f"/account/logins/{row.id}/remove").status_code == 303
    for role in ("operator", "support", "nonsense", ""):  # nobody makes staff of theirs
        answer = owner.post(
            "/account/logins", data={"email": "x@acme.example", "role": role, "tenant": "", "staff": "1"}
        )
        assert answer.status_code == 422, role
    staff = person(shop, f"s{time.monotonic_ns()}@relay.example", "support")
    mine = logins.find(shop.conn, "owner@acme.example")
    assert owner.post(f"/account/logins/{logins.find(shop.conn, staff.email).id}/reset").status_code == 404
    assert owner.post(f"/account/logins/{mine.id}/remove").status_code == 422
    assert owner.post("/account/logins", data={"email": "owner@acme.example", "role": "owner"}).status_code == 422


def test_the_operator_sees_to_staff_and_a_named_tenants_log_ins(shop: Shop, served: Served) -> None:
    shop.add_tenant("named")
    with signed_in(served, person(shop, "boss@relay.example", "operator")) as desk:
        assert 'value="reviewer"' in desk.get("/desk/logins").text
        made = desk.post("/desk/logins", data={"email": "o@named.example", "role": "owner", "tenant": "named"})
        assert "o@named.example" in made.text and logins.find(shop.conn, "o@named.example").tenant == "named"
        assert "o@named.example" in desk.get("/desk/logins", params={"tenant": "named"}).text
        assert "o@named.example" not in desk.get("/desk/logins").text
        assert desk.post("/desk/logins", data={"email": "p@named.example", "role": "owner"}).status_code == 422
        assert (
            desk.post("/desk/logins", data={"email": "p@x.example", "role": "owner", "tenant": "no"}).status_code == 422
        )


def test_a_contest_is_answered_in_words_or_conceded(shop: Shop, owner: httpx.Client) -> None:
    made = []
    for number in range(2):
        reader = shop.consent(f"contester{number}@people.example", "club")
        with transaction(shop.conn) as conn:
            (id_,) = conn.execute(
                "INSERT INTO contest (tenant_id, subscriber_id, topic_id, plea, words, state, at, due_at, source,"
                " counts, submission_id, number, network)"
                " VALUES (?, ?, 0, 'never', 'not <b>me</b>', 'open', 1, 9e9, 's', 1, 0, 0, x'') RETURNING id",
                (shop.tenant_id, reader),
            ).fetchone()
            made.append(id_)

    def state(id_: int) -> str:
        return str(shop.conn.execute("SELECT state FROM contest WHERE id = ?", (id_,)).fetchone()[0])

    assert f'href="/account/contests/{made[0]}"' in owner.get("/account/").text  # it is what needs doing
    assert "not &lt;b&gt;me&lt;/b&gt;" in owner.get(f"/account/contests/{made[0]}").text
    assert owner.post(f"/account/contests/{made[0]}/answer", data={"text": "yes"}).status_code == 422
    proof = {"text": "Signed the paper form at our stand on 3 March, see page 7."}
    assert owner.post(f"/account/contests/{made[0]}/answer", data=proof).status_code == 303
    assert owner.post(f"/account/contests/{made[1]}/concede").status_code == 303
    assert (state(made[0]), state(made[1])) == ("answered", "conceded")
    assert owner.post(f"/account/contests/{made[1]}/answer", data=proof).status_code == 422
