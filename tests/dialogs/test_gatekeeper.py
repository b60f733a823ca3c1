"""A policy of somebody else's that waits for a service on the network (``examples/gatekeeper``), in the real relay."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.packages import ROOT, installed
from tests.support.peers import until
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Reply, Sink, mail

ORDER = ["consent", "gatekeeper", "quota", "rate", "unsubscribe_footer", "staged_sending"]
"""Without ``sender_identity``, which must be said."""
PEOPLE = ("ok", "ok2", "ok3", "no", "later", "mute", "close", "odd", "long", "hold", "kept", "gone", "held", "slow")


class Service:
    """Answers by the address's local part; ``asked`` has all questions."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = {"no": "no not that one", "later": "later come again", "odd": "perhaps", "long": "ok " * 5000}
        self.copies = {"held": "no not any more", "kept": "hold 2 a moment of quiet"}
        self.go_on = threading.Event()
        self.waiting = threading.Semaphore(0)
        self.gone = threading.Semaphore(0)
        service = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                line = self.rfile.readline().decode().strip()
                service.asked.append(line)
                answer = service.answer(line)
                if answer is None:
                    service.waiting.release()
                    self.rfile.read()  # until the other side is gone
                    service.gone.release()
                elif answer:
                    self.wfile.write(f"{answer}\n".encode())

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, line: str) -> str | None:
        """None: none comes; empty: the connection is closed without one."""
        moment, _, rest = line.partition(" ")
        if moment == "message":
            return "no bad link" if "evil.example" in rest else "ok"
        name = rest.split()[-1].partition("@")[0]
        if moment == "copy":
            if name == "kept" and sum(one.startswith("copy") and "kept@" in one for one in self.asked) > 1:
                return "ok"
            return self.copies.get(name, "ok")
        if name == "mute":
            return None
        if name == "slow":
            self.waiting.release()
            self.go_on.wait(20)
        return "" if name == "close" else self.answers.get(name, "ok")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class House:
    def __init__(self, directory: Path) -> None:
        self.service, self.sink = Service(), Sink()
        self.environment = installed(ROOT / "examples" / "gatekeeper", directory / "site")
        (directory / "relay").mkdir()
        self.relay = relay = Relay(
            directory / "relay",
            {
                "delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0},
                "policy.staged_sending": {"new_below": 0},
            },
        )
        relay.tenant()
        for name in PEOPLE:
            relay.consent(f"{name}@rcpt.example")
        self.login = relay.credential(stream="bulk")
        relay.configure(self._settings(1.5))
        relay.start(self.environment)

    def _settings(self, timeout: float) -> dict[str, dict[str, object]]:
        return {
            "delivery": {"smart_host": f"127.0.0.1:{self.sink.port}", "retry": ["1s"], "jitter": 0},
            "policies": {"order": ORDER, "wait": "6s"},
            "policy.staged_sending": {"new_below": 0},
            "policy.gatekeeper": {"host": "127.0.0.1", "port": self.service.port, "timeout": timeout},
        }

    def session(self) -> Dialog:
        dialog = Dialog(self.relay.submissions, tls=True)
        dialog.ehlo()
        assert dialog.login(*self.login).code == 235
        return dialog

    def send(self, *names: str, body: str = "Hi there.\r\n") -> Reply:
        with self.session() as dialog:
            assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
            for name in names:
                reply = dialog.say(f"RCPT TO:<{name}@rcpt.example>")
                if reply.code != 250:
                    return reply
            return dialog.data(mail(to=f"{names[0]}@rcpt.example", subject=" ".join(names), body=body))

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command that finds the package too."""
        return subprocess.run(
            [sys.executable, "-m", "relay.cli.main", "-c", str(self.relay.config), *words],
            env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    def arrived(self, name: str) -> bool:
        return any(f"{name}@rcpt.example" in one.recipients for one in list(self.sink.messages))

    def close(self) -> None:
        code = self.relay.stop()
        self.sink.close()
        self.service.close()
        assert code == 0, "\n".join(self.relay.log[-40:])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("gatekeeper"))
    yield made
    made.close()


def test_what_the_service_lets_through_arrives(house: House) -> None:
    assert house.send("ok", "ok2").code == 250
    until(lambda: house.arrived("ok") and house.arrived("ok2"), "both arrive")
    asked = [line for line in house.service.asked if "ok@" in line or line.startswith("message")]
    assert asked == ["recipient acme ok@rcpt.example", "message acme", "copy acme ok@rcpt.example"]


@pytest.mark.parametrize(
    ("name", "reply"),
    [
        ("no", "550 5.7.1 gatekeeper: not that one"),
        ("later", "450 4.7.1 gatekeeper: come again"),
        ("odd", "451 4.3.0"),
        ("close", "451 4.3.0"),
        ("long", "451 4.3.0"),
        ("mute", "451 4.3.0"),
    ],
)
def test_what_it_says_is_the_reply_and_what_it_fails_to_say_defers(house: House, name: str, reply: str) -> None:
    assert str(house.send(name)).startswith(reply)


def test_a_message_is_judged_by_where_its_links_lead(house: House) -> None:
    reply = house.send("ok", body="See https://www.evil.example/offer now.\r\n")
    assert str(reply).startswith("550 5.7.1 gatekeeper: bad link")
    assert house.service.asked[-1] == "message acme www.evil.example"


def test_a_large_message_is_judged_alike(house: House) -> None:
    """Its octets are worked on in a thread; the hook runs where all hooks run."""
    filling = "0123456789abcdef\r\n" * 40_000
    assert str(house.send("ok", body=f"See https://evil.example/\r\n{filling}")).startswith("550 5.7.1 gatekeeper")
    assert house.send("ok3", body=filling).code == 250
    until(lambda: house.arrived("ok3"), "the large one arrives")


def test_pipelined_commands_keep_their_order_while_a_hook_waits(house: House) -> None:
    names = ("ok", "no", "slow", "ok2", "later")
    house.service.go_on.clear()
    with house.session() as dialog:
        lines = ["MAIL FROM:<news@acme.example>", *(f"RCPT TO:<{name}@rcpt.example>" for name in names), "DATA"]
        dialog.send("".join(f"{line}\r\n" for line in lines).encode())
        assert house.service.waiting.acquire(timeout=20)
        house.service.go_on.set()
        assert [dialog.read().code for _ in lines] == [250, 250, 550, 250, 250, 450, 354]
        dialog.send(mail(subject="in order").encode() + b".\r\nNOOP\r\nMAIL FROM:<news@acme.example>\r\nRSET\r\n")
        assert [dialog.read().code for _ in range(4)] == [250] * 4


def test_bdat_behind_a_recipient_that_is_waited_for(house: House) -> None:
    raw = mail(to="slow@rcpt.example", subject="in chunks").encode()
    house.service.go_on.clear()
    with house.session() as dialog:
        dialog.send(
            b"MAIL FROM:<news@acme.example>\r\nRCPT TO:<slow@rcpt.example>\r\n"
            + b"BDAT 40\r\n" + raw[:40] + f"BDAT {len(raw) - 40} LAST\r\n".encode() + raw[40:] + b"QUIT\r\n"
        )  # fmt: skip
        assert house.service.waiting.acquire(timeout=20)
        house.service.go_on.set()
        assert [dialog.read().code for _ in range(5)] == [250, 250, 250, 250, 221]


def test_a_client_that_leaves_takes_its_question_along(house: House) -> None:
    """The connection to the service is closed long before the policy's own limit."""
    dialog = house.session()
    dialog.send(b"MAIL FROM:<news@acme.example>\r\nRCPT TO:<mute@rcpt.example>\r\n")
    while not house.service.waiting.acquire(timeout=20):
        raise AssertionError("it was not asked")
    dialog.close()
    assert house.service.gone.acquire(timeout=20)


def test_others_are_served_while_one_waits(house: House) -> None:
    house.service.go_on.clear()
    with house.session() as first:
        first.send(b"MAIL FROM:<news@acme.example>\r\nRCPT TO:<slow@rcpt.example>\r\n")
        assert first.read().code == 250
        assert house.service.waiting.acquire(timeout=20)
        assert house.send("ok").code == 250
        house.service.go_on.set()
        assert first.read().code == 250


def test_the_time_of_one_transaction_is_for_all_its_recipients(house: House) -> None:
    """Six seconds are there for waiting: after four that took a second and a half each, nobody is asked any more."""
    with house.session() as dialog:
        assert dialog.say("MAIL FROM:<news@acme.example>").code == 250
        for _ in range(5):
            assert dialog.say("RCPT TO:<mute@rcpt.example>").code == 451
        question = "recipient acme ok@rcpt.example"  # the last of those before may reach the service late
        before = house.service.asked.count(question)
        assert str(dialog.say("RCPT TO:<ok@rcpt.example>")).startswith("451 4.3.0")
        assert house.service.asked.count(question) == before


def test_the_re_check_is_asked_too_and_its_answers_act(house: House) -> None:
    assert house.send("held").code == 250
    until(lambda: "withdrawn" in house.relay.cli("queue", "list", "--state", "withdrawn"), "the copy ends")
    assert not house.arrived("held")


def test_a_hold_at_the_re_check_ends_by_itself(house: House) -> None:
    id_ = house.send("kept").text.split()[1]

    def held() -> bool:
        story = house.relay.json("trace", id_)["recipients"][0]
        return bool(story["holds"]) and story["holds"][0]["until"] is not None

    until(held, "it is held")
    shown = house.relay.cli("queue", "show", id_)
    assert "a moment of quiet" in shown and "by itself" in shown
    until(lambda: house.arrived("kept"), "it goes when its time has come")


def test_a_start_says_whose_protection_is_left_out(house: House) -> None:
    (told,) = [line for line in house.relay.log if "is not in [policies] order" in line]
    assert "WARNING" in told.upper() and "sender_identity is not in [policies] order: mail goes out in names" in told


def test_commands_know_the_policy_and_that_it_waits(house: House) -> None:
    shown = {row["name"]: row for row in json.loads(house.command("policies", "--json").stdout)}
    assert shown["gatekeeper"]["waits"] == ["on_recipient", "on_message", "on_release"]
    assert shown["consent"]["waits"] == []


def test_an_unreachable_service_defers_all(house: House) -> None:
    """Last: from here on nobody answers, not at RCPT, and not for copies that were taken before."""
    house.service.close()
    assert str(house.send("ok")).startswith("451 4.3.0")


def test_settings_that_cannot_be_are_told_by_name(house: House) -> None:
    text = house.relay.config.read_text()
    house.relay.config.write_text(text.replace(f'"port" = {house.service.port}', '"port" = 0'))
    said = house.command("policies").stderr
    house.relay.config.write_text(text)
    assert "policy.gatekeeper: port must be a number from 1 to 65535" in said
