"""Signing in through a real socket: password, second factor, sessions, links, and who tries to misuse them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.accounts import logins, totp
from relay.accounts.second import begin, confirm
from relay.store.database import transaction
from tests.support.inside import Person, person, signed_in, visitor
from tests.support.web import Served, Shop, serving


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("login"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def owner(shop: Shop, request: pytest.FixtureRequest) -> Person:
    """Of each test's own; brakes that others filled are let go."""
    shop.conn.execute("DELETE FROM login_try")
    email = re.sub(r"[^a-z0-9]", "", request.node.name.lower())[-40:] + f"{time.monotonic_ns()}@acme.example"
    return person(shop, email, "owner", shop.tenant_id)


@pytest.mark.parametrize("path", ["/account/", "/account/me", "/desk/", "/account/me/activity"])
def test_who_is_not_signed_in_is_led_to_the_door_and_back(served: Served, owner: Person, path: str) -> None:
    with visitor(served) as client:
        answer = client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
        page = client.get(answer.headers["location"])
        assert f'name="next" value="{path}"' in page.text
        entered = client.post("/login", data={"email": owner.email, "password": owner.password, "next": path})
        assert entered.headers["location"] == (path if path.startswith("/account/") else "/account/")


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example/", "https://evil.example/", "/account/../..//evil.example", "/account//evil.example", "/\\evil",
     "/account/\r\nx: y", "/account/?a=b", "/account/%2e%2e", "/v1/docs", "javascript:alert(1)",
     "/account/" + "x" * 300],
)  # fmt: skip
def test_nobody_is_led_elsewhere(served: Served, owner: Person, wanted: str) -> None:
    with visitor(served) as client:
        answer = client.post("/login", data={"email": owner.email, "password": owner.password, "next": wanted})
        assert answer.headers["location"] == "/account/"


def test_the_front_leads_home(shop: Shop, served: Served, owner: Person) -> None:
    with visitor(served) as client:
        assert client.get("/").headers["location"] == "/login"
    with signed_in(served, owner) as client:
        assert client.get("/").headers["location"] == "/account/"
        assert client.get("/login").headers["location"] == "/account/"
        assert client.get("/account/").status_code == 200
        assert client.get("/desk/").status_code == 404
    with signed_in(served, person(shop, "support@front.example", "support")) as client:
        assert client.get("/").headers["location"] == "/desk/"
        assert client.get("/account/").status_code == 404
        assert client.get("/desk/").status_code == 200
        assert client.get("/account/me").status_code == 200


def test_the_cookie_is_out_of_scripts_reach(served: Served, owner: Person) -> None:
    with visitor(served) as client:
        given = {"email": owner.email, "password": owner.password}
        plain = client.post("/login", data=given).headers["set-cookie"]
        assert re.fullmatch(r"session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", plain)
        # As the public address says it: behind a proxy that ends TLS.
        public = client.post("/login", data=given, headers={"host": "relay.example.com"}).headers["set-cookie"]
        assert re.fullmatch(r"__Host-session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", public)


def test_a_wrong_password_and_an_unknown_address_read_the_same(served: Served, owner: Person) -> None:
    with visitor(served) as client:
        wrong = client.post("/login", data={"email": owner.email, "password": "x" * 32})
        unknown = client.post("/login", data={"email": "nobody@acme.example", "password": "x" * 32})
        assert wrong.status_code == unknown.status_code == 403
        plain = [re.sub(r'data-options="[^"]*"', "", one.text) for one in (wrong, unknown)]  # a challenge each
        assert plain[0].replace(owner.email, "…") == plain[1].replace("nobody@acme.example", "…")
        for given in ({}, {"email": "", "password": ""}, {"email": "<script>alert(1)</script>", "password": "\x00"}):
            answer = client.post("/login", data=given)
            assert answer.status_code == 403 and "<script>" not in answer.text


def test_a_disabled_log_in_opens_nothing(shop: Shop, served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client:
        with transaction(shop.conn):
            logins.disable(shop.conn, logins.find(shop.conn, owner.email), actor="t", now=time.time())
        assert client.get("/account/").status_code == 303
        assert client.post("/login", data={"email": owner.email, "password": owner.password}).status_code == 403


def test_a_guesser_is_braked_and_told_until_when(served: Served, owner: Person) -> None:
    with visitor(served) as client:
        found = [
            client.post("/login", data={"email": owner.email, "password": f"guess{number}"}).status_code
            for number in range(12)
        ]
        assert found == [403] * 10 + [429] * 2
        right = client.post("/login", data={"email": owner.email, "password": owner.password})
        assert right.status_code == 429 and right.headers["retry-after"] == "900"


def test_a_planted_cookie_never_becomes_a_session(served: Served, owner: Person) -> None:
    """Session fixation (OWASP): the token is a new one at each step."""
    with visitor(served) as client:
        client.cookies.set("session", "A" * 43)
        client.post("/login", data={"email": owner.email, "password": owner.password})
        assert client.get("/account/").status_code == 200 or len(client.cookies.jar) > 1
    with visitor(served) as thief:
        thief.cookies.set("session", "A" * 43)
        assert thief.get("/account/").status_code == 303


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client, visitor(served) as copy:
        copy.cookies.update(client.cookies)
        assert copy.get("/account/").status_code == 200
        assert client.get("/logout").status_code == 405  # an image of another site signs nobody out
        assert client.post("/logout").headers["location"] == "/login"
        assert copy.get("/account/").status_code == 303


FORGED = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://127.0.0.1.evil.example"},
    {"sec-fetch-site": "cross-site", "origin": "HOST"},
    {"origin": "http://["},
]


@pytest.mark.parametrize("fields", FORGED, ids=str)
def test_another_site_makes_a_browser_change_nothing(
    shop: Shop, served: Served, owner: Person, fields: dict[str, str]
) -> None:
    host = f"http://127.0.0.1:{served.port}"
    headers = {name: value.replace("HOST", host) for name, value in fields.items()}
    with signed_in(served, owner) as client:
        before = shop.dump()
        for path in ("/logout", "/account/me/password", "/account/me/sessions/end", "/login", "/login/reset",
                     "/login/second", "/login/reset/x"):  # fmt: skip
            answer = client.post(path, data={"password": owner.password, "session": "others"}, headers=headers)
            assert answer.status_code == 403, path
        assert shop.dump() == before
        same = client.post("/account/me/sessions/end", data={"session": "others"}, headers={"origin": host})
        assert same.status_code == 303
        typed = client.post(
            "/account/me/sessions/end", data={"session": "others"}, headers={"sec-fetch-site": "same-origin"}
        )
        assert typed.status_code == 303


def set_up(shop: Shop, who: Person) -> tuple[bytes, list[str]]:
    """A second factor since a while."""
    with transaction(shop.conn) as conn:
        row = logins.find(conn, who.email)
        key = begin(conn, shop.secrets, row)
        past = time.time() - 3600
        codes = confirm(conn, shop.secrets, row, totp.code(key, int(past // 30)), now=past)
    assert codes is not None
    return key, codes


def now_code(key: bytes) -> str:
    return totp.code(key, int(time.time() // 30))


def test_with_a_second_factor_the_password_alone_opens_nothing(shop: Shop, served: Served, owner: Person) -> None:
    key, codes = set_up(shop, owner)
    with visitor(served) as client:
        answer = client.post("/login", data={"email": owner.email, "password": owner.password})
        assert answer.headers["location"] == "/login/second"
        half = client.cookies["session"]
        for path in ("/account/", "/account/me"):
            assert client.get(path).headers["location"] == "/login/second"
        assert (
            client.post("/account/me/sessions/end", data={"session": "others"}).headers["location"] == "/login/second"
        )
        assert client.post("/login/second", data={"code": "000000"}).status_code == 403
        assert client.post("/login/second", data={}).status_code == 403
        code = now_code(key)
        assert client.post("/login/second", data={"code": code}).headers["location"] == "/account/"
        assert client.cookies["session"] != half
        assert client.get("/account/").status_code == 200
    with visitor(served) as thief:  # who looked on: the half session is over, and the code is used up
        thief.cookies.set("session", half)
        assert thief.post("/login/second", data={"code": code}).headers["location"] == "/login"
        thief.cookies.clear()
        thief.post("/login", data={"email": owner.email, "password": owner.password})
        assert thief.post("/login/second", data={"code": code}).status_code == 403
        assert thief.post("/login/second", data={"code": codes[0]}).headers["location"] == "/account/"
        assert "9" in thief.get("/account/me").text
    with visitor(served) as again:
        again.post("/login", data={"email": owner.email, "password": owner.password})
        assert again.post("/login/second", data={"code": codes[0]}).status_code == 403


def test_setting_up_a_second_factor(shop: Shop, served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client, signed_in(served, owner) as other:
        assert client.post("/account/me/second", data={"password": "wrong"}).status_code == 403
        page = client.post("/account/me/second", data={"password": owner.password})
        found = re.search(r'id="key">([A-Z2-7 ]+)<', page.text)
        assert found is not None
        with transaction(shop.conn) as conn:
            key = begin(conn, shop.secrets, logins.find(conn, owner.email))
        assert found[1] == totp.written(key)
        assert client.post("/account/me/second/confirm", data={"code": "12"}).status_code == 403
        shown = client.post("/account/me/second/confirm", data={"code": now_code(key)})
        codes = re.findall(r"<li>([a-z2-7-]{19})</li>", shown.text)
        assert len(codes) == 10
        assert other.get("/account/").status_code == 303  # whoever had the password alone is out
        assert client.post("/account/me/second/off", data={"code": "000000"}).status_code == 403
        assert client.post("/account/me/codes", data={"code": codes[0]}).status_code == 200
        assert client.post("/account/me/second/off", data={"code": codes[1]}).status_code == 403  # renewed since
        step = int(time.time() // 30) + 1
        assert client.post("/account/me/second/off", data={"code": totp.code(key, step)}).status_code == 303
        assert logins.find(shop.conn, owner.email).second_factor_at is None


def test_a_new_password_is_shown_once_and_ends_the_others(shop: Shop, served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client, signed_in(served, owner) as other:
        assert client.post("/account/me/password", data={"password": "wrong"}).status_code == 403
        page = client.post("/account/me/password", data={"password": owner.password})
        found = re.search(r'id="secret">([a-z2-7]{32})<', page.text)
        assert found is not None
        assert other.get("/account/").status_code == 303
        assert client.get("/account/").status_code == 200
        assert found[1] not in client.get("/account/me").text and found[1] not in shop.dump()
        assert other.post("/login", data={"email": owner.email, "password": owner.password}).status_code == 403
        assert other.post("/login", data={"email": owner.email, "password": found[1]}).status_code == 303


def letter_link(shop: Shop) -> str:
    bodies = shop.conn.execute("SELECT template FROM body ORDER BY submission_id DESC").fetchall()
    plain = [body.replace(b"=\r\n", b"") for (body,) in bodies]  # quoted-printable breaks lines
    found = next(re.search(rb"/login/reset/([\w-]{43})", body) for body in plain if b"/login/reset/" in body)
    assert found is not None
    return f"/login/reset/{found[1].decode()}"


def test_a_lost_password_by_mail(shop: Shop, served: Served, owner: Person) -> None:
    key, _ = set_up(shop, owner)
    with signed_in(served, owner) as stale, visitor(served) as client:
        known = client.post("/login/reset", data={"email": owner.email})
        unknown = client.post("/login/reset", data={"email": "n" + owner.email})
        assert known.status_code == unknown.status_code == 200
        assert client.post("/login/reset", data={"email": "nonsense"}).status_code == 422
        link = letter_link(shop)
        before = shop.dump()
        page = client.get(link)
        assert owner.email in page.text and shop.dump() == before  # a scanner that follows it changes nothing
        made = re.search(r'id="secret">([a-z2-7]{32})<', client.post(link).text)
        assert made is not None
        for again in (client.get(link), client.post(link), client.post(link[:-1] + "x")):
            assert again.status_code == 410
        assert stale.post("/login/second", data={"code": now_code(key)}).headers["location"] == "/login"
        # A stolen link alone opens nothing: the second factor is asked for as ever.
        entered = client.post("/login", data={"email": owner.email, "password": made[1]})
        assert entered.headers["location"] == "/login/second"
    told = [
        body
        for (body,) in shop.conn.execute("SELECT template FROM body")
        if b"a new password was made" in body and owner.email.encode() in body
    ]
    assert len(told) == 1


def test_letters_have_a_brake_that_keeps_nobody_from_signing_in(served: Served, owner: Person) -> None:
    with visitor(served) as client:
        found = [client.post("/login/reset", data={"email": owner.email}).status_code for _ in range(11)]
        assert found == [200] * 10 + [429]
    with signed_in(served, owner) as client:
        assert client.get("/account/").status_code == 200


def test_one_sees_sessions_and_what_was_done(shop: Shop, served: Served, owner: Person) -> None:
    with visitor(served) as stranger:
        stranger.post("/login", data={"email": owner.email, "password": "x"}, headers={"user-agent": "<b>Evil</b>"})
    with signed_in(served, owner) as client, signed_in(served, owner) as other:
        page = client.get("/account/me").text
        assert page.count('action="/account/me/sessions/end"') == 2  # the other one, and all others
        assert "Wrong password" in page and "&lt;b&gt;Evil&lt;/b&gt;" in page and "<b>Evil" not in page
        number = re.search(r'name="session" value="(\d+)"', page)
        assert number is not None
        with signed_in(served, person(shop, "other@x.example", "owner", shop.tenant_id)) as stranger:
            assert stranger.post("/account/me/sessions/end", data={"session": number[1]}).status_code == 404
        for wrong in ("", "0", "-1", "x", "9" * 30, "٣"):
            assert client.post("/account/me/sessions/end", data={"session": wrong}).status_code == 404
        assert other.get("/account/").status_code == 200
        assert client.post("/account/me/sessions/end", data={"session": number[1]}).status_code == 303
        assert other.get("/account/").status_code == 303
        assert client.get("/account/me/activity").status_code == 200


def test_pages_are_framed_nowhere_and_load_nothing(served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client:
        for path in ("/account/", "/account/me"):
            answer = client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
            assert answer.headers["x-frame-options"] == "DENY" and answer.headers["cache-control"] == "no-store"
            assert "<script" not in answer.text and "style=" not in answer.text
            assert answer.headers["referrer-policy"] == "same-origin"


def test_a_language_once_chosen_stays(served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client:
        assert 'lang="de"' in client.get("/account/?lang=de").text
        assert '<html lang="de">' in client.get("/account/").text
        assert '<html lang="uk">' in client.get("/account/me?lang=uk").text


def test_a_second_factor_may_be_asked_of_staff(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, accounts={"second_factor": "staff"})
    mine, staff = person(shop, "a@acme.example", "owner", shop.tenant_id), person(shop, "b@x.example", "support")
    with serving(shop) as served, signed_in(served, mine) as client, signed_in(served, staff) as desk:
        assert client.get("/account/").status_code == 200
        assert desk.get("/desk/").headers["location"] == "/account/me"
        assert desk.get("/account/me").status_code == 200
