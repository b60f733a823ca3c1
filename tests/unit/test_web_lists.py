"""Pages about people beside imports, through a real socket: export, forms, topics, wordings, a person's rights."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator

import httpx
import pytest

from relay.lists.stopping import suppress
from relay.people import profiles, topics, wordings
from relay.people.wording_check import Gap
from relay.signup import forms
from relay.store.database import transaction
from relay.values.facts import Reason
from tests.support.inside import person, signed_in
from tests.support.web import Served, Shop, serving

GOOD = (
    "I agree that Acme Ltd sends me news and offers by e-mail. My address goes into its database and mail is sent"
    " automatically. My rights are explained in the privacy policy. I can unsubscribe at any time."
)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("lists"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def tenant(shop: Shop, served: Served, request: pytest.FixtureRequest) -> Iterator[tuple[int, httpx.Client]]:
    """A tenant of the test's own with the topic news, and its editor."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[5:45].strip("-")
    tenant_id, _ = shop.add_tenant(name)
    with transaction(shop.conn) as conn:
        topics.add(conn, tenant_id, "news", title="Our news", actor="t", now=time.time())
    with signed_in(served, person(shop, f"e@{name}.example", "editor", tenant_id)) as client:
        yield tenant_id, client


def audited(shop: Shop, tenant_id: int, action: str) -> list[tuple[str, dict[str, object]]]:
    rows = shop.conn.execute("SELECT actor, detail FROM audit WHERE tenant_id = ? AND action = ?", (tenant_id, action))
    return [(actor, json.loads(detail)) for actor, detail in rows]


def rows_of(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/csv"), answer.text
    assert answer.headers["content-disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.text)))


# --- export --------------------------------------------------------------------------


def test_consents_people_and_suppressions_are_exported(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    for name in ("b", "a", "=c"):
        shop.consent(f"{name}@people.example", "news", tenant_id=tenant_id)
    with transaction(shop.conn) as conn:
        topics.add(conn, tenant_id, "offers", actor="t", now=time.time())
        suppress(conn, tenant_id, "x@people.example", Reason.COMPLAINT, detail="loud", means="hand", now=time.time())
        who = conn.execute(
            "SELECT id FROM subscriber WHERE address = 'a@people.example' AND tenant_id = ?", (tenant_id,)
        )
        profiles.change(conn, tenant_id, who.fetchone()[0], attributes={"city": "Tartu"}, join=["vip"], now=time.time())
    shop.consent("a@people.example", "offers", tenant_id=tenant_id)
    found = rows_of(client.post("/account/people/export", data={"kind": "consents"}))
    assert [(row["email"], row["topic"]) for row in found] == [
        ("'=c@people.example", "news"), ("a@people.example", "news"), ("a@people.example", "offers"),
        ("b@people.example", "news"),
    ]  # fmt: skip
    assert found[1]["city"] == "Tartu" and found[1]["groups"] == "vip" and found[1]["wording"] == "Yes, write to me."
    for only, count in (
        ({"topic": "offers"}, 1), ({"group": "vip"}, 2), ({"live": "yes"}, 4), ({"topic": "news", "group": "vip"}, 1),
    ):  # fmt: skip
        assert len(rows_of(client.post("/account/people/export", data={"kind": "consents", **only}))) == count, only
    people = rows_of(client.post("/account/people/export", data={"kind": "people", "topic": "offers"}))
    assert [(row["email"], row["live_consents"], row["city"]) for row in people] == [
        ("'=c@people.example", "1", ""), ("a@people.example", "2", "Tartu"), ("b@people.example", "1", ""),
        ("x@people.example", "0", ""),
    ]  # fmt: skip
    gone = rows_of(client.post("/account/people/export", data={"kind": "suppressions"}))
    assert [(row["email"], row["reason"], row["detail"]) for row in gone] == [("x@people.example", "complaint", "loud")]
    told = audited(shop, tenant_id, "people-exported")
    assert told[0][1] == {"what": "consents"} and told[1][1] == {"what": "consents", "topic": "offers"}
    for wrong in ({}, {"kind": "all"}, {"kind": "consents", "topic": "no-such"}, {"kind": "consents", "group": "no"}):
        assert client.post("/account/people/export", data=wrong).status_code == 422, wrong
    assert rows_of(client.post("/account/people/export", data={"kind": "people"}))  # a refused one gave its place back


def test_an_export_of_many_leaves_nobody_out(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    """More than two steps, some with several topics, in the order of addresses."""
    tenant_id, client = tenant
    with transaction(shop.conn) as conn:
        other = topics.add(conn, tenant_id, "club", actor="t", now=time.time()).id
        news = topics.known(conn, tenant_id, "news")
        wording = wordings.make(conn, tenant_id, "Yes.", 1.0)
        for number in range(1_050):
            (who,) = conn.execute(
                "INSERT INTO subscriber (tenant_id, address, created_at) VALUES (?, ?, 0) RETURNING id",
                (tenant_id, f"p{number:04}@people.example"),
            ).fetchone()
            for topic in (news, other)[: 1 + number % 2]:
                conn.execute(
                    "INSERT INTO consent (subscriber_id, topic_id, channel, given_at, source, wording_id, means, ip,"
                    " page, recorded_at) VALUES (?, ?, 'email', 1, 's', ?, 'hand', '', '', 1)",
                    (who, topic, wording),
                )
    found = rows_of(client.post("/account/people/export", data={"kind": "consents"}))
    keys = [(row["email"], row["topic"]) for row in found]
    assert len(keys) == len(set(keys)) == 1_575 and keys == sorted(keys)
    assert len(rows_of(client.post("/account/people/export", data={"kind": "people"}))) == 1_050


# --- forms ---------------------------------------------------------------------------


def test_a_form_is_made_changed_looked_at_and_removed(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    wish = {"name": "footer", "topic": "news", "wording": GOOD, "title": "Stay <close>"}
    for wrong in (
        {"name": "No Good"},
        {"wording": ""},
        {"topic": ""},
        {"topic": "nwes"},
        {"redirect": "https://x.example"},
    ):
        assert client.post("/account/forms", data=wish | wrong).status_code == 422, wrong
    assert client.post("/account/forms", data=wish).headers["location"] == "/account/forms/footer"
    assert client.post("/account/forms", data=wish).status_code == 422  # once
    form = forms.named(shop.conn, tenant_id, "footer")
    assert form is not None
    page = client.get("/account/forms/footer").text
    assert f"/s/{form.key}" in page and "&lt;form method=&#34;post&#34;" in page and "Stay &lt;close&gt;" in page
    assert "is missing" not in page
    shown = client.get("/account/form-preview/footer")
    assert "Our news" in shown.text and "Stay &lt;close&gt;" in shown.text and GOOD[:20] in shown.text
    assert "frame-ancestors 'self'" in shown.headers["content-security-policy"]
    assert shown.headers["cross-origin-resource-policy"] == "same-origin"
    edit = {"topic": "news", "wording": "Yes, news.", "title": "", "language": "et", "ask_age": "yes"}
    assert client.post("/account/forms/footer/edit", data=edit).status_code == 303
    form = forms.named(shop.conn, tenant_id, "footer")
    assert form is not None and (form.title, form.language, form.ask_age, form.wording) == (
        "",
        "et",
        True,
        "Yes, news.",
    )
    assert client.get("/account/forms/footer").text.count("is missing") >= 3
    assert client.post("/account/forms/footer/edit", data=edit | {"language": "tlh"}).status_code == 422
    assert client.post("/account/forms/footer/other").status_code == 404
    assert client.post("/account/forms/footer/remove").headers["location"] == "/account/forms"
    assert client.get("/account/forms/footer").status_code == 404
    actor = audited(shop, tenant_id, "form-added")[0][0]
    assert (
        actor.startswith("e@") and audited(shop, tenant_id, "form-edited") and audited(shop, tenant_id, "form-removed")
    )


def test_a_preview_stores_nothing(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    wish = {"topic": "news", "wording": "<script>alert(1)</script>", "title": "x" * 900, "ask_tracking": "yes"}
    before = shop.value("SELECT count(*) FROM wording")
    shown = client.post("/account/form-preview", data=wish)
    assert shown.status_code == 200 and "Our news" in shown.text and "<script" not in shown.text
    assert client.post("/account/form-preview").status_code == 200  # nothing filled in yet
    assert shop.value("SELECT count(*) FROM wording") == before and forms.of_tenant(shop.conn, tenant_id) == []


# --- topics and wordings -------------------------------------------------------------


def test_topics_are_made_and_changed(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    assert client.post("/account/topics", data={"name": "Offers", "title": "Good offers"}).status_code == 303
    for wrong in ("Offers", "offers", "", "x" * 200, "a\nb\x00"):
        assert client.post("/account/topics", data={"name": wrong}).status_code == 422, wrong
    row = topics.of_tenant(shop.conn, tenant_id)[1]
    told = {"title": "Better offers", "description": "Each <Friday>."}
    assert client.post(f"/account/topics/{row.id}", data=told).status_code == 303
    page = client.get("/account/topics").text
    assert "Better offers" in page and "Each &lt;Friday&gt;." in page and page.count("taken where mail names none") == 1
    assert client.post(f"/account/topics/{row.id}", data=told | {"title": "x" * 300}).status_code == 422
    assert client.post("/account/topics/999999", data=told).status_code == 404
    assert [one.title for one in topics.of_tenant(shop.conn, tenant_id)] == ["Our news", "Better offers"]
    assert audited(shop, tenant_id, "topic-added")[-1][0].startswith("e@")


@pytest.mark.parametrize(
    ("text", "language", "missing"),
    [
        (GOOD, "", set()),
        ("Yes.", "en", {Gap.PURPOSE, Gap.DATABASE, Gap.RIGHTS, Gap.AUTOMATED, Gap.CONTROLLER, Gap.WITHDRAWAL}),
        (GOOD.replace("database", "cellar"), "en", {Gap.DATABASE}),
        ("Ich willige ein, dass die Muster GmbH mir automatisch Angebote schickt und meine Adresse speichert. "
         "Meine Rechte stehen in der Datenschutzerklärung, ich kann jederzeit widerrufen.", "de", set()),
    ],
)  # fmt: skip
def test_a_wording_is_checked(tenant: tuple[int, httpx.Client], text: str, language: str, missing: set[Gap]) -> None:
    _, client = tenant
    page = client.post("/account/wording-check", data={"wording": text, "language": language}).text
    assert page.count('<li class="bad">') == len(missing) and page.count(">is said<") == 6 - len(missing)
    assert client.post("/account/wording-check").status_code == 422


def test_wordings_are_shown_in_their_versions(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    with transaction(shop.conn) as conn:
        wordings.make(conn, tenant_id, "First <words>.", 1.0)
        wordings.make(conn, tenant_id, GOOD, 2.0)
    page = client.get("/account/wordings").text
    assert page.index("/account/wordings/2") < page.index("/account/wordings/1") and "First &lt;words&gt;." in page
    one = client.get("/account/wordings/1").text
    assert "First &lt;words&gt;." in one and one.count('<li class="bad">') > 2
    assert '<li class="bad">' not in client.get("/account/wordings/2").text
    assert client.get("/account/wordings/3").status_code == 404


# --- what a person may ask for -------------------------------------------------------


def test_a_persons_data_is_copied_put_right_and_erased(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    who = shop.consent("ann@people.example", "news", tenant_id=tenant_id)
    email = {"email": "Ann@people.example"}
    right = {"name-0": "city", "value-0": "Tartu", "groups": "vip, spring"}
    assert client.post("/account/people/correct", data=email | right).status_code == 303
    assert profiles.of(shop.conn, who).groups == ("spring", "vip")
    right = {"name-1": "city", "value-1": "", "name-0": "shoe", "value-0": "43", "groups": "vip"}
    assert client.post("/account/people/correct", data=email | right).status_code == 303
    kept = profiles.of(shop.conn, who)
    assert (dict(kept.attributes), kept.groups) == ({"shoe": "43"}, ("vip",))
    assert (
        client.post("/account/people/correct", data=email | {"name-0": "x", "value-0": "y" * 5000}).status_code == 422
    )
    copy = client.post("/account/people/copy", data=email)
    told = json.loads(copy.text)
    assert copy.headers["content-disposition"].startswith("attachment") and told["attributes"] == {"shoe": "43"}
    assert told["consents"][0]["wording"] == "Yes, write to me." and told["history"] and "tracking" in told
    assert audited(shop, tenant_id, "person-copied")[0][0].startswith("e@")
    assert client.post("/account/people/erase", data=email).status_code == 422
    assert client.post("/account/people/erase", data=email | {"sure": "bob@people.example"}).status_code == 422
    answer = client.post("/account/people/erase", data=email | {"sure": "ann@people.example"})
    assert answer.status_code == 200 and "The person is erased" in answer.text
    assert client.get("/account/people/one", params=email).status_code == 404
    assert "ann@people.example" not in shop.dump()
    for path in ("copy", "correct", "erase"):
        data = {"email": "nobody@people.example", "sure": "nobody@people.example"}
        assert client.post(f"/account/people/{path}", data=data).status_code == 404, path
        assert client.post(f"/account/people/{path}", data={"email": "no address"}).status_code == 422, path


def test_a_child_s_birthday_stops_all(shop: Shop, tenant: tuple[int, httpx.Client]) -> None:
    tenant_id, client = tenant
    who = shop.consent("kid@people.example", "news", tenant_id=tenant_id)
    told = {"email": "kid@people.example", "name-0": "birthday", "value-0": f"{time.gmtime().tm_year - 9}-01-01"}
    assert "under 16" in client.post("/account/people/correct", data=told).text
    assert shop.value("SELECT count(*) FROM suppression WHERE subscriber_id = ? AND reason = 'hand'", who) == 1
