"""The table of answers: each row decides something; what isn't the remote's own words decides nothing."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.verdict.answer import read
from relay.verdict.phrases import PATTERNS, PhraseGroup, found_in
from relay.verdict.table import TABLE, _matches, judge
from relay.verdict.values import AddressSays, AnswerKind
from relay.verdict.words import own_words

USER_UNKNOWN = "550 5.1.1 <{0}>: Recipient address rejected: User unknown"
PEOPLE = [
    "john.slater@rcpt.example",
    "s.templater@rcpt.example",
    "contemporary.art@rcpt.example",
    "no-spam-please@rcpt.example",
    "policy@rcpt.example",
    "spam@rcpt.example",
    "later@rcpt.example",
    "mailbox.full@rcpt.example",
    "quota@rcpt.example",
    "blocked+tag@rcpt.example",
    "BLACKLIST@rcpt.example",
    "ann@antispam-policy.example",
    "ann@full.example",
    "ann@mx.try-again-later.example",
    "temporary_greylist@rcpt.example",
    "dmarc.spf@rcpt.example",
    "b-later.spam=rcpt.example@relay.example",
    "postmaster@later.example",
]
SPELLINGS = [
    USER_UNKNOWN,
    "550 5.1.1 {0} User unknown",
    "550 5.1.1 {0}... User unknown",
    "550 5.1.1 unknown user: {0}",
    "550 5.1.1 user '{0}' does not exist",
    '550 5.1.1 "{0}" is not a known user',
    "550 <{0}>: no such user",
    "550 no such user ({0})",
    "550 User {1} not found",
    "550 {1}: user unknown",
    "550 user unknown: <{1}>",
    "550 5.1.1 {2} unknown user",
    "550 5.1.1 {3}: unknown user",
    "550 5.1.1 user unknown; mx3.antispamcloud.example",
    "550 5.1.1 spam-gw-2: user unknown",
    "550 5.1.1 The account does not exist, see https://help.mx.example/collateral?id=1",
    "550 5.1.1 No such user, see www.later.example/temporarily/blocked",
    "550 5.1.1 No such user [policy.example] [2001:db8::1] [192.0.2.77]",
    "550 5.1.1 mailto:{0} no such user",
]


@pytest.mark.parametrize("text", SPELLINGS)
@pytest.mark.parametrize("person", PEOPLE)
def test_addresses_hosts_and_links_decide_nothing(person: str, text: str) -> None:
    local, _, domain = person.rpartition("@")
    said = text.format(person, local, f"{local}%{domain}", person.upper())
    assert read(said, [person]).judged("rcpt").address is AddressSays.DEAD, own_words(said, [person])
    later = read(said.replace("550", "450").replace("5.1.1", "4.1.1"), [person]).judged("rcpt")
    assert (later.address, later.lasting) == (AddressSays.ALIVE, False)


@pytest.mark.parametrize("person", PEOPLE)
def test_the_remotes_own_words_count_whoever_the_person_is(person: str) -> None:
    for text in (
        "550 5.1.1 <{}> blocked using zen.spamhaus.org",
        "550 <{}> mailbox is full",
        "550 {}: try again later",
    ):
        assert read(text.format(person), [person]).judged("rcpt").address is AddressSays.ALIVE


@pytest.mark.parametrize("person", ["user@x.example", "unknown@x.example", "mailbox@x.example", "recipient@x.example"])
def test_a_local_part_that_is_a_word_of_the_answer_takes_none_away(person: str) -> None:
    assert read("550 user unknown", [person]).judged("rcpt").address is AddressSays.DEAD
    assert read("550 mailbox full", [person]).judged("rcpt").kind is AnswerKind.FULL


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("<a@b.example>: no", "<>: no"),
        ('"john later"@b.example no', "<> no"),
        ("a%b.example@c.example no", "<> no"),
        ("user a=b@c.example no", "user <> no"),
        ("[192.0.2.1] no", "<> no"),
        ("IPv6:2001:db8::25 no", "<> no"),
        ("mx1.b.example no", "<> no"),
        ("mailbox ( a@b.example ) no", "mailbox <> no"),
        ("user unknown.Please try", "user unknown. Please try"),
        ("user unknown.please try", "user unknown. please try"),
        ("see https://b.example/later?x=spam.", "see <>"),
        ("/O=ORG/OU=SPAM/CN=LATER no", "<> no"),
        ("RESOLVER.ADR.RecipientNotFound; no", "RESOLVER ADR Recipient Not Found; no"),
        ("5.1.1 no\n5.1.1 user", "5.1.1 no 5.1.1 user"),
        ("listed at zen.spamhaus.org", "listed at blocklist"),
        ("spam", "spam"),
    ],
)
def test_own_words(text: str, left: str) -> None:
    assert own_words(text) == left


def test_codes_are_read_wherever_they_stand_but_not_in_addresses() -> None:
    assert read("550 sorry (#5.1.1)").codes == ("5.1.1",)
    assert read("550-5.1.1 a 550 5.1.1 b").codes == ("5.1.1",)
    assert read("550 <5.1.1@b.example> connect to 5.1.1.7 failed").codes == ()
    assert read("550 no", reply=553).reply == 553
    assert read("said: 452 4.2.2 no").reply == 452
    assert read("larger than 512 octets").reply is None


@pytest.mark.parametrize("number", range(len(TABLE)))
def test_every_row_is_reached(number: int) -> None:
    """Rows that never decide anything would be dead wood, or hidden by one above."""
    row = TABLE[number]
    codes = [code for code in CODES if not row.codes or re.fullmatch(row.codes, code)]
    replies = [one for one in (550, 552, 551, 521, 501, None) if not row.replies or re.fullmatch(row.replies, str(one))]
    texts = [f"{_words(one)}; {' '.join(map(_words, row.also))}" for one in row.words] or [""]
    assert any(
        next(one for one in TABLE if _matches(one, reply, code, found, stage)) is row
        for text in texts
        for beside in ("", *map(_words, PhraseGroup))
        for found in (found_in(f"{text}; {beside}"),)
        for code in codes
        for reply in replies
        for stage in row.stages or ("rcpt", "dot", "")
    )


CODES = re.split(
    " ",
    " 1.1 1.2 1.3 1.4 1.6 1.7 1.10 1.351 2.0 2.1 2.2 2.3 3.0 3.2 3.4 4.0 4.1 4.4 4.5 4.6 4.7 4.316 6.0"
    " 7.1 7.10 7.13 7.26 7.27",
)


def _words(group: PhraseGroup) -> str:
    """A plain text of a group: the shortest phrase that its own expression finds."""
    return {
        PhraseGroup.FULL: "mailbox full",
        PhraseGroup.LARGE: "message too large",
        PhraseGroup.LOOP: "mail loop",
        PhraseGroup.GREYLIST: "greylisted",
        PhraseGroup.LATER: "try later",
        PhraseGroup.RATE: "rate limit",
        PhraseGroup.BLOCKED: "blacklisted",
        PhraseGroup.SPAM: "spam",
        PhraseGroup.AUTHENTICATION: "dmarc",
        PhraseGroup.SENDER: "callout verification",
        PhraseGroup.RELAYING: "unable to relay",
        PhraseGroup.TLS: "tls required",
        PhraseGroup.DISABLED: "account suspended",
        PhraseGroup.POLICY: "policy",
        PhraseGroup.CONTENT: "attachment",
        PhraseGroup.FILTERED: "filtered",
        PhraseGroup.MOVED: "has moved",
        PhraseGroup.NO_DOMAIN: "host unknown",
        PhraseGroup.NETWORK: "connection timed out",
        PhraseGroup.EXPIRED: "message expired",
        PhraseGroup.SYSTEM: "internal error",
        PhraseGroup.PROTOCOL: "syntax error",
        PhraseGroup.PROGRAM: "procmail",
        PhraseGroup.NOBODY: "no longer employed",
        PhraseGroup.UNKNOWN: "user unknown",
        PhraseGroup.NO_ACCOUNT: "does not have an x account",
        PhraseGroup.NAMELESS: "550 : user unknown",
        PhraseGroup.REFUSED: "recipient rejected",
        PhraseGroup.CLOSED: "badrcptto",
    }[group]


@pytest.mark.parametrize("group", list(PhraseGroup))
def test_each_group_finds_its_words(group: PhraseGroup) -> None:
    assert PATTERNS[group].search(_words(group))


@given(st.text(max_size=300), st.sampled_from(["rcpt", "data", "dot", "", "mail", "greeting"]))
def test_anything_is_judged(text: str, stage: str) -> None:
    judged = read(text, ["ann@example.net"]).judged(stage)
    assert judged.address is AddressSays.ALIVE or judged.lasting
    assert judged.permanent is (judged.address in (AddressSays.DEAD, AddressSays.DOUBTED))
    if stage in ("mail", "greeting"):
        assert judged.address is AddressSays.ALIVE


@pytest.mark.parametrize(
    "text",
    ["user account exceed mail " * 400, "<" * 8000, "a@" * 4000, "a." * 4000, "1:" * 4000, "a-1" * 3000, "/a=b" * 2000],
)
def test_time_is_linear(text: str) -> None:
    start = time.process_time()
    read(text, ["ann@example.net"]).judged("rcpt")
    assert time.process_time() - start < 2


def test_the_same_words_are_judged_once() -> None:
    before = judge.cache_info().hits
    for person in ("ann@example.net", "bob@example.net"):
        read(USER_UNKNOWN.format(person), [person]).judged("rcpt")
    assert judge.cache_info().hits > before
