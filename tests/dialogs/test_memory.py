"""Memory for messages is charged for what has come, and nobody keeps the others out with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.dialogs.test_replies import starts
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail

LINES = "y" * 76 + "\r\n"
TENANTS = ("acme", "rival", "third", "fourth")
LIMITS = {"memory_octets": 400_000, "inbound_memory_octets": 200_000, "message_octets": 150_000}


class Two:
    """Two tenants, a small memory, and an address that bounces of a delivered message go to."""

    def __init__(self, relay: Relay, sink: Sink) -> None:
        self.relay = relay
        for name in TENANTS:
            relay.tenant(name, f"{name}.example")
        self.logins = {name: relay.credential(name, "transactional") for name in TENANTS}
        relay.start()
        with self.begun("rival") as s:
            starts(s.data(mail(sender="x@rival.example")), "250 ")
        self.returned = sink.to("x@rcpt.example").reverse_path

    def begun(self, tenant: str) -> Dialog:
        """A session after RCPT."""
        s = Dialog(self.relay.submission)
        s.ehlo()
        starts(s.login(*self.logins[tenant]), "235 ")
        starts(s.say(f"MAIL FROM:<x@{tenant}.example>"), "250 ")
        starts(s.say("RCPT TO:<x@rcpt.example>"), "250 ")
        return s

    def stranger(self, source: str = "127.0.0.1") -> Dialog:
        s = Dialog(self.relay.inbound, source=source)
        s.ehlo()
        starts(s.say("MAIL FROM:<>"), "250 ")
        starts(s.say(f"RCPT TO:<{self.returned}>"), "250 ")
        return s


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    sink = Sink()
    relay = Relay(
        tmp_path_factory.mktemp("memory"), {"delivery": {"smart_host": f"127.0.0.1:{sink.port}"}, "limits": LIMITS}
    )
    yield Two(relay, sink)
    relay.kill()
    sink.close()


def get_in(two: Two) -> None:
    """Every tenant's mail and every bounce is taken, of any size that is allowed."""
    for tenant in ("rival", "acme"):
        with two.begun(tenant) as s:
            starts(s.data(mail(sender=f"x@{tenant}.example")), "250 ")
    with two.stranger() as s:
        starts(s.data(mail(sender="mailer@elsewhere.example")), "250 ")
    with two.begun("rival") as s:
        starts(s.data(mail(sender="x@rival.example", body=LINES * 1800)), "250 ")


@pytest.mark.parametrize("announced", ["BDAT 149999 LAST", "BDAT 149999", "SIZE"])
@pytest.mark.parametrize("who", ["strangers", "a tenant"])
def test_what_is_only_announced_costs_nobody_anything(two: Two, who: str, announced: str) -> None:
    with ExitStack() as held:
        for _ in range(40):
            s = held.enter_context(two.stranger() if who == "strangers" else two.begun("acme"))
            if announced == "SIZE":
                s.say("RSET")
                starts(s.say(f"MAIL FROM:<{'' if who == 'strangers' else 'x@acme.example'}> SIZE=149999"), "250 ")
            else:
                s.send(announced.encode() + b"\r\n")
        get_in(two)


@pytest.mark.parametrize("how", ["DATA", "BDAT in one", "BDAT in parts", "between chunks"])
@pytest.mark.parametrize("who", ["strangers", "a tenant"])
def test_who_holds_much_for_long_gives_way(two: Two, who: str, how: str) -> None:
    part = (mail(sender="x@acme.example").encode() + LINES.encode() * 1000)[:70_000]
    with ExitStack() as held:
        slow = [held.enter_context(two.stranger() if who == "strangers" else two.begun("acme")) for _ in range(12)]
        for s in slow:
            if how == "DATA":
                starts(s.say("DATA"), "354 ")
                s.send(part)
            elif how == "BDAT in one":
                s.send(b"BDAT 100000 LAST\r\n" + part)
            elif how == "BDAT in parts":
                s.send(b"BDAT 100\r\n" + part[:100] + b"BDAT 90000 LAST\r\n" + part[100:])
            else:
                s.send(b"BDAT 70000\r\n" + part)
                s.read()
        get_in(two)
        for s in slow:  # whoever gave way is told to come again, and its session is in step
            if how == "DATA":
                s.send(b"\r\n.\r\n")
            elif how.startswith("BDAT"):
                s.send(b"x" * (30_000 if how == "BDAT in one" else 20_100))
                if how == "BDAT in parts":
                    s.read()
            else:
                s.send(b"BDAT 4 LAST\r\nabcd")
            assert str(s.read())[:4] in ("250 ", "452 ", "503 ", "554 ")
            starts(s.say("NOOP"), "250 ")
    get_in(two)


@pytest.mark.parametrize("who", ["strangers", "tenants"])
def test_several_that_hold_all_of_it_give_way_to_another(two: Two, who: str) -> None:
    """None of them has more than its share; together they have all there is."""
    part = (mail(sender="x@acme.example").encode() + LINES.encode() * 2000)[:60_000]
    with ExitStack() as held:
        hogs = []
        for number in range(12):
            opened = (
                two.stranger(f"127.0.0.{5 + number % 3}")
                if who == "strangers"
                else two.begun(("acme", "third", "fourth")[number % 3])
            )
            hogs.append(held.enter_context(opened))
            starts(hogs[-1].say("DATA"), "354 ")
            hogs[-1].send(part)
        with two.stranger() if who == "strangers" else two.begun("rival") as s:
            starts(s.data(mail(sender="x@rival.example", body=LINES * 600)), "250 ")
        told = []
        for hog in hogs:
            hog.send(b"\r\n.\r\n")
            told.append(str(hog.read())[:9])
            starts(hog.say("NOOP"), "250 ")
        assert "452 4.3.1" in told
    get_in(two)


def test_all_is_given_back(two: Two) -> None:
    """Whatever way a message ends, its octets are free: many times more than there are go through."""
    part = LINES.encode() * 1500
    for number in range(20):
        with two.begun("acme") as s:
            if number % 4 == 0:
                s.send(b"DATA\r\n" + part)
            elif number % 4 == 1:
                s.send(b"BDAT %d\r\n%bRSET\r\n" % (len(part), part))
            elif number % 4 == 2:
                s.send(b"BDAT %d\r\n%bQUIT\r\n" % (len(part), part))
            else:
                s.send(b"BDAT %d\r\n%bEHLO x\r\n" % (len(part), part))
            s.read()
    get_in(two)


@pytest.mark.parametrize("octets", ["150001", "9" * 6, "9" * 18])
@pytest.mark.parametrize("last", ["", " LAST"])
def test_a_chunk_that_can_t_fit_is_refused_and_never_read_as_commands(two: Two, octets: str, last: str) -> None:
    with two.begun("acme") as s:
        s.send(f"BDAT {octets}{last}\r\n".encode() + b"QUIT\r\n" * 100)
        if int(octets) < 300_001:
            s.send(b"x" * (int(octets) - 600))
        starts(s.read(), "552 5.3.4")
        if int(octets) < 300_001:
            starts(s.say("NOOP"), "250 ")
        else:
            with pytest.raises((EOFError, OSError)):
                s.say("NOOP")
