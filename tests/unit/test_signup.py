"""Double opt-in: form, confirmation mail, consent, and the way back after an unsubscribe (R2, R4, R5, R8)."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from relay.lists import consent_import
from relay.lists.list_file import Bad, open_list
from relay.people import consent_rules, never_ask
from relay.rights import retention
from relay.signup.letter import version
from relay.web.public import subscribe
from tests.support.signup import NOW, WORDING, Signup, markup, plain

ANN = "ann@people.example"


@pytest.fixture
def signup(tmp_path: Path) -> Iterator[Signup]:
    made = Signup(tmp_path)
    yield made
    made.close()


def test_the_page_shows_all_topics_unticked_and_the_wording_word_for_word(signup: Signup) -> None:
    before = signup.shop.dump()
    page = signup.client().get(f"/s/{signup.form.key}")
    assert page.status_code == 200
    assert page.text.count('type="checkbox"') == 2 and "checked" not in page.text
    assert WORDING in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert signup.shop.dump() == before


def test_asking_stores_no_consent_and_no_subscriber(signup: Signup) -> None:
    answer = signup.ask(ANN)
    assert answer.status_code == 200 and "mailbox" in answer.text
    assert signup.live(ANN) == set()
    assert signup.shop.value("SELECT count(*) FROM subscriber") == 0
    assert len(signup.letters()) == 1


def test_the_letter_is_from_the_tenant_and_says_what_to_do(signup: Signup) -> None:
    signup.ask(ANN)
    (letter,) = signup.letters()
    assert letter["From"] == "acme <hello@acme.example>"
    assert letter["To"] == ANN
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Sender-Contact"] == "acme <hello@acme.example>"
    text, html = plain(letter), markup(letter)
    for what in ("newsletter", "offers", "It wasn’t you?", "21 September 2026", "28 September 2026"):
        assert what in text, what
    confirm, never = signup.links()
    assert confirm in html and never in html
    assert "<script" not in html and "<img" not in html
    assert signup.shop.value("SELECT stream_id FROM submission") == 0  # the shop of these tests has no streams


def test_opening_the_link_changes_nothing_and_confirming_subscribes(signup: Signup) -> None:
    signup.ask(ANN)
    confirm, _ = signup.links()
    before = signup.shop.dump()
    page = signup.client().get(confirm)
    assert page.status_code == 200 and WORDING in page.text and "newsletter" in page.text
    assert signup.client().head(confirm).status_code == 200
    assert signup.client().get(confirm + "?answer=confirm").status_code == 200
    assert signup.shop.dump() == before
    assert signup.client().post(confirm, data={"answer": "confirm"}).status_code == 200
    assert signup.live(ANN) == {"newsletter", "offers"}


def test_only_what_was_ticked_is_agreed_to(signup: Signup) -> None:
    signup.agree(ANN, topic=[str(signup.form.topics[1].id)])
    assert signup.live(ANN) == {"offers"}


def test_the_consent_carries_its_proof(signup: Signup) -> None:
    client = signup.client("198.51.100.4", **{"user-agent": "Asker/1", "referer": "https://www.acme.example/?utm=1"})
    signup.ask(ANN, client=client)
    asked_at = signup.now
    signup.now += 3600
    letter = signup.shop.conn.execute("SELECT id, tenant_id FROM opt_in").fetchone()
    signup.shop.conn.execute(
        "INSERT INTO event (tenant_id, at, kind, submission_id, number, detail) VALUES (?, ?, 'delivered', ?, 1, ?)",
        (letter[1], signup.now - 9, letter[0], '{"status":"250 2.0.0 ok 17","remote":"mx.people.example"}'),
    )
    confirming = signup.client("203.0.113.9", **{"user-agent": "Confirmer/2"})
    confirming.post(signup.links()[0], data={"answer": "confirm"})
    row = signup.shop.conn.execute("SELECT evidence FROM consent_history").fetchone()
    proof = json.loads(row[0])
    assert proof["asked_at"] == asked_at and proof["confirmed_at"] == signup.now
    assert (proof["asked_ip"], proof["confirmed_ip"]) == ("198.51.100.4", "203.0.113.9")
    assert (proof["asked_agent"], proof["confirmed_agent"]) == ("Asker/1", "Confirmer/2")
    assert proof["means"] == "double-opt-in" and proof["form"] == "news"
    assert (proof["letter_reply"], proof["letter_taken_by"]) == ("250 2.0.0 ok 17", "mx.people.example")
    assert proof["letter_taken_at"] == signup.now - 9
    assert proof["letter"] == version("en") != version("de")
    assert proof["page"] == "https://www.acme.example/"
    assert proof["source"] == "form news on www.acme.example"
    assert proof["wording_id"] == signup.form.wording_id
    given = signup.shop.conn.execute("SELECT means, given_at, ip, page FROM consent").fetchone()
    assert given == ("double-opt-in", signup.now, "198.51.100.4", "https://www.acme.example/")


def test_a_page_that_is_not_the_tenants_does_not_become_the_source(signup: Signup) -> None:
    signup.agree(ANN, client=signup.client(referer="https://evil.example/x"))
    assert signup.shop.conn.execute("SELECT DISTINCT source FROM consent").fetchall() == [("form news",)]


def test_the_tenant_is_told(signup: Signup) -> None:
    signup.agree(ANN)
    kinds = [row[0] for row in signup.shop.conn.execute("SELECT kind FROM event ORDER BY id")]
    assert kinds == ["accepted", "consent.given", "consent.given", "subscribed"]


def test_a_second_confirmation_says_so_and_changes_nothing(signup: Signup) -> None:
    signup.agree(ANN)
    before = signup.shop.dump()
    again = signup.client().post(signup.links()[0], data={"answer": "confirm"})
    assert again.status_code == 200 and "Already confirmed" in again.text
    assert signup.shop.dump() == before


# --- after an unsubscribe (R8) -----------------------------------------------------------


@pytest.mark.parametrize("everything", [False, True])
def test_an_old_link_does_not_bring_back_who_left_but_a_new_one_does(signup: Signup, everything: bool) -> None:
    signup.agree(ANN)
    old, _ = signup.links()
    signup.now += 10
    signup.withdraw(ANN, 0 if everything else signup.form.topics[0].id)
    left = set() if everything else {"offers"}
    assert signup.live(ANN) == left
    signup.now += 10
    signup.client().post(old, data={"answer": "confirm"})
    assert signup.live(ANN) == left
    signup.now += 3600
    signup.agree(ANN)
    assert signup.live(ANN) == {"newsletter", "offers"}


def test_a_link_asked_for_before_leaving_and_never_used_does_not_bring_back(signup: Signup) -> None:
    signup.agree(ANN)
    signup.now += 3600
    signup.ask(ANN)
    waiting, _ = signup.links()
    signup.now += 10
    signup.withdraw(ANN)
    page = signup.client().post(waiting, data={"answer": "confirm"})
    assert page.status_code == 409 and "unsubscribed" in page.text
    assert f"/s/{signup.form.key}" in page.text
    assert signup.live(ANN) == set()


def test_a_setting_lets_nobody_come_back(tmp_path: Path) -> None:
    with closing(Signup(tmp_path, forms={"may_return": False})) as signup:
        signup.agree(ANN)
        signup.now += 3600
        signup.ask(ANN)
        waiting, _ = signup.links()
        signup.now += 10
        signup.withdraw(ANN)
        signup.now += 3600
        assert "mailbox" in signup.ask(ANN).text
        assert len(signup.letters()) == 2
        assert signup.client().post(waiting, data={"answer": "confirm"}).status_code == 409
        assert signup.live(ANN) == set()


# --- links end ---------------------------------------------------------------------------


def test_a_link_ends_and_the_request_is_deleted(signup: Signup) -> None:
    signup.ask(ANN)
    confirm, _ = signup.links()
    signup.now += 7 * 86_400 + 1
    answer = signup.client().post(confirm, data={"answer": "confirm"})
    assert answer.status_code == 410 and f"/s/{signup.form.key}" in answer.text
    assert signup.live(ANN) == set()
    retention.clean(signup.shop.settings.database, 1e9, 1e9, signup.now)
    assert signup.shop.value("SELECT count(*) FROM opt_in") == 0
    assert signup.shop.value("SELECT count(*) FROM asking") == 0
    assert signup.client().get(confirm).status_code == 410


def test_what_still_waits_is_not_deleted(signup: Signup) -> None:
    signup.ask(ANN)
    retention.clean(signup.shop.settings.database, 1e9, 1e9, signup.now + 3600)
    assert signup.shop.value("SELECT count(*) FROM opt_in") == 1
    assert signup.shop.value("SELECT count(*) FROM asking") == 1


# --- never again -------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"answer": "never"}, {"List-Unsubscribe": "One-Click"}])
def test_never_ask_me_again_is_a_withdrawal_that_also_ends_the_questions(signup: Signup, body: dict[str, str]) -> None:
    signup.agree(ANN)
    _, never = signup.links()
    before = signup.shop.dump()
    assert "Never be asked" in signup.client().get(never).text
    assert signup.shop.dump() == before
    assert signup.client().post(never, data=body).status_code == 200
    assert signup.live(ANN) == set()
    signup.now += 86_400
    assert "mailbox" in signup.ask(ANN).text
    assert "mailbox" in signup.ask("Ann+other@people.example").text
    assert len(signup.letters()) == 1
    assert signup.shop.value("SELECT count(*) FROM suppression WHERE reason = 'unsubscribed' AND topic_id = 0") == 1


def test_never_holds_for_the_request_that_waits(signup: Signup) -> None:
    signup.ask(ANN)
    confirm, never = signup.links()
    signup.client().post(never, data={"answer": "never"})
    page = signup.client().post(confirm, data={"answer": "confirm"})
    assert page.status_code == 409 and f"/s/{signup.form.key}" not in page.text
    assert signup.live(ANN) == set()


def test_after_a_confirmation_never_leads_to_no_form_either(signup: Signup) -> None:
    signup.agree(ANN)
    confirm, never = signup.links()
    signup.client().post(never, data={"answer": "never"})
    page = signup.client().get(confirm)
    assert page.status_code == 409 and f"/s/{signup.form.key}" not in page.text


def test_never_works_when_the_request_is_long_gone_and_survives_a_new_key(signup: Signup) -> None:
    signup.ask(ANN)
    _, never = signup.links()
    signup.now += 100 * 86_400
    retention.clean(signup.shop.settings.database, 1e9, 1e9, signup.now)
    assert signup.client().post(never, data={"answer": "never"}).status_code == 200
    kid = signup.shop.secrets.current + 1
    signup.shop.secrets = type(signup.shop.secrets)({kid: bytes(range(32)), **signup.shop.secrets.keys}, kid)
    signup.ask(ANN)
    assert len(signup.letters()) == 1


@pytest.mark.parametrize("address", [ANN, "Ann+shop@people.example"])
def test_never_also_ends_what_is_there_when_the_request_is_long_gone(
    signup: Signup, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(never_ask, "STEP", 2)
    signup.agree(ANN)
    _, never = signup.links()
    for other in ("a@people.example", "b@people.example", "c@people.example", address):
        signup.shop.consent(other, "offers", at=NOW)
    signup.now += 100 * 86_400
    retention.clean(signup.shop.settings.database, 1e9, 1e9, signup.now)
    assert signup.client().post(never, data={"answer": "never"}).status_code == 200
    assert signup.live(ANN) == signup.live(address) == set()
    assert signup.live("a@people.example") == signup.live("c@people.example") == {"offers"}
    history = signup.shop.conn.execute("SELECT evidence FROM consent_history WHERE action = 'withdrawn'").fetchall()
    assert all('"means":"never-ask"' in evidence and '"ip":"192.0.2.7"' in evidence for (evidence,) in history)


def test_one_look_for_the_person_at_a_time(signup: Signup, monkeypatch: pytest.MonkeyPatch) -> None:
    signup.ask(ANN)
    _, never = signup.links()
    signup.shop.conn.execute("DELETE FROM opt_in")
    codes: list[int] = []
    search = never_ask.search

    def slow(*args: Any) -> tuple[list[int], str | None]:
        codes.append(signup.client().post(never, data={"answer": "never"}).status_code)
        return search(*args)

    monkeypatch.setattr(never_ask, "search", slow)
    assert signup.client("192.0.2.8").post(never, data={"answer": "never"}).status_code == 200
    assert codes == [503]


def test_who_said_never_is_put_on_no_list(signup: Signup, tmp_path: Path) -> None:
    """The address is known to nobody any more: its hash keeps it out."""
    signup.ask(ANN)
    _, never = signup.links()
    signup.shop.conn.execute("DELETE FROM opt_in")
    signup.client().post(never, data={"answer": "never"})
    assert signup.shop.value("SELECT count(*) FROM subscriber") == 0
    terms = consent_rules.terms(topic="offers", source="our shop", wording="Yes, news.", means="import")
    order = consent_import.Order(signup.shop.tenant_id, signup.shop.secrets, terms, "root", signup.now)
    (tmp_path / "list.txt").write_text(f"{ANN}\nAnn+x@people.example\nbob@people.example\n")
    bad: list[Bad] = []
    report = consent_import.run(signup.shop.conn, open_list(tmp_path / "list.txt"), order, refused=bad.append)
    assert report.taken == 1 and [one.line for one in bad] == [1, 2]
    with pytest.raises(consent_rules.ConsentRefused) as told:
        signup.shop.consent(ANN, "offers", at=NOW)
    assert told.value.word == "never-ask"
    assert signup.live("bob@people.example") == {"offers"}


def test_never_concerns_one_tenant_only(signup: Signup) -> None:
    signup.ask(ANN)
    signup.client().post(signup.links()[1], data={"answer": "never"})
    other, _ = signup.shop.add_tenant("rival")
    form = signup.add("news", tenant_id=other)
    signup.now += 86_400
    signup.ask(ANN, form=form)
    assert len(signup.letters()) == 2


def test_a_form_that_is_removed_meanwhile_is_no_fault(signup: Signup, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = subscribe._checked

    def late(*args: Any) -> Any:
        signup.shop.conn.execute("DELETE FROM form")
        return checked(*args)

    monkeypatch.setattr(subscribe, "_checked", late)
    page = signup.ask(ANN)
    assert page.status_code == 404 and "There is no such page" in page.text
    assert signup.shop.value("SELECT count(*) FROM asking") == 0


# --- who gets no mail; the answer is always the same -----------------------------------------


@pytest.mark.parametrize("reason", ["hard-bounce", "complaint", "hand"])
def test_who_is_suppressed_gets_no_mail_and_the_page_does_not_tell(signup: Signup, reason: str) -> None:
    unknown = signup.ask("nobody@people.example").text
    person = signup.shop.consent(ANN, "offers", at=NOW)
    signup.shop.conn.execute("INSERT INTO suppression VALUES (?, 0, ?, ?, '')", (person, reason, NOW))
    assert signup.ask(ANN).text == unknown
    assert len(signup.letters(ANN)) == 0


def test_a_known_and_an_unknown_address_get_the_same_page(signup: Signup) -> None:
    signup.shop.consent(ANN, "offers", at=NOW)
    known, unknown = signup.ask(ANN), signup.ask("nobody@people.example")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert known.headers.keys() == unknown.headers.keys()


def test_a_frozen_tenant_sends_no_confirmation_mail(signup: Signup) -> None:
    signup.shop.conn.execute("UPDATE tenant SET freeze = 'all'")
    assert "mailbox" in signup.ask(ANN).text
    assert signup.letters() == []


def test_a_mailbox_that_a_confirmation_mail_found_dead_is_not_asked_again(signup: Signup) -> None:
    signup.ask(ANN)
    signup.shop.conn.execute(
        "INSERT INTO event (tenant_id, at, kind, submission_id, number, detail)"
        " SELECT tenant_id, ?, 'bounced', id, 0, '{\"type\":\"hard\"}' FROM opt_in",
        (signup.now,),
    )
    signup.now += 3 * 3600
    signup.ask(ANN)
    assert len(signup.letters()) == 1


# --- children (R5) -------------------------------------------------------------------------


def test_a_no_to_the_question_of_age_is_not_stored(signup: Signup) -> None:
    form = signup.edit(ask_age=True)
    before = signup.shop.dump()
    page = signup.ask(ANN, form=form, age="no")
    assert page.status_code == 200 and "Nothing was stored" in page.text
    assert signup.shop.dump() == before


def test_the_question_must_be_answered_and_a_yes_is_kept_as_proof(signup: Signup) -> None:
    form = signup.edit(ask_age=True)
    assert signup.ask(ANN, form=form).status_code == 422
    assert signup.letters() == []
    signup.agree(ANN, form=form, age="yes")
    proof = json.loads(signup.shop.conn.execute("SELECT evidence FROM consent_history").fetchone()[0])
    assert proof["age"] == "16 or older"


# --- wording ---------------------------------------------------------------------------------


def test_a_wording_that_changed_while_the_page_was_open_is_shown_first(signup: Signup) -> None:
    client = signup.client()
    fields = signup.fields(client)
    signup.edit(wording="Other words.")
    data = {**fields, "email": ANN, "topic": str(signup.form.topics[0].id)}
    page = client.post(f"/s/{signup.form.key}", data=data)
    assert page.status_code == 422 and "Other words." in page.text and ANN in page.text
    assert signup.letters() == []


def test_a_request_keeps_the_wording_it_was_made_with(signup: Signup) -> None:
    signup.ask(ANN)
    signup.edit(wording="Other words.")
    confirm, _ = signup.links()
    assert WORDING in signup.client().get(confirm).text
    signup.client().post(confirm, data={"answer": "confirm"})
    assert signup.shop.conn.execute(
        "SELECT DISTINCT w.text FROM consent c JOIN wording w ON w.id = c.wording_id"
    ).fetchall() == [(WORDING,)]
