"""A resolver that lies for a while, through the whole relay: nobody bounces, nobody is suppressed, all arrives."""

from __future__ import annotations

import json
from pathlib import Path

import dns.rcode

from tests.dialogs.test_replies import starts
from tests.support.dns import TinyDNS
from tests.support.odd_dns import rcode
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

DOMAINS = [f"d{n}.rcpt.test" for n in range(8)]


def rows(relay: Relay, sql: str) -> list[tuple[object, ...]]:
    with relay.database() as conn:
        return conn.execute(sql).fetchall()


def called(relay: Relay) -> list[str]:
    found = rows(relay, "SELECT detail FROM event WHERE tenant_id = 0 AND kind = 'operator.called'")
    return [json.loads(str(detail))["about"] for (detail,) in found]


def test_a_lying_resolver_harms_nobody(tmp_path: Path) -> None:
    sink = Sink()
    zone = [(domain, "MX", "10 mx.rcpt.test.") for domain in DOMAINS] + [("mx.rcpt.test", "A", "127.0.0.1")]
    with TinyDNS(zone) as server:
        server.faults["*"] = rcode(dns.rcode.NXDOMAIN)
        delivery = {"port": sink.port, "retry": ["1s"], "jitter": 0, "missing_wait": "1s"}
        relay = Relay(tmp_path, {"dns": {"nameservers": [server.address], "timeout": 2}, "delivery": delivery})
        relay.tenant()
        login = relay.credential(stream="transactional")
        relay.start()
        try:
            _send(relay, login)
            until(lambda: called(relay) and _tried(relay, 2), "the call, and a second try of each")
            relay.stop()
            relay.start()
            until(lambda: _tried(relay, 4), "more tries")
            assert called(relay) == ["dns-doubt"]
            assert rows(relay, "SELECT DISTINCT state FROM recipient WHERE address LIKE '%rcpt.test'") == [(0,)]
            server.faults.clear()
            for domain in DOMAINS:
                assert sink.to(f"you@{domain}")
            until(lambda: rows(relay, "SELECT count(*) FROM name_look WHERE name = ''") == [(0,)], "trust")
            assert rows(relay, "SELECT count(*) FROM suppression") == [(0,)]
            assert called(relay) == ["dns-doubt"]
        finally:
            relay.kill()
            sink.close()


def _send(relay: Relay, login: tuple[str, str]) -> None:
    with Dialog(relay.submission) as s:
        s.ehlo()
        s.login(*login)
        s.say("MAIL FROM:<a@acme.example>")
        for domain in DOMAINS:
            s.say(f"RCPT TO:<you@{domain}>")
        starts(s.data(mail(sender="a@acme.example")), "250 ")


def _tried(relay: Relay, often: int) -> bool:
    """Each copy was tried so often."""
    return rows(relay, f"SELECT count(*) FROM recipient WHERE attempts < {often} AND address LIKE '%rcpt.test'") == [
        (0,)
    ]
