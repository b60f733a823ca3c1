"""The database server dies in the middle of the work, or the relay does: whatever got its 250 arrives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.conftest import INFLIGHT, Victim, asked
from tests.crash.test_kill import told
from tests.support.peers import until
from tests.support.postgres import Server
from tests.support.smtp import Dialog, mail

ANSWERED_S = 5.0
"""So soon a client is told that its mail can't be taken."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def prepared(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    made = Victim(tmp_path_factory.mktemp("victim"), server.empty())
    yield made
    made.close()


def strike(victim: Victim, server: Server, how: str, count: int, at: int, name: str) -> tuple[int, int, int]:
    """One load, in which ``how`` dies after ``at`` promises and comes back; (promised, doubled, unpromised)."""
    load = victim.load(count, name)
    load.reached(at)
    if how == "relay":
        load.relay_is(up=False)
        victim.relay.kill()
        victim.relay.start()
        load.relay_is(up=True)
    else:
        if how == "server":
            server.stop("immediate")
        else:
            server.kill()
        server.start()
    load.reached(count, 90)
    load.halt()
    tally = victim.judge(load)
    assert tally.promised == count
    assert tally.doubled <= INFLIGHT
    return tally.promised, tally.doubled, tally.unpromised


def test_the_server_is_stopped_at_once_and_the_relay_is_killed(
    victim: Victim, server: Server, request: pytest.FixtureRequest
) -> None:
    victim.relay.start()
    ways = ("server", "relay", "postmaster")
    told(request, *(strike(victim, server, how, 200, 80, f"{how}-") for how in ways))
    victim.consistent()


def test_mail_is_refused_soon_and_taken_again_while_the_server_is_away(victim: Victim, server: Server) -> None:
    victim.relay.start()
    dialog = Dialog(victim.relay.submission)
    dialog.ehlo()
    assert dialog.login(*victim.login).code == 235

    def sent() -> int:
        """The first code that isn't 250, else 250."""
        for line in ("MAIL FROM:<news@acme.example>", "RCPT TO:<r1@rcpt.example>"):
            code = dialog.say(line).code
            if code != 250:
                dialog.say("RSET")
                return code
        return dialog.data(mail(to="r1@rcpt.example", subject="One")).code

    assert sent() == 250
    server.stop("immediate")
    try:
        dialog.sock.settimeout(ANSWERED_S)
        assert sent() in (421, 451)
        dialog.sock.settimeout(20)
    finally:
        server.start()
    until(lambda: sent() == 250, "mail is taken again")
    victim.drained()
    dialog.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(asked("KILLS", 20)))
@pytest.mark.parametrize("how", ["server", "postmaster", "relay"])
def test_many_deaths(victim: Victim, server: Server, how: str, number: int, request: pytest.FixtureRequest) -> None:
    victim.relay.start()
    at = random.Random(7 + number).randrange(1, 350)
    told(request, strike(victim, server, how, 400, at, f"{how}{number}-"))
    victim.consistent()


def test_the_relay_says_what_is_wrong_when_it_starts_without_a_server(
    victim: Victim, server: Server, tmp_path: Path
) -> None:
    server.stop("fast")
    try:
        found = victim.relay.run("serve")
        assert found.returncode == 1 and "can't be reached" in found.stderr and "is it running" in found.stderr
        assert "Traceback" not in found.stderr
        assert victim.relay.run("tenant", "list").returncode == 1
    finally:
        server.start()
