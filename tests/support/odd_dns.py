"""Odd answers for ``TinyDNS.faults``: each function makes the octets or message that goes back, None for silence."""

from __future__ import annotations

from collections.abc import Sequence

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.support.dns import Odd

Query = dns.message.QueryMessage
Made = dns.message.Message


def rcode(code: dns.rcode.Rcode, *, empty: bool = False) -> Odd:
    """An error; ``empty``: without the question."""

    def made(query: Query, way: str, right: Made) -> Made:
        answer = _blank(query)
        answer.set_rcode(code)
        if empty:
            answer.question = []
        return answer

    return made


def to_edns(code: dns.rcode.Rcode) -> Odd:
    """An error without question to whoever uses EDNS, else the right answer."""

    def made(query: Query, way: str, right: Made) -> Made:
        if query.edns < 0:
            return right
        if code is dns.rcode.BADVERS:
            right.answer, right.authority = [], []
            right.set_rcode(code)
            return right
        answer = dns.message.Message(id=query.id)
        answer.flags = dns.flags.QR | dns.flags.RD | dns.flags.RA
        answer.set_rcode(code)
        return answer

    return made


def deaf_to_edns(query: Query, way: str, right: Made) -> Made | None:
    return None if query.edns >= 0 else right


def bogus(query: Query, way: str, right: Made) -> Made:
    """A validating resolver that finds the signatures wrong, with the reason (RFC 8914)."""
    answer = _blank(query)
    answer.set_rcode(dns.rcode.SERVFAIL)
    answer.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.DNSSEC_BOGUS, "DNSSEC Bogus")])
    return answer


def cut_by_tcp(query: Query, way: str, right: Made) -> Made:
    """TC in the datagram and in the TCP answer too."""
    answer = _blank(query)
    answer.flags |= dns.flags.TC
    return answer


def only_by_tcp(query: Query, way: str, right: Made) -> Made | None:
    """Its datagrams get lost."""
    return right if way == "TCP" else None


def cut_then_right(query: Query, way: str, right: Made) -> Made:
    return right if way == "TCP" else cut_by_tcp(query, way, right)


def octets(made: bytes) -> Odd:
    """The query's id, then these octets."""
    return lambda query, way, right: query.id.to_bytes(2, "big") + made


def short(query: Query, way: str, right: Made) -> bytes:
    return right.to_wire()[:9]


def cut_record(query: Query, way: str, right: Made) -> bytes:
    return right.to_wire()[:-3]


def wrong_id(query: Query, way: str, right: Made) -> Made:
    right.id ^= 0x5555
    return right


def echoed(query: Query, way: str, right: Made) -> bytes:
    return query.to_wire()


def other_question(query: Query, way: str, right: Made) -> Made:
    """Right for another name."""
    other = dns.message.make_query("other.test.", query.question[0].rdtype)
    answer = dns.message.make_response(other, recursion_available=True)
    answer.id = query.id
    answer.answer.append(dns.rrset.from_text("other.test.", 60, "IN", "MX", "10 mx.sink.test."))
    return answer


def other_name(query: Query, way: str, right: Made) -> Made:
    """The right question, the records of another name."""
    answer = _blank(query)
    answer.answer.append(dns.rrset.from_text("other.test.", 60, "IN", "MX", "10 mx.sink.test."))
    return answer


def referral(zone: str, *, recursion: bool = False) -> Odd:
    def made(query: Query, way: str, right: Made) -> Made:
        answer = _blank(query)
        if not recursion:
            answer.flags &= ~dns.flags.RA
        answer.authority.append(dns.rrset.from_text(zone, 60, "IN", "NS", "a.ns.test.", "b.ns.test."))
        return answer

    return made


def lame(code: dns.rcode.Rcode = dns.rcode.NOERROR) -> Odd:
    """Neither authoritative nor recursive, and empty."""

    def made(query: Query, way: str, right: Made) -> Made:
        answer = _blank(query)
        answer.flags &= ~dns.flags.RA
        answer.set_rcode(code)
        return answer

    return made


def empty(query: Query, way: str, right: Made) -> Made:
    """NODATA without SOA (RFC 2308 §2.2, type 3)."""
    return _blank(query)


def signature_only(query: Query, way: str, right: Made) -> Made:
    answer = _blank(query)
    name = query.question[0].name
    answer.answer.append(
        dns.rrset.from_text(
            name, 60, "IN", "RRSIG", "MX 8 2 60 20300101000000 20200101000000 1 test. AAAAAAAAAAAAAAAAAAAAAA=="
        )
    )
    return answer


def with_signature(query: Query, way: str, right: Made) -> Made:
    right.answer += signature_only(query, way, right).answer
    return right


def alias_only(query: Query, way: str, right: Made) -> Made:
    """The first alias, its target left to whoever asked."""
    right.set_rcode(dns.rcode.NOERROR)
    right.answer, right.authority = right.answer[:1], []
    return right


def no_soa(query: Query, way: str, right: Made) -> Made:
    right.authority = []
    return right


def with_code(code: dns.rcode.Rcode) -> Odd:
    def made(query: Query, way: str, right: Made) -> Made:
        right.set_rcode(code)
        return right

    return made


def neither_flag(query: Query, way: str, right: Made) -> Made:
    right.flags &= ~(dns.flags.RA | dns.flags.AA)
    return right


def authoritative(query: Query, way: str, right: Made) -> Made:
    right.flags = (right.flags | dns.flags.AA) & ~dns.flags.RA
    return right


def ttl(seconds: int) -> Odd:
    """Every record's; larger than RFC 2181 §8 allows too."""

    def made(query: Query, way: str, right: Made) -> bytes:
        wire = right.to_wire(max_size=65535)
        return wire.replace((300).to_bytes(4, "big"), seconds.to_bytes(4, "big"))

    return made


def upper_case(query: Query, way: str, right: Made) -> Made:
    for rrset in right.answer:
        rrset.name = dns.name.from_text(rrset.name.to_text().upper())
    return right


def by_dname(query: Query, way: str, right: Made) -> Made:
    """A DNAME of the zone and the alias made from it (RFC 6672 §3.1)."""
    name = query.question[0].name
    answer = _blank(query)
    target = f"{name.labels[0].decode()}.sink.test."
    answer.answer.append(dns.rrset.from_text(name.parent(), 60, "IN", "DNAME", "sink.test."))
    answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", target))
    if query.question[0].rdtype == dns.rdatatype.MX:
        answer.answer.append(dns.rrset.from_text(target, 60, "IN", "MX", "10 mx.sink.test."))
    return answer


def noisy(query: Query, way: str, right: Made) -> Made:
    """Records of others before, name servers and glue behind."""
    right.answer.insert(0, dns.rrset.from_text("noise.test.", 60, "IN", "TXT", "x"))
    right.authority.append(dns.rrset.from_text("test.", 60, "IN", "NS", "a.ns.test."))
    right.additional.append(dns.rrset.from_text("a.ns.test.", 60, "IN", "A", "192.0.2.1"))
    return right


def only(kinds: Sequence[str], odd: Odd) -> Odd:
    """Odd for these types, right for the others."""

    def made(query: Query, way: str, right: Made) -> Made | bytes | None:
        return odd(query, way, right) if dns.rdatatype.to_text(query.question[0].rdtype) in kinds else right

    return made


def _blank(query: Query) -> Made:
    return dns.message.make_response(query, recursion_available=True)
