"""Who may see figures: the networks of ``[http] metrics_from``, by the connection's true address."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from relay.web.peer import PEER, Insiders, plain
from relay.web.server.app import create_app
from relay.web.server.process import bind, make_server
from tests.support.web import Shop

WAIT_S = 15
LOOPBACK = ("127.0.0.0/8", "::1/128")


def scope(client: str, peer: str = "", *names: str) -> dict[str, object]:
    headers = [(name.encode(), b"127.0.0.1") for name in names]
    return {"type": "http", "client": (client, 1), PEER: peer or client, "headers": headers}


@pytest.mark.parametrize(
    ("networks", "client", "peer", "names", "inside"),
    [
        (LOOPBACK, "127.0.0.1", "", (), True),
        (LOOPBACK, "127.9.9.9", "", (), True),
        (LOOPBACK, "::1", "", (), True),
        (LOOPBACK, "192.0.2.1", "", (), False),
        (LOOPBACK, "2001:db8::1", "", (), False),
        (LOOPBACK, "-", "", (), False),
        (LOOPBACK, "unix:", "", (), False),
        (LOOPBACK, "127.0.0.1.evil.example", "", (), False),
        ((), "127.0.0.1", "", (), False),
        (("10.0.0.0/8",), "10.1.2.3", "", (), True),
        (("10.0.0.0/8",), "127.0.0.1", "", (), False),
        (("2001:db8::/32",), "2001:db8:5::7", "", (), True),
        # A trusted proxy told whose request it is.
        (LOOPBACK, "203.0.113.5", "127.0.0.1", ("x-forwarded-for",), False),
        (("203.0.113.0/24",), "203.0.113.5", "127.0.0.1", ("x-forwarded-for",), True),
        # A proxy that isn't trusted passes the public's on; and so may one that says it by another field.
        (LOOPBACK, "127.0.0.1", "", ("x-forwarded-for",), False),
        (LOOPBACK, "127.0.0.1", "", ("forwarded",), False),
        (LOOPBACK, "127.0.0.1", "", ("x-real-ip",), False),
        (LOOPBACK, "127.0.0.1", "", ("via",), False),
        (LOOPBACK, "127.0.0.1", "", ("x-forwarded-proto",), False),
        (LOOPBACK, "127.0.0.1", "", ("cf-connecting-ip",), False),
        (LOOPBACK, "127.0.0.1", "", ("true-client-ip",), False),
        (LOOPBACK, "127.0.0.1", "", ("user-agent",), True),
    ],
)
def test_insiders(networks: Sequence[str], client: str, peer: str, names: Sequence[str], inside: bool) -> None:
    assert Insiders(networks).has(scope(client, peer, *names)) is inside


@pytest.mark.parametrize(
    ("host", "same"),
    [("::ffff:127.0.0.1", "127.0.0.1"), ("::1", "::1"), ("192.0.2.1", "192.0.2.1"), ("unix:", "unix:"), ("", "")],
)
def test_an_ipv4_address_is_one_on_an_ipv6_socket_too(host: str, same: str) -> None:
    assert plain(host) == same


@contextmanager
def serving(shop: Shop, proxies: Sequence[str] = ()) -> Iterator[str]:
    app = create_app(shop.settings, shop.secrets, shop.settings.database)
    sock, up = bind("127.0.0.1:0"), threading.Event()
    server = make_server(app, up.set, proxies=proxies)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        assert up.wait(WAIT_S)
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(WAIT_S)
        sock.close()


def ask(url: str, path: str = "/metrics", **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url + path, headers=sent, timeout=WAIT_S, trust_env=False)


def test_the_public_sees_no_figures_whatever_it_claims(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    with serving(shop) as url:
        assert ask(url).status_code == 200
        for claim in ("127.0.0.1", "::1", "203.0.113.9, 127.0.0.1", ""):
            assert ask(url, x_forwarded_for=claim).status_code == 403
            assert ask(url, forwarded=f"for={claim}").status_code == 403
    with serving(shop, ["127.0.0.1"]) as url:
        assert ask(url).status_code == 200
        for claim in (
            "203.0.113.9",
            "127.0.0.1, 203.0.113.9",
            "203.0.113.9, 127.0.0.1",
            "127.0.0.1",
            "nonsense",
            "::1%x",
        ):
            assert ask(url, x_forwarded_for=claim).status_code == 403, claim
        denied = ask(url, x_forwarded_for="203.0.113.9")
        assert "metrics_from" in denied.json()["detail"] and "relay_" not in denied.text


def test_a_scraper_behind_a_trusted_proxy_is_known_by_its_own_address(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path, http={"metrics_from": ["198.51.100.0/24"]})
    with serving(shop, ["127.0.0.1"]) as url:
        assert ask(url).status_code == 403
        assert ask(url, x_forwarded_for="198.51.100.7").status_code == 200
        assert ask(url, x_forwarded_for="198.51.100.7, 203.0.113.9").status_code == 403


def test_strangers_learn_whether_it_is_ready_and_no_more(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    with serving(shop) as url:
        assert ask(url, "/readyz").json().keys() >= {"status", "store", "mail"}
        assert ask(url, "/readyz", x_forwarded_for="203.0.113.9").json() == {"status": "ready"}
