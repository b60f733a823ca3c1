"""DMARC by the tree walk of RFC 9989: which names are asked, where the organisation ends, which policy holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from relay.tenants import dmarc
from relay.tenants.domain_check import RecordState, check
from relay.tenants.domains import DnsRecord
from relay.tenants.lookup import LookupFailed

Zone = dict[str, str | list[str] | None]
"""TXT at ``_dmarc.`` and the name; ``A name`` gives it an address. None: no answer."""


def lookup(zone: Zone, asked: list[str] | None = None) -> Callable[[str, str], Sequence[str]]:
    def ask(name: str, kind: str) -> Sequence[str]:
        if asked is not None and kind == "TXT":
            asked.append(name)
        if kind != "TXT":
            return ["192.0.2.1"] if kind == "A" and f"A {name}" in zone else []
        found = zone.get(name.removeprefix("_dmarc."), [])
        if found is None:
            raise LookupFailed("SERVFAIL")
        return [found] if isinstance(found, str) else found

    return ask


@pytest.mark.parametrize(
    ("domain", "asked"),
    [
        ("com", ["com"]),
        ("example.com", ["example.com", "com"]),
        ("mail.example.com", ["mail.example.com", "example.com", "com"]),
        ("a.mail.example.com", ["a.mail.example.com", "mail.example.com", "example.com", "com"]),
        ("a.b.c.d.e.f.g", ["a.b.c.d.e.f.g", "b.c.d.e.f.g", "c.d.e.f.g", "d.e.f.g", "e.f.g", "f.g", "g"]),
        (
            "a.b.c.d.e.f.g.h",
            ["a.b.c.d.e.f.g.h", "b.c.d.e.f.g.h", "c.d.e.f.g.h", "d.e.f.g.h", "e.f.g.h", "f.g.h", "g.h", "h"],
        ),
        (
            "a.b.c.d.e.f.g.h.i.j.mail.example.com",
            [
                "a.b.c.d.e.f.g.h.i.j.mail.example.com", "g.h.i.j.mail.example.com", "h.i.j.mail.example.com",
                "i.j.mail.example.com", "j.mail.example.com", "mail.example.com", "example.com", "com",
            ],
        ),
    ],
)  # fmt: skip
def test_at_most_eight_names_are_asked(domain: str, asked: list[str]) -> None:
    said: list[str] = []
    found = dmarc.answer(domain, lookup({}, said))
    assert said == [f"_dmarc.{name}" for name in asked] and list(found.asked) == asked
    assert len(said) <= dmarc.MOST_QUERIES
    assert (found.record, found.organization) == (None, domain)


A, M, E, C = "a.mail.example.com", "mail.example.com", "example.com", "com"
ANY = "v=DMARC1; p=none"
REJECT = "v=DMARC1; p=reject"

ORGANIZATIONS: list[tuple[str, Zone, str]] = [
    (A, {}, A),
    (A, {A: ANY}, A),
    (A, {M: ANY}, M),
    (A, {M: ANY, E: ANY}, E),
    (A, {A: ANY, M: ANY, E: ANY}, E),
    (A, {A: ANY, E: ANY}, E),
    (A, {A: "v=DMARC1; p=none; psd=n", E: ANY}, A),
    (A, {M: "v=DMARC1; p=none; psd=n", E: ANY}, M),
    (A, {M: "v=DMARC1; p=none; psd=u", E: ANY}, E),
    (A, {C: "v=DMARC1; p=reject; psd=y"}, E),
    (A, {E: ANY, C: "v=DMARC1; p=reject; psd=y"}, E),
    (A, {M: ANY, C: "v=DMARC1; p=reject; psd=y"}, E),
    (A, {C: ANY}, C),  # a registry that forgot psd=y
    (A, {E: "v=DMARC1; p=none; psd=n", C: ANY}, E),  # what psd=n is for
    (A, {E: "v=DMARC1; p=reject; psd=y"}, M),
    (E, {E: "v=DMARC1; p=reject; psd=y"}, E),  # where the walk starts it ends nothing
    (C, {C: "v=DMARC1; p=reject; psd=y"}, C),
    ("shop.co.uk", {"co.uk": "v=DMARC1; p=none; psd=y"}, "shop.co.uk"),
    ("a.shop.gov.uk", {"gov.uk": "v=DMARC1; p=none; psd=y; np=reject"}, "shop.gov.uk"),
    (A, {M: [ANY, ANY], E: ANY}, E),  # two of them are none
    (A, {M: "v=dmarc1; p=none", E: ANY}, E),
    (A, {M: "p=none; v=DMARC1", E: ANY}, E),
    (A, {M: ["v=spf1 -all", ANY]}, M),
]


@pytest.mark.parametrize(("domain", "zone", "expected"), ORGANIZATIONS)
def test_where_the_organisation_ends(domain: str, zone: Zone, expected: str) -> None:
    assert dmarc.answer(domain, lookup(zone)).organization == expected


RUA = "rua=mailto:d@example.com"

POLICIES: list[tuple[str, Zone, str]] = [
    # its own
    (A, {A: REJECT}, "p=reject"),
    (A, {A: "v=DMARC1; p=none; sp=reject"}, "p=none"),
    (A, {A: "v=DMARC1;p=quarantine"}, "p=quarantine"),
    (A, {A: "v = DMARC1 ; p = reject ;"}, "p=reject"),
    (A, {A: "v=DMARC1; p=REJECT"}, "p=reject"),
    (A, {A: "v=DMARC1; rua=mailto:d@example.com; p=reject"}, "p=reject"),  # p needn't be second any more
    (A, {A: "v=DMARC1; p=reject; x-new=1; pct=20"}, "p=reject"),  # what isn't known is ignored
    (A, {A: "v=DMARC1; p=reject; p=none"}, "p=reject"),
    # the organisation's: sp where there is one, np where the domain isn't there at all
    (A, {E: REJECT}, "p=reject"),
    (A, {E: "v=DMARC1; p=reject; sp=none"}, "sp=none"),
    (A, {E: "v=DMARC1; p=reject; sp=none; np=quarantine"}, "np=quarantine"),
    (A, {E: "v=DMARC1; p=reject; sp=none; np=quarantine", f"A {A}": ""}, "sp=none"),
    (A, {E: "v=DMARC1; p=none; np=reject"}, "np=reject"),
    (A, {E: "v=DMARC1; p=none; np=reject", f"A {A}": ""}, "p=none"),
    (E, {E: "v=DMARC1; p=none; np=reject; sp=reject"}, "p=none"),
    # one in between is neither the domain's nor the organisation's
    (A, {M: REJECT, E: ANY}, "p=none"),
    (A, {M: "v=DMARC1; p=reject; psd=n", E: ANY}, "p=reject"),
    # the public suffix's, only where the organisation has none
    (A, {C: "v=DMARC1; p=none; sp=reject; psd=y"}, "sp=reject"),
    (A, {C: "v=DMARC1; p=none; sp=reject; psd=y", E: ANY}, "p=none"),
    # damaged ones
    (A, {A: "v=DMARC1"}, ""),
    (A, {A: "v=DMARC1;"}, ""),
    (A, {A: f"v=DMARC1; {RUA}"}, "p=none"),
    (A, {A: "v=DMARC1; p=strict"}, ""),
    (A, {A: f"v=DMARC1; p=strict; {RUA}"}, "p=none"),
    (A, {A: "v=DMARC1; p=reject; sp=maybe"}, ""),
    (A, {A: f"v=DMARC1; p=reject; sp=maybe; {RUA}"}, "p=none"),
    (A, {A: f"v=DMARC1; p=reject; np=maybe; {RUA}"}, "p=none"),
    (A, {A: "v=DMARC1; p=strict; rua=d@example.com"}, ""),
    (A, {A: "v=DMARC1; p=strict; rua=mailto:"}, ""),
    (A, {A: "v=DMARC1; p=strict; rua=https://x.example/,mailto:d@example.com!10m"}, "p=none"),
    (A, {A: [REJECT, ANY]}, ""),
    (A, {A: [REJECT, ANY], E: ANY}, "p=none"),
    (A, {A: "v=DMARC2; p=reject"}, ""),
    (A, {A: "v=DMARC1 p=reject"}, ""),
    (A, {A: " v=DMARC1; p=reject"}, ""),
    (A, {A: ["some text", "v=spf1 -all"]}, ""),
    (A, {}, ""),
]


@pytest.mark.parametrize(("domain", "zone", "expected"), POLICIES)
def test_which_policy_holds(domain: str, zone: Zone, expected: str) -> None:
    found = dmarc.answer(domain, lookup(zone))
    assert (f"{found.tag}={found.policy}" if found.policy else "") == expected


@pytest.mark.parametrize(
    ("first", "second", "zone", "expected"),
    [
        (E, "rp.example.com", {E: ANY}, True),
        (E, "rp.example.com", {}, False),  # no record says that they belong together
        (E, "rp.example.com", {E: "v=DMARC1; p=none; psd=y"}, False),
        (E, "other.com", {E: ANY, "other.com": ANY}, False),
        (M, "rp.example.com", {E: ANY}, True),
        ("shop.co.uk", "other.co.uk", {"co.uk": "v=DMARC1; p=none; psd=y"}, False),
        ("shop.co.uk", "rp.shop.co.uk", {"co.uk": "v=DMARC1; p=none; psd=y"}, True),
        (E, E, {}, True),
    ],
)
def test_what_is_aligned_needs_no_list_of_suffixes(first: str, second: str, zone: Zone, expected: bool) -> None:
    assert dmarc.aligned(first, second, lookup(zone)) is expected


@pytest.mark.parametrize(
    ("zone", "state", "says"),
    [
        ({A: REJECT}, RecordState.OK, "TXT _dmarc.a.mail.example.com: p=reject"),
        ({E: "v=DMARC1; p=none; sp=reject"}, RecordState.OK, "TXT _dmarc.example.com: sp=reject of example.com"),
        ({A: "v=DMARC1; p=reject; t=y"}, RecordState.OK, "p=reject, only tried (t=y)"),
        ({A: "v=DMARC1; p=reject; pct=50"}, RecordState.OK, "pct isn't read any more (RFC 9989): t=y says"),
        ({A: "v=DMARC1; p=none; rf=afrf; ri=3600"}, RecordState.OK, "rf, ri isn't read any more"),
        ({A: "v=DMARC1; p=none; psd=y"}, RecordState.OK, "rp.a.mail.example.com doesn't align with it"),
        ({A: "v=DMARC1; p=none; aspf=s"}, RecordState.OK, "only the DKIM signature does"),
        ({A: f"v=DMARC1; p=odd; {RUA}"}, RecordState.OK, "it counts as p=none"),
        ({A: [ANY, REJECT]}, RecordState.DIFFERENT, "has 2 DMARC records: receivers take none of them"),
        ({A: "v=dmarc1; p=none"}, RecordState.DIFFERENT, "must begin with v=DMARC1, in capitals"),
        ({A: "p=none; v=DMARC1"}, RecordState.DIFFERENT, "must begin with v=DMARC1, in capitals"),
        ({A: "v=DMARC1; p=odd"}, RecordState.DIFFERENT, "no valid policy and no rua: receivers ignore it"),
        ({}, RecordState.MISSING, ""),
        ({A: None}, RecordState.UNKNOWN, "TXT _dmarc.a.mail.example.com can't be looked up: SERVFAIL"),
        ({E: None}, RecordState.UNKNOWN, "TXT _dmarc.example.com can't be looked up: SERVFAIL"),
        ({A: ANY, E: None}, RecordState.OK, "p=none"),  # its own is known, whatever lies above
        ({A: [ANY, REJECT], E: ANY}, RecordState.OK, "receivers take none of them"),
    ],
)
def test_what_a_check_says(zone: Zone, state: RecordState, says: str) -> None:
    record = DnsRecord(f"_dmarc.{A}", "TXT", "v=DMARC1; p=none", "dmarc")
    (found,) = check([record], lookup(zone))
    assert found.state is state
    assert says in "; ".join((found.told, found.cause, *found.remarks))
