"""Clients that hang up, at any point: one line at most, few lines for many, no traceback, no error."""

from __future__ import annotations

import logging
import re
import socket
import struct
import time

import pytest

from relay.observe.sparingly import Sparingly
from relay.web import guard
from relay.web.guard import WebLimits
from relay.web.server.connection import HttpConnection
from tests.support.web import Shop
from tests.unit.test_web_guard import WAIT_S, application, exchange, get, listening

ROUTES = ("/u/x", "/p/x", "/s/x", "/report/x", "/confirm/x", "/v1/consents", "/v1/forms", "/nothing", "/healthz")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    return Shop.create(tmp_path_factory.mktemp("hang-up"))


def heard(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What was logged from level info on, but for the test's own requests."""
    ours = [one for one in caplog.records if one.name.startswith(("relay", "uvicorn", "asyncio"))]
    return [one for one in ours if one.levelno >= logging.INFO and "Invalid HTTP" not in one.getMessage()]


@pytest.fixture(autouse=True)
def listen(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "relay")


def hang_up(port: int, octets: bytes, *, reset: bool) -> None:
    sock = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
    sock.sendall(octets)
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def seen(port: int, url: str) -> None:
    """What was sent before has been worked off: the server answers one that came later."""
    for _ in range(3):
        assert get(url + "/healthz").status_code == 200


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("path", ROUTES)
def test_a_body_that_is_cut_makes_one_line_at_most(
    shop: Shop, caplog: pytest.LogCaptureFixture, path: str, reset: bool
) -> None:
    auth = f"Authorization: Bearer {shop.token}\r\n"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{auth}Content-Type: {FORM}\r\nContent-Length: 100\r\n\r\n".encode()
    chunks = f"POST {path} HTTP/1.1\r\nHost: x\r\n{auth}Transfer-Encoding: chunked\r\n\r\n".encode()
    cuts = [head[:10], head[:-1], head, head + b"a", head + b"a" * 99, chunks, chunks + b"5\r\nab", chunks + b"0\r\n"]
    with listening(application(shop)) as (url, port):
        for cut in cuts:
            hang_up(port, cut, reset=reset)
        seen(port, url)
    told = heard(caplog)
    assert not [one for one in told if one.exc_info or one.levelno > logging.INFO]
    assert len(told) <= len(cuts) and (told or path == "/healthz")
    assert all(" status=499 " in one.getMessage() for one in told)


def test_who_goes_before_the_answer_makes_one_line(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with listening(application(shop)) as (url, port):
        for path in ROUTES:
            hang_up(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), reset=True)
        hang_up(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 200, reset=False)
        hang_up(port, b"\x00" * 100, reset=True)
        seen(port, url)
    told = heard(caplog)
    assert 0 < len(told) <= len(ROUTES) and not [one for one in told if one.exc_info or one.levelno > logging.INFO]


def test_a_flood_of_hang_ups_doesn_t_fill_the_log(
    shop: Shop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "MOST_LINES", 5)
    with listening(application(shop)) as (url, port):
        for _ in range(30):
            hang_up(port, b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\na", reset=False)
        seen(port, url)
    assert sum("status=499" in one.getMessage() for one in caplog.records) == 5


def test_lines_are_written_sparingly_and_the_rest_is_counted() -> None:
    now = 0.0
    lines = Sparingly(2, 60.0, lambda: now)
    assert [lines.take() for _ in range(5)] == [0, 0, None, None, None]
    now = 60.0
    assert [lines.take() for _ in range(3)] == [3, 0, None]
    now = 1000.0
    assert lines.take() == 1


def test_a_made_up_method_stays_out_of_the_log(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    with listening(application(shop)) as (_, port):
        exchange(port, b"FORGED-status=200-id=1 / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".replace(b"=", b"~"))
    said = " ".join(one.getMessage() for one in heard(caplog))
    assert "FORGED" not in said and "method=other" in said


class Hasty(HttpConnection):
    stuck_s = 0.2


def test_who_never_reads_is_cut_off(shop: Shop) -> None:
    """Answers that nobody takes pile up in the buffers; then the connection ends, and its place is free again."""
    with (
        listening(application(shop), Hasty) as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock,
    ):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(0.2)
        ends = time.monotonic() + WAIT_S
        try:
            while time.monotonic() < ends:
                try:
                    sock.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
                except TimeoutError:
                    continue
        except ConnectionError:
            pass
        assert time.monotonic() < ends


def test_bodies_together_have_a_budget(shop: Shop) -> None:
    limits = WebLimits(body_octets=1000, bodies_octets=1500)
    head = b"POST /u/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 900\r\n\r\n"
    with listening(application(shop, limits=limits)) as (url, port):
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as first:
            first.sendall(head)
            assert b" 100 " in first.recv(4096)
            first.sendall(b"a" * 899)
            while b" 503 " not in (answer := exchange(port, head.replace(b"Expect", b"X") + b"a" * 900)):
                assert b" 404 " in answer  # until the first one's octets are in
        seen(port, url)
        assert b" 404 " in exchange(port, head.replace(b"Expect", b"Connection: close\r\nX") + b"a" * 900)


def test_who_only_listens_on_gets_all_answers(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    body = b"List-Unsubscribe=One-Click"
    post = b"POST /u/x HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    asked = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    for octets, statuses in ((asked, [b"200"]), (post, [b"404"]), (post + asked + asked, [b"404", b"200", b"200"])):
        with (
            listening(application(shop)) as (_, port),
            socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock,
        ):
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
            answer = b""
            while chunk := sock.recv(65_536):
                answer += chunk
        assert re.findall(rb"HTTP/1\.1 (\d+)", answer) == statuses
    assert not [one for one in heard(caplog) if one.levelno > logging.INFO]
