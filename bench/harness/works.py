"""What is measured: the works and the message they send. Pure values."""

from __future__ import annotations

import random
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

DOMAIN = "shop.example"
SELECTOR = "bench"
REVERSE_PATH = f"news@{DOMAIN}"
FORWARD_PATH = "user@rcpt.example"
"""With several recipients smtp-source puts their numbers before it: 1user@…, 2user@…"""


@dataclass(frozen=True, slots=True)
class Work:
    """One row of the table."""

    name: str
    mode: str
    """How a contestant is started: one of MODES."""
    kept: bool
    """The load's connections stay open; else each message has its own."""
    recipients: int = 1
    own_copies: bool = False
    """Each recipient's copy differs, and so travels in a transaction of its own."""
    kind: str = "load"
    """load: as much as goes; latency: one message at a time; idle: beside sessions that do nothing."""
    timed: bool = False
    """With the generator that takes the time of each reply."""

    @property
    def tls(self) -> bool:
        """STARTTLS and AUTH, full handshakes."""
        return self.mode.endswith("-tls")

    @property
    def arrives(self) -> bool:
        return self.mode.removesuffix("-tls") not in ("hold", "idle")

    @property
    def signed(self) -> bool:
        return self.mode.removesuffix("-tls") in ("dkim", "own")

    @property
    def shared_copies(self) -> bool:
        """One transaction may have several recipients, so that messages that arrive don't tell how many."""
        return self.recipients > 1 and not self.own_copies

    @property
    def signatures(self) -> float:
        """Signatures for each recipient."""
        if not self.signed:
            return 0
        return 1 if self.own_copies else 1 / self.recipients

    @property
    def unit(self) -> str:
        return "rcpt/s" if self.recipients > 1 else "msg/s"


WORKS = {
    work.name: work
    for work in (
        Work("accept", "hold", kept=False),
        Work("accept-kept", "hold", kept=True),
        Work("relay-kept", "relay", kept=True),
        Work("dkim", "dkim", kept=False),
        Work("dkim-kept", "dkim", kept=True),
        Work("bulk", "dkim", kept=True, recipients=50),
        Work("own", "own", kept=True, recipients=50, own_copies=True),
        Work("tls-accept", "hold-tls", kept=False),
        Work("tls-accept-kept", "hold-tls", kept=True),
        Work("tls-relay-kept", "relay-tls", kept=True),
        Work("tls-dkim", "dkim-tls", kept=False),
        Work("tls-dkim-kept", "dkim-tls", kept=True),
        Work("reply", "dkim", kept=True, timed=True),
        Work("latency", "dkim", kept=True, kind="latency"),
        Work("idle", "idle", kept=True, kind="idle"),
    )
}
QUICK = ("accept", "accept-kept", "relay-kept", "dkim", "dkim-kept", "bulk", "own", "tls-accept", "tls-accept-kept")
"""Those that bench-quick looks at."""
MODES = ("hold", "relay", "dkim", "own", "hold-tls", "relay-tls", "dkim-tls", "idle")


def label(contestant: str, work: Work) -> str:
    """Postfix signs with OpenDKIM's help, which the table says."""
    return "postfix+opendkim" if contestant == "postfix" and work.signed else contestant


_NOUNS = (
    "parcel",
    "jacket",
    "receipt",
    "basket",
    "voucher",
    "garden",
    "lamp",
    "kettle",
    "bicycle",
    "ticket",
    "harvest",
)
_VERBS = ("arrives", "ships", "returns", "opens", "closes", "waits", "travels", "changes", "stays", "matters")
_REST = ("today", "soon", "again", "with", "for", "your", "our", "this", "every", "quiet", "bright", "new", "next")


def message(octets: int) -> bytes:
    """A newsletter of about so many octets, text and HTML, with LF at the line ends as smtp-source wants it.

    The words come from a fixed seed: every run and every contestant get the same octets.
    """
    dice = random.Random(octets)
    boundary = "bench-part-7d1c"
    head = (
        f"From: Shop <{REVERSE_PATH}>\nTo: A Customer <{FORWARD_PATH}>\nSubject: What is new this week\n"
        f"Date: Mon, 02 Feb 2026 09:00:00 +0000\nMessage-ID: <week-6.bench@{DOMAIN}>\nReply-To: desk@{DOMAIN}\n"
        f'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="{boundary}"\n\n'
        f"--{boundary}\nContent-Type: text/plain; charset=utf-8\n\n"
    )
    middle = (
        f"--{boundary}\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
        "<html><body>\n"
    )
    end = f"</body></html>\n--{boundary}--\n"
    room = max(0, octets - len(head) - len(middle) - len(end))
    text = "\n\n".join(textwrap.fill(line, 72) for line in _sentences(dice, room // 3)) + "\n"
    page = "".join(
        "\n".join(textwrap.wrap(f'<p style=3D"margin:1em">{line}</p>', 74)) + "\n"
        for line in _sentences(dice, room - len(text), each=30)
    )
    return (head + text + middle + page + end).encode("ascii")


def _sentences(dice: random.Random, octets: int, each: int = 2) -> Iterable[str]:
    """Sentences of that length in all, where each needs some octets more around it."""
    while octets > 0:
        words = [dice.choice(_REST), dice.choice(_NOUNS), dice.choice(_VERBS)]
        words += (dice.choice(_NOUNS if i % 2 else _REST) for i in range(dice.randrange(4, 20)))
        sentence = " ".join(words).capitalize() + "."
        octets -= len(sentence) + each
        yield sentence
