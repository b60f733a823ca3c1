"""How often the API may be asked, and what each answer says of it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from config.api import ApiSettings
from relay.web.api.shares import RequestBuckets, RequestShares
from tests.support.web import Served, Shop, serving

NAMES = ("ratelimit-policy", "ratelimit", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def fields(answer: httpx.Response) -> tuple[str, int, int, int]:
    """(policy, limit, remaining, reset) if all five fields are there once and agree."""
    found = [answer.headers.get_list(name) for name in NAMES]
    assert [len(one) for one in found] == [1] * 5, answer.headers
    policy, state, limit, remaining, reset = (one[0] for one in found)
    named = re.fullmatch(r'"(tenant|address)";q=(\d+);w=(\d+)', policy)
    left = re.fullmatch(r'"(tenant|address)";r=(\d+);t=(\d+)', state)
    assert named and left and named[1] == left[1]
    assert (named[2], left[2], left[3]) == (limit, remaining, reset)
    assert int(named[3]) >= 1
    return named[1], int(limit), int(remaining), int(reset)


# --- buckets --------------------------------------------------------------------------


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_lets_in_its_burst_and_fills_again() -> None:
    clock = Clock()
    buckets = RequestBuckets("tenant", 2, 5, clock)
    assert [buckets.take(1).remaining for _ in range(5)] == [4, 3, 2, 1, 0]
    late = buckets.take(1)
    assert (late.remaining, late.retry_s, late.reset_s) == (0, 1, 3)
    assert buckets.take(2).remaining == 4  # another's is whole
    clock.now += 1
    assert [buckets.take(1).retry_s for _ in range(3)] == [0, 0, 1]
    clock.now += 1000
    assert buckets.take(1).remaining == 4  # never more than the burst


@pytest.mark.parametrize(
    ("per_second", "burst", "before", "gone_s", "told"),
    [
        (1, 1, 0, 0, (0, 0, 1)),
        (1, 1, 1, 0, (0, 1, 1)),
        (1, 60, 59, 0, (0, 0, 60)),
        (1, 60, 60, 0, (0, 1, 60)),
        (1, 60, 60, 0.5, (0, 1, 60)),
        (1, 60, 60, 1, (0, 0, 60)),
        (10, 100, 0, 0, (99, 0, 1)),
        (10, 100, 100, 5, (49, 0, 6)),
        (10, 100, 100, 500, (99, 0, 1)),
        (1000, 2000, 1999, 0, (0, 0, 2)),
        (3, 10, 10, 0, (0, 1, 4)),
    ],
)
def test_what_a_bucket_tells(
    per_second: int, burst: int, before: int, gone_s: float, told: tuple[int, int, int]
) -> None:
    """(remaining, seconds until one more, seconds until all)"""
    clock = Clock()
    buckets = RequestBuckets("tenant", per_second, burst, clock)
    for _ in range(before):
        buckets.take("a")
    clock.now += gone_s
    share = buckets.take("a")
    assert (share.remaining, share.retry_s, share.reset_s) == told


def test_refused_requests_dont_put_off_the_next_one() -> None:
    clock = Clock()
    buckets = RequestBuckets("tenant", 1, 1, clock)
    buckets.take(1)
    for _ in range(50):
        clock.now += 0.01
        assert buckets.take(1).retry_s == 1
    clock.now += 0.51
    assert buckets.take(1).retry_s == 0


def test_addresses_of_one_network_share_a_bucket() -> None:
    shares = RequestShares(ApiSettings(unknown_per_second=1, unknown_burst=2))

    def ask(host: str) -> int:
        return shares.of_address({"client": (host, 1)}).retry_s

    assert [ask("2001:db8::1"), ask("2001:db8::2"), ask("2001:db8::3"), ask("2001:db8:0:1::1")] == [0, 0, 1, 0]
    assert [ask("192.0.2.1"), ask("192.0.2.2"), ask("192.0.2.1"), ask("192.0.2.1")] == [0, 0, 0, 1]
    assert shares.of_tenant({}, 1).policy == "tenant"


# --- the running API ------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("shares"))


@pytest.fixture(scope="module")
def served(shop: Shop) -> Iterator[Served]:
    with serving(shop) as running:
        yield running


@pytest.mark.parametrize(
    ("method", "path", "body", "kind", "status"),
    [
        ("GET", "/v1/quota", b"", "", 200),
        ("GET", "/v1/messages", b"", "", 200),
        ("GET", "/v1/consents/export", b"", "", 200),
        ("GET", "/v1/nothing", b"", "", 404),
        ("GET", "/v1/", b"", "", 404),
        ("PUT", "/v1/quota", b"", "", 405),
        ("POST", "/v1/topics", b'{"name": "shares"}', "application/json", 201),
        ("POST", "/v1/topics", b"{", "application/json", 422),
        ("POST", "/v1/topics", b"a=b", "application/x-www-form-urlencoded", 415),
        ("POST", "/v1/topics", b"x" * (1024 * 1024 + 1), "application/json", 413),
        ("POST", "/v1/messages", b'{"from": "a@acme.example"}', "application/json", 422),
        ("POST", "/v1/messages/raw", b"x", "text/plain", 415),
        ("GET", "/v1/messages?cursor=x", b"", "", 422),
        ("DELETE", "/v1/forms/nothing", b"", "", 404),
    ],
)
def test_each_answer_tells_what_is_left(
    shop: Shop, served: Served, method: str, path: str, body: bytes, kind: str, status: int
) -> None:
    headers = {**bearer(shop.token), **({"content-type": kind} if kind else {})}
    answer = served.client.request(method, path, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    policy, limit, remaining, _ = fields(answer)
    assert policy == ("address" if status == 413 else "tenant")
    assert limit == (500 if status == 413 else 2000)
    assert 0 <= remaining < limit


@pytest.mark.parametrize("path", ["/v1/docs", "/v1/openapi.json", "/v1/problems/rate", "/v1/quota", "/v1/x"])
def test_strangers_are_told_too(served: Served, path: str) -> None:
    answer = served.client.get(path)
    assert answer.status_code == (401 if path in ("/v1/quota", "/v1/x") else 200)
    assert fields(answer)[:2] == ("address", 500)


@pytest.mark.parametrize("path", ["/healthz", "/robots.txt", "/report", "/v2/x", "/nothing"])
def test_pages_say_nothing_of_it(served: Served, path: str) -> None:
    assert not set(served.client.get(path).headers) & set(NAMES)


def test_the_description_names_the_fields(served: Served) -> None:
    document = served.client.get("/v1/openapi.json").json()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert "429" in operation["responses"], path
            assert "Retry-After" in operation["responses"]["429"]["headers"]
            for answer in operation["responses"].values():
                assert set(NAMES) <= {name.lower() for name in answer["headers"]}


@pytest.fixture
def narrow(tmp_path: Path) -> Iterator[tuple[Shop, Served]]:
    api = {"requests_per_second": 1, "requests_burst": 3, "unknown_per_second": 1, "unknown_burst": 2}
    shop = Shop.create(tmp_path, api=api)
    with serving(shop) as running:
        yield shop, running


def asked_until_late(served: Served, path: str, headers: dict[str, str]) -> list[httpx.Response]:
    """The answers up to the first 429."""
    answers: list[httpx.Response] = []
    while not answers or answers[-1].status_code != 429:
        assert len(answers) < 100
        answers.append(served.client.get(path, headers=headers))
    return answers


def test_past_the_limit_the_answer_says_when_to_come_again(narrow: tuple[Shop, Served]) -> None:
    shop, served = narrow
    _, other = shop.add_tenant("other")
    *before, late = asked_until_late(served, "/v1/quota", bearer(shop.token))
    assert len(before) >= 3 and {one.status_code for one in before} == {200}
    problem = late.json()
    assert problem["type"].endswith("/v1/problems/rate")
    assert problem["status"] == 429 and "3 requests" in problem["detail"]
    assert late.headers["content-type"] == "application/problem+json"
    assert late.headers["retry-after"] == "1"
    assert fields(late)[:3] == ("tenant", 3, 0)
    assert served.client.get("/v1/quota", headers=bearer(other)).status_code == 200  # another's own
    *before, late = asked_until_late(served, "/v1/quota", bearer("rt_" + "a" * 32))
    assert {one.status_code for one in before} == {401} and "retry-after" in late.headers
    assert served.client.get("/v1/quota", headers=bearer(other)).status_code == 200  # not locked out by neighbours
    assert served.client.get("/healthz").status_code == 200


def test_what_is_refused_so_changes_nothing(narrow: tuple[Shop, Served]) -> None:
    shop, served = narrow
    for number in range(100):
        before = shop.dump()
        answer = served.client.post("/v1/topics", headers=bearer(shop.token), json={"name": f"late-{number}"})
        if answer.status_code == 429:
            break
    assert answer.status_code == 429 and shop.dump() == before


def test_what_an_untrusted_client_says_of_itself_makes_no_new_bucket(narrow: tuple[Shop, Served]) -> None:
    _, served = narrow
    codes = [served.client.get("/v1/x", headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(100)]
    assert 429 in codes


def test_a_burst_over_one_connection_gets_each_its_answer(narrow: tuple[Shop, Served]) -> None:
    shop, served = narrow
    ask = f"GET /v1/quota HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {shop.token}\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=20) as sock:
        sock.sendall((f"{ask}\r\n" * 40 + f"{ask}Connection: close\r\n\r\n").encode())
        heard = b""
        while data := sock.recv(65_536):
            heard += data
    codes = re.findall(rb"HTTP/1.1 (\d{3})", heard)
    assert len(codes) == 41 and codes[:3] == [b"200"] * 3 and b"429" in codes


@pytest.mark.parametrize("name", list(ApiSettings.model_fields))
@pytest.mark.parametrize("value", [0, -1, "many", 1.5])
def test_limits_are_whole_numbers_from_one_on(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        ApiSettings.model_validate({name: value})
