"""Forms under attack: bombing, forged and old tokens, injection, foreign ids, redirects (R25a)."""

from __future__ import annotations

import base64
import json
import logging
import random
import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from relay.keys.tokens import Mark, link_token
from relay.mail.address import parse_address
from relay.people.consent_rules import ConsentRefused
from relay.people.mailboxes import mailbox, network_of
from relay.signup import forms, tokens
from relay.store.database import transaction
from relay.tenants import tenants
from relay.values.errors import RegistryError
from relay.web.public import subscribe
from relay.web.public.shared import pause_s
from tests.support.signup import NOW, Signup, markup, plain, raw

ANN = "ann@people.example"


@pytest.fixture
def signup(tmp_path: Path) -> Iterator[Signup]:
    made = Signup(tmp_path)
    yield made
    made.close()


def sent(signup: Signup) -> int:
    return signup.shop.value("SELECT count(*) FROM opt_in")


# --- bombing -------------------------------------------------------------------------------


def test_one_mail_in_ten_minutes_and_three_a_day(signup: Signup) -> None:
    counts = []
    start = signup.now
    for minutes in (0, 5, 11, 15, 30, 60, 600, 23 * 60):
        signup.now = start + minutes * 60
        assert "mailbox" in signup.ask(ANN).text
        counts.append(sent(signup))
    assert counts == [1, 1, 2, 2, 3, 3, 3, 3]
    signup.now = start + 25 * 3600
    signup.ask(ANN)
    assert sent(signup) == 4


SPELLINGS = ("ann.b@gmail.com", "annb+x@gmail.com", "A.N.N.B@googlemail.com", "ann.b+y@GMAIL.com")


def test_many_forms_and_spellings_are_one_mailbox(signup: Signup) -> None:
    forms = [signup.form, *(signup.add(f"news{number}") for number in range(3))]
    for number, (form, spelling) in enumerate(zip(forms, SPELLINGS, strict=True)):
        signup.ask(spelling, form=form, client=signup.client(f"203.0.113.{number}"))
    assert sent(signup) == 1


def test_a_tenants_letters_use_up_no_others_turn_at_a_mailbox(signup: Signup) -> None:
    tenant_id, _ = signup.shop.add_tenant("rival")
    foreign = signup.add("news", tenant_id=tenant_id)
    for _ in range(6):
        signup.ask(ANN)
        signup.now += 700
    assert sent(signup) == 3
    signup.ask(ANN, form=foreign)
    assert sent(signup) == 4
    for form in (signup.form, foreign):  # one right after the other, too
        signup.ask("bob@people.example", form=form)
    assert sent(signup) == 6


def test_many_tenants_together_dont_fill_a_mailbox(signup: Signup) -> None:
    for number in range(12):
        tenant_id, _ = signup.shop.add_tenant(f"rival{number}")
        form = signup.add("news", tenant_id=tenant_id)
        signup.ask(SPELLINGS[number % 4], form=form, client=signup.client(f"203.0.{number}.1"))
    assert sent(signup) == 9
    signup.now += 86_401
    signup.ask(SPELLINGS[0])
    assert sent(signup) == 10


def test_a_tenants_letters_of_an_hour_count_over_all_its_forms_and_those_that_are_gone(tmp_path: Path) -> None:
    told = {"notify": ["op@relay.example"]}
    with closing(Signup(tmp_path, forms={"new_tenant_per_hour": 5}, operator=told)) as signup:
        tenant_id, _ = signup.shop.add_tenant("rival")
        foreign = signup.add("news", tenant_id=tenant_id)
        for number in range(4):
            form = signup.add(f"f{number}")
            for person in range(3):
                signup.ask(f"p{number}x{person}@people.example", form=form)
            with transaction(signup.shop.conn) as conn:
                forms.remove(conn, tenants.by_id(conn, signup.shop.tenant_id), form.name, actor="test", now=signup.now)
        signup.restart()
        signup.ask("late@people.example")
        assert signup.shop.value("SELECT count(*) FROM asking") == 5
        calls = signup.shop.conn.execute("SELECT detail FROM event WHERE kind = 'operator.called'")
        assert [json.loads(detail)["about"] for (detail,) in calls] == ["letters:acme"]
        assert len(signup.letters("op@relay.example")) == 1
        signup.ask("other@people.example", form=foreign)
        assert signup.shop.value("SELECT count(*) FROM asking WHERE tenant_id = ?", tenant_id) == 1
        signup.now += 3601
        signup.ask("next@people.example")
        assert signup.shop.value("SELECT count(*) FROM asking") == 7


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO counter (tenant_id, name, value) VALUES (1, 'campaigns/released', 1)",
        "INSERT INTO counter (tenant_id, name, value) VALUES (1, 'delivered/bulk', 1000)",
    ],
)
def test_a_tenant_with_a_record_has_more_letters_an_hour(tmp_path: Path, sql: str) -> None:
    with closing(Signup(tmp_path, forms={"new_tenant_per_hour": 1, "tenant_per_hour": 3})) as signup:
        signup.ask("a@people.example")
        signup.ask("b@people.example")
        assert sent(signup) == 1
        signup.shop.conn.execute("PRAGMA foreign_keys = OFF")  # the stream is of no matter here
        signup.shop.conn.execute(sql)
        for name in "cdef":
            signup.ask(f"{name}@people.example")
        assert sent(signup) == 3


def test_removing_a_form_frees_no_place_among_those_that_wait(tmp_path: Path) -> None:
    with closing(Signup(tmp_path, forms={"waiting": 4, "link_lifetime": "2h"})) as signup:
        for number in range(3):
            form = signup.add(f"f{number}")
            for person in range(3):
                signup.ask(f"p{number}x{person}@people.example", form=form)
            with transaction(signup.shop.conn) as conn:
                forms.remove(conn, tenants.by_id(conn, signup.shop.tenant_id), form.name, actor="test", now=signup.now)
        assert signup.shop.value("SELECT count(*) FROM asking") == 4
        signup.now += 2 * 3600 + 3600
        signup.ask("later@people.example")
        assert signup.shop.value("SELECT count(*) FROM asking") == 5
        with transaction(signup.shop.conn) as conn:
            assert forms.forget_removed(conn, signup.now) == 2


def test_letters_never_touch_the_plan(signup: Signup) -> None:
    """Neither when they go out nor when they bounce, end or are cancelled."""
    for name in "abc":
        signup.ask(f"{name}@people.example")
    wanted = "SELECT count(*) FROM counter WHERE name LIKE '%/messages%' OR name LIKE '%/subscribers%'"
    assert signup.shop.value(wanted) == 0
    assert signup.shop.value("SELECT count(*) FROM submission WHERE give_back <> ''") == 0
    assert signup.shop.value("SELECT count(*) FROM subscriber") == 0


@pytest.mark.parametrize(
    "topic", ["http://evil.test/claim", "news of evil.com", "call +372 5555 1234", "mail@evil.example", "x" * 61]
)
def test_a_topic_that_advertises_is_refused_where_it_is_made(signup: Signup, topic: str) -> None:
    with pytest.raises(ConsentRefused, match="can't stand in a confirmation letter"):
        signup.add("other", topics=("news", topic))
    with pytest.raises(ConsentRefused, match="can't stand in a confirmation letter"):
        signup.edit(topics=("newsletter", topic))


def test_topics_stored_before_are_cleaned_in_the_letter_and_keep_their_form(signup: Signup) -> None:
    rename = "UPDATE topic SET name = 'Win at https://evil.test/x now' WHERE name = 'offers'"
    signup.shop.conn.execute(rename)
    signup.form = forms.find(signup.shop.conn, tenants.by_id(signup.shop.conn, signup.shop.tenant_id), "news")
    signup.ask(ANN)
    letter = signup.letters()[-1]
    for text in (plain(letter), markup(letter)):
        assert "Win at … now" in text and "evil" not in text
    assert "evil.test" in signup.client().get(signup.links()[0]).text  # the page, where it is agreed to, tells all
    assert signup.edit(title="Another").title == "Another"


def test_a_letter_lists_so_many_topics(signup: Signup) -> None:
    form = signup.add("many", topics=[f"subject {number}" for number in range(20)])
    signup.ask(ANN, form=form)
    text = plain(signup.letters()[-1])
    assert text.count("* subject") == 10 and "… +10" in text


def test_the_limits_survive_a_restart(signup: Signup) -> None:
    signup.ask(ANN)
    signup.restart()
    signup.ask(ANN)
    assert sent(signup) == 1


def test_one_network_asks_for_so_many_an_hour(tmp_path: Path) -> None:
    with closing(Signup(tmp_path, forms={"network_per_hour": 3})) as signup:
        for number in range(6):
            signup.ask(f"p{number}@people.example", client=signup.client(f"198.51.100.{number}"))
        assert sent(signup) == 3
        signup.ask("six@people.example", client=signup.client("2001:db8::1"))
        signup.ask("other@people.example", client=signup.client("203.0.113.1"))
        assert sent(signup) == 5
        signup.now += 3601
        signup.ask("later@people.example", client=signup.client("198.51.100.9"))
        assert sent(signup) == 6


@pytest.mark.parametrize(
    ("ip", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.9", "192.0.2.0/24"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_networks(ip: str, network: str) -> None:
    assert network_of(ip) == network


def test_one_form_sends_so_many_an_hour_and_a_tenant_has_so_many_waiting(tmp_path: Path) -> None:
    with closing(Signup(tmp_path, forms={"form_per_hour": 2, "waiting": 3})) as signup:
        for number in range(4):
            signup.ask(f"p{number}@people.example")
        assert sent(signup) == 2
        signup.now += 3601
        for number in range(4, 8):
            signup.ask(f"p{number}@people.example")
        assert sent(signup) == 3


def test_what_is_refused_leaves_no_row_behind(signup: Signup) -> None:
    signup.ask(ANN)
    rows = "SELECT (SELECT count(*) FROM asking) + (SELECT count(*) FROM opt_in) + (SELECT count(*) FROM body)"
    before = signup.shop.value(rows)
    for _ in range(5):
        signup.ask(ANN)
    assert signup.shop.value(rows) == before
    assert signup.shop.value("SELECT value FROM counter WHERE name = 'forms/unsent'") == 5


def test_no_address_stands_in_what_limits(signup: Signup) -> None:
    signup.ask(ANN)
    rows = repr(signup.shop.conn.execute("SELECT * FROM asking").fetchall())
    assert "ann" not in rows and "192.0.2" not in rows


# --- programs that fill in forms ---------------------------------------------------------------


def test_the_answer_comes_after_the_same_time_whoever_is_known(signup: Signup, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    def no_pause(took_s: float, step_s: float) -> float:
        waits.append(step_s)
        return 0.0

    monkeypatch.setattr(subscribe, "pause_s", no_pause)
    signup.client().get(f"/s/{signup.form.key}")
    assert waits == []
    signup.ask(ANN)
    signup.ask(ANN)  # no letter
    signup.ask(ANN, remark="x")  # a program
    signup.ask(ANN, stamp="")  # asked again
    assert waits == [subscribe.STEP_S] * 4
    assert 0.013 + pause_s(0.013, subscribe.STEP_S) == pytest.approx(subscribe.STEP_S)


def test_a_flood_at_a_form_doesn_t_fill_the_log(signup: Signup, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "relay.web")
    fields = {**signup.fields(signup.client()), "topic": str(signup.form.topics[0].id), "remark": ""}
    for number in range(80):
        signup.client().post(f"/s/{signup.form.key}", data={**fields, "email": ANN if number % 2 else "nobody"})
    lines = [one.getMessage() for one in caplog.records]
    assert [one for one in lines if one.endswith(" request sent")] and sent(signup) == 1
    assert 30 < sum(" request mailbox" in one for one in lines) < 40
    for _ in range(30):
        signup.client().post(f"/s/{signup.form.key}", data={**fields, "email": ANN})
    lines = [one.getMessage() for one in caplog.records]
    assert sum(" request mailbox" in one for one in lines) == 60
    assert 0 < sum(" status=422 " in one for one in lines) <= 60


def test_who_fills_in_the_trap_gets_the_same_page_and_no_mail(signup: Signup) -> None:
    honest = signup.ask("one@people.example").text
    before = signup.shop.dump()
    assert signup.ask(ANN, remark="http://buy.example").text == honest
    assert signup.shop.dump() == before


def test_too_fast_and_too_old_pages_are_asked_for_once_more(signup: Signup) -> None:
    client = signup.client()
    data = {**signup.fields(client), "email": ANN, "topic": str(signup.form.topics[0].id)}
    shown = signup.now - 60
    signup.now = shown + 1
    quick = client.post(f"/s/{signup.form.key}", data=data)
    assert quick.status_code == 422 and "very quick" in quick.text and ANN in quick.text
    signup.now = shown + 3
    again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', quick.text))
    assert client.post(f"/s/{signup.form.key}", data={**data, **again}).status_code == 200
    signup.now = shown + 86_401
    old = client.post(f"/s/{signup.form.key}", data={**data, "email": "b@people.example"})
    assert old.status_code == 422 and "long time" in old.text
    assert sent(signup) == 1


def test_a_form_without_a_stamp_is_shown_filled_in(signup: Signup) -> None:
    page = signup.ask(ANN, stamp=None)
    assert page.status_code == 422 and f'value="{ANN}"' in page.text and page.text.count("checked") == 2
    assert sent(signup) == 0


def test_the_html_for_the_tenants_own_page_works_from_there(signup: Signup) -> None:
    from relay.signup.snippet import snippet

    html = snippet(signup.shop.secrets, signup.form, "https://relay.example.com", "Acme")
    assert signup.form.wording.replace("\n", "<br>") in html
    assert "checked" not in html and "<script" not in html
    stamp = re.search(r'name="stamp" value="([^"]+)"', html)
    assert stamp
    client = signup.client(origin="https://www.acme.example", referer="https://www.acme.example/join")
    data = {"email": ANN, "topic": str(signup.form.topics[1].id), "remark": "", "stamp": stamp[1]}
    assert client.post(f"/s/{signup.form.key}", data=data).status_code == 200
    assert sent(signup) == 1
    signup.edit(wording="Other words.")
    late = client.post(f"/s/{signup.form.key}", data={**data, "email": "b@people.example"})
    assert late.status_code == 422 and "Other words." in late.text


def test_a_stamp_of_another_form_counts_for_nothing(signup: Signup) -> None:
    tenant_id, _ = signup.shop.add_tenant("rival")
    foreign = signup.add("news", tenant_id=tenant_id)
    stamp = signup.fields(signup.client(), foreign)["stamp"]
    assert signup.ask(ANN, stamp=stamp).status_code == 422
    assert sent(signup) == 0


def test_topics_of_another_tenant_or_form_cannot_be_chosen(signup: Signup) -> None:
    tenant_id, _ = signup.shop.add_tenant("rival")
    foreign = signup.add("news", topics=("secret",), tenant_id=tenant_id)
    for value in (str(foreign.topics[0].id), "0", "-1", "newsletter", "9" * 30, "1 OR 1=1", "²"):
        page = signup.ask(ANN, topic=value)
        assert page.status_code == 422 and "choose at least one" in page.text, value
    mixed = [str(foreign.topics[0].id), str(signup.form.topics[0].id)]
    signup.agree(ANN, topic=mixed)
    assert signup.live(ANN) == {"newsletter"}


@pytest.mark.parametrize("key", ["", "nope", "%00", "../confirm/x", "a" * 5000, "' OR 1=1--", "%F0%9F%92%A9"])
def test_an_unknown_form_is_a_plain_404(signup: Signup, key: str) -> None:
    for method in ("GET", "POST"):
        answer = signup.client().request(method, f"/s/{key}")
        assert answer.status_code == 404, answer.text
    assert sent(signup) == 0


def test_large_and_odd_bodies_are_refused(signup: Signup) -> None:
    url, client = f"/s/{signup.form.key}", signup.client()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert client.post(url, content=b"email=" + b"a" * 2_000_000, headers=kind).status_code == 413
    for body in (
        b"email=" + b"a" * 100_000,
        b"&".join(b"topic=%d" % n for n in range(5000)),
        b"\xff\xfe\x00",
        b"email=a%00b@x.example&topic=1",
        b"{}",
        b"",
    ):
        assert client.post(url, content=body, headers=kind).status_code == 422
    assert client.post(url, content=b"x", headers={"content-type": "text/plain"}).status_code == 422
    for method in ("PUT", "DELETE", "PATCH"):
        assert client.request(method, url).status_code == 405
    assert sent(signup) == 0


# --- injection ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "ann@people.example\r\nBcc: all@people.example",
        "ann@people.example\nBcc: x@y.example",
        "ann@people.example, bob@people.example",
        "ann@people.example%0d%0aBcc:x@y.example",
        "<ann@people.example>",
        "Ann <ann@people.example>",
        '"a\r\nBcc: b"@people.example',
        "ann@people.example\x00",
        "ann@[192.0.2.1]",
        "ann@localhost",
        "ann@people.example\u2028Bcc: x",
        "@people.example",
        "ann",
        "a" * 400 + "@people.example",
        "ann@people.example>\r\nRCPT TO:<bob@people.example",
    ],
)
def test_what_is_no_single_address_is_refused(signup: Signup, address: str) -> None:
    page = signup.ask(address)
    assert page.status_code == 422 and "not a complete" in page.text
    assert sent(signup) == 0


@pytest.mark.parametrize(
    "address", ["ann+x@people.example", "o'hara@people.example", '"a b"@people.example', "ж@x.example"]
)
def test_odd_addresses_get_a_whole_letter(signup: Signup, address: str) -> None:
    assert signup.ask(address).status_code == 200
    octets = raw(bytes(signup.shop.conn.execute("SELECT template FROM body").fetchone()[0]))
    head = octets.partition(b"\r\n\r\n")[0]
    names = re.findall(rb"(?m)^([A-Za-z-]+):", head)
    assert sorted(names) == sorted(set(names)) and b"Bcc" not in names
    assert f"To: <{address}>".encode() in head
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", octets) and max(map(len, octets.split(b"\r\n"))) <= 998


HOSTILE = "</blockquote><script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}{% raw %}"


def test_markup_in_whatever_a_tenant_writes_stays_text(signup: Signup) -> None:
    signup.shop.conn.execute("UPDATE tenant SET postal = ?", (HOSTILE,))
    form = signup.add("bad", topics=("bad",), wording=HOSTILE, title=HOSTILE)
    signup.shop.conn.execute("UPDATE topic SET name = ? WHERE name = 'bad'", (HOSTILE,))  # of before there were rules
    page = signup.client().get(f"/s/{form.key}").text
    signup.ask(ANN, form=form)
    letter = signup.letters()[-1]
    confirm, never = signup.links()
    pages = [page, signup.client().get(confirm).text, signup.client().get(never).text, markup(letter)]
    pages.append(signup.client().post(confirm, data={"answer": "confirm"}).text)
    for html in pages:
        assert "<script" not in html and "<img" not in html and "49" not in re.sub(r"[\w-]{30,}", "", html)
    assert HOSTILE in unescape(pages[0]) and "… src=x onerror=alert(1)>{{7*7}}{% raw %}" in plain(letter)


def test_markup_in_whatever_a_visitor_sends_stays_text(signup: Signup) -> None:
    client = signup.client(**{"user-agent": HOSTILE, "referer": "https://x.example/<script>"})
    page = signup.ask(HOSTILE, client=client, page=HOSTILE, stamp=HOSTILE, age=HOSTILE, topic=HOSTILE)
    assert "<script" not in page.text and "<img" not in page.text
    page = client.get(f"/s/{signup.form.key}?lang={HOSTILE}")
    assert "<script" not in page.text


# --- tokens ---------------------------------------------------------------------------------------


def posted(signup: Signup, token: str) -> list[httpx.Response]:
    bodies: tuple[dict[str, Any], ...] = ({"answer": "confirm"}, {"answer": "never"}, {"List-Unsubscribe": "One-Click"})
    return [signup.client().post(f"/confirm/{token}", data=body) for body in bodies]


def test_forged_and_damaged_tokens_do_nothing(signup: Signup) -> None:
    signup.ask(ANN)
    confirm, never = (path.removeprefix("/confirm/") for path in signup.links())
    before = signup.shop.dump()
    dice = random.Random(7)
    tried = {secrets.token_urlsafe(30) for _ in range(20)} | {
        "",
        "a",
        "A" * 4000,
        confirm[:-1],
        confirm + "A",
        confirm + "=A",
    }
    for token in (confirm, never):
        for place in dice.sample(range(len(token)), 15):
            other = dice.choice([c for c in "abcXYZ019-_" if c != token[place]])
            tried.add(token[:place] + other + token[place + 1 :])
    raw_token = base64.urlsafe_b64decode(confirm + "==")
    tried.add(base64.urlsafe_b64encode(bytes([9]) + raw_token[1:]).decode().rstrip("="))
    for token in tried:
        assert all(answer.status_code == 404 for answer in posted(signup, token)), token
    assert signup.shop.dump() == before


def test_a_hundred_thousand_forgeries_are_told_from_the_real_one(signup: Signup) -> None:
    real = base64.urlsafe_b64decode(tokens.confirm(signup.shop.secrets, tokens.Confirm(5, 1)) + "==")
    dice = random.Random(11)
    accepted = 0
    for _ in range(100_000):
        forged = bytearray(real)
        for _ in range(dice.randint(1, 3)):
            forged[dice.randrange(len(forged))] ^= dice.randint(1, 255)
        text = base64.urlsafe_b64encode(bytes(forged)).decode().rstrip("=")
        accepted += bytes(forged) != real and tokens.read_confirm(signup.shop.secrets, text) is not None
    assert accepted == 0


def test_a_token_of_one_purpose_is_none_of_another(signup: Signup) -> None:
    person = signup.shop.consent(ANN, "newsletter", at=NOW)
    secret = signup.shop.secrets
    foreign = [
        tokens.stamp(secret, tokens.Stamp(signup.form.id, signup.form.wording_id, NOW)),
        link_token(secret, Mark(person, 0, 0, 0)),
    ]
    for token in foreign:
        assert all(answer.status_code == 404 for answer in posted(signup, token))
    signup.ask("bob@people.example")
    confirm, never = (path.removeprefix("/confirm/") for path in signup.links())
    for token in (confirm, never):
        assert signup.client().post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 404
        assert signup.ask("eve@people.example", stamp=token).status_code == 422
    assert signup.live(ANN) == {"newsletter"}


def test_an_answer_to_the_other_question_changes_nothing(signup: Signup) -> None:
    signup.ask(ANN)
    confirm, never = signup.links()
    before = signup.shop.dump()
    assert signup.client().post(never, data={"answer": "confirm"}).status_code == 400
    assert signup.client().post(confirm, data={"answer": "never"}).status_code == 400
    assert signup.client().post(confirm, data={"List-Unsubscribe": "One-Click"}).status_code == 400
    assert signup.client().post(confirm).status_code == 400
    assert signup.shop.dump() == before


def test_a_request_of_one_form_is_not_confirmed_under_another(signup: Signup) -> None:
    signup.ask(ANN)
    request_id = signup.shop.value("SELECT id FROM opt_in")
    other = signup.add("other")
    token = tokens.confirm(signup.shop.secrets, tokens.Confirm(request_id, other.id))
    assert signup.client().post(f"/confirm/{token}", data={"answer": "confirm"}).status_code == 410
    assert signup.live(ANN) == set()


def test_a_removed_form_takes_its_requests_along(signup: Signup) -> None:
    from relay.signup import forms
    from relay.tenants import tenants

    signup.ask(ANN)
    confirm, _ = signup.links()
    tenant = tenants.by_id(signup.shop.conn, signup.shop.tenant_id)
    forms.remove(signup.shop.conn, tenant, "news", actor="test", now=NOW)
    assert signup.client().post(confirm, data={"answer": "confirm"}).status_code == 410
    assert sent(signup) == 0


# --- redirects and frames ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/",
        "//evil.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://acme.example@evil.example/",
        "https://acme.example.evil.example/",
        "https://notacme.example/",
        "https://acme.example:0/",
        "https://acme.example/\r\nSet-Cookie: a=b",
        "https://acme.example/;x",
        "https://acme.example\\@evil.example/",
        "/local",
        "https:acme.example",
        "ftp://acme.example/",
        "https://acme.example/" + "a" * 2000,
    ],
)
def test_a_form_leads_to_no_other_site(signup: Signup, url: str) -> None:
    with pytest.raises(RegistryError):
        signup.edit(redirect=url)
    with pytest.raises(RegistryError):
        signup.edit(frames=[url])


def test_a_form_ends_at_the_tenants_page_whatever_the_visitor_sends(signup: Signup) -> None:
    signup.edit(redirect="https://www.acme.example/thanks")
    evil: dict[str, Any] = {"redirect": "https://evil.example/", "next": "https://evil.example/"}
    answer = signup.ask(ANN, **evil)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://www.acme.example/thanks")
    page = signup.client().get(f"/s/{signup.form.key}")
    assert "form-action 'self' https://www.acme.example;" in page.headers["content-security-policy"]


def test_a_domain_that_is_lost_leads_nobody_there(signup: Signup) -> None:
    signup.edit(redirect="https://www.acme.example/thanks")
    signup.shop.conn.execute("UPDATE domain SET verified_at = NULL")
    assert signup.ask(ANN).status_code == 200


def test_only_named_sites_may_frame_the_form_and_none_the_confirmation(signup: Signup) -> None:
    alone = signup.client().get(f"/s/{signup.form.key}").headers
    assert alone["x-frame-options"] == "DENY" and "frame-ancestors 'none'" in alone["content-security-policy"]
    signup.edit(frames=["https://www.acme.example"])
    framed = signup.client().get(f"/s/{signup.form.key}").headers
    assert "x-frame-options" not in framed
    assert framed["content-security-policy"].endswith("frame-ancestors https://www.acme.example")
    assert "x-frame-options" not in signup.ask(ANN).headers
    confirming = signup.client().get(signup.links()[0]).headers
    assert confirming["x-frame-options"] == "DENY"


# --- hashes ------------------------------------------------------------------------------------------


def test_mailboxes(signup: Signup) -> None:
    def hashed(text: str) -> bytes:
        return mailbox(signup.shop.secrets, parse_address(text))

    assert hashed("Ann@people.example") == hashed("ann+news@PEOPLE.example")
    assert hashed("a.n.n@gmail.com") == hashed("ann@googlemail.com")
    assert hashed("a.n.n@people.example") != hashed("ann@people.example")
    assert hashed("+@people.example") != hashed("ann@people.example")
    assert hashed("a.n-n@proton.me") == hashed("A_nn+x@pm.me") == hashed("ann@protonmail.com")
    assert hashed("an.n@ya.ru") == hashed("an-n+x@yandex.com") != hashed("ann@ya.ru")
    assert hashed("ann-x@yahoo.com") == hashed("ann-y@yahoo.com") != hashed("ann@yahoo.com")
    assert hashed("ann@me.com") == hashed("ann+x@icloud.com")
    assert hashed('"a n+x"@people.example') != hashed('"a n"@people.example')
