"""Requests that two servers could read differently are refused, and nothing behind them runs (RFC 9112)."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from relay.web.server.framing import HEADER_OCTETS, head_fault
from tests.support.web import Shop
from tests.unit.test_web_guard import WAIT_S, application, listening

HOST = b"Host: x\r\n"
BEHIND = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def post(fields: bytes, body: bytes = b"", version: bytes = b"1.1") -> bytes:
    return b"POST /u/x HTTP/" + version + b"\r\n" + HOST + fields + b"\r\n" + body


def get(fields: bytes = b"", line: bytes = b"GET /healthz HTTP/1.1", host: bytes = HOST) -> bytes:
    return line + b"\r\n" + host + fields + b"\r\n"


def chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked\r\n", body)


BAD = {
    "length beside chunks": (post(b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    "chunks beside length": (post(b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", b"0\r\n\r\n"), 400),
    "length 0 beside chunks": (post(b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    "length beside identity": (post(b"Content-Length: 1\r\nTransfer-Encoding: identity\r\n", b"a"), 400),
    "chunks in 1.0": (post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"1.0"), 400),
    "chunks and length in 1.0": (post(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n", b"1.0"), 400),
    "the same length twice": (post(b"Content-Length: 1\r\nContent-Length: 1\r\n", b"a"), 400),
    "two lengths": (post(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"a"), 400),
    "two lengths, other case": (post(b"Content-Length: 1\r\ncOnTeNt-LeNgTh: 2\r\n", b"a"), 400),
    "a list of lengths": (post(b"Content-Length: 1, 1\r\n", b"a"), 400),
    "length +1": (post(b"Content-Length: +1\r\n", b"a"), 400),
    "length -1": (post(b"Content-Length: -1\r\n", b"a"), 400),
    "length 0x1": (post(b"Content-Length: 0x1\r\n", b"a"), 400),
    "length 1_0": (post(b"Content-Length: 1_0\r\n", b"a"), 400),
    "length 1.0": (post(b"Content-Length: 1.0\r\n", b"a"), 400),
    "length 1 1": (post(b"Content-Length: 1 1\r\n", b"a"), 400),
    "no digits": (post(b"Content-Length:\r\n", b"a"), 400),
    "other digits": (post("Content-Length: \u0661\r\n".encode(), b"a"), 400),
    "length without end": (post(b"Content-Length: " + b"9" * 30 + b"\r\n", b"a"), 400),
    "xchunked": (post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), 501),
    "gzip": (post(b"Transfer-Encoding: gzip\r\n", b"0\r\n\r\n"), 501),
    "gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501),
    "chunked, identity": (post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"), 501),
    "chunked twice": (post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 501),
    "chunked;x": (post(b"Transfer-Encoding: chunked;x=y\r\n", b"0\r\n\r\n"), 501),
    "quoted": (post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"), 501),
    "no coding": (post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n"), 501),
    "vertical tab": (post(b"Transfer-Encoding:\x0bchunked\r\n", b"0\r\n\r\n"), 400),
    "space before colon": (post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), 400),
    "tab before colon": (post(b"Content-Length\t: 1\r\n", b"a"), 400),
    "folded": (get(b"X: a\r\n b\r\n"), 400),
    "folded by a tab": (get(b"X: a\r\n\tb\r\n"), 400),
    "folded coding": (post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), 400),
    "folded first": (b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    "line feeds only": (b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
    "one line feed": (b"GET /healthz HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", 400),
    "line feed at the end": (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\n", 400),
    "bare CR in a field": (get(b"X: a\rTransfer-Encoding: chunked\r\n"), 400),
    "CR CR LF": (get(b"X: a\r\r\n"), 400),
    "NUL in a value": (get(b"X: a\0b\r\n"), 400),
    "NUL in a name": (get(b"X\0: a\r\n"), 400),
    "control in a value": (get(b"X: a\x01b\r\n"), 400),
    "ESC in a value": (get(b"X: \x1b[2J\r\n"), 400),
    "DEL in a value": (get(b"X: \x7f\r\n"), 400),
    "no colon": (get(b"X\r\n"), 400),
    "no name": (get(b": x\r\n"), 400),
    "name with a space": (get(b"X Y: x\r\n"), 400),
    "name with a letter of another script": (get("Ж: x\r\n".encode()), 400),
    "two hosts": (get(b"Host: y\r\n"), 400),
    "no host": (get(host=b""), 400),
    "host with a path": (get(host=b"Host: x/y\r\n"), 400),
    "host with a user": (get(host=b"Host: a@x\r\n"), 400),
    "host with a space": (get(host=b"Host: a b\r\n"), 400),
    "hosts in one": (get(host=b"Host: a, b\r\n"), 400),
    "host with a query": (get(host=b"Host: x?y\r\n"), 400),
    "host with a fragment": (get(host=b"Host: x#y\r\n"), 400),
    "HTTP/2.0": (get(line=b"GET /healthz HTTP/2.0"), 505),
    "HTTP/0.9": (get(line=b"GET /healthz HTTP/0.9"), 505),
    "HTTP/1.1 small": (get(line=b"GET /healthz http/1.1"), 400),
    "HTTP/1.1 long": (get(line=b"GET /healthz HTTP/1.10"), 400),
    "no version": (b"GET /healthz\r\n\r\n", 400),
    "two blanks": (get(line=b"GET  /healthz HTTP/1.1"), 400),
    "a tab": (get(line=b"GET\t/healthz HTTP/1.1"), 400),
    "blank behind": (get(line=b"GET /healthz HTTP/1.1 "), 400),
    "fragment": (get(line=b"GET /healthz#x HTTP/1.1"), 400),
    "octets over 127": (get(line="GET /é HTTP/1.1".encode()), 400),
    "long method": (get(line=b"A" * 50 + b" / HTTP/1.1"), 400),
    "large head": (get(b"X: " + b"a" * HEADER_OCTETS + b"\r\n"), 431),
    "large target": (get(line=b"GET /" + b"a" * HEADER_OCTETS + b" HTTP/1.1"), 431),
    "many fields": (get(b"X: a\r\n" * 200), 431),
    "chunk size zz": (chunked(b"zz\r\n\r\n"), 400),
    "chunk size 0x1": (chunked(b"0x1\r\na\r\n0\r\n\r\n"), 400),
    "chunk size -1": (chunked(b"-1\r\na\r\n0\r\n\r\n"), 400),
    "chunk size +1": (chunked(b"+1\r\na\r\n0\r\n\r\n"), 400),
    "chunk size with a blank": (chunked(b" 1\r\na\r\n0\r\n\r\n"), 400),
    "no chunk size": (chunked(b"\r\na\r\n0\r\n\r\n"), 400),
    "chunk size without end": (chunked(b"f" * 30 + b"\r\na\r\n0\r\n\r\n"), 400),
    "chunk line by LF": (chunked(b"1\na\r\n0\r\n\r\n"), 400),
    "chunk end by LF": (chunked(b"1\r\na\n0\r\n\r\n"), 400),
    "chunk too long": (chunked(b"1\r\nab\r\n0\r\n\r\n"), 400),
    "chunk too short": (chunked(b"3\r\na\r\n0\r\n\r\n0\r\n\r\n"), 400),
    "trailer ends by LF": (chunked(b"0\r\n\n"), 400),
    "trailer field ends by LF": (chunked(b"0\r\nX: y\n\r\n"), 400),
    "trailer field malformed": (chunked(b"0\r\nX : y\r\n\r\n"), 400),
}
GOOD = {
    "plain": (get(), 200),
    "1.0": (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
    "with scheme and host": (get(line=b"GET http://x/healthz HTTP/1.1"), 200),
    "with scheme, host and port": (get(line=b"GET HTTPS://other.example:8443/healthz?a HTTP/1.1"), 200),
    "with scheme and IPv6 host": (get(line=b"GET http://[2001:db8::1]/healthz HTTP/1.1"), 200),
    "with scheme and host only": (get(line=b"GET http://x HTTP/1.1"), 303),
    "with a query only": (get(line=b"GET http://x?/healthz HTTP/1.1"), 303),
    "with another scheme": (get(line=b"GET ftp://x/healthz HTTP/1.1"), 404),
    "with a user": (get(line=b"GET http://a@x/healthz HTTP/1.1"), 404),
    "with scheme and body": (b"POST http://x/u/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 404),
    "1.0 with a host": (b"GET /healthz HTTP/1.0\r\nHost: x\r\n\r\n", 200),
    "host with a port": (get(host=b"Host: relay.example.com:8080\r\n"), 200),
    "IPv6 host": (get(host=b"Host: [2001:db8::1]:443\r\n"), 200),
    "empty host": (get(host=b"Host:\r\n"), 200),
    "blanks around a value": (get(b"X:  \t a b \t \r\n"), 200),
    "empty value": (get(b"X:\r\n"), 200),
    "octets over 127 in a value": (get("X: é\r\n".encode()), 200),
    "a tab within": (get(b"X: a\tb\r\n"), 200),
    "length": (post(b"Content-Length: 5\r\n", b"hello"), 404),
    "length 005": (post(b"Content-Length: 005\r\n", b"hello"), 404),
    "chunks": (chunked(b"5\r\nhello\r\n0\r\n\r\n"), 404),
    "chunks with extension": (chunked(b"5;a=b\r\nhello\r\n0;c\r\n\r\n"), 404),
    "chunks with trailer": (chunked(b"5\r\nhello\r\n0\r\nX: y\r\nZ: w\r\n\r\n"), 404),
    "chunk with bare feeds as data": (chunked(b"3\r\n\n\r\n\r\n0\r\n\r\n"), 404),
    "Chunked": (post(b"Transfer-Encoding: Chunked\r\n", b"0\r\n\r\n"), 404),
    "h2c is not taken up": (get(b"Connection: Upgrade\r\nUpgrade: h2c\r\n"), 200),
    "websocket is not taken up": (get(b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), 200),
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with listening(application(Shop.create(tmp_path_factory.mktemp("framing")))) as (_, found):
        yield found


def statuses(port: int, *pieces: bytes) -> list[int]:
    """Of all answers until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as sock:
        for piece in pieces:
            sock.sendall(piece)
        answer = b""
        while chunk := sock.recv(65_536):
            answer += chunk
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


@pytest.mark.parametrize("name", BAD)
def test_what_is_doubtful_is_refused_and_nothing_behind_it_runs(port: int, name: str) -> None:
    octets, status = BAD[name]
    assert statuses(port, octets + BEHIND) == [status]


@pytest.mark.parametrize("name", BAD)
def test_so_it_is_where_it_comes_in_pieces(port: int, name: str) -> None:
    octets, status = BAD[name]
    half = len(octets) // 2
    assert statuses(port, octets[:half], octets[half : half + 1], octets[half + 1 :] + BEHIND) == [status]


@pytest.mark.parametrize("name", GOOD)
def test_what_is_clear_is_answered_and_so_is_what_comes_behind(port: int, name: str) -> None:
    octets, status = GOOD[name]
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    behind = [] if b"HTTP/1.0" in octets else [200, 200]
    assert statuses(port, octets + (get() + last if behind else b"")) == [status, *behind]


def test_the_first_good_one_is_answered_before_the_bad_one_ends_it(port: int) -> None:
    assert statuses(port, get() + BAD["length beside chunks"][0] + BEHIND) == [200, 400]


def test_a_head_of_the_largest_size_is_taken() -> None:
    field = b"X: " + b"a" * (HEADER_OCTETS - len(get(b"X: \r\n"))) + b"\r\n"
    assert len(get(field)) == HEADER_OCTETS and head_fault(get(field)) is None


def test_heads_made_to_be_slow_are_not() -> None:
    """Steps grow with the size alone: what takes the square of it would end in minutes here."""
    for field in (
        b"X:" + b" " * 15_000 + b"\x01",
        b"X" * 15_000 + b" : a",
        b"X: " + b"a \t" * 5000 + b"\x7f",
        b":" * 15_000,
    ):
        for _ in range(200):
            assert head_fault(get(field + b"\r\n")) is not None


def test_a_body_of_tiny_chunks_with_a_long_trailer(port: int) -> None:
    tiny = b"1\r\na\r\n" * 40_000
    last = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert statuses(port, chunked(tiny + b"0\r\n\r\n") + last) == [404, 200]
    assert statuses(port, chunked(b"0\r\n" + b"X: y\r\n" * 4000 + b"\n")) in ([400], [431])
