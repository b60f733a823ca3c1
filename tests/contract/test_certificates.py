"""Certificates from a real authority (Pebble) on loopback, which really asks: got, shown, renewed, and what fails."""

from __future__ import annotations

import http.client
import json
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.pebble import Pebble
from tests.support.peers import until
from tests.support.relay import Relay

NAME, PAGES, FURTHER = "relay.test", "pages.relay.test", "mx.relay.test"


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with Pebble(tmp_path_factory.mktemp("pebble"), [NAME, PAGES, FURTHER], refused_nonces=20) as made:
        yield made


@contextmanager
def running(directory: Path, pebble: Pebble, listen: dict[str, object], **tls: object) -> Iterator[Relay]:
    relay = Relay(directory)
    tables: dict[str, dict[str, object]] = {
        "listen": listen,
        "tls": {"acme": pebble.url, "acme_ca": str(pebble.ca), **tls},
        "links": {"base_url": f"https://{PAGES}"},
    }
    relay.configure(tables)
    try:
        yield relay.start()
    finally:
        relay.kill()


def standing(relay: Relay) -> dict[str, Any]:
    found: dict[str, Any] = relay.json("cert", "status")
    return found


def tried(relay: Relay) -> dict[str, Any]:
    """Once the relay has asked the authority by itself."""
    path = relay.directory / "data" / "acme" / "state.json"
    until(lambda: path.exists() and json.loads(path.read_text())["tried_at"] > 0, lambda: "\n".join(relay.log[-20:]))
    return standing(relay)


def serial(port: int, context: ssl.SSLContext, name: str = NAME) -> str:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname=name) as sock,
    ):
        return str((sock.getpeercert() or {})["serialNumber"])


def shows(port: int, context: ssl.SSLContext, name: str = NAME, other: str = "") -> bool:
    try:
        return serial(port, context, name) != other
    except ssl.SSLCertVerificationError:
        return False


def asked(port: int, path: str, method: str = "GET") -> tuple[int, str, bytes]:
    """Status, Location, body, by plain HTTP."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers={"Host": "elsewhere.example"})
    said = connection.getresponse()
    body = said.read()
    connection.close()
    return said.status, said.headers.get("Location", ""), body


def test_got_at_port_80_shown_everywhere_and_renewed_under_sessions(tmp_path: Path, pebble: Pebble) -> None:
    listen: dict[str, object] = {"acme": f"127.0.0.1:{pebble.http}", "https": f"127.0.0.1:{pebble.tls}"}
    with running(tmp_path, pebble, listen, acme_names=[FURTHER]) as relay:
        found = tried(relay)
        assert sorted(found["names"]) == sorted([NAME, PAGES, FURTHER])
        assert found["challenge"] == "http-01" and not found["failures"] and "Pebble" in found["issuer"]
        folder = relay.directory / "data" / "acme"
        assert folder.stat().st_mode & 0o777 == 0o700
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.name for path in files} >= {"certificate.pem", "account.json", "state.json"}
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
        assert not [*(folder / "http-01").iterdir()], "challenges that are over are gone"

        context = ssl.create_default_context(cadata=pebble.root())
        until(lambda: shows(relay.submissions, context), "the mail port shows it")
        until(lambda: shows(pebble.tls, context, PAGES), "the pages show it")
        first = serial(relay.submissions, context)
        account = (folder / "account.json").read_bytes()

        # Sessions of before go on, also where the new certificate is shown already.
        smtp = smtplib.SMTP("127.0.0.1", relay.submission, timeout=30)
        plain = socket.create_connection(("127.0.0.1", relay.submissions), timeout=30)
        mail = context.wrap_socket(plain, server_hostname=NAME)
        assert mail.recv(200).startswith(b"220")
        pages = http.client.HTTPSConnection("127.0.0.1", pebble.tls, timeout=30, context=unchecked())
        assert get(pages, "/healthz") == 200

        assert relay.run("cert", "renew").returncode == 1
        assert "--force" in relay.run("cert", "renew").stderr
        assert "nothing is to be done" in relay.cli("cert", "obtain")
        assert "was got from the authority" in relay.cli("cert", "renew", "--force")
        until(lambda: shows(relay.submissions, context, other=first), "the mail port shows the new one")
        until(lambda: shows(pebble.tls, context, PAGES, other=first), "the pages show the new one")
        assert (folder / "account.json").read_bytes() == account, "one account for all"
        mail.sendall(b"EHLO app.example\r\n")
        assert mail.recv(500).startswith(b"250")
        assert smtp.ehlo("app.example")[0] == 250
        mail.close()
        smtp.close()
        pages.close()

        assert asked(pebble.http, "/.well-known/acme-challenge/" + "a" * 43)[0] == 404
        assert asked(pebble.http, "/u/token?x=1")[:2] == (308, f"https://{PAGES}/u/token?x=1")
        assert asked(pebble.http, "//evil.example/")[1].startswith(f"https://{PAGES}//")
        assert asked(pebble.http, "/login", "POST")[0] == 405
        assert "authority" in relay.cli("check")
        assert "relay_certificate_failures 0.0" in asked(relay.http, "/metrics")[2].decode()


def unchecked() -> ssl.SSLContext:
    """For an address instead of a name."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def get(connection: http.client.HTTPSConnection, path: str) -> int:
    connection.request("GET", path)
    said = connection.getresponse()
    said.read()
    return said.status


def test_got_by_tls_alone(tmp_path: Path, pebble: Pebble) -> None:
    """Port 80 stays closed; nobody but the authority sees the challenge's certificate; what is no TLS is told so."""
    listen: dict[str, object] = {"https": f"127.0.0.1:{pebble.tls}", "http": ""}
    with running(tmp_path, pebble, listen, certificate="", key="") as relay:
        context = ssl.create_default_context(cadata=pebble.root())
        found = tried(relay)
        assert found["challenge"] == "tls-alpn-01" and not found["failures"], found["error"]
        until(lambda: shows(pebble.tls, context, PAGES), "the pages show it")
        until(lambda: shows(relay.submissions, context), "the mail port shows it")

        authority = unchecked()
        authority.set_alpn_protocols(["acme-tls/1"])
        with (
            socket.create_connection(("127.0.0.1", pebble.tls), timeout=20) as plain,
            pytest.raises((ssl.SSLError, ConnectionError)),
        ):
            authority.wrap_socket(plain, server_hostname=NAME)
        status, _, body = asked(pebble.tls, "/")
        assert status == 400 and b"https://" in body
        slow = socket.create_connection(("127.0.0.1", pebble.tls), timeout=20)
        slow.sendall(b"\x16\x03\x01")  # and then nothing: it keeps nobody else waiting
        assert serial(pebble.tls, context, PAGES)
        slow.close()


def test_got_through_a_proxy_and_what_fails_is_told_and_waits(tmp_path: Path, pebble: Pebble) -> None:
    """The pages themselves answer what a proxy passes on. Then a name that isn't in DNS: what there is goes on."""
    with running(tmp_path, pebble, {"http": f"127.0.0.1:{pebble.http}"}) as relay:
        first = tried(relay)
        assert first["challenge"] == "http-01" and not first["failures"], first["error"]
        relay.config.write_text(relay.config.read_text().replace("[tls]", '[tls]\nacme_names = ["nowhere.test"]'))
        relay.cli("reload", timeout=150)
        until(lambda: standing(relay)["failures"], lambda: "\n".join(relay.log[-20:]))
        found = standing(relay)
        assert found["failures"] == 1 and "nowhere.test" in found["error"] and found["next_try_at"]
        assert found["ends_at"] == first["ends_at"] and found["file"] == first["file"], "what was there is shown on"
        checked = relay.run("check").stdout
        assert "nowhere.test" in checked and "relay cert renew" in checked
        until(lambda: any("no certificate could be got" in line for line in relay.log), "the log says so")
        again = relay.run("cert", "obtain")
        assert again.returncode == 1 and "nowhere.test" in again.stderr
        assert standing(relay)["failures"] == 2
        assert "relay_certificate_failures 2.0" in asked(pebble.http, "/metrics")[2].decode()


def test_without_a_relay_nobody_asks_the_authority_to_look(tmp_path: Path, pebble: Pebble) -> None:
    relay = Relay(tmp_path)
    relay.configure(
        {"listen": {"acme": f"127.0.0.1:{pebble.http}"}, "tls": {"acme": pebble.url, "acme_ca": str(pebble.ca)}}
    )
    refused = relay.run("cert", "obtain")
    assert refused.returncode == 1 and "start it" in refused.stderr
    assert not (relay.directory / "data" / "acme").exists()


def test_commands_without_an_authority(tmp_path: Path) -> None:
    relay = Relay(tmp_path)
    assert standing(relay)["authority"] is None and standing(relay)["names"]
    for words in (("cert", "obtain"), ("cert", "renew")):
        refused = relay.run(*words)
        assert refused.returncode == 1 and "[tls] acme" in refused.stderr
