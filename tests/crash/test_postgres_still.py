"""The database server stands still, or the network to it does: each client is answered soon, and mail is taken again.

Connections stay open and nothing answers: nobody is told anything by the system, so whatever waits needs an end of its
own. Replies are timed through real sockets, from SMTP clients at each command, the API and a page.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.crash.conftest import Victim
from tests.support.peers import until
from tests.support.postgres import Server
from tests.support.smtp import Dialog, mail
from tests.support.wire import Wire

ANSWERED_S = 5.0
"""So soon a client is told."""
CLIENTS = 4
REFUSED = 4
"""Replies that each client has had of a relay without its server, before that goes on."""
TAKEN = 5


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def wire(server: Server) -> Iterator[Wire]:
    made = Wire(server.directory / ".s.PGSQL.5432")
    yield made
    made.close()


@pytest.fixture(scope="module")
def prepared(server: Server, wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    name = server.empty().rpartition("?")[0].rpartition("/")[2]
    url = f"postgresql://relay@127.0.0.1:{wire.port}/{name}?sslmode=disable"
    made = Victim(tmp_path_factory.mktemp("victim"), url)
    yield made
    made.close()


Fault = Callable[[Server, Wire], Callable[[], None]]
"""Makes it stand still, and gives what lets it go on."""


def _stopped(pids: list[int]) -> Callable[[], None]:
    def go_on() -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return go_on


def _backends(server: Server) -> list[int]:
    words = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.pid())], capture_output=True, text=True).stdout
    return [int(word) for word in words.split()]


def all_of_it(server: Server, wire: Wire) -> Callable[[], None]:
    return _stopped([server.pid(), *_backends(server)])


def backends(server: Server, wire: Wire) -> Callable[[], None]:
    """Those that are there; new ones answer, and wait for what these have locked."""
    return _stopped(_backends(server))


def network(server: Server, wire: Wire) -> Callable[[], None]:
    wire.cut()
    return wire.mend


class Client:
    """Says one thing after the other for as long as it is wanted; keeps codes and how long the longest took."""

    def __init__(self, work: Callable[[Client], None]) -> None:
        self._work = work
        self.codes: Counter[int] = Counter()
        self.slowest_s = 0.0
        self.failure = ""
        self.ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self.ending.is_set():
            try:
                self._work(self)
            except (OSError, EOFError, http.client.HTTPException) as error:
                self.failure = f"{type(error).__name__}: {error}"
                time.sleep(0.05)

    def timed(self, ask: Callable[[], int]) -> int:
        begun = time.monotonic()
        code = ask()
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        self.codes[code] += 1
        return code

    def answered(self) -> int:
        return sum(self.codes.values())

    def taken(self) -> int:
        return sum(self.codes[code] for code in (200, 202, 250))

    def refused(self) -> int:
        return sum(self.codes[code] for code in (451, 503))

    def end(self) -> None:
        self.ending.set()
        self._thread.join(30)


def sending(victim: Victim) -> Callable[[Client], None]:
    """Messages in one session after the other; each command is timed."""

    def work(client: Client) -> None:
        with Dialog(victim.relay.submission) as dialog:
            dialog.ehlo()
            if client.timed(lambda: dialog.login(*victim.login).code) != 235:
                return
            while not client.ending.is_set():
                for line in ("MAIL FROM:<news@acme.example>", "RCPT TO:<r1@rcpt.example>", "RCPT TO:<r2@rcpt.example>"):
                    if client.timed(lambda line=line: dialog.say(line).code) >= 400:  # type: ignore[misc]
                        dialog.say("RSET")
                        break
                else:
                    client.timed(lambda: dialog.data(mail(to="r1@rcpt.example", subject="One")).code)

    return work


def asking(victim: Victim, path: str, key: str = "") -> Callable[[Client], None]:
    """A page, or with a key a message by the API."""
    body = {"from": "news@acme.example", "to": ["r1@rcpt.example"], "subject": "One", "text": "Hi", "stream": "bulk"}

    def ask() -> int:
        link = http.client.HTTPConnection("127.0.0.1", victim.relay.http, timeout=20)
        try:
            if key:
                headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
                link.request("POST", path, json.dumps(body), headers)
            else:
                link.request("GET", path)
            return link.getresponse().status
        finally:
            link.close()

    return lambda client: void(client.timed(ask))


def void(_: object) -> None: ...


@contextmanager
def clients(works: list[Callable[[Client], None]]) -> Iterator[list[Client]]:
    made = [Client(work) for work in works]
    try:
        yield made
    finally:
        for one in made:
            one.ending.set()
        for one in made:
            one.end()


def unsubscribing(victim: Victim) -> str:
    """Path of a page that looks into the store."""
    victim.drained()
    found = re.search(rb"<http://[^/]+(/u/[^>]+)>", victim.sink.messages[-1].data)
    assert found is not None
    return found[1].decode()


def more(working: list[Client], number: Callable[[Client], int], by: int) -> None:
    """Waits until each has had so many more."""
    before = [number(one) for one in working]

    def had() -> bool:
        return all(number(one) >= was + by for one, was in zip(working, before, strict=True))

    until(had, lambda: f"{number.__name__} {by} more: {[dict(one.codes) for one in working]}")


@pytest.mark.parametrize(
    "fault",
    [all_of_it, pytest.param(backends, marks=pytest.mark.slow), pytest.param(network, marks=pytest.mark.slow)],
    ids=lambda fault: fault.__name__,
)
def test_everybody_is_answered_soon(victim: Victim, server: Server, wire: Wire, fault: Fault) -> None:
    token = victim.relay.json("token", "add", "acme")["token"]
    victim.relay.start()
    with Dialog(victim.relay.submission) as first:
        first.ehlo()
        first.login(*victim.login)
        first.say("MAIL FROM:<news@acme.example>")
        first.say("RCPT TO:<r1@rcpt.example>")
        assert first.data(mail(to="r1@rcpt.example", subject="One")).code == 250
    page = unsubscribing(victim)
    smtp = [sending(victim)] * CLIENTS
    web = [asking(victim, "/v1/messages", token), asking(victim, page), asking(victim, "/readyz")]
    with clients([*smtp, *web]) as working, ExitStack() as undo:
        more(working, Client.taken, TAKEN)
        for one in working:
            one.slowest_s = 0.0
        undo.callback(fault(server, wire))
        more(working, Client.answered if fault is backends else Client.refused, REFUSED)
        undo.close()
        more(working, Client.taken, TAKEN)
        slowest = [one.slowest_s for one in working]
    assert max(slowest) < ANSWERED_S
    victim.drained()
