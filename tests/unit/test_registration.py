"""Registering by the pages, through a real socket: the form, its letters' links, admitting, and who misuses it."""

# ruff: noqa: RUF001 - typographic apostrophes are meant here

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.accounts import logins, passwords
from relay.conduct import account, second_accounts, termination
from relay.mail.address import parse_address
from relay.queue.operator import Operator
from relay.registration import admit, ask, book, invites
from relay.registration import correct as correcting
from relay.registration.office import RegistrationOffice
from relay.registration.values import FIELDS, RegistrationState, checked, digits, host_of
from relay.store.database import transaction
from relay.tenants import tenants, terms
from relay.texts.countries import codes, countries
from relay.texts.language import LANGUAGES, language
from relay.values.errors import RegistryError
from tests.support.inside import person, signed_in, visitor
from tests.support.told import forget, letters
from tests.support.web import Served, Shop, serving

TERMS = "Terms of Example Mail\n\n1. Only to people who agreed. <b>Really</b>.\n"
GOOD = {
    "name": "Ann",
    "surname": "Tamm",
    "email": "ann@newshop.example",
    "phone": "+372 5123 4567",
    "country": "EE",
    "city": "Tõrva",
    "company": "New Shop OÜ",
    "website": "https://www.newshop.example/",
    "business": "yes",
    "terms": "yes",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    directory = tmp_path_factory.mktemp("registration")
    file = directory / "terms.txt"
    file.write_text(TERMS)
    return Shop.create(
        directory,
        accounts={"registration": "open", "terms": str(file), "registrations_per_network": 1000},
        operator={"name": "Example Mail", "contact": "help@relay.example", "notify": ["boss@relay.example"]},
    )


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(shop: Shop) -> None:
    """Nobody registered, nothing was tried, no letter was written."""
    with transaction(shop.conn) as conn:
        for table in ("registration", "registration_try", "invite", "terms_acceptance", "terms"):
            conn.execute(f"DELETE FROM {table}")
        forget(shop)
        conn.execute("DELETE FROM event WHERE kind = 'operator.called'")
        conn.execute("DELETE FROM login WHERE tenant_id IN (SELECT id FROM tenant WHERE name <> 'acme')")
        conn.execute("UPDATE account SET phone = ''")


def link_in(text: str, part: str) -> str:
    found = re.search(rf"https://relay\.example\.com(/register/{part}/[\w-]+)", text)
    assert found is not None, text
    return found[1]


def form(**changes: str) -> dict[str, str]:
    return GOOD | changes


def confirmed(shop: Shop, served: Served, **changes: str) -> int:
    """Somebody who registered and followed the letter's link; the registration's number."""
    given = form(**changes)
    with visitor(served) as client:
        assert client.post("/register", data=given).status_code == 200
        path = link_in(letters(shop, given["email"])[-1].text, "confirm")
        assert client.get(path).status_code == 200
        assert client.post(path).status_code == 200
    return int(shop.value("SELECT max(id) FROM registration"))


def office(shop: Shop) -> RegistrationOffice:
    return RegistrationOffice(
        shop.secrets, Operator.of(shop.settings), "https://relay.example.com", shop.settings.accounts
    )


def test_from_the_form_to_the_account(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        page = client.get("/register")
        assert page.status_code == 200 and "script" not in page.text.lower()
        assert client.post("/register", data=form()).text.count("a…") == 1
        (first,) = letters(shop)
        to, subject, text = first.to, first.subject, first.text
        assert to == GOOD["email"] and "Example Mail" in subject
        assert not any(GOOD[name] in text for name in ("name", "surname", "city", "company"))  # nothing that was typed
        path = link_in(text, "confirm")
        before = shop.dump()
        assert "Yes, go on" in client.get(path).text
        assert shop.dump() == before  # a GET changes nothing
        assert "working day" in client.post(path).text
        assert client.post(path).status_code == client.get(path).status_code == 410
        (called,) = letters(shop, "boss@relay.example")
        assert "New Shop OÜ" in called.text and "/desk/registrations/" in called.text
        boss = person(shop, f"boss{time.monotonic_ns()}@relay.example", "operator")
        with signed_in(served, boss) as desk:
            row = shop.value("SELECT id FROM registration")
            assert "New Shop OÜ" in desk.get("/desk/registrations").text
            shown = desk.get(f"/desk/registrations/{row}").text
            assert 'value="new-shop-ou"' in shown and "Estonia" in shown and "+372 5123 4567" in shown
            answer = desk.post(f"/desk/registrations/{row}/admit", data={"name": "newshop"})
            assert answer.headers["location"] == "/desk/tenants/newshop"
            assert "registered" in desk.get("/desk/tenants/newshop").text.lower() or row
            assert desk.post(f"/desk/registrations/{row}/admit", data={"name": "other"}).status_code == 422
        opened = letters(shop, GOOD["email"])[-1]
        assert "New Shop OÜ" in opened.text
        way = link_in(opened.text, "password")
        assert client.post("/login", data={"email": GOOD["email"], "password": "x"}).status_code == 403
        assert GOOD["email"] in client.get(way).text
        secret = re.search(r'id="secret">(\w+)<', client.post(way).text)
        assert secret is not None and len(secret[1]) == 32
        assert client.post(way).status_code == client.get(way).status_code == 410
        entered = client.post("/login", data={"email": GOOD["email"], "password": secret[1]})
        assert entered.headers["location"] == "/account/"
        assert "New Shop OÜ" in client.get("/account/").text
    tenant = tenants.find(shop.conn, "newshop")
    assert (tenant.title, tenant.contact, tenant.plan, tenant.language) == ("New Shop OÜ", GOOD["email"], "free", "en")
    kept = account.of(shop.conn, tenant.id)
    assert kept.contact_state == "confirmed" and kept.contact_by == "mail" and kept.origin == "127.0.0.0/24"
    (accepted,) = terms.of_tenant(shop.conn, tenant.id)
    in_force = terms.in_force(shop.settings.accounts.terms)
    assert in_force is not None and accepted.version == in_force.version and accepted.ip == "127.0.0.1"
    assert shop.conn.execute("SELECT text FROM terms").fetchall() == [(TERMS.strip(),)]
    login = logins.find(shop.conn, GOOD["email"])
    assert login.role == "owner" and login.tenant == "newshop" and login.confirmed_at is not None
    words = {row[0] for row in shop.conn.execute("SELECT action FROM audit WHERE action LIKE 'registration%'")}
    assert words == {"registration-confirmed", "registration-admitted"}


def test_what_is_needed_is_asked_for_and_the_rest_stays(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        for name in [*(field.name for field in FIELDS if field.needed), "business", "terms"]:
            answer = client.post("/register", data=form(**{name: ""}))
            assert answer.status_code == 422 and f'id="{name}-fault"' in answer.text, name
            assert 'value="New Shop OÜ"' in answer.text  # nothing has to be typed twice
    assert shop.value("SELECT count(*) FROM registration") == 0 and letters(shop) == []


def test_the_rest_is_optional_and_the_form_says_so(served: Served) -> None:
    with visitor(served) as client:
        page = client.get("/register").text
        for field in FIELDS:
            label = re.search(rf'<label for="{field.name}">(.*?)</label>', page)
            assert label is not None and ("(optional)" in label[1]) != field.needed, field.name
        least = {name: value for name, value in GOOD.items() if name not in ("surname", "company", "website")}
        assert client.post("/register", data=least).status_code == 200


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("email", "ann"), ("email", "ann@localhost"), ("email", "ann@[127.0.0.1]"), ("email", "a b@x.example"),
        ("email", "ann@x.example\r\nBcc: b@y.example"), ("phone", "call me"), ("phone", "12345"), ("phone", "1" * 16),
        ("phone", "+372 5123 4567 ext 5"), ("country", "XX"), ("country", "Estonia"), ("country", "EU"),
        ("city", "<b>x</b>"), ("name", "Win at https://casino.example"), ("name", "www.casino.example"), ("name", "…"),
        ("name", "x" * 61), ("surname", 'a"b'), ("company", "a@b"), ("company", "x" * 81), ("website", "not a site"),
        ("website", "http://localhost/"), ("website", "javascript:alert(1)"), ("about", "a\x07b"),
        ("postal", "x" * 301),
    ],
)  # fmt: skip
def test_what_can_not_be_right_is_told_at_its_field(name: str, said: str) -> None:
    _, faults = checked(form(**{name: said}))
    assert list(faults) == [name] and language("en").has(faults[name])


@pytest.mark.parametrize(
    ("name", "said", "stored"),
    [
        ("email", " Ann@NewShop.Example ", "Ann@newshop.example"), ("phone", "00372  5123-4567", "00372 5123-4567"),
        ("phone", "(044) 123 45 67", "(044) 123 45 67"), ("country", "ua", "UA"), ("city", "  Івано-Франківськ ",
        "Івано-Франківськ"), ("name", "O’Neill-Šüß", "O’Neill-Šüß"), ("company", "AT&T 24/7 'x'", "AT&T 24/7 'x'"),
        ("website", "WWW.Shop.EXAMPLE/a?b", "shop.example"), ("website", "https://shop.example:8443", "shop.example"),
        ("website", "магазин.example", "xn--80aairftm.example"), ("about", " a \n\n b ", "a\n\nb"),
        ("name", "李", "李"),
    ],
)  # fmt: skip
def test_what_people_type_is_taken_as_it_is_meant(name: str, said: str, stored: str) -> None:
    values, faults = checked(form(**{name: said}))
    assert faults == {} and values[name] == stored


def test_numbers_and_sites_are_known_again() -> None:
    assert digits("+372 5123 4567") == digits("00372 (5123)-4567") == "37251234567"
    assert host_of("https://Faß.de/") == "xn--fa-hia.de"  # another's than fass.de
    assert host_of("shop.example.") == "shop.example" and host_of("x") == ""


@pytest.mark.parametrize("code", LANGUAGES)
def test_countries_have_names_in_every_language(code: str) -> None:
    found = countries(code)
    assert len(found) == len(codes()) > 240 and all(name and name != code for code, name in found)
    assert {"EE", "UA", "DE", "FR", "GB", "XK"} <= codes() and not {"EU", "ZZ", "UN"} & codes()


def test_the_page_tells_nobody_who_is_a_customer(shop: Shop, served: Served) -> None:
    known = person(shop, f"known{time.monotonic_ns()}@acme.example", "owner", shop.tenant_id)
    with visitor(served) as client:
        answers = {}
        for email in ("stranger@x.example", known.email):
            started = time.monotonic()
            answer = client.post("/register", data=form(email=email))
            masked = f"{email[0]}…\u2060@{email.partition('@')[2]}"
            answers[email] = (answer.status_code, answer.text.replace(masked, "A"))
            assert time.monotonic() - started >= 0.24  # to the next quarter of a second
        assert answers["stranger@x.example"] == answers[known.email]
    assert "/register/confirm/" in letters(shop, "stranger@x.example")[0].text
    (told,) = letters(shop, known.email)
    assert "/login/reset" in told.text and "/register/confirm/" not in told.text
    assert shop.value("SELECT count(*) FROM registration") == 1


def test_who_waits_already_is_told_so_by_mail_alone(shop: Shop, served: Served) -> None:
    confirmed(shop, served)
    with visitor(served) as client:
        again = client.post("/register", data=form(email="ANN+x@newshop.example"))
        assert again.status_code == 200
    assert "waits for our answer" in letters(shop, "ANN+x@newshop.example")[0].text
    assert shop.value("SELECT count(*) FROM registration") == 1


def test_a_mailbox_gets_few_letters_and_a_network_has_a_limit(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        for number in range(6):
            spelled = f"a.nn+{number}@gmail.com" if number % 2 else "ann@gmail.com"
            assert client.post("/register", data=form(email=spelled)).status_code == 200
    assert len(letters(shop)) == 3
    now, who = time.time(), ask.Applicant("192.0.2.7", "x", language("en"))
    small = RegistrationOffice(
        shop.secrets, Operator.of(shop.settings), "https://r.example",
        shop.settings.accounts.model_copy(update={"registrations_per_network": 2}),
    )  # fmt: skip
    values, _ = checked(form())
    with transaction(shop.conn) as conn:
        taken = [ask.take(conn, small, values | {"email": f"a{n}@b.example"}, who, now) for n in range(3)]
        assert taken == [True, True, False]
        other = ask.Applicant("192.0.3.7", "x", language("en"))
        assert ask.take(conn, small, values | {"email": "c@b.example"}, other, now)
        assert ask.take(conn, small, values | {"email": "d@b.example"}, who, now + 3_601)


def test_robots_and_other_sites_register_nobody(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        trapped = client.post("/register", data=form(remark="http://spam.example"))
        assert trapped.status_code == 200 and letters(shop) == []
        for head in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}):
            assert client.post("/register", data=form(), headers=head).status_code == 403
        assert client.put("/register").status_code == 405
    assert shop.value("SELECT count(*) FROM registration") == 0


@pytest.mark.parametrize("token", ["x", "x" * 43, "é" * 20, "%00", "x" * 200, "../login"])
def test_a_made_up_link_opens_nothing(served: Served, token: str) -> None:
    with visitor(served) as client:
        for part in ("confirm", "password"):
            for answer in (client.get(f"/register/{part}/{token}"), client.post(f"/register/{part}/{token}")):
                assert answer.status_code in (404, 405, 410)


def test_links_end_after_their_time_and_one_kind_is_not_another(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        client.post("/register", data=form())
        path = link_in(letters(shop)[0].text, "confirm")
        assert client.post(path.replace("confirm", "password")).status_code == 410
        shop.conn.execute("UPDATE registration SET token_at = token_at - ?", (book.LINK_S + 1,))
        assert client.get(path).status_code == client.post(path).status_code == 410
    row = confirmed(shop, served, email="late@newshop.example")
    with transaction(shop.conn) as conn:
        admit.admit(conn, office(shop), book.by_id(conn, row), passwords.fresh(), actor="t", now=time.time())
    way = link_in(letters(shop, "late@newshop.example")[-1].text, "password")
    with visitor(served) as client:
        assert client.post(way.replace("password", "confirm")).status_code == 410
        shop.conn.execute("UPDATE registration SET token_at = token_at - ?", (15 * 86_400,))
        assert client.get(way).status_code == client.post(way).status_code == 410


def test_a_second_account_is_seen_and_a_terminated_customer_gets_none(shop: Shop, served: Served) -> None:
    now = time.time()
    first = confirmed(shop, served, email=f"one{time.monotonic_ns()}@first.example", website="", company="First")
    with transaction(shop.conn) as conn:
        conn.execute("UPDATE registration SET ip = '198.51.100.7' WHERE id = ?", (first,))
        tenant = admit.admit(conn, office(shop), book.by_id(conn, first), passwords.fresh(), actor="t", now=now)
    second = confirmed(shop, served, email="x@other.example", website="", phone="00 372 5123 4567")
    row = book.by_id(shop.conn, second)
    assert [(one["tenant"], one["what"]) for one in row.resembles if one["what"] == "phone"] == [(tenant.name, "phone")]
    assert any("second account" in one.text for one in letters(shop, "boss@relay.example"))
    assert any(one.what == "phone" and one.tenant == tenant.name for one in
               second_accounts.of_applicant(shop.conn, "", phone="+37251234567"))  # fmt: skip
    with transaction(shop.conn) as conn:
        ask.refuse(conn, office(shop), row, "the same firm", told="", actor="t", now=now)
        termination.terminate(conn, Operator.of(shop.settings), tenant, reason="spam", actor="t", now=now)
    third = confirmed(shop, served, email="y@other.example", website="", phone="+372 5123-4567")
    assert book.by_id(shop.conn, third).state is RegistrationState.REFUSED
    assert "terminated" in book.by_id(shop.conn, third).reason
    last = letters(shop, "y@other.example")[-1]
    assert "can’t open the account" in last.text and tenant.name not in last.text
    with pytest.raises(RegistryError), transaction(shop.conn) as conn:
        admit.admit(conn, office(shop), book.by_id(conn, third), passwords.fresh(), actor="t", now=now)


def test_refusing_tells_the_applicant_in_their_language(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        client.post("/register?lang=de", data=form())
        path = link_in(letters(shop)[0].text, "confirm")
        client.post(path)
    row = shop.value("SELECT id FROM registration")
    boss = person(shop, f"refuser{time.monotonic_ns()}@relay.example", "operator")
    with signed_in(served, boss) as desk:
        assert desk.post(f"/desk/registrations/{row}/refuse", data={"reason": " "}).status_code == 422
        desk.post(f"/desk/registrations/{row}/refuse", data={"reason": "Adult goods", "tell": "yes"})
        assert "Adult goods" in desk.get(f"/desk/registrations/{row}").text
    last = letters(shop, GOOD["email"])[-1]
    assert "können wir nicht eröffnen" in last.text and "Adult goods" in last.text


def correct(shop: Shop, number: int, **given: str) -> tuple[book.Registration, list[str]]:
    with transaction(shop.conn) as conn:
        row = book.by_id(conn, number)
        return correcting.correct(conn, office(shop), row, given, actor="kaja", now=time.time())


def test_what_was_given_is_put_right_and_told(shop: Shop, served: Served) -> None:
    number = confirmed(shop, served)
    kaja = person(shop, f"k{time.monotonic_ns()}@relay.example", "operator")
    with signed_in(served, kaja) as desk:
        desk.post(f"/desk/registrations/{number}/admit", data={"name": "putright"})
        forget(shop)
        page = desk.get(f"/desk/registrations/{number}").text
        assert 'name="company"' in page and 'id="to-email"' not in page
        given = {"company": "Newer <b>Shop", "phone": "+372 5999 0000", "country": "FI", "email": "x@y.example"}
        assert desk.post(f"/desk/registrations/{number}/correct", data=given).status_code == 422  # no name is so
        given["company"] = "Newer Shop OÜ"
        assert desk.post(f"/desk/registrations/{number}/correct", data=given).status_code == 303
        assert desk.post(f"/desk/registrations/{number}/correct", data=given).status_code == 422  # nothing is new
    row, tenant = book.by_id(shop.conn, number), tenants.find(shop.conn, "putright")
    assert (row.company, row.phone, row.country, row.city) == ("Newer Shop OÜ", "+372 5999 0000", "FI", "Tõrva")
    assert row.email == tenant.contact == GOOD["email"] and tenant.title == "Newer Shop OÜ"
    phone = shop.conn.execute("SELECT phone FROM account WHERE tenant_id = ?", (tenant.id,)).fetchone()[0]
    assert phone == digits(row.phone)
    (letter,) = letters(shop)
    assert letter.to == GOOD["email"] and "put right" in letter.subject
    for line in (
        "* Company: New Shop OÜ → Newer Shop OÜ",
        "* Country: Estonia → Finland",
        "5123 4567 → +372 5999 0000",
    ):
        assert line in letter.text
    sql = "SELECT detail FROM audit WHERE action = 'registration-corrected' ORDER BY id DESC LIMIT 1"
    detail = shop.conn.execute(sql).fetchone()[0]
    assert '"company"' in detail and "Newer" not in detail


def test_a_title_that_the_tenant_chose_stays(shop: Shop, served: Served) -> None:
    number = confirmed(shop, served)
    with transaction(shop.conn) as conn:
        made = admit.admit(
            conn, office(shop), book.by_id(conn, number), passwords.fresh(), name="chosen", actor="t", now=time.time()
        )
        tenants.edit(conn, made, tenants.Changes(title="Chosen"), actor="t", now=time.time())
    row, names = correct(shop, number, company="Other", about=" What \n we  send ")
    assert names == ["company", "about"] and row.about == "What\nwe send"
    assert tenants.find(shop.conn, "chosen").title == "Chosen"


def test_one_that_waits_is_compared_anew_and_a_refused_one_is_not_corrected(shop: Shop, served: Served) -> None:
    with transaction(shop.conn) as conn:
        account.reached_by(conn, shop.tenant_id, digits("+372 5777 7777"))
    number = confirmed(shop, served)
    alike = {"tenant": "acme", "what": "phone", "value": digits("+372 5777 7777")}
    assert alike not in book.by_id(shop.conn, number).resembles
    assert alike in correct(shop, number, phone="+372 5777 7777")[0].resembles
    for given in (
        {},
        {"phone": "none"},
        {"name": ""},
        {"country": "XX"},
        {"city": GOOD["city"]},
        {"email": "a@b.example"},
    ):
        with pytest.raises(RegistryError):
            correct(shop, number, **given)
    with transaction(shop.conn) as conn:
        ask.refuse(conn, office(shop), book.by_id(conn, number), "no", told="", actor="t", now=time.time())
    with pytest.raises(RegistryError, match="refused"):
        correct(shop, number, city="Tartu")


def test_what_nobody_confirmed_and_what_was_refused_is_forgotten(shop: Shop, served: Served) -> None:
    refused = confirmed(shop, served, email="r@x.example")
    kept = confirmed(shop, served, email="k@y.example")
    with visitor(served) as client:
        client.post("/register", data=form(email="u@z.example"))
    now = time.time()
    with transaction(shop.conn) as conn:
        ask.refuse(conn, office(shop), book.by_id(conn, refused), "no", told="", actor="t", now=now)
    with transaction(shop.conn) as conn:
        assert book.forget(conn, now + 3_600, 30 * 86_400) == 0
        assert book.forget(conn, now + book.LINK_S + 60, 30 * 86_400) >= 1
        assert [row.email for row in book.listing(conn, tuple(RegistrationState))] == ["k@y.example", "r@x.example"]
        book.forget(conn, now + 31 * 86_400, 30 * 86_400)
        assert [row.id for row in book.listing(conn, tuple(RegistrationState))] == [kept]


def test_the_terms_are_shown_as_text_and_a_changed_version_is_read_again(shop: Shop, served: Served) -> None:
    with visitor(served) as client:
        page = client.get("/terms")
        assert page.status_code == 200 and "&lt;b&gt;Really" in page.text
        found = terms.in_force(shop.settings.accounts.terms)
        assert found is not None and found.version in page.text
        answer = client.post("/register", data=form(version="0" * 64))
        assert answer.status_code == 422 and "have changed" in answer.text
        assert client.post("/register", data=form(version=found.version)).status_code == 200


HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{7*7}}"


def test_nothing_typed_becomes_markup(served: Served) -> None:
    with visitor(served) as client:
        for name in (*(field.name for field in FIELDS), "invite", "business", "version"):
            posted = client.post("/register", data=form(**{"city": "", name: HOSTILE}))
            assert "<script" not in posted.text and "<img" not in posted.text, name
            assert "49" not in html.unescape(posted.text).replace("249", ""), name
        asked = client.get("/register", params={"invite": HOSTILE}).text
        assert "<script" not in asked and "<img" not in asked


def test_nobody_registers_where_that_is_closed(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, accounts={"terms": str(tmp_path / "none")})
    assert shop.settings.accounts.registration == "closed"  # as it comes
    with serving(shop) as served, visitor(served) as client:
        assert client.get("/register").status_code == client.post("/register", data=form()).status_code == 403
        assert "/register" not in client.get("/login").text
        assert "postmaster@relay.example.com" in client.get("/register").text
        assert client.get("/terms").status_code == 503  # its file is away


def test_an_invitation_opens_the_form_once(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, accounts={"registration": "invite", "admission": "invited"})
    now = time.time()
    with transaction(shop.conn) as conn:
        _, code = invites.add(conn, None, actor="t", now=now)
        _, bound = invites.add(conn, parse_address("bo@x.example"), actor="t", now=now)
        gone, revoked = invites.add(conn, None, actor="t", now=now)
        invites.revoke(conn, gone.id, actor="t", now=now)
        _, over = invites.add(conn, None, lasts_s=60, actor="t", now=now - 100)
    with serving(shop) as served, visitor(served) as client:
        assert client.get("/register").status_code == client.post("/register", data=form()).status_code == 403
        assert "/register" in client.get("/login").text and client.get("/terms").status_code == 404
        for bad in ("x", revoked, over, "é"):
            assert client.get("/register", params={"invite": bad}).status_code == 403
        assert 'value="bo@x.example"' in client.get("/register", params={"invite": bound}).text
        wrong = client.post("/register", data=form(invite=bound))
        assert wrong.status_code == 422 and 'id="email-fault"' in wrong.text
        assert client.get("/register", params={"invite": code}).status_code == 200
        for email in ("ann@newshop.example", "eve@y.example"):
            assert client.post("/register", data=form(invite=code, email=email)).status_code == 200
        first, other = (
            link_in(letters(shop, who)[-1].text, "confirm") for who in ("ann@newshop.example", "eve@y.example")
        )
        # It admits by itself, and the password is shown at once.
        secret = re.search(r'id="secret">(\w+)<', client.post(first).text)
        assert secret is not None
        assert client.post("/login", data={"email": GOOD["email"], "password": secret[1]}).status_code == 303
        assert client.post(other).status_code == 410
        assert client.get("/register", params={"invite": code}).status_code == 403
    assert tenants.find(shop.conn, "new-shop-ou").plan == "free"


def test_all_are_admitted_by_setting_but_those_that_resemble_a_customer(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, accounts={"registration": "open", "admission": "all"})
    with serving(shop) as served, visitor(served) as client:
        shown = []
        for email in ("ann@newshop.example", "bo@newshop.example"):
            client.post("/register", data=form(email=email, terms=""))
            shown.append(client.post(link_in(letters(shop, email)[-1].text, "confirm")).text)
    assert 'id="secret"' in shown[0] and 'id="secret"' not in shown[1]
    assert shop.value("SELECT count(*) FROM registration WHERE state = 'waiting'") == 1


def test_a_name_that_is_taken_gets_a_number(shop: Shop, served: Served) -> None:
    row = book.by_id(shop.conn, confirmed(shop, served, company="ACME", email="ac@x.example"))
    assert admit.free_name(shop.conn, row) == "acme-2"
    row = book.by_id(shop.conn, confirmed(shop, served, company="Їжа", website="", email="b@x.example"))
    assert admit.free_name(shop.conn, row) == "ann-tamm"


def test_terms_that_can_not_be_read_close_the_door(tmp_path: Path) -> None:
    for raw in (b"", b"\xff\xfe", b"a\0b", b"x" * (terms.MOST_OCTETS + 1)):
        (tmp_path / "t").write_bytes(raw)
        with pytest.raises(RegistryError):
            terms.in_force(tmp_path / "t")
    with pytest.raises(RegistryError):
        terms.in_force(tmp_path / "none")
