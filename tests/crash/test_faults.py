"""The disk fails under the mail process, or takes the machine with it, at a chosen write or flush.

strace makes single system calls fail. There must be no 250 for what isn't
stored, the database stays whole, and when the disk is well again the relay
goes on without anybody's help.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.crash.conftest import Victim, asked
from tests.support.load import recipient
from tests.support.peers import until
from tests.support.smtp import Dialog, mail
from tests.support.strace import Injected

pytestmark = pytest.mark.peers

FLUSH = "fdatasync,fsync"
WRITE = "pwrite64"
FAULTS = [(FLUSH, "error=EIO"), (WRITE, "error=ENOSPC")]
ALL_FAULTS = [*FAULTS, (WRITE, "error=EIO"), (WRITE, "retval=0")]
MOST = 300
"""Messages in which a fault must have struck: calls are counted in each thread, and two make commits."""


class Sender:
    """One client, one message after the other."""

    _senders = itertools.count()

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        self._name = f"f{next(self._senders)}-"
        self._dialog: Dialog | None = None
        self.number = 0
        self.promised: set[str] = set()
        self.refused: list[tuple[str, str]] = []

    def send(self) -> bool:
        """Whether the message was promised; a refusal must be temporary. EOFError if the relay is gone."""
        if self._dialog is None:
            self._dialog = Dialog(self._victim.relay.submission)
            self._dialog.ehlo()
            assert self._dialog.login(*self._victim.login).code == 235
        self.number += 1
        mark = f"{self._name}{self.number}"
        dialog, to = self._dialog, recipient(self.number)
        for command in ("MAIL FROM:<news@acme.example>", f"RCPT TO:<{to}>"):
            reply = dialog.say(command)
            if reply.code != 250:
                break
        else:
            reply = dialog.data(self.message(to, mark))
        if reply.code == 250:
            self.promised.add(mark)
            return True
        assert str(reply)[:9] in ("451 4.3.0", "452 4.3.1"), reply
        dialog.say("RSET")
        self.refused.append((mark, str(reply)))
        return False

    def message(self, to: str, mark: str) -> str:
        return mail(to=to, subject="Faults", extra=f"X-Try: {mark}\r\n")

    def again(self) -> None:
        """Connect anew, after the relay was started again."""
        if self._dialog is not None:
            self._dialog.close()
        self._dialog = None

    def arrived(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for message in list(self._victim.sink.messages):
            for mark in message.fields("X-Try"):
                counts[mark] = counts.get(mark, 0) + 1
        return counts


def strike(victim: Victim, sender: Sender, calls: str, fault: str) -> bool:
    """Send until the fault has struck, and then until the relay is well again; False if it never struck."""
    with Injected(victim.mail_process(), calls, fault) as injected:
        for _ in range(MOST):
            sender.send()
            if injected.struck:
                break
        struck = injected.struck
    until(sender.send, "the relay takes mail again")
    return struck


@pytest.mark.parametrize(
    ("calls", "fault"), FAULTS, ids=[f"{c.split(',')[0]}-{f.partition('=')[2]}" for c, f in FAULTS]
)
def test_a_failing_disk(victim: Victim, calls: str, fault: str) -> None:
    victim.relay.start()
    sender = Sender(victim)
    assert sender.send()
    struck = [strike(victim, sender, calls, f"{fault}:when={when}") for when in (1, 2, 3, 5, 8)]
    assert all(struck), struck
    assert sender.refused  # at least one fault hit the commit of a message
    victim.drained()
    check(victim, sender)
    victim.relay.kill()
    victim.whole()
    victim.relay.start()
    victim.drained()
    check(victim, sender)
    victim.consistent()


def check(victim: Victim, sender: Sender) -> None:
    """All that was promised has arrived, and nothing that was refused; a fault may make a copy go out twice."""
    arrived = sender.arrived()
    assert not sender.promised - arrived.keys()
    assert not {mark for mark, _ in sender.refused} & arrived.keys()


def test_a_disk_that_stays_full(victim: Victim) -> None:
    """As long as nothing can be written every message is refused for now; nothing needs a restart afterwards."""
    victim.relay.start()
    sender = Sender(victim)
    assert sender.send()
    victim.drained()
    with Injected(victim.mail_process(), WRITE, "error=ENOSPC:when=1+"):
        assert not any(sender.send() for _ in range(10))
    until(sender.send, "the relay takes mail again")
    victim.drained()
    check(victim, sender)
    victim.relay.kill()
    victim.whole()
    victim.relay.start()
    victim.drained()
    check(victim, sender)
    victim.consistent()


def test_a_slow_disk(victim: Victim) -> None:
    """Each flush takes 0.2 s: clients wait for it together, there are fewer flushes than messages, and none is lost."""
    victim.relay.start()
    senders = [Sender(victim) for _ in range(8)]
    with Injected(victim.mail_process(), FLUSH, "delay_enter=200000") as disk, ThreadPoolExecutor(len(senders)) as pool:
        promised = list(pool.map(lambda sender: [sender.send() for _ in range(4)], senders))
        assert disk.struck and disk.calls < 32
    assert promised == [[True] * 4] * len(senders)
    victim.drained()
    for sender in senders:
        check(victim, sender)
    victim.consistent()


def death(victim: Victim, sender: Sender, calls: str, when: int) -> bool:
    """Kill the mail process as it begins its call number ``when``; False if it made fewer."""
    pid, died = victim.mail_process(), False
    try:
        with Injected(pid, calls, f"signal=SIGKILL:when={when}"):
            for _ in range(MOST):
                sender.send()
    except (EOFError, OSError):
        died = True
        until(lambda: pid not in victim.children(), "the process is gone")
    victim.relay.kill()
    victim.whole()
    victim.relay.start()
    sender.again()
    assert sender.send()
    victim.drained()
    assert not sender.promised - sender.arrived().keys()
    return died


@pytest.mark.parametrize("calls", [FLUSH, WRITE], ids=["flush", "write"])
def test_killed_at_a_durability_step(victim: Victim, calls: str) -> None:
    victim.relay.start()
    sender = Sender(victim)
    assert sender.send()  # who has no connection yet wouldn't notice a death at once: another process takes it
    assert all(death(victim, sender, calls, when) for when in (1, 2, 7))
    victim.consistent()


@pytest.mark.slow
@pytest.mark.parametrize("calls", [FLUSH, WRITE], ids=["flush", "write"])
def test_killed_at_every_durability_step(victim: Victim, calls: str) -> None:
    """``STEPS`` of them (40), one after the other."""
    victim.relay.start()
    sender = Sender(victim)
    for when in range(1, asked("STEPS", 40) + 1):
        death(victim, sender, calls, when)
    victim.consistent()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("calls", "fault"), ALL_FAULTS, ids=[f"{c.split(',')[0]}-{f.partition('=')[2]}" for c, f in ALL_FAULTS]
)
def test_every_call_fails_once(victim: Victim, calls: str, fault: str) -> None:
    victim.relay.start()
    sender = Sender(victim)
    for when in range(1, asked("STEPS", 40) + 1):
        assert strike(victim, sender, calls, f"{fault}:when={when}")
    victim.drained()
    check(victim, sender)
    victim.relay.kill()
    victim.whole()
