"""Where a webhook may be: no inside address, in whatever notation, whatever DNS says a moment later."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import pytest

from relay.values.errors import RegistryError
from relay.webhooks.address import address_of, refused
from relay.webhooks.client import HostNotFound, WebhookAnswer, WebhookClient
from tests.support.hook import Hook, hooked, reply
from tests.support.remote import server_tls

INSIDE = [
    "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0x7f.0.0.1/",
    "https://017700000001/", "https://0177.0.0.1/", "https://127.0.0.1./", "https://0/", "https://0.0.0.0/",
    "https://10.0.0.1/", "https://172.16.0.1/", "https://172.31.255.255/", "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/", "https://100.64.0.1/", "https://192.0.0.1/", "https://198.18.0.1/",
    "https://224.0.0.1/", "https://255.255.255.255/", "https://[::1]/", "https://[::]/", "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::10.0.0.1]/", "https://[::127.0.0.1]/", "https://[fe80::1]/", "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/", "https://[fd12:3456::1]/", "https://[fec0::1]/", "https://[2002:7f00:1::]/",
    "https://[2001:db8::1]/", "https://[ff02::1]/", "https://[::ffff:0:127.0.0.1]/",
    "https://localhost/", "https://LOCALHOST/", "https://localhost./", "https://app.localhost/",
    "https://metadata.google.internal/", "https://printer.local/", "https://router.home.arpa/", "https://intranet/",
]  # fmt: skip
ODD = [
    "", " ", "app.example.com", "ftp://app.example.com/", "//app.example.com/", "https:///x", "https://",
    "https://user@app.example.com/", "https://user:pass@app.example.com/", "https://a@b@app.example.com/",
    "https://app.example.com/#x", "https://app.example.com/#", "https://app.example.com:0/",
    "https://app.example.com:99999/", "https://app.example.com:x/", "https://app.example.com/a b",
    "https://app.example.com/\r\nX: y", "https://app.example.com\\@127.0.0.1/", "https://app_.exa mple.com/",
    "https://[::1/", "https://[app.example.com]/", "https://app..example.com/", "https://-.example.com/",
    "javascript:alert(1)", "file:///etc/passwd", "https://app.example.com/" + "x" * 2_000,
    "https://\u0430pp.example.com/", "https://1.2.3.4.5/", "https://256.1.1.1/", "https://1.2.3/", "http://app.example.com/",
    "HTTP://app.example.com/",
]  # fmt: skip


@pytest.mark.parametrize("url", [*INSIDE, *ODD])
def test_what_a_tenant_may_not_name(url: str) -> None:
    with pytest.raises(RegistryError) as refusal:
        address_of(url)
    assert "\n" not in str(refusal.value) and str(refusal.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "authority"),
    [
        ("https://app.example.com", "app.example.com", 443, "/", "app.example.com"),
        ("https://app.example.com/hook?x=1&y=%20", "app.example.com", 443, "/hook?x=1&y=%20", "app.example.com"),
        ("https://APP.example.com:8443/A", "app.example.com", 8443, "/A", "app.example.com:8443"),
        ("HTTPS://app.example.com:443/", "app.example.com", 443, "/", "app.example.com"),
        ("https://app.example.com./", "app.example.com", 443, "/", "app.example.com"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example", 443, "/", "xn--bcher-kva.example"),
        ("https://8.8.8.8/x", "8.8.8.8", 443, "/x", "8.8.8.8"),
        ("https://[2606:4700::1111]/x", "2606:4700::1111", 443, "/x", "[2606:4700::1111]"),
        ("https://[2606:4700::1111]:8443/x", "2606:4700::1111", 8443, "/x", "[2606:4700::1111]:8443"),
    ],
)
def test_what_a_tenant_may_name(url: str, host: str, port: int, target: str, authority: str) -> None:
    found = address_of(url)
    assert (found.host, found.port, found.target, found.authority) == (host, port, target, authority)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/", "http://localhost:3000/x", "https://[::1]/", "http://app/"])
def test_for_trials_inside_and_plain_is_allowed(url: str) -> None:
    assert address_of(url, allow_private=True).url == url


@pytest.mark.parametrize("url", ["https://2130706433/", "https://0x7f.1/", "ftp://127.0.0.1/", "http://u@127.0.0.1/"])
def test_for_trials_odd_forms_are_still_none(url: str) -> None:
    with pytest.raises(RegistryError):
        address_of(url, allow_private=True)


def test_addresses_of_this_machine_are_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.webhooks.address.own", lambda address: address == "8.8.4.4")
    assert refused("8.8.4.4", False) and not refused("8.8.4.4", True) and not refused("8.8.8.8", False)


# --- at the connection ------------------------------------------------------------------------------


class Names:
    """DNS that answers as told, each time the next."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str) -> Sequence[str]:
        self.asked += 1
        found = self.answers[min(self.asked, len(self.answers)) - 1]
        if not found:
            raise HostNotFound(f"{host} has no address in DNS")
        return found


async def ask(client: WebhookClient, url: str, *, private: bool = False) -> WebhookAnswer:
    return await client.post(address_of(url, allow_private=private), [("webhook-id", "x")], b"{}")


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "169.254.169.254", "0.0.0.0", "64:ff9b::a00:1", "fe80::1"],
)
def test_a_name_that_leads_inside_is_not_followed(address: str) -> None:
    async def test() -> None:
        async with hooked() as hook:
            client = WebhookClient(Names([address]))
            answer = await ask(client, f"https://app.example.com:{hook.port}/")
            assert answer.status == 0 and "nothing is sent" in answer.text and address in answer.text
            assert hook.connections == 0

    asyncio.run(test())


def test_what_dns_says_later_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebinding: the address that was judged is the one that is connected to; names are asked once a connection."""
    asked: list[str] = []

    async def connect(host: str, port: int, **more: object) -> None:
        asked.append(host)
        raise OSError("no way")

    monkeypatch.setattr("asyncio.open_connection", connect)
    names = Names(["8.8.8.8", "127.0.0.1"], ["127.0.0.1"])
    client = WebhookClient(names)

    async def test() -> None:
        first = await ask(client, "https://app.example.com/")
        second = await ask(client, "https://app.example.com/")
        assert "can't connect" in first.text and "nothing is sent" in second.text

    asyncio.run(test())
    assert asked == ["8.8.8.8"] and names.asked == 2


def test_redirects_are_told_and_not_followed() -> None:
    async def test() -> None:
        async with hooked() as inside, hooked() as hook:
            hook.answer = lambda taken: reply(307, b"", f"Location: {inside.url}")
            answer = await ask(WebhookClient(Names(["127.0.0.1"]), allow_private=True), hook.url, private=True)
            assert (answer.status, answer.ok) == (307, False) and "not followed" in answer.text
            assert inside.connections == 0

    asyncio.run(test())


def test_who_says_nothing_has_fifteen_seconds_in_all() -> None:
    async def test() -> None:
        async with hooked() as hook:
            hook.answer = lambda taken: None
            client = WebhookClient(Names(["127.0.0.1"]), allow_private=True, timeout_s=0.3)
            answer = await ask(client, hook.url, private=True)
            assert answer.status == 0 and answer.text == "no answer within 0.3 s"

    asyncio.run(test())
    assert WebhookClient(Names())._timeout_s == 15


def test_a_certificate_is_checked_by_its_name(tmp_path: Path) -> None:
    async def test(names: str, trusted: bool) -> WebhookAnswer:
        server, trusting = server_tls(tmp_path, names)
        client_context = trusting if trusted else ssl.create_default_context()
        async with hooked(server) as hook:
            client = WebhookClient(Names(["127.0.0.1"]), allow_private=True, context=client_context)
            answer = await ask(client, f"https://app.example.com:{hook.port}/", private=True)
            client.close()
            return answer

    assert asyncio.run(test("app.example.com", True)).ok
    for names, trusted in (("other.example.com", True), ("app.example.com", False)):
        answer = asyncio.run(test(names, trusted))
        assert answer.status == 0 and "certificate" in answer.text


@pytest.mark.parametrize("octets", [16 * 1024, 16 * 1024 + 1, 5_000_000])
def test_of_an_answer_16_kib_are_read(octets: int) -> None:
    async def test() -> None:
        async with hooked() as hook:
            hook.answer = lambda taken: reply(200, b"y" * octets)
            answer = await ask(WebhookClient(Names(["127.0.0.1"]), allow_private=True), hook.url, private=True)
            assert answer.ok and len(answer.text) == 16 * 1024

    asyncio.run(test())


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def test(hook: Hook) -> None:
        assert (await ask(WebhookClient(Names(["127.0.0.1"]), allow_private=True), hook.url, private=True)).ok

    async def whole() -> None:
        async with hooked() as hook:
            await test(hook)

    asyncio.run(whole())
