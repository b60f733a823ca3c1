"""One tenant's slow destination leaves room for another's mail (R25a)."""

from __future__ import annotations

import socket
from pathlib import Path

from config.sending import Delivery
from tests.dialogs.test_replies import starts
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink, mail


def test_a_tarpit_of_one_tenant_does_not_stop_another(tmp_path: Path) -> None:
    sink = Sink()
    tarpit = socket.create_server(("127.0.0.1", 0), backlog=64)  # takes connections and never says a word
    routes = {"slow.example": f"127.0.0.1:{tarpit.getsockname()[1]}", "rcpt.example": f"127.0.0.1:{sink.port}"}
    relay = Relay(tmp_path, {"delivery": {"routes": routes, "inflight": 40}})
    relay.tenant("slow", "slowshop.example")
    relay.tenant("quick", "quickshop.example")
    logins = {name: relay.credential(name, "transactional") for name in ("slow", "quick")}
    relay.start()
    try:
        with Dialog(relay.submission) as s:
            s.ehlo()
            s.login(*logins["slow"])
            for batch in range(4):
                s.say("MAIL FROM:<a@slowshop.example>")
                for i in range(25):
                    s.say(f"RCPT TO:<p{batch}.{i}@slow.example>")
                starts(s.data(mail(sender="a@slowshop.example", subject=str(batch))), "250 ")
        with Dialog(relay.submission) as s:
            s.ehlo()
            s.login(*logins["quick"])
            s.say("MAIL FROM:<b@quickshop.example>")
            s.say("RCPT TO:<you@rcpt.example>")
            starts(s.data(mail(sender="b@quickshop.example")), "250 ")
        assert sink.to("you@rcpt.example")
    finally:
        relay.kill()
        sink.close()
        tarpit.close()


def test_many_tarpits_of_one_tenant_do_not_stop_another(tmp_path: Path) -> None:
    """Each is a site of its own and holds a connection: the copies in memory are shared out, so connections are."""
    assert Delivery().connections >= Delivery().inflight
    sink = Sink()
    tarpit = socket.create_server(("0.0.0.0", 0), backlog=64)
    slow = [f"slow{number}.example" for number in range(60)]
    routes = {name: f"127.0.1.{number + 1}:{tarpit.getsockname()[1]}" for number, name in enumerate(slow)}
    routes["rcpt.example"] = f"127.0.0.1:{sink.port}"
    limits = {"inflight": 40, "connections": 40, "connections_per_site": 20}
    relay = Relay(tmp_path, {"server": {"workers": 1}, "delivery": {"routes": routes, **limits}})
    relay.tenant("slow", "slowshop.example")
    relay.tenant("quick", "quickshop.example")
    logins = {name: relay.credential(name, "transactional") for name in ("slow", "quick")}
    relay.start()
    try:
        with Dialog(relay.submission) as s:
            s.ehlo()
            s.login(*logins["slow"])
            for name in slow:
                s.say("MAIL FROM:<a@slowshop.example>")
                s.say(f"RCPT TO:<p@{name}>")
                starts(s.data(mail(sender="a@slowshop.example", subject=name)), "250 ")
        tarpit.settimeout(10)
        held = [tarpit.accept() for _ in range(20)]  # what a tenant alone may have
        with Dialog(relay.submission) as s:
            s.ehlo()
            s.login(*logins["quick"])
            s.say("MAIL FROM:<b@quickshop.example>")
            s.say("RCPT TO:<you@rcpt.example>")
            starts(s.data(mail(sender="b@quickshop.example")), "250 ")
        assert sink.to("you@rcpt.example") and len(held) == 20
    finally:
        relay.kill()
        sink.close()
        tarpit.close()
