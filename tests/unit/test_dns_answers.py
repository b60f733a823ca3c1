"""Each kind of DNS answer: what becomes of the copy at the first look, and at the next one hours later.

A real name server on loopback gives the answers; the whole engine works on them. Nobody is ever suppressed.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.rcode
import pytest

from relay.delivery.outcome import Bounced, Delivered, Outcome, Retry
from relay.delivery.smtp.resolve import Resolver
from tests.support import odd_dns as odd
from tests.support.delivery import Bench, Clock, FakeAttempt, run
from tests.support.dns import Odd, TinyDNS
from tests.support.remote import ScriptedRemote
from tests.unit.judging import HOUR_S, WAIT_S, Bank

TIMEOUT_S = 0.6
D = "case.test"
MAPPED = "::ffff:127.0.0.1"
"""Reached over an IPv6 socket, so that no IPv6 is needed on the machine."""
HOME = "127.0.0.1"
LONG = ".".join(["a" * 60, "b" * 60, "c" * 60, "d" * 58, "test"])
SINK = (("sink.test", "MX", "10 mx.sink.test."), ("mx.sink.test", "A", "127.0.0.1"), ("case.sink.test", "TXT", "x"))

DELIVERED, LATER, FINAL = "delivered", "later", "final"
MX = (D, "MX", "10 mx.sink.test.")
NOERROR, NXDOMAIN, SERVFAIL = dns.rcode.NOERROR, dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL


@dataclass(frozen=True)
class Case:
    """``first`` and ``then``: what the first look and the one after 7 hours lead to, ``status`` begins both's text."""

    id: str
    first: str
    then: str
    records: tuple[tuple[str, str, str], ...] = ()
    faults: Mapping[str | tuple[str, str], str | Odd] = field(default_factory=dict)
    status: str = ""
    domain: str = D


def good(id_: str, *records: tuple[str, str, str], **more: Any) -> Case:
    return Case(id_, DELIVERED, DELIVERED, records, **more)


def unsure(id_: str, *records: tuple[str, str, str], **more: Any) -> Case:
    return Case(id_, LATER, LATER, records, **more)


def gone(id_: str, *records: tuple[str, str, str], **more: Any) -> Case:
    return Case(id_, LATER, FINAL, records, **more)


def chain(length: int) -> tuple[tuple[str, str, str], ...]:
    names = [D, *(f"c{n}.test" for n in range(length - 1)), "sink.test"]
    return tuple((one, "CNAME", f"{other}.") for one, other in itertools.pairwise(names))


NO_NAME = "1.2 the domain case.test does not exist"
NO_HOST = "4.4 the domain case.test has neither MX nor address"
NO_EDNS = [dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.BADVERS]
HUNDRED = tuple((D, "MX", f"{n} mx{n}.test.") for n in range(100))

CASES = [
    # -- mail can go there -------------------------------------------------------------
    good("an MX", MX),
    good("two MX, one of them twice", MX, MX, (D, "MX", "20 mx.sink.test.")),
    good("no MX but an address", (D, "A", "127.0.0.1")),
    good("no MX, only IPv6", (D, "AAAA", MAPPED)),
    good("MX says NXDOMAIN, an address is there", (D, "A", "127.0.0.1"), faults={(D, "MX"): odd.rcode(NXDOMAIN)}),
    good("so without a SOA", (D, "A", "127.0.0.1"), faults={(D, "MX"): odd.rcode(NXDOMAIN), (D, "AAAA"): odd.no_soa}),
    good("MX says NXDOMAIN, an IPv6 address is there", (D, "AAAA", MAPPED), faults={(D, "MX"): odd.rcode(NXDOMAIN)}),
    good("an alias", (D, "CNAME", "sink.test.")),
    good("a chain of aliases", *chain(4)),
    good("an alias of a host", (D, "CNAME", "mx.sink.test.")),
    good("an alias left to us", (D, "CNAME", "sink.test."), faults={D: odd.alias_only}),
    good("a chain left to us", *chain(3), faults={D: odd.alias_only, "c0.test": odd.alias_only}),
    good("a DNAME", faults={D: odd.by_dname}),
    good("an MX that is an alias", (D, "MX", "10 al.test."), ("al.test", "CNAME", "mx.sink.test.")),
    good(
        "an MX that is an alias left to us",
        (D, "MX", "10 al.test."),
        ("al.test", "CNAME", "mx.sink.test."),
        faults={"al.test": odd.alias_only},
    ),
    good("mixed case in the MX", (D, "MX", "10 Mx.SINK.Test.")),
    good("another case in the answer", MX, faults={D: odd.upper_case}),
    good("TTL 0", MX, faults={D: odd.ttl(0), "mx.sink.test": odd.ttl(0)}),
    good("a TTL of 68 years", MX, faults={D: odd.ttl(2**31 - 1)}),
    good("a TTL that isn't allowed", MX, faults={D: odd.ttl(2**32 - 1)}),
    good("cut off, then by TCP", MX, faults={D: odd.cut_then_right, "mx.sink.test": odd.cut_then_right}),
    good("silence, but not by TCP", MX, faults={"*": odd.only_by_tcp}),
    good("a hundred MX, only the worst has an address", *HUNDRED, ("mx99.test", "A", "127.0.0.1")),
    *(good(f"{dns.rcode.to_text(c)} to EDNS", MX, faults={"*": odd.to_edns(c)}) for c in NO_EDNS),
    good("silence to EDNS", MX, faults={D: odd.deaf_to_edns}),
    good("SERVFAIL for AAAA", MX, faults={("mx.sink.test", "AAAA"): "servfail"}),
    good("silence for AAAA", MX, faults={("mx.sink.test", "AAAA"): "timeout"}),
    good("NXDOMAIN for AAAA", MX, faults={("mx.sink.test", "AAAA"): odd.rcode(NXDOMAIN)}),
    good("NOTIMP for AAAA", MX, faults={("mx.sink.test", "AAAA"): odd.rcode(dns.rcode.NOTIMP)}),
    good("SERVFAIL for A, IPv6 is there", (D, "AAAA", MAPPED), faults={(D, "A"): "servfail"}),
    good("silence for A, IPv6 is there", (D, "AAAA", MAPPED), faults={(D, "A"): "timeout"}),
    good("the best MX doesn't exist", (D, "MX", "5 gone.test."), MX),
    good("the best MX has no address", (D, "MX", "5 bare.test."), ("bare.test", "TXT", "x"), MX),
    good("the best MX is not sure", (D, "MX", "5 sick.test."), MX, faults={"sick.test": "servfail"}),
    good("the best MX is silent", (D, "MX", "5 sick.test."), MX, faults={"sick.test": "timeout"}),
    good("the best MX is an address", (D, "MX", "5 127.0.0.9."), MX),
    good("the best MX is the root", (D, "MX", "0 ."), MX),
    good("the worse MX is this relay", MX, (D, "MX", "20 relay.test.")),
    good("the worse MX is localhost", MX, (D, "MX", "20 localhost.")),
    good("an MX with an odd name", (D, "MX", r"10 a\032b\.c.test."), (r"a\032b\.c.test", "A", "127.0.0.1")),
    good("an MX with an underscore", (D, "MX", "10 _mx_.test."), ("_mx_.test", "A", "127.0.0.1")),
    good("an IDN", ("xn--bcher-kva.test", "MX", "10 mx.sink.test."), domain="xn--bcher-kva.test"),
    good("the longest name", (LONG, "MX", "10 mx.sink.test."), domain=LONG),
    good("a long MX", (D, "MX", f"10 {LONG}."), (LONG, "A", "127.0.0.1")),
    good("signed", MX, faults={D: odd.with_signature}),
    good("among others' records", MX, faults={D: odd.noisy}),
    good("neither authoritative nor recursive, but records", MX, faults={D: odd.neither_flag}),
    good("an authoritative server", MX, faults={"*": odd.authoritative}),
    good("preference 65535", (D, "MX", "65535 mx.sink.test.")),
    # -- nobody can tell ---------------------------------------------------------------
    unsure("SERVFAIL", MX, faults={D: "servfail"}, status="4.3 no name server could tell MX of case.test (SERVFAIL)"),
    unsure("SERVFAIL for bad signatures", MX, faults={D: odd.bogus}, status="4.3 "),
    unsure("REFUSED", MX, faults={D: "refused"}, status="4.3 "),
    unsure("silence", MX, faults={D: "timeout"}, status="4.3 no answer for MX of case.test in time"),
    *(
        unsure(f"{dns.rcode.to_text(c)} whatever is asked", faults={D: odd.rcode(c)}, status="4.3 ")
        for c in (dns.rcode.FORMERR, dns.rcode.NOTIMP, dns.rcode.NOTAUTH, dns.rcode.NOTZONE, dns.rcode.YXDOMAIN)
    ),
    unsure("FORMERR without question", faults={D: odd.rcode(dns.rcode.FORMERR, empty=True)}, status="4.3 "),
    unsure("cut off by TCP too", faults={D: odd.cut_by_tcp}, status="4.3 "),
    unsure("cut off, TCP closed", MX, faults={D: "truncate-all"}, status="4.3 "),
    unsure("garbage", MX, faults={D: "garbage"}, status="4.3 "),
    unsure("nine octets", MX, faults={D: odd.short}, status="4.3 "),
    unsure("a record that is cut", MX, faults={D: odd.cut_record}, status="4.3 "),
    unsure("a header alone", faults={D: odd.octets(b"\x81\x80" + bytes(8))}, status="4.3 "),
    unsure("a header alone that says NXDOMAIN", faults={D: odd.octets(b"\x81\x83" + bytes(8))}, status="4.3 "),
    unsure("another id", MX, faults={D: odd.wrong_id}, status="4.3 "),
    unsure("the query back", faults={D: odd.echoed}, status="4.3 "),
    unsure("an answer to another question", faults={D: odd.other_question}, status="4.3 "),
    unsure("records of another name", faults={D: odd.other_name}, status="4.3 "),
    unsure("a referral down", faults={D: odd.referral(f"{D}.")}, status="4.3 "),
    unsure("a referral up", faults={D: odd.referral(".")}, status="4.3 "),
    unsure("a referral of a resolver", faults={D: odd.referral("test.", recursion=True)}, status="4.3 "),
    unsure("lame", faults={D: odd.lame()}, status="4.3 "),
    unsure("lame and NXDOMAIN", faults={D: odd.lame(NXDOMAIN)}, status="4.3 "),
    unsure("only a signature", faults={D: odd.signature_only}, status="4.3 "),
    unsure("NXDOMAIN with records", MX, faults={D: odd.with_code(NXDOMAIN)}, status="4.3 "),
    unsure("SERVFAIL with records", MX, faults={D: odd.with_code(SERVFAIL)}, status="4.3 "),
    unsure("MX is not sure, an address is there", (D, "A", "127.0.0.1"), faults={(D, "MX"): "servfail"}, status="4.3 "),
    unsure("MX missing, addresses not sure", faults={(D, "A"): "servfail", (D, "AAAA"): "servfail"}, status="4.3 "),
    unsure("MX and A missing, AAAA not sure", faults={(D, "AAAA"): "servfail"}, status="4.3 "),
    unsure("MX and AAAA missing, A silent", (D, "TXT", "x"), faults={(D, "A"): "timeout"}, status="4.3 "),
    unsure("an alias of itself", (D, "CNAME", f"{D}."), status="4.3 "),
    unsure("aliases in a circle", (D, "CNAME", "o.test."), ("o.test", "CNAME", f"{D}."), status="4.3 "),
    unsure("an endless chain of aliases", *chain(18), status="4.3 "),
    unsure("an alias of a sick name", (D, "CNAME", "s.test."), faults={D: odd.alias_only, "s.test": "servfail"}),
    unsure("an alias of a name that is gone", (D, "CNAME", "o.test."), status=f"{NO_NAME}, it seems, but"),
    unsure("so, left to us", (D, "CNAME", "o.test."), faults={D: odd.alias_only}, status=f"{NO_NAME}, it seems, but"),
    unsure("all MX sick", (D, "MX", "5 s.test."), (D, "MX", "9 t.test."), faults={"s.test": "servfail"}),
    unsure("an MX that is an alias in a circle", (D, "MX", "5 o.test."), ("o.test", "CNAME", "o.test.")),
    unsure("an MX that is an alias of nothing", (D, "MX", "5 o.test."), ("o.test", "CNAME", "p.test.")),
    # -- it is not there: never final at the first look --------------------------------
    gone("NXDOMAIN", status=NO_NAME),
    gone("NXDOMAIN without SOA", faults={D: odd.no_soa}, status=NO_NAME),
    gone("NXDOMAIN, cut off at first", faults={D: odd.cut_then_right}, status=NO_NAME),
    gone("NXDOMAIN of an authoritative server", faults={D: odd.authoritative}, status=NO_NAME),
    gone("NXDOMAIN for the longest name", domain=LONG, status="1.2 the domain aaaa"),
    gone("neither MX nor address", (D, "TXT", "x"), status=NO_HOST),
    gone("so without SOA", (D, "TXT", "x"), faults={D: odd.empty}, status=NO_HOST),
    gone("only names below", (f"www.{D}", "A", "127.0.0.1"), status=NO_HOST),
    gone("MX NXDOMAIN, the name is there", (D, "TXT", "x"), faults={(D, "MX"): odd.rcode(NXDOMAIN)}, status=NO_HOST),
    gone("an alias of a name without both", (D, "CNAME", "o.test."), ("o.test", "TXT", "x"), status=NO_HOST),
    gone("no MX has an address", (D, "MX", "5 s.test."), (D, "MX", "9 t.test."), status="4.4 the mail server"),
    gone("the only MX is an address", (D, "MX", "5 127.0.0.1."), status="4.4 the MX of case.test is no host name"),
    gone("the only MX is this relay", (D, "MX", "5 relay.test."), status="4.6 mail for case.test loops back"),
    gone("the only MX is localhost", (D, "MX", "5 localhost."), status="4.6 mail for case.test loops back"),
    gone("the best MX is this relay", (D, "MX", "5 relay.test."), MX, status="4.6 mail for case.test loops back"),
    # -- and the one that is final at once ---------------------------------------------
    Case("null MX", FINAL, FINAL, ((D, "MX", "0 ."),), status="1.10 the domain case.test takes no mail (null MX)"),
    Case("null MX with a preference", FINAL, FINAL, ((D, "MX", "10 ."),), status="1.10 "),
    Case("null MX and an address", FINAL, FINAL, ((D, "MX", "0 ."), (D, "A", "127.0.0.1")), status="1.10 "),
]


def test_the_table_is_long_and_its_names_differ() -> None:
    assert len({case.id for case in CASES}) == len(CASES) > 60


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_an_answer_leads_to(case: Case, tmp_path: Path) -> None:
    bank = Bank(tmp_path)

    async def main(dns_: TinyDNS) -> None:
        async with ScriptedRemote() as remote:
            clock = Clock()
            resolver = Resolver([dns_.address], TIMEOUT_S, clock.monotonic)
            async with Bench(resolver, clock=clock, judge=bank.judge(clock), port=remote.port) as bench:
                _check(await bench.deliver(FakeAttempt(f"bob@{case.domain}")), case.first, case)
                bench.clock.now += 7 * HOUR_S
                last = await bench.deliver(FakeAttempt(f"bob@{case.domain}"))
                _check(last, case.then, case)
                if case.first == LATER and isinstance(last, Bounced):
                    assert last.status.endswith("(looked up twice, 7 hours apart)")

    with TinyDNS([*SINK, *case.records]) as server:
        server.faults.update(case.faults)
        run(main(server))
    assert bank.calls() == 0


def _check(outcome: Outcome, expected: str, case: Case) -> None:
    kinds: dict[str, type] = {DELIVERED: Delivered, LATER: Retry, FINAL: Bounced}
    assert isinstance(outcome, kinds[expected]), outcome
    if isinstance(outcome, Retry | Bounced):
        code, enhanced = outcome.status.split(" ")[:2]
        assert code[0] == enhanced[0] == ("4" if expected == LATER else "5")
        assert outcome.status.partition(f" {enhanced[0]}.")[2].startswith(case.status)
        assert outcome.status.isprintable()
    if isinstance(outcome, Retry):
        assert outcome.not_before is None or outcome.not_before <= WAIT_S + 1_800_000_000 + 8 * HOUR_S
    assert not getattr(outcome, "address_dead", False)


LIES = {
    "NXDOMAIN": odd.rcode(NXDOMAIN),
    "NODATA": odd.empty,
    "no addresses": odd.only(["A", "AAAA"], odd.rcode(NXDOMAIN)),
}


@pytest.mark.parametrize("lie", [*LIES.values(), None], ids=[*LIES, "none"])
@pytest.mark.parametrize("known", [1, 4])
def test_a_lie_is_told_by_domains_that_were_delivered_to(lie: Odd | None, known: int, tmp_path: Path) -> None:
    """It outlasts the wait and the only mail is to other domains; without a lie those bounce."""
    bank, good = Bank(tmp_path), [f"good{n}.test" for n in range(known)]
    zone = [(name, kind, value) for d in good for name, kind, value in ((d, "MX", f"1 m.{d}."), (f"m.{d}", "A", HOME))]

    async def main(dns_: TinyDNS) -> None:
        async with ScriptedRemote() as remote:
            clock = Clock()
            resolver = Resolver([dns_.address], TIMEOUT_S, clock.monotonic)
            async with Bench(resolver, clock=clock, judge=bank.judge(clock), port=remote.port) as bench:
                for domain in good:
                    assert isinstance(await bench.deliver(FakeAttempt(f"bob@{domain}")), Delivered)
                clock.now += HOUR_S
                if lie:
                    dns_.faults["*"] = lie
                assert isinstance(await bench.deliver(FakeAttempt("bob@typo.test")), Retry)
                clock.now += WAIT_S
                last = await bench.deliver(FakeAttempt("bob@typo.test"))
                assert isinstance(last, Retry if lie else Bounced)

    with TinyDNS(zone) as server:
        run(main(server))
    assert bank.calls() == (1 if lie else 0)
