"""Limits, errors and health through real sockets, with small limits."""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp

from relay.store.sqlite.pool import Pool
from relay.web.guard import WebLimits
from relay.web.server.app import create_app
from relay.web.server.connection import HttpConnection
from relay.web.server.process import WebError, bind, make_server
from tests.support.web import Shop

WAIT_S = 15


class Impatient(HttpConnection):
    header_timeout_s = 0.3


class Crowded(HttpConnection):
    header_timeout_s = 0.3
    max_connections = 1


class Busy(HttpConnection):
    max_connections = 20
    max_per_address = 12


SLOW_BODY = b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nab"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop.create(tmp_path)


def application(
    shop: Shop, *, limits: WebLimits | None = None, lock_wait_s: float = 0.1, alive: Callable[[], bool] = lambda: True
) -> ASGIApp:
    storage = Pool(shop.settings.database, lock_wait_s=lock_wait_s)
    return create_app(
        shop.settings, shop.secrets, shop.settings.database, limits=limits, storage=storage, mail_alive=alive
    )


@contextmanager
def listening(app: ASGIApp, connection: type[HttpConnection] = HttpConnection) -> Iterator[tuple[str, int]]:
    """uvicorn in a thread, as the process runs it."""
    sock = bind("127.0.0.1:0")
    port = sock.getsockname()[1]
    up = threading.Event()
    server = make_server(app, up.set, connection=connection)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        assert up.wait(WAIT_S)
        yield f"http://127.0.0.1:{port}", port
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        sock.close()


def exchange(port: int, data: bytes) -> bytes:
    """Send raw octets; what comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock:
        sock.sendall(data)
        answer = b""
        while chunk := sock.recv(65_536):
            answer += chunk
        return answer


def until(sock: socket.socket, mark: bytes) -> bool:
    """Read until the mark has come; False if the server closes before."""
    answer = b""
    while mark not in answer:
        chunk = sock.recv(4096)
        if not chunk:
            return False
        answer += chunk
    return True


def gone(sock: socket.socket) -> bool:
    """Whether the other side has closed."""
    try:
        return not sock.recv(1)
    except ConnectionError:
        return True


def own_lines(caplog: pytest.LogCaptureFixture) -> str:
    """What the relay and uvicorn logged, without the test's own HTTP client."""
    ours = [record for record in caplog.records if record.name.startswith(("relay", "uvicorn"))]
    return "\n".join(logging.Formatter().format(record) for record in ours)


def get(url: str, **kwargs: object) -> httpx.Response:
    return httpx.get(url, timeout=WAIT_S, trust_env=False, **kwargs)  # type: ignore[arg-type]


def test_a_body_over_the_limit_is_refused_declared_or_not(shop: Shop) -> None:
    limits = WebLimits(body_octets=1000)
    with listening(application(shop, limits=limits)) as (url, port):
        declared = exchange(port, b"POST /v1/consents HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n")
        assert b" 413 " in declared.splitlines()[0] and b"application/problem+json" in declared
        huge = exchange(port, b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n")
        assert huge.split(b" ")[1] in (b"413", b"400")
        chunk = b"3e9\r\n" + b"x" * 1001 + b"\r\n"
        auth = b"Authorization: Bearer " + shop.token.encode() + b"\r\nContent-Type: application/json\r\n"
        for path, kind in ((b"/v1/consents", b"application/problem+json"), (b"/u/x", b"text/html")):
            head = b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n" + auth + b"Transfer-Encoding: chunked\r\n\r\n"
            answer = exchange(port, head + chunk + b"0\r\n\r\n")
            assert b" 413 " in answer.splitlines()[0], answer
            assert kind in answer
        assert get(url + "/healthz").status_code == 200


def test_a_body_that_never_ends_runs_out_of_time(shop: Shop) -> None:
    with listening(application(shop, limits=WebLimits(body_s=0.3))) as (_, port):
        answer = exchange(port, b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
    assert b" 408 " in answer.splitlines()[0]


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\nX: "])
def test_a_header_that_never_ends_runs_out_of_time(shop: Shop, data: bytes) -> None:
    with listening(application(shop), Impatient) as (_, port):
        answer = exchange(port, data)
    assert b" 408 " in answer and b"application/problem+json" in answer


def test_a_second_header_that_never_ends_runs_out_of_time(shop: Shop) -> None:
    with (
        listening(application(shop), Impatient) as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock,
    ):
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(sock, b'"up"}')
        sock.sendall(b"GET")
        assert until(sock, b" 408 ")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000, b"431"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
    ],
    ids=["no-http", "header-too-large", "no-host", "tls"],
)
def test_what_is_no_http_is_a_problem_too(shop: Shop, data: bytes, status: bytes) -> None:
    with listening(application(shop)) as (_, port):
        answer = exchange(port, data)
    assert answer.split(b" ")[1] == status
    assert b"application/problem+json" in answer and b"nosniff" in answer


def test_who_says_nothing_gives_way_to_who_asks(shop: Shop) -> None:
    with (
        listening(application(shop), Crowded) as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as first,
    ):
        first.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert until(first, b'"up"}')
        assert b" 200 " in exchange(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert gone(first)


def test_a_crowd_of_one_address_leaves_room_for_others(shop: Shop) -> None:
    """Twice as many as may be, half of them in the middle of a head and half of a body."""
    crowd: list[socket.socket] = []
    with listening(application(shop), Busy) as (url, port):
        try:
            for number in range(2 * Busy.max_connections):
                one = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S, source_address=("127.0.0.2", 0))
                crowd.append(one)
                with contextlib.suppress(OSError):
                    one.sendall(b"GET / HTTP/1.1\r\nX: " if number % 2 else SLOW_BODY)
            for _ in range(5):
                assert get(url + "/healthz").status_code == 200
        finally:
            for one in crowd:
                one.close()


def test_who_is_being_answered_never_gives_way(shop: Shop) -> None:
    link = "/u/" + shop.link(shop.consent("slow@example.com", "news"), shop.topic_id("news"))
    body = b"List-Unsubscribe=One-Click"
    kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
    shop.conn.execute("BEGIN IMMEDIATE")
    try:
        with (
            listening(application(shop, lock_wait_s=WAIT_S), Crowded) as (_, port),
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as first,
        ):
            head = b"POST " + link.encode() + b" HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n" + kind
            first.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body))
            assert until(first, b" 100 ")
            first.sendall(body)
            while b" 503 " not in exchange(port, b""):
                pass  # until the body is in and the request waits for the database
            shop.conn.execute("ROLLBACK")
            assert until(first, b" 200 ")
    finally:
        if shop.conn.in_transaction:
            shop.conn.execute("ROLLBACK")


def test_who_sends_slowly_takes_no_place(shop: Shop) -> None:
    with (
        listening(application(shop, limits=WebLimits(requests=1))) as (url, port),
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as slow,
    ):
        slow.sendall(b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert until(slow, b" 100 ")  # so it is being worked on
        assert get(url + "/v1/openapi.json").status_code == 200


def test_more_requests_than_allowed_are_told_to_come_again(shop: Shop) -> None:
    link = "/u/" + shop.link(shop.consent("slow@example.com", "news"), shop.topic_id("news"))
    shop.conn.execute("BEGIN IMMEDIATE")
    try:
        limited = application(shop, limits=WebLimits(requests=1), lock_wait_s=WAIT_S)
        with listening(limited) as (url, port):
            with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as waiting:
                body = b"List-Unsubscribe=One-Click"
                kind = b"Content-Type: application/x-www-form-urlencoded\r\n"
                head = b"POST " + link.encode() + b" HTTP/1.1\r\nHost: x\r\n" + kind
                waiting.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
                while (answer := get(url + "/v1/openapi.json")).status_code == 200:
                    pass  # until the first one has begun to wait for the database
                assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
                assert get(url + "/healthz").status_code == 200
                shop.conn.execute("ROLLBACK")
                assert until(waiting, b" 200 ")
            assert get(url + "/nothing").status_code == 404
    finally:
        if shop.conn.in_transaction:
            shop.conn.execute("ROLLBACK")


def test_a_locked_database_is_busy_not_broken(shop: Shop) -> None:
    person = shop.consent("mary@example.com", "news")
    token = shop.link(person, shop.topic_id("news"))
    auth = {"Authorization": f"Bearer {shop.token}"}
    with listening(application(shop)) as (url, _):
        blocker = sqlite3.connect(shop.settings.database, isolation_level=None)
        blocker.execute("BEGIN IMMEDIATE")
        try:
            page = httpx.post(url + "/u/" + token, data={"scope": "topic"}, timeout=WAIT_S, trust_env=False)
            assert page.status_code == 503 and "retry-after" in page.headers
            assert "text/html" in page.headers["content-type"]
            api = httpx.request("DELETE", url + "/v1/consents?email=mary@example.com", headers=auth, trust_env=False)
            assert api.status_code == 503 and api.json()["type"].endswith("/busy")
            assert int(api.headers["retry-after"]) > 0
            assert get(url + "/u/" + token).status_code == 200  # reading goes on
            ready = get(url + "/readyz")
            assert (ready.status_code, ready.json()["store"]) == (503, "down")
        finally:
            blocker.execute("ROLLBACK")
            blocker.close()
        assert shop.live(person) == {"news"}
        page = httpx.post(url + "/u/" + token, data={"scope": "topic"}, timeout=WAIT_S, trust_env=False)
        assert page.status_code == 200
    assert shop.live(person) == set()


def test_a_database_that_is_gone_leaves_the_process_up(shop: Shop) -> None:
    shop.conn.close()
    for path in shop.settings.database.parent.glob("relay.db*"):
        path.unlink()
    with listening(application(shop)) as (url, _):
        assert get(url + "/healthz").status_code == 200
        assert get(url + "/readyz").status_code == 503
        assert get(url + "/v1/consents", headers={"Authorization": f"Bearer {shop.token}"}).status_code == 503
        assert "relay_store_up 0.0" in get(url + "/metrics").text
    assert not shop.settings.database.exists()


def test_a_hanging_mail_process_is_not_ready(shop: Shop) -> None:
    with listening(application(shop, alive=lambda: False)) as (url, _):
        ready = get(url + "/readyz")
        assert ready.status_code == 503
        body = ready.json()
        assert "does not answer" in body.pop("reasons")[0]
        assert body == {"status": "not ready", "store": "ok", "mail": "down"}


def test_an_unexpected_error_tells_nothing_of_itself(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret cause")

    monkeypatch.setattr("relay.web.people.find", fail)
    monkeypatch.setattr("relay.tenants.api_tokens.lookup", fail)
    token = shop.link(1, 1)
    with listening(application(shop)) as (url, _):
        page = get(url + "/u/" + token)
        api = get(url + "/v1/consents", headers={"Authorization": "Bearer x"})
    assert (page.status_code, api.status_code) == (500, 500)
    assert api.headers["content-type"] == "application/problem+json"
    assert "secret cause" not in page.text + api.text
    assert "Something went wrong" in page.text and "nosniff" in page.headers["x-content-type-options"]
    assert "secret cause" in own_lines(caplog)
    assert token not in own_lines(caplog)


def test_links_are_never_logged(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    token = shop.link(1, 1)
    with caplog.at_level(logging.DEBUG), listening(application(shop)) as (url, _):
        get(url + "/u/" + token)
        get(url + "/p/" + token + "?email=x@example.com")
    assert "route=/u/" in own_lines(caplog)
    assert token not in own_lines(caplog) and "x@example.com" not in own_lines(caplog)


def test_errors_are_pages_for_people_and_problems_for_programs(shop: Shop) -> None:
    with listening(application(shop)) as (url, _):
        program = get(url + "/nothing")
        person = get(url + "/nothing", headers={"accept": "text/html,*/*"})
    assert program.json() == {"type": "about:blank", "title": "Not Found", "status": 404}
    assert program.headers["content-type"] == "application/problem+json"
    assert "There is no such page" in person.text and person.status_code == 404


def test_metrics_count_queue_consents_and_requests(shop: Shop) -> None:
    with listening(application(shop)) as (url, _):
        get(url + "/metrics")
        # Seen only by the follower's next look, which a store kept from before doesn't give.
        first = get(url + "/metrics").text
    assert 'relay_queue_recipients{state="ready"} 0.0' in first
    assert 'relay_tenants{frozen="none"} 1.0' in first
    assert re.search(r'relay_http_requests_total\{method="GET",route="/metrics",status="200"\} 1\.0', first)
    assert "relay_store_up 1.0" in first


def test_metrics_are_not_given_through_a_proxy(shop: Shop) -> None:
    with listening(application(shop)) as (url, _):
        assert get(url + "/metrics", headers={"x-forwarded-for": "203.0.113.1"}).status_code == 403


def test_a_port_in_use_is_told_in_one_line() -> None:
    told = r"can't listen on 127\.0\.0\.1:\d+: .*change listen\.http"
    with bind("127.0.0.1:0") as taken, pytest.raises(WebError, match=told):
        bind(f"127.0.0.1:{taken.getsockname()[1]}")
