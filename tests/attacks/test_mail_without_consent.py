"""A tenant, or a stranger, tries to mail someone who didn't agree, or agreed to somebody or something else (R1, R8)."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.attacks.conftest import QUEUED, Ground
from tests.support.peers import until
from tests.support.smtp import Dialog, Reply, mail

LEFT = "ann.lee@gmail.com"
IDN = "ann@bücher.example"
UTF8 = "jörg@people.example"
STRANGER = "stranger@people.example"
TRUE = "true@people.example"


@pytest.fixture(scope="module", autouse=True)
def people(ground: Ground) -> None:
    ground.agree(LEFT, IDN, UTF8, TRUE)
    ground.leave(LEFT)
    for one in (IDN, UTF8):
        ground.leave_all(one)


# --- another spelling of who left ----------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "<ANN.LEE@GMAIL.COM>",
        "<annlee@gmail.com>",
        "<a.n.n.l.e.e@googlemail.com>",
        "<ann.lee+offers@gmail.com>",
        "<AnnLee+x+y@GoogleMail.com>",
        '<"ann.lee"@gmail.com>',
        r'<"a\n\n.lee"@gmail.com>',
        '<"annlee+x"@gmail.com>',
        "<@gmail.com:ann.lee@gmail.com>",
        "<@relay.test,@mx.gmail.com:annlee@googlemail.com>",
        "<ann.lee@\uff47\uff4d\uff41\uff49\uff4c.com>",
        "<ann.lee@gm\u00adail.com>",
        "<ann.lee@gmail\u3002com>",
    ],
)
@pytest.mark.parametrize("stream", ["news", "bulk"])
def test_another_spelling_of_who_left_is_who_left(ground: Ground, path: str, stream: str) -> None:
    assert ground.rcpt(path, stream).startswith("550 5.7.1 unsubscribed"), path


@pytest.mark.parametrize(
    "path",
    [
        "<ann@xn--bcher-kva.example>",
        "<ANN@XN--BCHER-KVA.EXAMPLE>",
        "<ann@BÜCHER.example>",
        "<ann@bu\u0308cher.example>",
        "<ann@bü\u200bcher.example>",
        "<ann@bücher\uff0eexample>",
    ],
)
def test_a_domain_s_other_spellings_are_one_domain(ground: Ground, path: str) -> None:
    assert ground.rcpt(path).startswith(("550 5.7.1 unsubscribed", "501 5.1.3")), path


@pytest.mark.parametrize("local", ["jörg", "JÖRG", "jo\u0308rg", "JO\u0308RG", '"jörg"'])
def test_a_local_part_s_other_spellings_are_one_mailbox(ground: Ground, local: str) -> None:
    reply = ground.rcpt(f"<{local}@people.example>", parameters=" SMTPUTF8")
    assert reply.startswith("550 5.7.1 unsubscribed"), reply


@pytest.mark.parametrize(
    "path",
    [
        "<friends:ann.lee@gmail.com;>",
        "<friends:true@people.example,ann.lee@gmail.com;>",
        "<true@people.example,ann.lee@gmail.com>",
        "<true@people.example> <ann.lee@gmail.com>",
        "<true@people.example>,<ann.lee@gmail.com>",
        "<true@people.example ann.lee@gmail.com>",
        "<ann.lee@gmail.com.>",
        "<ann.lee@gmail..com>",
        "<ann.lee.@gmail.com>",
        "<ann.lee@gmail.com@people.example>",
        "<ann.lee@gmail.com(people.example)>",
        "<ann.lee@(x)gmail.com>",
        "<ann.lee @gmail.com>",
        "<ann.lee@gmail.com\t>",
        "<ann.lee@gmail.com\x00@people.example>",
        "<ann\u200b.lee@gmail.com>",
        "<@gmail.com:>",
        "<ann.lee>",
        "<>",
        "ann.lee@gmail.com",
        "Ann <ann.lee@gmail.com>",
        '<"ann.lee@gmail.com>',
    ],
)
def test_what_is_no_single_address_is_nobody(ground: Ground, path: str) -> None:
    reply = ground.rcpt(path, "transactional")  # where consent isn't even asked
    assert re.match(r"5(00|01|53|55) 5\.[156]\.", reply), (path, reply)


@pytest.mark.parametrize(
    "path",
    [
        "<ann.lee%gmail.com@people.example>",
        "<ann.lee%gmail.com@relay.test>",
        '<"ann.lee@gmail.com"@people.example>',
        "<people.example!ann.lee@gmail.com>",
        "<true@[127.0.0.1]>",
        "<true@people.example.rival.example>",
        '<"true "@people.example>',
        "<true+x@people.example>",
        "<postmaster@people.example>",
    ],
)
def test_what_only_looks_like_a_consent_is_none(ground: Ground, path: str) -> None:
    assert ground.rcpt(path).startswith("550 5.7.1 no-consent"), path


def test_a_complaint_or_dead_address_stops_service_mail_in_any_spelling(ground: Ground) -> None:
    ground.relay.cli("suppression", "add", "acme", "dead.box@gmail.com", "--reason", "no such mailbox")
    for path in ("<dead.box@gmail.com>", "<deadbox+x@googlemail.com>", '<"d.e.a.d.box"@GMAIL.com>'):
        assert ground.rcpt(path, "transactional").startswith("550 5.7.1 suppressed"), path


# --- recipients that the envelope doesn't name ------------------------------------------------


def test_who_stands_in_the_header_only_gets_nothing(ground: Ground) -> None:
    extra = (
        f"Cc: team:{STRANGER}, {LEFT};\r\nBcc: {STRANGER}\r\nBCC : {LEFT}\r\nResent-Bcc: {STRANGER}\r\n"
        f"Resent-To: {STRANGER}\r\nApparently-To: {STRANGER}\r\nX-Rcpt-To: {STRANGER}\r\n"
    )
    got = ground.deliver(mail(to=TRUE, subject="Names in the header", extra=extra), TRUE)
    assert got.recipients == [TRUE]
    assert not re.search(rb"(?mi)^(?:resent-)?bcc", got.head)
    ground.settled()
    for who in (STRANGER, LEFT):  # other attacks have letters sent to them
        assert [one for one in ground.copies(who) if b"Names in the header" in one.data] == []


@pytest.mark.parametrize("end", ["\r\n.\n", "\n.\r\n", "\n.\n", "\r.\r", "\r\n.\r"])
def test_no_second_message_is_smuggled_in(ground: Ground, end: str) -> None:
    """A line end that only some servers take for one would begin a transaction that nobody asked about."""
    body = f"Hi{end}MAIL FROM:<news@acme.example>\r\nRCPT TO:<{STRANGER}>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n"
    before = ground.state(QUEUED)
    reply = ground.send(mail(to=TRUE, subject="Smuggling", body=body), TRUE)
    assert str(reply).startswith("554 5.6.0"), reply
    assert ground.state(QUEUED) == before


def test_after_a_refusal_there_is_no_one_to_send_data_to(ground: Ground) -> None:
    before = ground.state(QUEUED)
    with ground.session() as dialog:
        lines = ["MAIL FROM:<news@acme.example>", f"RCPT TO:<{STRANGER}>", f"RCPT TO:<{LEFT}>", "DATA"]
        dialog.send("".join(f"{line}\r\n" for line in lines).encode())
        replies = [str(dialog.read()) for _ in lines]
    assert [reply[:9] for reply in replies] == ["250 2.1.0", "550 5.7.1", "550 5.7.1", "554 5.5.1"]
    assert ground.state(QUEUED) == before


# --- consent that ends meanwhile ----------------------------------------------------------------


@pytest.mark.parametrize("how", ["one-click", "api", "other spelling", "everything"])
def test_a_withdrawal_between_rcpt_and_data_counts(ground: Ground, how: str) -> None:
    who = f"meanwhile.{how.replace(' ', '')}@gmail.com"
    other = who.replace(".", "", 1).replace("@gmail", "+x@googlemail")
    ground.agree(who, other)
    got = ground.deliver(mail(to=who, subject="Before"), who)
    with ground.session() as dialog:
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
        assert dialog.say(f"RCPT TO:<{who}>").code == 250
        if how == "one-click":
            link = re.findall(r"<(http[^>]+)>", got.field("List-Unsubscribe"))[0]
            assert ground.post(link, **{"List-Unsubscribe": "One-Click"}).status_code == 200
        elif how == "everything":
            ground.leave_all(who)
        else:
            email = other if how == "other spelling" else who
            assert ground.api("DELETE", "/consents", email=email, topic="news").json()["changed"]
        reply = dialog.data(mail(to=who, subject="Too late"))
    assert reply.code == 250
    ground.settled()
    (copy,) = ground.relay.json("trace", reply.text.split()[1])["recipients"]
    assert copy["state"] == "withdrawn" and "unsubscribed" in copy["steps"][-1]["why"]
    assert not [one for one in ground.copies(who) if b"Too late" in one.data]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One connection to the sink, so that one message waits behind another."""
    made = Ground(tmp_path_factory.mktemp("narrow"), ["bulk", "news"], delivery={"connections_per_site": 1})
    yield made
    made.sink.answering.set()
    made.close()


@pytest.mark.parametrize("how", ["withdrawn", "frozen", "declined"])
def test_what_ends_while_only_the_envelope_is_out_counts(narrow: Ground, how: str) -> None:
    """MAIL, RCPT and DATA go out behind the message before, and the remote is slow to answer that one."""
    sink, behind = narrow.sink, False
    for turn in range(20):
        first, second = f"first.{turn}@{how}.example", f"second.{turn}@{how}.example"
        narrow.agree(first, second)
        narrow.deliver(mail(to=first, subject="One before"), first)  # over this connection the others go too
        sink.answering.clear()
        reply = narrow.send(mail(subject="Two", extra=f"Relay-Campaign: {how}{turn}\r\n"), first, second)
        until(lambda: len(narrow.copies(first)) == 2, "the first message is there")  # noqa: B023
        if how == "withdrawn":
            narrow.leave_all(second)
        elif how == "frozen":
            narrow.relay.cli("tenant", "freeze", "acme", "--reason", "test", "--all-streams")
        else:
            ((campaign,),) = narrow.rows("SELECT id FROM campaign WHERE name = ?", f"{how}{turn}")
            narrow.relay.cli("campaign", "decline", str(campaign), "--reason", "no more")
        sink.answering.set()
        until(lambda: how in states(narrow, reply) or "held" in states(narrow, reply), "the second has ended")  # noqa: B023
        assert not narrow.copies(second)
        if how == "frozen":
            narrow.relay.cli("tenant", "unfreeze", "acme")
        behind = behind or second in sink.asked
        if behind:
            break
    assert behind, "the second envelope never went out behind the first message"


@pytest.fixture(scope="module")
def scarce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Room in memory for a copy or two: others wait in the store, and then behind the only connection."""
    place = tmp_path_factory.mktemp("scarce")
    made = Ground(place, ["news"], delivery={"connections_per_site": 1, "inflight": 6})
    yield made
    made.sink.answering.set()
    made.close()


@pytest.mark.parametrize("how", ["withdrawn", "declined"])
def test_what_ends_after_it_was_leased_from_the_store_counts(scarce: Ground, how: str) -> None:
    """Standings come with the lease; what became of them afterwards is seen all the same."""
    first, *others = [f"{name}@{how}.example" for name in ("first", "second", "third")]
    scarce.agree(first, *others)
    scarce.sink.answering.clear()
    scarce.send(mail(to=first), first)
    until(lambda: scarce.copies(first), "the first message is there")
    reply = scarce.send(mail(subject="Two", extra=f"Relay-Campaign: {how}\r\n"), *others)
    leased = "SELECT address, campaign_id FROM recipient WHERE owner IS NOT NULL AND address IN (?, ?)"
    ((who, campaign),) = until(lambda: scarce.rows(leased, *others), "one of the others is leased")
    if how == "withdrawn":
        scarce.leave_all(who)
    else:
        scarce.relay.cli("campaign", "decline", str(campaign), "--reason", "no more")
    scarce.sink.answering.set()
    until(lambda: how in states(scarce, reply), "it has ended")
    scarce.settled()
    assert not scarce.copies(who)


def states(ground: Ground, reply: Reply) -> list[str]:
    return [copy["state"] for copy in ground.relay.json("trace", reply.text.split()[1])["recipients"]]


# --- somebody else's consent, or another topic ------------------------------------------------------


def test_another_tenant_s_consent_is_none(ground: Ground) -> None:
    ground.agree("theirs@people.example", tenant="rival")
    for stream in ("news", "bulk"):
        reply = ground.rcpt("<theirs@people.example>", stream)
        assert reply.startswith("550 5.7.1 no-consent")
        assert "rival" not in reply
    unknown = ground.rcpt("<nobody-knows@people.example>")
    assert ground.rcpt("<theirs@people.example>") == unknown  # nor does the reply tell whose people they are


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("Relay-Topic: offers\r\n", "550 5.7.1 no-consent"),
        ("Relay-Topic: News\r\n", "550 5.7.1 topic:"),
        ("Relay-Topic: news,offers\r\n", "550 5.7.1 topic:"),
        ("Relay-Topic: news\r\nRelay-Topic: offers\r\n", "554 5.6.0"),
        ("Relay-Topic: *\r\n", "550 5.7.1 topic:"),
        ("Relay-Topic:\r\n", "554 5.6.0"),
        ("Relay-Consent: yes\r\n", "554 5.6.0"),
        ("Relay-Stream: transactional\r\n", "554 5.6.0"),
    ],
)
def test_a_consent_to_one_topic_is_none_to_another(ground: Ground, extra: str, expected: str) -> None:
    ground.agree("other@people.example", topic="offers")
    before = ground.state(QUEUED)
    reply = ground.send(mail(to=TRUE, extra=extra), TRUE, stream="bulk")
    assert str(reply).startswith(expected), reply
    assert ground.state(QUEUED) == before


def test_on_a_topic_s_stream_no_other_topic_can_be_named(ground: Ground) -> None:
    reply = ground.send(mail(to=TRUE, extra="Relay-Topic: offers\r\n"), TRUE)
    assert str(reply).startswith("550 5.7.1 topic: this stream is for the topic news, not offers")


# --- bulk mail in the clothes of service mail (R18a) -------------------------------------------------


def test_a_service_message_is_for_few(ground: Ground) -> None:
    """The rest is put off, so that nothing of an honest message is lost; each further message counts anew."""
    with ground.session("transactional") as dialog:
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
        replies = [str(dialog.say(f"RCPT TO:<crowd{number}@people.example>"))[:9] for number in range(110)]
        assert replies == ["250 2.1.5"] * 100 + ["452 4.5.3"] * 10
        assert dialog.data(mail(subject="For a crowd")).code == 250
    ground.settled()
    assert sum(len(one.recipients) for one in ground.sink.messages if b"For a crowd" in one.data) == 100


def test_service_mail_has_a_sender_a_way_to_report_it_and_ends_with_a_complaint(ground: Ground) -> None:
    who = "service@people.example"
    got = ground.deliver(mail(to=who, subject="Offers, offers"), who, "transactional")
    assert got.field("X-Sender-Contact") == "acme <post@acme.example>"
    assert ground.post(got.field("X-Report-Abuse").strip("<>"), report="abuse").status_code == 200
    for stream in ("transactional", "news"):
        assert ground.rcpt(f"<{who}>", stream).startswith("550 5.7.1 suppressed")


# --- strangers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("port", ["submission", "submissions", "inbound"])
@pytest.mark.parametrize("path", [TRUE, "true%people.example@relay.test", "@relay.test:true@people.example"])
def test_a_stranger_can_t_relay(ground: Ground, port: str, path: str) -> None:
    before = ground.state(QUEUED)
    with Dialog(getattr(ground.relay, port), tls=port == "submissions") as dialog:
        dialog.ehlo()
        replies = [str(dialog.say(line)) for line in ("MAIL FROM:<news@acme.example>", f"RCPT TO:<{path}>", "DATA")]
    assert replies[0].startswith("250" if port == "inbound" else "530 5.7.0"), replies
    assert all(reply.startswith(("5", "451")) for reply in replies[1:]), replies
    assert ground.state(QUEUED) == before


@pytest.mark.parametrize("name", ["transactional's", "bulk, acting for transactional", "upper case"])
def test_a_log_in_is_good_for_its_own_stream_only(ground: Ground, name: str) -> None:
    """Bulk mail can't be sent as service mail by asking for it: the log-in decides."""
    user, password = ground.logins["news"]
    other = ground.logins["transactional"][0]
    names = {"transactional's": other, "bulk, acting for transactional": f"{other}\0{user}", "upper case": user.upper()}
    with Dialog(ground.relay.submission) as dialog:
        dialog.ehlo()
        assert dialog.login(names[name], password).code in (501, 535)
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 530
