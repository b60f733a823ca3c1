"""CPU of the built-in checks of content: ``python -m bench.content_checks [--n 400] [--rounds 3] [--seed 7]``.

Each message is a newsletter of its own of about 30 KB: nested tables with styles
in place, a hidden preview, links that are followed, pictures with their words,
and its plain text beside it, in one of seven languages, in 8 bit,
quoted-printable or Base64. No message is met twice; what the policies keep of
words is kept, as in a relay, and the collector looks for cycles as seldom as in
a mail process. Prints ms of CPU of one message, of the rounds the one in the middle.
"""

from __future__ import annotations

import argparse
import base64
import gc
import json
import quopri
import random
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from policies.forbidden import matching
from policies.forbidden_content import Policy as ForbiddenContent
from policies.misleading_head import Policy as MisleadingHead
from policies.operator_contact import Policy as OperatorContact
from relay.mail_process.app import COLLECTOR
from relay.pipeline.contract import Message
from relay.values.facts import OperatorFacts
from tests.support.content import read
from tests.unit.test_policies import BULK, txn

ROOT: Final = Path(__file__).resolve().parent.parent
OCTETS: Final = 30 * 1024
LANGUAGES: Final = ("en", "ru", "uk", "et", "de", "fr", "es")
OPERATOR: Final = OperatorFacts(
    contact="postmaster@relay-operator.example",
    addresses=("abuse@relay-operator.example", "+372 5555 4321", "Kase tänav 12, 10115 Tallinn"),
    sites=("relay-operator.example", "https://status.relay-operator.example"),
    pages=("https://mail.relay-operator.example",),
    letters_to=("back.relay-operator.example",),
)
_STYLES: Final = (
    "font-family:Helvetica,Arial,sans-serif;font-size:16px;line-height:24px;color:#333333;margin:0;padding:0 0 16px 0",
    "padding:24px 32px;background-color:#ffffff;border-radius:4px;mso-line-height-rule:exactly",
    "font-size:22px;line-height:30px;font-weight:bold;color:#1a1a2e;text-align:left",
)
_SHEET: Final = "".join(
    f".c{n}{{width:{n}00px!important;max-width:100%;padding:{n}px 12px}}\n@media only screen and (max-width:6{n}0px)"
    f"{{.m{n}{{display:block!important;width:100%!important}}}}\n"
    for n in range(1, 7)
)
_SYLLABLES: Final = [
    *("ka", "lo", "mi", "ren", "tas", "vel", "dor", "ni", "sa"),
    *("tu", "pel", "gar", "is", "on", "el", "ba", "ri", "cho", "fen", "lu"),
]


def sentences() -> dict[str, list[str]]:
    """Of honest mail and of this relay's own letters, by language."""
    found: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    samples = ROOT / "tests" / "samples" / "content"
    for line in (samples / "ordinary.jsonl").read_text("utf-8").splitlines():
        one = json.loads(line)
        found[one["lang"]].append(one["text"])
    for path in sorted((ROOT / "relay" / "texts" / "locale").glob("*.po")):
        for theirs in re.findall(r'^msgstr "(.{25,})"$', path.read_text("utf-8"), re.MULTILINE):
            found[path.stem].append(theirs.replace("\\n", " ").replace('\\"', '"'))
    for path in sorted((ROOT / "docs").glob("*.md")):
        for paragraph in path.read_text("utf-8").split("\n\n"):
            if paragraph[:1].isalpha() and len(paragraph) > 60:
                found["en"].append(" ".join(paragraph.split()))
    return found


class Writer:
    """Newsletters, one after the other."""

    def __init__(self, seed: int) -> None:
        self._lot = random.Random(seed)
        self._sentences = sentences()

    def newsletter(self) -> bytes:
        """About ``OCTETS`` on the wire."""
        lot = self._lot
        language = lot.choice(LANGUAGES)
        wide = lot.choice((0, 0, 1, 2, 3))
        coding = lot.choice(("8bit", "quoted-printable", "base64"))
        plain: list[str] = []
        blocks: list[str] = []
        message = b""
        while len(message) < OCTETS:
            for _ in range(3):
                self._add_block(language, wide, plain, blocks)
            message = self._message(plain, blocks, language, coding)
        return message

    def _add_block(self, language: str, wide: int, plain: list[str], blocks: list[str]) -> None:
        lot = self._lot
        title, words = (
            self._sentence(language)[:70],
            " ".join(self._sentence(language) for _ in range(lot.randint(1, 4))),
        )
        url = f"https://click.acme.example/{_token(lot, 18)}/{_token(lot, 43)}?from=news&amp;id={lot.randrange(10**6)}"
        plain.append(f"{title}\n\n{words}\n{url.replace('&amp;', '&')}\n")
        text, head = _STYLES[0], _STYLES[2]
        cells = "".join(
            f'<td class="c{n} m{n}" width="{600 // (wide + 1)}" valign="top" style="{_STYLES[1]}"><a href="{url}{n}"'
            f' style="text-decoration:none"><img src="https://img.acme.example/{_token(lot, 12)}.jpg" width="200"'
            f' alt="{title[:30]}" style="display:block;border:0;height:auto"></a></td>'
            for n in range(wide)
        )
        blocks.append(
            f'<table role="presentation" border="0" cellpadding="0" cellspacing="0" width="600"><tr>{cells}<td'
            f' style="{_STYLES[1]}"><h2 style="{head}">{title}</h2><p style="{text}">{words}</p><a href="{url}"'
            f' style="{text};color:#0a58ca">{title[:20]} &rarr;</a>&nbsp;</td></tr></table>'
        )

    def _sentence(self, language: str) -> str:
        """One in ten has a name that nobody knows, one in four a number."""
        lot = self._lot
        text = lot.choice(self._sentences[language])
        if lot.random() < 0.25:
            text += f" {lot.randrange(5, 900)},{lot.randrange(100):02} EUR."
        if lot.random() < 0.4:
            text += f" {''.join(lot.choices(_SYLLABLES, k=3)).title()} {''.join(lot.choices(_SYLLABLES, k=2)).title()}."
        return text

    def _message(self, plain: list[str], blocks: list[str], language: str, coding: str) -> bytes:
        head = (
            f"From: Acme <news@acme.example>\r\nTo: r@rcpt.example\r\nSubject: News {self._lot.randrange(10**6)}\r\n"
            'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="=_b"\r\n\r\n'
        )
        page = (
            f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><style>{_SHEET}</style></head><body>'
            f'<div style="display:none;max-height:0">{plain[0][:80]}</div>{"".join(blocks)}</body></html>'
        )
        parts = (("plain", "\n".join(plain)), ("html", page.replace("><t", ">\n<t")))
        return head.encode() + b"".join(_part(kind, text, coding) for kind, text in parts) + b"--=_b--\r\n"


def _part(kind: str, text: str, coding: str) -> bytes:
    octets = text.encode()
    if coding == "base64":
        octets = base64.encodebytes(octets)
    elif coding == "quoted-printable":
        octets = quopri.encodestring(octets)
    head = f"--=_b\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {coding}\r\n\r\n"
    return head.encode() + octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") + b"\r\n"


def _token(lot: random.Random, length: int) -> str:
    return "".join(lot.choices("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", k=length))


def measure(messages: list[bytes]) -> dict[str, list[float]]:
    """Seconds of CPU of each message, by what they are spent on."""
    contacts, words, heads = OperatorContact({}), ForbiddenContent({}), MisleadingHead({})
    contacts.serves(OPERATOR)
    asked = txn(BULK)
    found: dict[str, list[float]] = {name: [] for name in ("reading", "contacts", "words", "heads", "checks", "all")}

    def spent(name: str, work: Callable[[], object]) -> float:
        start = time.thread_time()
        work()
        took = time.thread_time() - start
        found[name].append(took)
        return took

    for raw in messages:
        message: Message = read(raw)
        reading = spent("reading", message.content.read)
        checks = spent("contacts", partial(contacts.on_message, asked, message))
        checks += spent("words", partial(words.on_message, asked, message))
        checks += spent("heads", partial(heads.on_message, asked, message))
        found["checks"].append(checks)
        found["all"].append(reading + checks)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="messages of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    gc.set_threshold(*COLLECTOR)
    rounds = []
    for number in range(args.rounds):
        writer = Writer(args.seed + number)
        rounds.append(measure([writer.newsletter() for _ in range(args.n)]))
    compiled = str(matching.__file__).endswith(".so")
    print(
        f"{args.n} messages of {OCTETS // 1024} KB, {args.rounds} rounds, {'compiled' if compiled else 'interpreted'}"
    )
    print(f"{'ms of CPU a message':22}{'median':>8}{'p95':>8}{'p99':>8}")
    for name in rounds[0]:
        shares = [sorted(one[name]) for one in rounds]
        row = [sorted(one[int(len(one) * share)] for one in shares)[len(shares) // 2] for share in (0.5, 0.95, 0.99)]
        print(f"{name:22}" + "".join(f"{1000 * value:8.2f}" for value in row))


if __name__ == "__main__":
    main()
