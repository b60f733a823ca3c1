"""Every row of the reply table that this release's policies can give, through a real socket."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import dkim
import pytest

from tests.dialogs.conftest import House
from tests.support.peers import until
from tests.support.smtp import Dialog, mail

MAIL = "MAIL FROM:<news@acme.example>"


def rcpt(name: str) -> str:
    return f"RCPT TO:<{name}@rcpt.example>"


def starts(reply: object, text: str) -> None:
    assert str(reply).startswith(text), reply


# --- the session ---------------------------------------------------------------


def test_ehlo_offers_only_what_is_kept(house: House) -> None:
    with Dialog(house.relay.submission) as plain:
        starts(plain.greeting, "220 relay.test")
        words = {line[4:].split()[0] for line in plain.ehlo().lines[1:]}
        assert words == {
            "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "LIMITS",
            "STARTTLS", "DSN",
        }  # fmt: skip
        plain.starttls()
        words = {line[4:].split()[0] for line in plain.ehlo().lines[1:]}
        assert "STARTTLS" not in words and "AUTH" in words


def test_not_authenticated(house: House) -> None:
    with house.session() as s:
        starts(s.say(MAIL), "530 5.7.0")


def test_auth_in_plaintext_is_refused(house: House) -> None:
    with Dialog(house.relay.submission) as s:
        s.ehlo()
        starts(s.login(*house.bulk), "538 5.7.11")


def test_starttls_drops_what_was_pipelined_in_plaintext(house: House) -> None:
    with Dialog(house.relay.submission) as s:
        s.ehlo()
        s.send(b"STARTTLS\r\nEHLO injected.test\r\n" + MAIL.encode() + b"\r\n")
        assert s.read().code == 220
        s._wrap()
        starts(s.say("NOOP"), "250 ")
        starts(s.say(MAIL), "503 5.5.1")  # the EHLO from before is forgotten


def test_wrong_credential_and_too_many(house: House) -> None:
    with Dialog(house.relay.submissions, tls=True, source="127.0.0.9") as s:
        s.ehlo()
        starts(s.login(house.bulk[0], "wrong"), "535 5.7.8")
        starts(s.login("nobody", "wrong"), "535 5.7.8")
        starts(s.login("nobody", "wrong"), "535 5.7.8")  # the third ends the session
    with Dialog(house.relay.submissions, tls=True, source="127.0.0.9") as s:
        s.ehlo()
        starts(s.login("nobody", "wrong"), "535 5.7.8")
        starts(s.login("nobody", "wrong"), "535 5.7.8")
    with Dialog(house.relay.submissions, tls=True, source="127.0.0.9") as s:
        s.ehlo()
        starts(s.login(*house.bulk), "421 4.7.0")
    with house.session(house.bulk):
        pass  # another address is not affected


def test_auth_login_and_its_odd_forms(house: House) -> None:
    user, password = (base64.b64encode(x.encode()).decode() for x in house.bulk)
    with house.session() as s:
        starts(s.say("AUTH LOGIN"), "334 ")
        starts(s.say(user), "334 ")
        starts(s.say(password), "235 2.7.0")
        starts(s.say("AUTH LOGIN"), "503 5.5.1")
    with house.session() as s:
        starts(s.say("AUTH PLAIN"), "334 ")
        starts(s.say("*"), "501 ")
        starts(s.say("AUTH PLAIN ===="), "501 ")
        starts(s.say("AUTH CRAM-MD5"), "504 5.5.4")
        starts(s.say(f"AUTH LOGIN {user}"), "334 ")
        starts(s.say(password), "235 ")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"MAIL FROM:news@acme.example", "501 "),
        (b"MAIL FROM:<news@acme.example> SIZE=abc", "501 5.5.4"),
        (b"MAIL FROM:<news@acme.example> FOO=1", "555 5.5.4"),
        (b"MAIL FROM:<news@acme.example> SIZE=999999999", "552 5.3.4"),
        (b"MAIL TO:<news@acme.example>", "501 5.5.4"),
        (b"MAIL FROM:<n\xc3\xa9ws@acme.example>", "550 5.6.7"),
        (b"MAIL FROM:<\xff@acme.example>", "501 "),
        (b"RCPT TO:<a@rcpt.example>", "503 5.5.1"),
        (b"DATA", "503 5.5.1"),
        (b"NOOP\n", "250 "),
        (b"FOO", "500 5.5.1"),
        (b"VRFY a", "252 "),
        (b"BOGUS \x00", "500 "),
        (b"NOOP a\rb", "501 "),
    ],
)
def test_syntax(house: House, line: bytes, expected: str) -> None:
    with house.session(house.bulk) as s:
        if line.endswith(b"\n"):
            line = line[:-1]
        starts(s.say(line), expected)


def test_a_command_must_end_with_crlf(house: House) -> None:
    with house.session(house.bulk) as s:
        s.send(b"NOOP\n")
        starts(s.read(), "500 5.5.2")


def test_an_endless_command_line_ends_the_session(house: House) -> None:
    with house.session(house.bulk) as s:
        s.send(b"NOOP " + b"x" * 10_000)
        starts(s.read(), "500 5.5.6")
        with pytest.raises((EOFError, OSError)):
            s.say("NOOP")


def _chunks(*parts: bytes) -> bytes:
    """All BDAT commands with their octets, in one write."""
    last = len(parts) - 1
    return b"".join(b"BDAT %d%s\r\n%b" % (len(p), b" LAST" if i == last else b"", p) for i, p in enumerate(parts))


def test_a_message_comes_in_chunks_and_leaves_as_it_came(house: House) -> None:
    message = mail(subject="In chunks", body="One\r\n.two\r\n..\r\n.\r\nthree\r\n").encode()
    with house.session(house.direct) as s:
        s.send(f"{MAIL}\r\n{rcpt('chunks')}\r\n".encode() + _chunks(message[:20], message[20:120], message[120:], b""))
        for code in ("250 2.1.0", "250 2.1.5", "250 2.0.0 20 ", "250 2.0.0 100 ", "250 2.0.0"):
            starts(s.read(), code)
        final = s.read()
        assert str(final).endswith("queued")
    arrived = house.sink.to("chunks@rcpt.example")
    assert b"\r\n\r\nOne\r\n.two\r\n..\r\n.\r\nthree\r\n\r\n-- \r\n" in arrived.data


def test_octets_of_a_refused_chunk_are_never_commands(house: House) -> None:
    with house.session(house.direct) as s:
        s.send(_chunks(b"QUIT\r\n"))
        starts(s.read(), "503 5.5.1")
        starts(s.say("NOOP"), "250")
        s.say(MAIL)
        s.say(rcpt("a"))
        big = b"x" * 150_000 + b"\r\n"
        s.send(_chunks(big, big, b"QUIT\r\n"))
        starts(s.read(), "250 2.0.0")
        starts(s.read(), "552 5.3.4")
        starts(s.read(), "503 5.5.1")
        starts(s.say("NOOP"), "250")


def test_bdat_and_data_do_not_mix_and_rset_ends_both(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("a"))
        s.send(b"BDAT 6\r\nFrom: ")
        starts(s.read(), "250 2.0.0")
        starts(s.say("DATA"), "503 5.5.1")
        starts(s.say("RSET"), "250")
        s.say(MAIL)
        s.say(rcpt("a"))
        starts(s.data(mail()), "250")


@pytest.mark.parametrize("argument", ["", "x", "-1", "10 FIRST", "1e3", "9" * 30])
def test_a_bdat_whose_size_is_unknown_ends_the_session(house: House, argument: str) -> None:
    with house.session(house.direct) as s:
        starts(s.say(f"BDAT {argument}"), "501 5.5.4")
        with pytest.raises((EOFError, OSError)):
            s.say("NOOP")


@pytest.mark.parametrize(
    "path",
    [
        "<a@b\x01>",
        "<a@b> <c@d>",
        "<a b@c.example>",
        '<"a@b.example>',
        "<a@b..c>",
        "<>",
        "a@b.example",
        "<alice@example.org)bob@example.com>",
    ],
)
def test_odd_forward_paths(house: House, path: str) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        assert s.say(f"RCPT TO:{path}").code in (501, 555), path


# --- sender ----------------------------------------------------------------------


def test_reverse_path_must_be_the_tenant_s(house: House) -> None:
    with house.session(house.bulk) as s:
        starts(s.say("MAIL FROM:<x@other.example>"), "550 5.7.1 sender:")
        starts(s.say("MAIL FROM:<>"), "550 5.7.1 sender:")
    with house.session(house.direct) as s:
        starts(s.say("MAIL FROM:<>"), "250 ")


def test_from_must_be_the_tenant_s(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("x"))
        starts(s.data(mail(sender="boss@other.example")), "550 5.7.1 sender:")
        starts(s.say(MAIL), "250 ")


# --- people ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "name", "expected"),
    [
        ("news", "a", "250 2.1.5"),
        ("news", "stranger", "550 5.7.1 no-consent:"),
        ("news", "offers", "550 5.7.1 no-consent:"),
        ("news", "gone", "550 5.7.1 unsubscribed:"),
        ("news", "partly", "550 5.7.1 unsubscribed:"),
        ("news", "dead", "550 5.7.1 suppressed:"),
        ("bulk", "stranger", "550 5.7.1 no-consent:"),
        ("bulk", "gone", "550 5.7.1 unsubscribed:"),
        ("bulk", "partly", "250 2.1.5"),
        ("direct", "stranger", "250 2.1.5"),
        ("direct", "gone", "250 2.1.5"),
        ("direct", "dead", "550 5.7.1 suppressed:"),
    ],
)
def test_who_may_be_mailed_at_rcpt(house: House, who: str, name: str, expected: str) -> None:
    with house.session(getattr(house, who)) as s:
        s.say(MAIL)
        starts(s.say(rcpt(name)), expected)


def test_topic_decides_at_data_for_some_or_all(house: House) -> None:
    with house.session(house.bulk) as s:
        s.say(MAIL)
        starts(s.say(rcpt("partly")), "250 ")
        starts(s.data(mail(extra="Relay-Topic: news\r\n")), "550 5.7.1 unsubscribed:")
        s.say(MAIL)
        s.say(rcpt("partly"))
        s.say(rcpt("b"))
        reply = s.data(mail(subject="some", extra="Relay-Topic: offers\r\n"))
        starts(reply, "250 2.0.0 ")  # b agreed to news only: left out and reported
        queue_id = reply.text.split()[1]
    house.sink.to("partly@rcpt.example")
    until(lambda: house.relay.json("stats", "acme")["refused"].get("no-consent", 0), "the refusal is on record")
    story = house.relay.cli("trace", queue_id)
    assert "b@rcpt.example" in story and "no-consent" in story


def test_refusals_are_summed_by_campaign_whenever_they_are_said(house: House) -> None:
    """At RCPT the campaign isn't known yet: those of a message that follows count for it all the same."""
    with house.session(house.bulk) as s:
        s.say(MAIL)
        for name in ("one", "two", "dead", "a", "partly"):
            s.say(rcpt(f"refused.{name}" if name in ("one", "two") else name))
        starts(s.data(mail(subject="sum", extra="Relay-Topic: news\r\nRelay-Campaign: summed\r\n")), "250 2.0.0 ")
        s.say(MAIL)
        s.say(rcpt("refused.three"))
        s.say(rcpt("a"))
        starts(s.data(mail(subject="bare", body="a bare \r in it\r\n")), "554 5.6.0 ")

    def told() -> list[tuple[str, str]]:
        with closing(house.relay.open_store()) as conn:
            rows = conn.execute("SELECT detail FROM event WHERE kind = 'refused' ORDER BY id").fetchall()
        found = [json.loads(row[0]) for row in rows]
        return [(one["code"], one["moment"]) for one in found if one["recipient"].startswith("refused.")]

    three = [("no-consent", "rcpt"), ("no-consent", "rcpt"), ("no-consent", "rcpt")]
    until(lambda: len(told()) == 3, "those of a message that the session itself refuses are on record too")
    assert told() == three
    assert house.relay.json("stats", "acme")["refused"]["5.6.0"] >= 1
    campaign = house.relay.json("stats", "acme", "--campaign", "summed")
    assert campaign["refused"] == {"no-consent": 2, "suppressed": 1, "unsubscribed": 1}
    assert house.relay.json("campaign", "show", str(campaign["campaign"]))["refused"] == campaign["refused"]


@pytest.mark.parametrize(
    ("who", "reply"),
    [("a", "250 2.0.0 "), ("offers", "550 5.7.1 no-consent: "), ("partly", "550 5.7.1 unsubscribed: ")],
)
def test_mail_without_a_topic_goes_under_the_first(house: House, who: str, reply: str) -> None:
    """Also when further ones were made since; so who agreed to a later one, or left the first, gets none of it."""
    with house.session(house.bulk) as s:
        s.say(MAIL)
        starts(s.say(rcpt(who)), "250 ")
        starts(s.data(mail(subject=f"no topic for {who}")), reply)


@pytest.mark.parametrize("who", ["bulk", "direct"])
def test_a_topic_that_isn_t_there(house: House, who: str) -> None:
    with house.session(getattr(house, who)) as s:
        s.say(MAIL)
        s.say(rcpt("a"))
        starts(
            s.data(mail(extra="Relay-Topic: new\r\n")),
            "550 5.7.1 topic: there is no topic new, did you mean ",
        )


def test_relay_topic_must_agree_with_the_stream(house: House) -> None:
    with house.session(house.news) as s:
        s.say(MAIL)
        s.say(rcpt("a"))
        starts(s.data(mail(extra="Relay-Topic: offers\r\n")), "550 5.7.1 topic: this stream is for the topic ")


def test_who_is_refused_at_data_is_reported_where_the_client_asked(house: House) -> None:
    with house.session(house.bulk) as s:
        s.say("MAIL FROM:<asked@acme.example> RET=HDRS ENVID=job1")
        s.say(rcpt("partly"))
        s.say(rcpt("c") + " NOTIFY=FAILURE")
        starts(s.data(mail(subject="report", extra="Relay-Topic: offers\r\n")), "250 2.0.0 ")
    notice = house.sink.to("asked@acme.example")
    assert notice.reverse_path == ""
    assert b"c@rcpt.example" in notice.data and b"no-consent" in notice.data and b"job1" in notice.data
    assert b"partly@rcpt.example" not in notice.data


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("Relay-Colour: red", "Relay-Colour"),
        ("Relay-Track: everything", "Relay-Track"),
        ("Relay-Track: opens, clicks", "Relay-Track"),
        ("Relay-Send-At: tomorrow", "Relay-Send-At"),
        ("Relay-Tag:", "Relay-Tag"),
        ("Relay-Topic: news\r\nRelay-Topic: news", "Relay-Topic"),
    ],
)
def test_relay_fields_that_are_not_honoured_are_refused_by_name(house: House, field: str, named: str) -> None:
    with house.session(house.news) as s:
        s.say(MAIL)
        s.say(rcpt("a"))
        reply = s.data(mail(extra=f"{field}\r\n"))
        starts(reply, "554 5.6.0")
        assert named in reply.text


def test_too_many_recipients(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        for i in range(20):
            starts(s.say(rcpt(f"r{i}")), "250 ")
        starts(s.say(rcpt("r20")), "452 4.5.3")
        starts(s.say(rcpt("r3")), "250 ")  # one that is in already


# --- the message --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Subject: no author\r\n\r\nx\r\n", "554 5.6.0"),
        (mail(extra="From: second@acme.example\r\n"), "554 5.6.0"),
        (mail(sender="alice@acme.example)bob@other.example"), "554 5.6.0"),
        (mail(sender="nobody"), "554 5.6.0"),
        (
            mail(sender="Acme, Inc. <news@acme.example>"),
            "554 5.6.0 the From field holds no valid address: a comma in a",
        ),
        (mail(extra="Subject: second\r\n"), "554 5.6.0 line 6 (offset "),
        (mail(extra="Reply-To: a@acme.example\r\nReply-To: b@acme.example\r\n"), "554 5.6.0 line 7 (offset "),
        (mail(extra="X-Mailer PHP\r\n"), "554 5.6.0 line 6 (offset "),
        (mail(extra=f"X-Long: {'y' * 1200}\r\n"), "554 5.6.0 line 6 (offset "),
        (mail(extra="Cc: jürgen@rcpt.example\r\n"), "554 5.6.7 line 6 (offset "),
        ("no header at all\r\n", "554 5.6.0"),
        (mail(extra="X-Big: " + "x " * 11_000 + "\r\n"), "554 5.6.0"),
        (mail(extra="".join(f"Received: by h{i}; x\r\n" for i in range(11))), "554 5.4.6"),
        (mail(body="x" * 70 + "\r\n" + ("y" * 76 + "\r\n") * 3000), "552 5.3.4"),
        (
            mail(
                extra="MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n",
                body="".join("--b\r\n\r\nx\r\n" for _ in range(60)) + "--b--\r\n",
            ),
            "554 5.6.0",
        ),
        (
            mail(
                extra="MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n",
                body="".join(f"--b{i}\r\nContent-Type: multipart/mixed; boundary=b{i + 1}\r\n\r\n" for i in range(12)),
            ),
            "554 5.6.0",
        ),
    ],
)
def test_malformed_messages(house: House, message: str, expected: str) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("x"))
        reply = s.data(message)
        starts(reply, expected)
        starts(s.say(MAIL), "250 ")  # the session goes on where the message ended


def test_the_250_carries_the_queue_id(house: House) -> None:
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("id"))
        reply = s.data(mail(to="id@rcpt.example"))
        starts(reply, "250 2.0.0 ")
        word, queued = reply.text.split()[1:]
        assert queued == "queued"
    shown = house.relay.json("queue", "show", word)
    assert "id@rcpt.example" in str(shown)


def test_dots_come_out_as_they_went_in(house: House) -> None:
    body = ".\r\n..\r\n.a\r\na.\r\n"
    with house.session(house.direct) as s:
        s.say(MAIL)
        s.say(rcpt("dots"))
        starts(s.data(mail(to="dots@rcpt.example", body=body)), "250 ")
    assert b"\r\n\r\n" + body.encode() in house.sink.to("dots@rcpt.example").data


def test_recipients_of_one_site_share_a_copy_unless_it_speaks_to_each(house: House) -> None:
    with house.session(house.direct) as s:
        for names, body in ((("s1", "s2", "s3"), "For all\r\n"), (("o1", "o2"), "For you: {{unsubscribe_url}}\r\n")):
            s.say(MAIL)
            for name in names:
                s.say(rcpt(name))
            starts(s.data(mail(body=body)), "250")
    together = house.sink.to("s1@rcpt.example")
    assert together.recipients == ["s1@rcpt.example", "s2@rcpt.example", "s3@rcpt.example"]
    one, other = house.sink.to("o1@rcpt.example"), house.sink.to("o2@rcpt.example")
    assert (one.recipients, other.recipients) == (["o1@rcpt.example"], ["o2@rcpt.example"])
    assert len({together.reverse_path, one.reverse_path, other.reverse_path}) == 3


def test_pipelined_commands_and_messages(house: House) -> None:
    with house.session(house.direct) as s:
        one = mail(to="p1@rcpt.example").encode()
        two = mail(to="p2@rcpt.example").encode()
        s.send(
            MAIL.encode() + b"\r\nRCPT TO:<p1@rcpt.example>\r\nDATA\r\n" + one + b".\r\n"
            + MAIL.encode() + b"\r\nRCPT TO:<p2@rcpt.example>\r\nDATA\r\n" + two + b".\r\nQUIT\r\n"
        )  # fmt: skip
        codes = [s.read().code for _ in range(9)]
        assert codes == [250, 250, 354, 250, 250, 250, 354, 250, 221]
    house.sink.to("p1@rcpt.example")
    house.sink.to("p2@rcpt.example")


def test_a_remote_without_8bitmime_gets_seven_bits_that_mean_the_same_and_verify(house: House) -> None:
    body = "Grüße aus Tallinn, Õhtu\r\n"
    extra = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n"
    for domain in ("seven.example", "rcpt.example"):
        with house.session(house.direct) as s:
            s.say(MAIL + " BODY=8BITMIME")
            s.say(f"RCPT TO:<g@{domain}>")
            starts(s.data(mail(to=f"g@{domain}", extra=extra, body=body)), "250 ")
    plain = house.seven_bit.to("g@seven.example").data
    assert plain.isascii()
    assert message_from_bytes(plain).get_payload(decode=True).startswith(body.encode())  # type: ignore[union-attr]
    assert body.encode() in house.sink.to("g@rcpt.example").data
    with closing(house.relay.open_store()) as conn:
        keys = conn.execute("SELECT selector, algorithm, public FROM dkim_key").fetchall()
    records = {
        f"{selector}._domainkey.acme.example.": f"v=DKIM1; k={algorithm.partition('-')[0]}; p={public}"
        for selector, algorithm, public in keys
    }
    for data in (plain, house.sink.to("g@rcpt.example").data):
        for index in (0, 1):
            found = dkim.DKIM(data)
            assert found.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name.decode()].encode())


# --- tenants -----------------------------------------------------------------------


def test_a_message_over_the_limit_for_some_takes_the_others(house: House) -> None:
    """Also where another session was quicker between RCPT and the commit."""
    relay = house.relay
    relay.tenant("race", "race.example", plan="free")
    who = relay.credential("race", "transactional")
    path = "MAIL FROM:<x@race.example> RET=HDRS"
    _use_up(house, "race", "messages", 2996)
    hello = {"sender": "Race <x@race.example>"}
    with house.session(who) as first, house.session(who) as second:
        for s, names in ((first, ("r1", "r2", "r3")), (second, ("r4", "r5", "r6"))):
            s.say(path)
            for name in names:
                starts(s.say(rcpt(name) + " NOTIFY=FAILURE"), "250 ")
        starts(first.data(mail(subject="race one", **hello)), "250 2.0.0 ")
        starts(second.data(mail(subject="race two", **hello)), "250 2.0.0 ")
        second.say(path)
        starts(second.say(rcpt("r7")), "550 5.7.1 quota-messages: 3000 of 3000")
    house.sink.to("r4@rcpt.example")
    told = house.sink.to("x@race.example")
    assert b"r5@rcpt.example" in told.data and b"r6@rcpt.example" in told.data and b"quota-messages" in told.data
    assert b"r4@rcpt.example" not in told.data
    found = relay.json("quota", "show", "race")
    assert (found["messages_used"], found["subscribers_used"]) == (3000, 4)
    until(lambda: relay.json("stats", "race")["refused"] == {"quota-messages": 3}, "all three are on record")


def test_freeze_quota_and_revoked_credentials(house: House) -> None:
    relay = house.relay
    relay.tenant("small", "small.example", plan="free")
    bulk, direct = relay.credential("small", "bulk"), relay.credential("small", "transactional")
    relay.consent("a@rcpt.example", tenant="small")
    path = "MAIL FROM:<x@small.example>"

    relay.cli("tenant", "freeze", "small", "--reason", "complaints")
    with house.session(bulk) as s:
        starts(s.say(path), "525 5.7.13 frozen: complaints")
    with house.session(direct) as s:
        starts(s.say(path), "250 ")
    relay.cli("tenant", "freeze", "small", "--reason", "fraud", "--all-streams")
    with house.session() as s:
        starts(s.login(*direct), "525 5.7.13 frozen: fraud")
    relay.cli("tenant", "unfreeze", "small")
    with house.session(bulk) as s:
        starts(s.say(path), "250 ")
        starts(s.say(rcpt("a")), "250 ")

    _use_up(house, "small", "messages", 2999)
    with house.session(direct) as s:
        s.say(path)
        starts(s.say(rcpt("x")), "250 ")
        reply = s.say(rcpt("y"))
        starts(reply, "550 5.7.1 quota-messages:")
        assert "of 3000" in reply.text and "renews" in reply.text
    _use_up(house, "small", "messages", 0)
    _use_up(house, "small", "subscribers", 300)
    with house.session(direct) as s:
        s.say(path)
        starts(s.say(rcpt("x")), "550 5.7.1 quota-subscribers:")
    assert relay.json("quota", "show", "small")["subscribers_used"] == 300

    with house.session(direct) as s:
        starts(s.say(path), "250 ")
        s.say("RSET")
        relay.cli("credential", "revoke", direct[0])
        starts(s.say(path), "530 5.7.0")


def _use_up(house: House, tenant: str, what: str, value: int) -> None:
    """Set a counter of the running period, as if so much had been sent."""
    period = house.relay.json("quota", "show", tenant)["period"]
    with closing(house.relay.open_store()) as conn:
        conn.execute(
            "INSERT INTO counter (tenant_id, name, value) SELECT id, ?, ? FROM tenant WHERE name = ?"
            " ON CONFLICT (tenant_id, name) DO UPDATE SET value = excluded.value",
            (f"{what}/{period}", value, tenant),
        )


def test_a_tenant_that_moves_in_is_watched_until_its_time_is_over(house: House) -> None:
    relay = house.relay
    relay.tenant("mover", "mover.example")
    relay.consent("agreed@rcpt.example", tenant="mover")
    relay.consent("left@rcpt.example", tenant="mover")
    relay.cli("consent", "withdraw", "mover", "left@rcpt.example")
    who = relay.credential("mover")
    path = "MAIL FROM:<news@mover.example>"
    with house.session(who) as s:
        s.say(path)
        starts(s.say(rcpt("never.agreed")), "550 5.7.1 no-consent:")
        relay.cli("tenant", "watch", "mover", "--days", "3")
        s.say("RSET")
        s.say(path)
        starts(s.say(rcpt("left")), "550 5.7.1 unsubscribed:")
        for name in ("never.agreed", "agreed", "nor.this"):
            starts(s.say(rcpt(name)), "250 ")
        moved = mail(sender="Mover <news@mover.example>", subject="moved", extra="Relay-Topic: news\r\n")
        starts(s.data(moved), "250 2.0.0 ")
        at = f"{datetime.now(UTC) + timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
        later = moved.replace("Subject: moved\r\n", f"Subject: later\r\nRelay-Send-At: {at}\r\n")
        s.say(path)
        s.say(rcpt("never.agreed"))
        reply = s.data(later)
        starts(reply, "250 2.0.0 ")
        house.sink.to("never.agreed@rcpt.example")
        found = relay.json("stats", "mover")["watch"]
        assert (found["asked"], found["would_be_refused"], found["running"]) == (4, 3, True)
        assert "3 of 4 would be refused: 3 gave no consent for news; until " in relay.cli("tenant", "show", "mover")
        relay.cli("tenant", "watch", "mover", "--days", "0")
        s.say(path)
        starts(s.say(rcpt("never.agreed")), "550 5.7.1 no-consent:")
    assert relay.run("tenant", "watch", "mover", "--days", "15").returncode == 2
    relay.cli("queue", "retry", reply.text.split()[1])
    until(
        lambda: "withdrawn" in relay.cli("trace", reply.text.split()[1]),
        "what still waits for somebody who never agreed doesn't go",
    )
