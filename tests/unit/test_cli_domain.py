"""``relay domain`` against a nameserver on loopback."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from click.testing import CliRunner

from relay.cli.main import relay
from relay.keys.secrets import Secrets
from relay.store.database import connect, migrate
from relay.tenants import domains
from relay.tenants.domains import DnsRecord

Call = Callable[..., tuple[int, str, str]]


class Nameserver:
    """Answers what was published, over UDP, until closed."""

    def __init__(self) -> None:
        self.lines: dict[tuple[str, str], list[str]] = {}
        self.broken = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def publish(self, records: list[dict[str, str]]) -> None:
        for record in records:
            line = domains.zone_line(DnsRecord(record["name"], record["type"], record["value"], ""))
            self.lines[record["name"], record["type"]] = [line.split(" ", 3)[3]]

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join(5)
        self._socket.close()

    def _run(self) -> None:
        while True:
            octets, client = self._socket.recvfrom(4096)
            if not octets:
                return
            self._socket.sendto(self._answer(octets), client)

    def _answer(self, octets: bytes) -> bytes:
        query = dns.message.from_wire(octets)
        question = query.question[0]
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        name, kind = question.name.to_text().rstrip("."), dns.rdatatype.to_text(question.rdtype)
        values = self.lines.get((name, kind))
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif values:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *values))
        elif not any(known == name for known, _ in self.lines):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()


@pytest.fixture
def nameserver() -> Iterator[Nameserver]:
    server = Nameserver()
    yield server
    server.close()


@pytest.fixture
def home(tmp_path: Path, nameserver: Nameserver) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "relay.toml").write_text(
        f'[server]\nhostname = "relay.example"\n[dns]\nnameservers = ["127.0.0.1:{nameserver.port}"]\ntimeout = "2s"\n'
    )
    migrate(tmp_path / "data" / "relay.db")
    Secrets.create(tmp_path / "data" / "secrets")
    return tmp_path


@pytest.fixture
def call(home: Path) -> Call:
    def run(*words: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(relay, ["-c", str(home / "relay.toml"), *words])
        return result.exit_code, result.stdout, result.stderr

    for name in ("shop", "club"):
        assert run("tenant", "add", name, "--contact", f"o@{name}.example")[0] == 0
    return run


def _json(answer: tuple[int, str, str]) -> Any:
    status, out, err = answer
    assert status == 0, err
    return json.loads(out)


def _refused(answer: tuple[int, str, str], told: str, status: int = 1) -> None:
    assert answer[0] == status and told in answer[2], answer
    assert answer[2].startswith("relay: ") and answer[2].count("\n") == 1


def test_published_records_verify_the_domain(call: Call, nameserver: Nameserver) -> None:
    records = _json(call("domain", "add", "shop", "Shop.Example", "--json"))
    assert {frozenset(record) for record in records} == {frozenset({"name", "type", "value", "purpose"})}
    _refused(call("domain", "verify", "shop.example", "--json"), "TXT _relay-verify.shop.example is missing")
    nameserver.publish(records)
    shown = _json(call("domain", "verify", "shop.example", "--json"))
    assert {record["state"] for record in shown["records"]} == {"ok"}
    assert shown["verified_by"] == "dns" and shown["verified_at"] and shown["return_path_at"]
    status, out, _ = call("domain", "verify", "shop", "shop.example")
    assert status == 0 and out.rstrip().endswith("shop.example: verified")


def test_the_zone_lines_for_people_hold_the_same(call: Call) -> None:
    status, out, err = call("domain", "add", "shop", "shop.example")
    lines = [line for line in out.splitlines() if not line.startswith(";")]
    assert status == 0 and len(lines) == 7 and "relay domain verify shop shop.example" in err
    assert all(len(part) <= 255 for line in lines for part in line.split('"')[1::2])
    assert "merge it with the SPF record" in out


def test_missing_records_are_printed_again_and_status_is_1(call: Call, nameserver: Nameserver) -> None:
    records = _json(call("domain", "add", "shop", "shop.example", "--json"))
    nameserver.publish([record for record in records if record["purpose"] == "verification"])
    nameserver.lines["shop.example", "TXT"] = ['"v=spf1 -all"']
    status, out, err = call("domain", "verify", "shop.example")
    assert status == 1 and "_domainkey.shop.example is missing" in err
    assert "; spf is different; publish" in out and "; there is: v=spf1 -all" in out
    assert out.rstrip().endswith("shop.example: not verified")


def test_a_lost_return_path_is_used_no_more_but_a_silent_server_changes_nothing(
    call: Call, nameserver: Nameserver
) -> None:
    nameserver.publish(_json(call("domain", "add", "shop", "shop.example", "--json")))
    assert _json(call("domain", "verify", "shop.example", "--json"))["return_path_at"]
    nameserver.broken = True
    _refused(call("domain", "verify", "shop.example", "--json"), "stays verified from before")
    assert _json(call("domain", "list", "--json"))[0]["return_path_at"]
    nameserver.broken = False
    del nameserver.lines["rp.shop.example", "CNAME"]
    assert _json(call("domain", "verify", "shop.example", "--json"))["return_path_at"] is None


def test_another_tenant_s_domain_can_t_be_verified(call: Call, nameserver: Nameserver) -> None:
    nameserver.publish(_json(call("domain", "add", "club", "shop.example", "--json")))
    own = _json(call("domain", "add", "shop", "shop.example", "--json"))
    _refused(call("domain", "verify", "shop.example"), "name the tenant before the domain")
    assert call("domain", "verify", "club", "shop.example")[0] == 0
    nameserver.publish(own)
    _refused(call("domain", "verify", "shop", "shop.example"), "verified for the tenant club")
    _refused(call("domain", "verify", "shop", "shop.example", "--vouch", "I know"), "verified for the tenant club")


def test_a_domain_that_looks_like_another_tenant_s_needs_the_operator_s_word(
    call: Call, nameserver: Nameserver
) -> None:
    nameserver.publish(_json(call("domain", "add", "club", "shop.example", "--json")))
    assert call("domain", "verify", "shop.example")[0] == 0
    for twin in ("\u0455hop.example", "sh\u00f3p.example"):
        made = _json(call("domain", "add", "shop", twin, "--json"))
        nameserver.publish(made)
        _refused(call("domain", "verify", "shop", twin), "looks like shop.example")
        assert call("domain", "verify", "shop", twin, "--vouch", "seen")[0] == 0
        assert call("domain", "verify", "shop", twin)[0] == 0  # and stays so
        assert call("domain", "remove", "shop", twin)[0] == 0
    nameserver.publish(_json(call("domain", "add", "shop", "shops.example", "--json")))
    assert call("domain", "verify", "shops.example")[0] == 0
    nameserver.publish(_json(call("domain", "add", "club", "sh\u00f3p.example", "--json")))
    assert call("domain", "verify", "sh\u00f3p.example")[0] == 0  # its own


def test_the_operator_can_vouch(call: Call, home: Path) -> None:
    assert call("domain", "add", "shop", "shop.example")[0] == 0
    _refused(call("domain", "verify", "shop.example", "--vouch", " "), "say in a few printable words", 2)
    made = _json(call("domain", "verify", "shop.example", "--vouch", "ours since 2001", "--json"))
    assert made["verified_by"].endswith(": ours since 2001") and made["return_path_at"] is None
    conn = connect(home / "data" / "relay.db")
    actions = [row[0] for row in conn.execute("SELECT action FROM audit ORDER BY id")]
    conn.close()
    assert actions[-2:] == ["domain-added", "domain-verified"]


def test_rotated_keys_sign_once_they_are_published(call: Call, nameserver: Nameserver) -> None:
    nameserver.publish(_json(call("domain", "add", "shop", "shop.example", "--json")))
    assert call("domain", "verify", "shop.example")[0] == 0
    before = _json(call("domain", "list", "shop", "--json"))[0]["selectors"]
    records = _json(call("domain", "rotate", "shop.example", "--json"))
    assert call("domain", "verify", "shop.example")[0] == 0
    assert len(_json(call("domain", "list", "--json"))[0]["selectors"]) == 4
    nameserver.publish(records)
    status, _, err = call("domain", "verify", "shop.example")
    assert status == 0 and all(selector in err for selector in before)
    after = _json(call("domain", "list", "--json"))[0]["selectors"]
    assert len(after) == 2 and not set(before) & set(after)


def test_an_own_key_is_taken_over(call: Call, home: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (home / "key.pem").write_bytes(pem)
    words = ("domain", "add", "shop", "shop.example", "--key", str(home / "key.pem"))
    _refused(call(*words), "go together", 2)
    (home / "key.pem").chmod(0o644)
    answer = call(*words, "--selector", "Mail", "--json")
    assert "everyone can get at it" in answer[2] and f"chmod 600 {home}/key.pem" in answer[2]
    records = _json(answer)
    assert records[1]["name"] == "mail._domainkey.shop.example"
    assert records[2]["name"].startswith("e")
    _refused(call(*words[:4], "--key", str(home / "none.pem"), "--selector", "x"), "none.pem")
    (home / "key.pem").write_text("nonsense")
    _refused(call("domain", "add", "shop", "new.example", "--key", str(home / "key.pem"), "--selector", "x"), "key")
    assert [row["name"] for row in _json(call("domain", "list", "--json"))] == ["shop.example"]


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("co.uk", "public suffix"),
        ("example", "no domain name"),
        ("a b.example", "malformed"),
        ("192.0.2.1", "no domain name"),
        ("relay.example", "the relay's own name"),
        ("Relay.Example.", "the relay's own name"),
    ],
)
def test_what_no_customer_owns_is_refused(call: Call, domain: str, told: str) -> None:
    _refused(call("domain", "add", "shop", domain), told)


def test_removing(call: Call) -> None:
    assert call("domain", "add", "shop", "bücher.example")[0] == 0
    assert call("domain", "remove", "shop", "BÜCHER.example")[0] == 0
    assert _json(call("domain", "list", "--json")) == []
    _refused(call("domain", "remove", "nothere.example"), "no domain nothere.example")
    _refused(call("domain", "remove"), "name the domain", 2)
