"""Passkeys through a real socket: added, used, removed, and whoever tries to get in by them without being meant."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from relay.accounts import challenges, logins, passkeys
from relay.accounts.passkey_answers import relying_party
from relay.store.database import transaction
from tests.support.authenticator import PRESENT, Device
from tests.support.inside import Person, person, signed_in, visitor
from tests.support.web import Served, Shop, serving

ORIGIN, HOST = "https://relay.example.com", "relay.example.com"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("passkeys"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture
def owner(shop: Shop) -> Person:
    shop.conn.execute("DELETE FROM login_try")
    return person(shop, f"p{time.monotonic_ns()}@acme.example", "owner", shop.tenant_id)


def options_of(page: httpx.Response) -> dict[str, Any]:
    found = re.search(r'data-options="([^"]+)"', page.text)
    assert found is not None, page.text
    read = json.loads(html.unescape(found[1]))
    assert isinstance(read, dict)
    return read


def field_of(page: httpx.Response, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


def add(client: httpx.Client, who: Person, device: Device, name: str = "laptop") -> None:
    page = client.post("/account/me/passkeys/new", data={"name": name, "password": who.password})
    given = {"token": field_of(page, "token"), "name": name, "answer": device.make(options_of(page))}
    assert client.post("/account/me/passkeys", data=given).status_code == 303


@pytest.fixture
def device(served: Served, owner: Person) -> Device:
    """A passkey of the owner."""
    made = Device(ORIGIN, HOST)
    with signed_in(served, owner) as client:
        add(client, owner, made)
    return made


def enter(client: httpx.Client, device: Device, **other: Any) -> httpx.Response:
    answer = device.answer(options_of(client.get("/login")), **other)
    return client.post("/login/passkey", data={"answer": answer})


def done(shop: Shop, who: Person) -> list[str]:
    """What stands in the log-in's activity, the latest first."""
    id_ = logins.find(shop.conn, who.email).id
    rows = shop.conn.execute("SELECT action FROM login_action WHERE login_id = ? ORDER BY id DESC", (id_,))
    return [row[0] for row in rows]


def letters(shop: Shop, words: bytes) -> int:
    bodies = [row[0].replace(b"=\r\n", b"") for row in shop.conn.execute("SELECT template FROM body")]
    return sum(words in body for body in bodies)


def test_from_adding_to_removing(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    name = owner.email.encode()
    assert letters(shop, b"the passkey") >= 1 and any(
        name in row[0] for row in shop.conn.execute("SELECT template FROM body")
    )
    with visitor(served) as client:
        answer = enter(client, device)
        assert (answer.status_code, answer.headers["location"]) == (303, "/account/")
        page = client.get("/account/me").text
        assert "laptop" in page and "by passkey" in page
        assert done(shop, owner)[:2] == ["signed-in-passkey", "passkey-added"]
        key = passkeys.of_login(shop.conn, logins.find(shop.conn, owner.email).id)[0]
        assert (key.sign_count, key.used_at is not None) == (1, True)
        with signed_in(served, owner) as other:
            removed = other.post("/account/me/passkeys/remove", data={"passkey": str(key.id)})
            assert removed.status_code == 303
        assert client.get("/account/").status_code == 303  # what it began has ended
        assert enter(client, device).status_code == 403
    assert done(shop, owner)[0] == "passkey-removed"
    assert shop.value("SELECT count(*) FROM login_passkey WHERE login_id = ?", key.login_id) == 0


def test_the_page_that_was_asked_for(served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        page = client.get("/login?next=/account/campaigns")
        given = {"answer": device.answer(options_of(page)), "next": "/account/campaigns"}
        assert client.post("/login/passkey", data=given).headers["location"] == "/account/campaigns"


def test_it_counts_as_two_factors(tmp_path_factory: pytest.TempPathFactory) -> None:
    shop = Shop.create(tmp_path_factory.mktemp("two"), accounts={"second_factor": "all"})
    with serving(shop) as served:
        owner, device = person(shop, "ann@acme.example", "owner", shop.tenant_id), Device(ORIGIN, HOST)
        with signed_in(served, owner) as client:
            assert client.get("/account/").headers["location"] == "/account/me"
            add(client, owner, device)
            assert client.get("/account/").headers["location"] == "/account/me"  # this session has one factor
        with visitor(served) as client:
            enter(client, device)
            assert client.get("/account/").status_code == 200
            assert 'role="alert"' not in client.get("/account/me").text
            made = client.post("/account/me/password", data={"password": owner.password})
            assert made.status_code == 200 and client.get("/account/").status_code == 200


def test_no_code_is_asked_for_after_it(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    from tests.unit.test_web_login import set_up

    set_up(shop, owner)
    with visitor(served) as client:
        assert enter(client, device).headers["location"] == "/account/"
        assert client.get("/account/").status_code == 200


def test_an_answer_is_taken_once_and_in_its_browser_alone(
    shop: Shop, served: Served, owner: Person, device: Device
) -> None:
    with visitor(served) as client, visitor(served) as thief:
        answer = device.answer(options_of(client.get("/login")))
        cookie = client.cookies["passkey"]
        assert thief.post("/login/passkey", data={"answer": answer}).status_code == 403  # no cookie
        thief.get("/login")  # a cookie of their own
        assert thief.post("/login/passkey", data={"answer": answer}).status_code == 403
        assert client.post("/login/passkey", data={"answer": answer}).status_code == 303
        thief.cookies.set("passkey", cookie)  # whoever looked on, cookie and all
        assert thief.post("/login/passkey", data={"answer": answer}).status_code == 403
        assert client.post("/logout").status_code == 303
        client.cookies.set("passkey", cookie)
        assert client.post("/login/passkey", data={"answer": answer}).status_code == 403


def test_a_wrong_answer_uses_its_challenge_up(served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        options = options_of(client.get("/login"))
        assert client.post("/login/passkey", data={"answer": device.answer(options, signature=b"x")}).status_code == 403
        client.cookies.set("passkey", client.cookies["passkey"])
        late = client.post("/login/passkey", data={"answer": device.answer(options)})
        assert late.status_code == 403 and "sent before" in late.text


def test_two_tabs_share_a_challenge(served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        first, second = (options_of(client.get("/login")) for _ in range(2))
        assert first == second
        assert client.post("/login/passkey", data={"answer": device.answer(first)}).status_code == 303


SPOILT: dict[str, Callable[[Device], dict[str, Any]]] = {
    "another site": lambda d: {"origin": "https://evil.example"},
    "the site without TLS": lambda d: {"origin": "http://relay.example.com"},
    "a site below": lambda d: {"origin": "https://x.relay.example.com"},
    "another port": lambda d: {"origin": "https://relay.example.com:8443"},
    "a challenge made up": lambda d: {"challenge": "A" * 43},
    "no challenge": lambda d: {"challenge": ""},
    "made for adding": lambda d: {"type": "webauthn.create"},
    "a broken signature": lambda d: {"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"},
    "no signature": lambda d: {"signature": b""},
    "another's handle": lambda d: {"handle": b"x" * 32},
    "no handle": lambda d: {"handle": None},
}


def test_what_is_not_meant_here_opens_nothing(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        for what, spoil in SPOILT.items():
            shop.conn.execute("DELETE FROM login_try")
            assert enter(client, device, **spoil(device)).status_code == 403, what
            assert client.get("/account/").status_code == 303, what
        assert enter(client, device).status_code == 303


def test_a_device_that_is_another_or_asks_nobody(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    """User verification is what makes it two factors; presence alone is one."""
    with visitor(served) as client:
        for other in ({"rp_id": "evil.example"}, {"flags": PRESENT}, {"flags": 0}, {"flags": 4},
                      {"credential": b"unknown"}):  # fmt: skip
            assert enter(client, replace(device, count=20, **other)).status_code == 403, other
        assert enter(client, device).status_code == 303


NO_ANSWERS = (
    "", "x", "[]", "{}", '{"id":1}', '{"response":[]}', '{"response":{}}', "[" * 9_000, "null",
    '{"id":"","response":{}}', "x" * 30_000, '{"id":"AAAA","response":{"clientDataJSON":1,"userHandle":"AAAA"}}',
    '{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"AAAA","userHandle":"AAAA"}}',
)  # fmt: skip


def test_octets_that_are_no_answer(shop: Shop, served: Served, owner: Person) -> None:
    with visitor(served) as client, signed_in(served, owner) as inside:
        page = inside.post("/account/me/passkeys/new", data={"name": "n", "password": owner.password})
        for answer in NO_ANSWERS:
            shop.conn.execute("DELETE FROM login_try")
            client.get("/login")
            assert client.post("/login/passkey", data={"answer": answer}).status_code == 403, answer
            given = {"token": field_of(page, "token"), "name": "n", "answer": answer}
            assert inside.post("/account/me/passkeys", data=given).status_code == 403, answer


def test_another_tenants_passkey_opens_its_own_account_alone(
    shop: Shop, served: Served, owner: Person, device: Device
) -> None:
    """Nor does it change whose session the browser had: that one is over."""
    other_id, _ = shop.add_tenant(f"o{time.monotonic_ns()}")
    stranger = person(shop, f"s{time.monotonic_ns()}@people.example", "owner", other_id)
    theirs = Device(ORIGIN, HOST)
    with signed_in(served, stranger) as client:
        add(client, stranger, theirs, "theirs")
    own = logins.find(shop.conn, owner.email).id
    their_key = passkeys.of_login(shop.conn, logins.find(shop.conn, stranger.email).id)[0]
    with signed_in(served, owner) as client:
        assert client.post("/account/me/passkeys/remove", data={"passkey": str(their_key.id)}).status_code == 422
        assert "theirs" not in client.get("/account/me").text
        page = client.post("/account/me/passkeys/new", data={"name": "x", "password": owner.password})
        thief = Device(ORIGIN, HOST, credential=theirs.credential)
        given = {"token": field_of(page, "token"), "name": "x", "answer": thief.make(options_of(page))}
        assert client.post("/account/me/passkeys", data=given).status_code == 422  # known already
    assert [one.name for one in passkeys.of_login(shop.conn, own)] == ["laptop"]
    with visitor(served) as client:
        enter(client, theirs)
        assert stranger.email.split("@")[0] in client.get("/account/me").text
        # One's own key under another's name, as a device that lies would say it.
        lying = Device(ORIGIN, HOST, key=theirs.key, credential=device.credential, handle=device.handle, count=50)
        client.post("/logout")
        assert enter(client, lying).status_code == 403


def test_adding_takes_the_password_and_its_own_session(served: Served, owner: Person) -> None:
    with signed_in(served, owner) as client, signed_in(served, owner) as second:
        assert client.post("/account/me/passkeys/new", data={"name": "n", "password": "wrong"}).status_code == 403
        assert client.post("/account/me/passkeys/new", data={"password": owner.password}).status_code == 422
        page = client.post("/account/me/passkeys/new", data={"name": "n", "password": owner.password})
        device, options = Device(ORIGIN, HOST), options_of(page)
        given = {"token": field_of(page, "token"), "name": "n", "answer": device.make(options)}
        assert second.post("/account/me/passkeys", data=given).status_code == 403
        sign_in = challenges.fresh(time.time())  # a token without the password
        assert client.post("/account/me/passkeys", data=given | {"token": sign_in}).status_code == 403
        assert client.post("/account/me/passkeys", data=given).status_code == 303
        assert client.post("/account/me/passkeys", data=given).status_code == 403  # taken once
        for spoilt in ({"origin": "https://evil.example"}, {"type": "webauthn.get"}, {"alg": -65535}):
            page = client.post("/account/me/passkeys/new", data={"name": "n", "password": owner.password})
            other = Device(ORIGIN, HOST)
            given = {"token": field_of(page, "token"), "name": "n", "answer": other.make(options_of(page), **spoilt)}
            assert client.post("/account/me/passkeys", data=given).status_code == 403, spoilt
        assert client.get("/account/me").text.count('name="passkey"') == 1


def test_a_count_that_goes_back_is_noticed(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    copy = Device(ORIGIN, HOST, device.key, device.credential, device.handle, device.count)
    with visitor(served) as client:
        for _ in range(2):
            assert enter(client, device).status_code == 303
            client.post("/logout")
        refused = enter(client, copy)
        assert refused.status_code == 403 and "copied" in refused.text
        copy.counts, copy.count = False, 0  # says that it doesn't count
        assert enter(client, copy).status_code == 403
        assert enter(client, device).status_code == 303
    assert done(shop, owner).count("passkey-copied") == 2
    assert letters(shop, b"its count was older") >= 1


def test_devices_that_do_not_count_are_taken(served: Served, owner: Person) -> None:
    """Keys that a vault keeps for several devices say 0 for ever."""
    device = Device(ORIGIN, HOST, counts=False)
    with signed_in(served, owner) as client:
        add(client, owner, device)
    with visitor(served) as client:
        for _ in range(3):
            assert enter(client, device).status_code == 303
            client.post("/logout")


def test_who_is_disabled_or_removed_stays_out(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        row = logins.find(shop.conn, owner.email)
        with transaction(shop.conn):
            logins.disable(shop.conn, row, actor="t", now=time.time())
        assert enter(client, device).status_code == 403
        with transaction(shop.conn):
            logins.remove(shop.conn, row, actor="t", now=time.time())
        assert enter(client, device).status_code == 403
    assert shop.value("SELECT count(*) FROM login_passkey WHERE login_id = ?", row.id) == 0


def test_a_lost_device_opens_nothing_once_the_owner_says_so(
    shop: Shop, served: Served, owner: Person, device: Device
) -> None:
    chief = person(shop, f"c{time.monotonic_ns()}@acme.example", "owner", shop.tenant_id)
    id_ = logins.find(shop.conn, owner.email).id
    with signed_in(served, chief) as client:
        assert "Passkeys: 1" in client.get("/account/logins").text
        assert client.post(f"/account/logins/{id_}/second").status_code == 303
    with visitor(served) as client:
        assert enter(client, device).status_code == 403
    with signed_in(served, owner) as client:  # the password goes on
        assert client.get("/account/").status_code == 200


def test_a_guesser_is_braked(shop: Shop, served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        found = [enter(client, device, signature=b"x").status_code for _ in range(12)]
        assert found == [403] * 10 + [429] * 2
        assert enter(client, device).status_code == 429
    shop.conn.execute("DELETE FROM login_try")
    with visitor(served) as client:
        assert enter(client, device).status_code == 303


def test_another_site_sends_nothing(served: Served, owner: Person, device: Device) -> None:
    with visitor(served) as client:
        answer = device.answer(options_of(client.get("/login")))
        crossing = client.post("/login/passkey", data={"answer": answer}, headers={"Origin": "https://evil.example"})
        assert crossing.status_code == 403 and "session" not in client.cookies


def test_the_page_allows_its_script_alone(served: Served) -> None:
    with visitor(served) as client:
        page = client.get("/login")
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert re.findall(r"<script[^>]*>", page.text) == ['<script src="/login/passkey.js" defer>']
        assert client.get("/login/passkey.js").headers["content-type"] == "text/javascript; charset=utf-8"
        assert "script-src" not in client.get("/login/reset").headers["content-security-policy"]


def test_a_challenge_has_its_time() -> None:
    now = 1_800_000_000.0
    token = challenges.fresh(now)
    assert challenges.young(token, now) and challenges.young(token, now + 590)
    assert not challenges.young(token, now + 700) and not challenges.young(token, now - 60)
    assert not challenges.young(token, now + 400, 0.5)
    for odd in ("", ".", "1.", ".x", "x.y", "-1.x", "\N{FULLWIDTH DIGIT ONE}.x", "1" * 200, "9" * 90 + ".x"):
        assert not challenges.young(odd, now), odd


@pytest.mark.parametrize(
    ("address", "id_", "origin"),
    [
        ("https://relay.example.com", "relay.example.com", "https://relay.example.com"),
        ("https://Relay.Example.com:443/", "relay.example.com", "https://relay.example.com"),
        ("https://relay.example.com:8443", "relay.example.com", "https://relay.example.com:8443"),
        ("http://localhost:8025", "localhost", "http://localhost:8025"),
        ("http://relay.example.com", "", ""),
        ("http://127.0.0.1:8025", "", ""),
        ("https://192.0.2.1", "", ""),
        ("https://[2001:db8::1]", "", ""),
    ],
)
def test_where_passkeys_work(address: str, id_: str, origin: str) -> None:
    found = relying_party(address)
    assert (found.id, found.origin) == (id_, origin) if found and id_ else found is None
