"""Staff by way of an OpenID provider: a real one on loopback, the whole way, and all that must not get in by it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from config.load import validate
from config.staff import Oidc
from relay.accounts import logins
from relay.accounts.roles import LoginRole
from relay.checks.oidc import check_oidc
from relay.checks.result import Level
from relay.oidc.claims import OidcRefused, email_of, role_of
from relay.oidc.provider import IdentityProvider
from tests.support.inside import person, visitor
from tests.support.oidc import CLIENT, SECRET, OidcProvider, providing
from tests.support.web import Served, Shop, serving

ROLES = {"admin": "operator", "review": "reviewer", "help": "support"}
PUBLIC = "https://relay.example.com"


def settings(directory: Path, provider: OidcProvider, **more: object) -> dict[str, object]:
    file = directory / "client-secret"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o600)
    return {"issuer": provider.issuer, "client_id": CLIENT, "client_secret_file": str(file), "roles": ROLES, **more}


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with providing() as running:
        yield running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, provider: OidcProvider) -> Shop:
    directory = tmp_path_factory.mktemp("oidc")
    return Shop.create(directory, oidc=settings(directory, provider, title="Staff ID", domains=["staff.example"]))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.fixture(autouse=True)
def fresh(shop: Shop, provider: OidcProvider) -> None:
    """Each test has people of its own and a provider that does right."""
    shop.conn.execute("DELETE FROM login_try")
    provider.claims = {"sub": f"s-{time.monotonic_ns()}", "email": f"a{time.monotonic_ns()}@staff.example"}
    provider.described, provider.head, provider.answer = {}, {}, {}
    provider.algorithm, provider.shown, provider.broken = "RS256", None, 0


def leave(client: httpx.Client) -> str:
    """The provider's address that the sign-in page leads to."""
    answer = client.get("/login/oidc")
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def back(there: str) -> str:
    """What the provider sends the browser back to, as a path."""
    answer = httpx.get(there, trust_env=False)
    assert answer.status_code == 302
    where = answer.headers["location"]
    assert where.startswith(f"{PUBLIC}/login/oidc/return?")
    return where.removeprefix(PUBLIC)


def enter(client: httpx.Client) -> httpx.Response:
    return client.get(back(leave(client)))


def test_the_whole_way(shop: Shop, served: Served, provider: OidcProvider) -> None:
    with visitor(served) as client:
        assert "Staff: sign in with Staff ID" in client.get("/login").text
        there = leave(client)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
        assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
        assert asked["scope"] == "openid email profile" and len(asked["state"]) == len(asked["nonce"]) == 43
        answer = client.get(back(there))
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/")
        assert client.get("/desk/").status_code == 200
        assert "s provider</span>" in client.get("/account/me").text
    row = logins.find(shop.conn, str(provider.claims["email"]))
    assert (row.role, row.tenant_id) == (LoginRole.REVIEWER, None)
    provider.claims |= {"groups": ["help", "admin"], "email": "another@staff.example"}
    with visitor(served) as client:  # by the subject, whatever the address; with the role of now
        assert enter(client).headers["location"] == "/desk/"
        assert client.get("/desk/log").status_code == 200
    changed = logins.by_id(shop.conn, row.id)
    assert changed is not None and (changed.role, changed.shown) == (LoginRole.OPERATOR, row.shown)
    told = shop.conn.execute("SELECT action FROM login_action WHERE login_id = ?", (row.id,)).fetchall()
    assert told == [("signed-in-oidc",)] * 2


def test_an_operators_log_in_is_linked_by_its_verified_address_once(
    shop: Shop, served: Served, provider: OidcProvider
) -> None:
    who = person(shop, str(provider.claims["email"]), "support")
    id_ = logins.find(shop.conn, who.email).id
    with visitor(served) as client:
        assert enter(client).status_code == 303
    assert shop.value("SELECT count(*) FROM login WHERE id = ? AND oidc_subject IS NOT NULL", id_) == 1
    provider.claims["sub"] = "somebody-else"
    with visitor(served) as client:
        refused = enter(client)
        assert refused.status_code == 403 and "log-in here that isn" in refused.text
    with visitor(served) as client:  # the password goes on as well
        assert client.post("/login", data={"email": who.email, "password": who.password}).status_code == 303


def test_a_tenants_person_and_who_is_disabled_stay_out(shop: Shop, served: Served, provider: OidcProvider) -> None:
    person(shop, str(provider.claims["email"]), "owner", shop.tenant_id)
    with visitor(served) as client:
        assert enter(client).status_code == 403 and client.get("/account/").status_code == 303
    provider.claims |= {"email": f"b{time.monotonic_ns()}@staff.example", "sub": f"t-{time.monotonic_ns()}"}
    with visitor(served) as client:
        assert enter(client).status_code == 303
    row = logins.find(shop.conn, str(provider.claims["email"]))
    logins.disable(shop.conn, row, actor="t", now=time.time())
    with visitor(served) as client:
        assert enter(client).status_code == 403


NOW = int(time.time())
WRONG: Mapping[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example"}, "hold, so nobody"),
    "another audience": ({"aud": "other"}, "hold, so nobody"),
    "several, made for another": ({"aud": [CLIENT, "other"], "azp": "other"}, "hold, so nobody"),
    "several, made for nobody": ({"aud": [CLIENT, "other"]}, "hold, so nobody"),
    "made for another": ({"azp": "other"}, "hold, so nobody"),
    "expired": ({"exp": NOW - 3600}, "hold, so nobody"),
    "no end": ({"exp": None}, "hold, so nobody"),
    "an end that is no number": ({"exp": "never"}, "hold, so nobody"),
    "kept for long": ({"iat": NOW - 86_400}, "hold, so nobody"),
    "of the future": ({"iat": NOW + 86_400}, "hold, so nobody"),
    "not yet": ({"nbf": NOW + 86_400}, "hold, so nobody"),
    "another sign-in": ({"nonce": "x" * 43}, "hold, so nobody"),
    "no nonce": ({"nonce": None}, "hold, so nobody"),
    "nobody": ({"sub": None}, "hold, so nobody"),
    "an empty subject": ({"sub": ""}, "hold, so nobody"),
    "no role": ({"groups": ["else"]}, "no role"),
    "no groups": ({"groups": None}, "no role"),
    "groups that are numbers": ({"groups": [1, {}]}, "no role"),
    "another domain": ({"email": "ann@evil.example"}, "whose domain"),
    "a domain below": ({"email": "ann@x.staff.example"}, "whose domain"),
    "an address that isn't verified": ({"email_verified": False}, "whose domain"),
    "verified in words": ({"email_verified": "true"}, "whose domain"),
    "no address": ({"email": None}, "whose domain"),
}


def test_claims_that_let_nobody_in(shop: Shop, served: Served, provider: OidcProvider) -> None:
    right, before = dict(provider.claims), shop.value("SELECT count(*) FROM login")
    for what, (claims, sentence) in WRONG.items():
        shop.conn.execute("DELETE FROM login_try")
        provider.claims = right | claims
        with visitor(served) as client:
            refused = enter(client)
            assert (refused.status_code, sentence in refused.text) == (403, True), (what, refused.text)
            assert client.get("/desk/").status_code == 303, what
    assert shop.value("SELECT count(*) FROM login") == before


def test_signatures_that_prove_nothing(served: Served, provider: OidcProvider) -> None:
    stranger = rsa.generate_private_key(65537, 2048)

    def other_key() -> None:
        provider.shown = stranger

    spoilt: Mapping[str, Callable[[], object]] = {
        "none": lambda: setattr(provider, "algorithm", "none"),
        "of a secret": lambda: setattr(provider, "algorithm", "HS256"),
        "an unknown name": lambda: provider.head.update({"kid": "nobody"}),
    }
    for what, spoil in spoilt.items():
        provider.head, provider.algorithm = {}, "RS256"
        spoil()
        with visitor(served) as client:
            assert enter(client).status_code == 403, what
    provider.head, provider.algorithm, real = {}, "RS256", provider.key
    try:
        provider.key, provider.shown = stranger, real
        with visitor(served) as client:
            assert enter(client).status_code == 403
    finally:
        provider.key, provider.shown = real, None
    with visitor(served) as client:
        assert enter(client).status_code == 303


def test_an_answer_is_taken_once_in_its_browser(served: Served, provider: OidcProvider) -> None:
    with visitor(served) as client, visitor(served) as thief:
        path = back(leave(client))
        assert thief.get(path).status_code == 403  # no cookie
        leave(thief)
        assert thief.get(path).status_code == 403  # another's state: a planted sign-in
        cookie = client.cookies["oidc"]
        assert client.get(path).status_code == 303
        thief.cookies.set("oidc", cookie)
        late = thief.get(path)
        assert late.status_code == 403 and "sent before" in late.text
        for odd in ("?", "?state=x&code=y", "?code=y", f"?state={'x' * 5000}", "?state=%ff"):
            assert client.get(f"/login/oidc/return{odd}").status_code == 403


def test_who_left_and_another_provider_in_the_answer(served: Served, provider: OidcProvider) -> None:
    for answer, sentence in (
        ({"error": "access_denied", "code": ""}, "signed nobody in"),
        ({"iss": "https://evil.example"}, "hold, so nobody"),
    ):
        provider.answer = answer
        with visitor(served) as client:
            refused = enter(client)
            assert (refused.status_code, sentence in refused.text) == (403, True)


def test_without_a_provider_there_is_no_door(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    with serving(shop) as served, visitor(served) as client:
        assert "oidc" not in client.get("/login").text
        assert client.get("/login/oidc").status_code == client.get("/login/oidc/return").status_code == 404


def test_by_the_provider_alone_and_while_it_is_down(tmp_path: Path, provider: OidcProvider) -> None:
    shop = Shop.create(tmp_path, oidc=settings(tmp_path, provider, password=False))
    staff, owner = person(shop, "op@staff.example", "operator"), person(shop, "o@acme.example", "owner", shop.tenant_id)
    provider.broken = 500
    with serving(shop) as served, visitor(served) as client:
        down = client.get("/login/oidc")
        assert down.status_code == 502 and "reached now" in down.text and "127.0.0.1" in down.text
        before = len(provider.asked)
        assert client.get("/login/oidc").status_code == 502 and len(provider.asked) == before  # isn't asked on
        closed = client.post("/login", data={"email": staff.email, "password": staff.password})
        assert closed.status_code == 403 and "Staff sign in by" in closed.text
        assert client.post("/login", data={"email": owner.email, "password": owner.password}).status_code == 303
    (found,) = check_oidc(shop.settings)
    assert found.level == Level.FAIL and "500" in found.detail and "nobody of the staff" in found.detail
    provider.broken = 0
    (found,) = check_oidc(shop.settings)
    assert found.level == Level.OK and f"{PUBLIC}/login/oidc/return" in found.detail
    provider.described = {"issuer": "https://other.example"}
    (found,) = check_oidc(shop.settings)
    assert "calls itself" in found.detail
    provider.described = {"token_endpoint": "http://192.0.2.1/token"}
    (found,) = check_oidc(shop.settings)
    assert "token_endpoint by https" in found.detail


def test_its_keys_are_kept_and_a_new_one_is_seen(tmp_path: Path, provider: OidcProvider) -> None:
    given = Oidc.model_validate({"issuer": provider.issuer, "client_id": CLIENT})
    clock = [1000.0]
    mine = IdentityProvider(given, lambda: clock[0])
    provider.asked.clear()
    assert [key["kid"] for key in mine.keys("one")] == ["one"] == [key["kid"] for key in mine.keys(None)]
    assert mine.keys("two") == [] and provider.asked.count("/keys") == 1  # just read
    clock[0] += 61
    provider.kid = "two"
    try:
        assert len(mine.keys("two")) == 1 and provider.asked.count("/keys") == 2
        clock[0] += 5
        assert mine.keys("three") == [] and provider.asked.count("/keys") == 2
        clock[0] += 3700
        assert len(mine.keys("two")) == 1 and provider.asked.count("/keys") == 3
        assert provider.asked.count("/.well-known/openid-configuration") == 2
    finally:
        provider.kid = "one"


@pytest.mark.parametrize(
    ("claim", "told", "role"),
    [
        ("groups", {"groups": ["help", "admin", "review"]}, "operator"),
        ("groups", {"groups": "review"}, "reviewer"),
        ("groups", {"groups": ["Admin"]}, ""),
        ("realm_access.roles", {"realm_access": {"roles": ["help"]}}, "support"),
        ("realm_access.roles", {"realm_access": ["help"]}, ""),
        ("https://x.example/roles", {"https://x.example/roles": ["help"]}, "support"),
        ("email", {"email": "admin"}, "operator"),
        ("groups", {}, ""),
    ],
)
def test_roles_by_claim(claim: str, told: dict[str, Any], role: str) -> None:
    given = Oidc.model_validate({"issuer": "https://x.example", "role_claim": claim, "roles": ROLES})
    assert role_of(given, told) == role


def test_addresses_that_a_provider_does_not_call_verified() -> None:
    plain = Oidc.model_validate({})
    assert email_of(plain, {"email": "a@x.example"}) == "" == email_of(plain, {"email": 1, "email_verified": True})
    assert email_of(Oidc.model_validate({"unverified_email": True}), {"email": "a@x.example"}) == "a@x.example"
    bounded = Oidc.model_validate({"domains": ["X.example"]})
    assert email_of(bounded, {"email": "a@x.Example", "email_verified": True}) == "a@x.Example"
    with pytest.raises(OidcRefused):
        email_of(bounded, {"email": "a@y.example", "email_verified": True})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"issuer": "https://id.example.com"}, "oidc.client_id"),
        ({"issuer": "https://id.example.com", "client_id": "r"}, "oidc.client_secret_file"),
        ({"issuer": "https://id.example.com", "client_id": "r", "client_secret_file": "/x"}, "oidc.roles"),
        ({"issuer": "http://id.example.com", "client_id": "r", "client_secret_file": "/x", "roles": ROLES}, "https"),
        ({"password": False}, "oidc.password"),
        ({"roles": {"x": "owner"}}, "oidc.roles"),
        ({"issuer": "id.example.com"}, "oidc.issuer"),
    ],
)
def test_settings_that_cannot_work(given: dict[str, object], fault: str) -> None:
    with pytest.raises(Exception, match=fault):
        validate({"server": {"hostname": "r.example", "data_dir": "/tmp"}, "oidc": given})
