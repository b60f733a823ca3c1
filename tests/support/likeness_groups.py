"""Groups of messages whose answer is known: copies of one campaign, and pairs of different ones from one template.

Made of ``letters`` by a seeded generator, so that a run can be as large as one
likes; ``make likeness`` prints how many were judged rightly, by kind.
"""

from __future__ import annotations

import html
import os
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Final

from relay.mail.content import Content
from relay.mail.likeness import APART, Likeness, Words, words
from relay.mail.scan import ScanLimits, scan
from relay.mail.shown import recipients, shown
from tests.support.letters import BANKS, Bank

DAYS: Final = ("12.03.", "19.04.", "26.05.", "03.06.", "17.09.", "24.10.")
PICTURES: Final = ("may", "june", "sale_2026", "banner-autumn", "9f8a6d1c0b2e4f3a9f8a6d1c0b2e4f3a", "0c1d2e3f4a5b6c7d")
_CONFUSED: Final = {"a": "\u0430", "e": "\u0435", "o": "\u043e", "p": "\u0440", "c": "\u0441", "x": "\u0445"}
"""Latin letters with Cyrillic ones that look the same."""


@dataclass(frozen=True, slots=True)
class LikenessGroup:
    """Messages as octets; ``joined``: they are copies of one campaign."""

    lang: str
    kind: str
    joined: bool
    messages: tuple[bytes, ...]


@dataclass(slots=True)
class Copy:
    """One message before it is written down."""

    name: str
    subject: str
    blocks: list[str]
    html: str = ""
    """Empty: a text; else how the HTML is made."""
    token: str = ""


class Maker:
    def __init__(self, seed: int) -> None:
        self.lot = random.Random(seed)

    # -- pieces ------------------------------------------------------------------

    def issue(self, bank: Bank, articles: list[str], name: str, *middle: str) -> Copy:
        blocks = [bank.head, bank.greeting.format(name=name), *middle, *articles, bank.foot]
        return Copy(name, articles[0].partition("\n")[0], blocks)

    def articles(self, bank: Bank, count: int) -> list[str]:
        return self.lot.sample(bank.articles, count)

    def offers(self, bank: Bank, items: list[str]) -> str:
        lines = [
            bank.offer.format(item=one, now=self.lot.randint(9, 70), old=self.lot.randint(71, 199)) for one in items
        ]
        return "\n".join([*lines, bank.offers])

    def code(self) -> str:
        return "".join(self.lot.choices("ABCDEFGHJKMNPQRSTUVWXYZ23456789", k=8))

    def hash(self) -> str:
        return f"{self.lot.getrandbits(64):016x}"

    def names(self, bank: Bank, count: int) -> list[str]:
        return self.lot.sample(bank.names, count)

    # -- copies of one campaign -------------------------------------------------------

    def same(self, bank: Bank, change: Callable[[Maker, Bank, Copy, int], None], count: int = 4) -> list[bytes]:
        chosen = self.articles(bank, self.lot.choice((2, 3, 3, 4)))
        copies = []
        for number, name in enumerate(self.names(bank, count)):
            copy = self.issue(bank, list(chosen), name)
            change(self, bank, copy, number)
            copies.append(written(copy))
        return copies

    def short(self, bank: Bank, change: Callable[[Maker, Bank, Copy, int], None], count: int = 4) -> list[bytes]:
        """The same with one article and no more."""
        chosen = self.articles(bank, 1)
        copies = []
        for number, name in enumerate(self.names(bank, count)):
            copy = self.issue(bank, list(chosen), name)
            change(self, bank, copy, number)
            copies.append(written(copy))
        return copies


def written(copy: Copy) -> bytes:
    """With a From that is the same for all, and the recipient in To."""
    body = "\n\n".join(copy.blocks)
    kind = "plain"
    if copy.html:
        kind = "html"
        body = markup(copy)
    head = (
        f"From: Letters <letters@sender.example>\nTo: {copy.name} <r{copy.token or 1}@rcpt.example>\n"
        f"Subject: {copy.subject}\nMIME-Version: 1.0\nContent-Type: text/{kind}; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n\n"
    )
    return (head + body + "\n").replace("\n", "\r\n").encode()


def markup(copy: Copy) -> str:
    style, token = copy.html, copy.token
    if style.startswith("picture"):
        return f'<html><body><a href="https://l.example/{token}"><img src="https://i.example/{style}.png?u={token}"></a></body></html>'
    rows = "".join(f'<tr><td style="color:{style}"><p>{html.escape(one)}</p></td></tr>' for one in copy.blocks)
    rows = rows.replace("\n", "<br>")
    link = f'<p><a href="https://l.example/c/{token}?u={token}">→</a></p>' if token else ""
    return (
        f"<html><head><style>td{{color:{style}}}</style></head><body><!-- {token} --><table>{rows}</table>{link}"
        f'<img src="https://l.example/o/{token}.gif" width="1" height="1"></body></html>'
    )


# --- what differs between copies of one campaign ---------------------------------


def _name(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    pass


def _throughout(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    first = copy.name.split()[0]
    copy.subject = f"{first}: {copy.subject}"
    copy.blocks = [
        block if n in (0, len(copy.blocks) - 1) else f"{block} {first}!" for n, block in enumerate(copy.blocks)
    ]
    copy.blocks.insert(2, bank.aside.format(name=first))


def _points(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.blocks.insert(2, bank.points.format(number=m.lot.randint(3, 9999)))


def _bought(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.blocks.insert(2, bank.bought.format(items=", ".join(m.lot.sample(bank.items, m.lot.choice((1, 2, 3))))))


def _nearest(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.blocks.insert(-1, bank.nearest.format(place=m.lot.choice(bank.places), number=m.lot.randint(1, 90)))


def _several(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    for change in (_points, _bought, _nearest, _link):
        change(m, bank, copy, number)


def _link(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    token = m.code().lower()
    copy.blocks.insert(3, f"https://l.example/c/{token}?utm_source={m.code()}&id={m.lot.randint(1, 10**9)}")


def _coupon(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.blocks.insert(2, f"{m.code()} — {m.lot.randint(1, 28)}.{m.lot.randint(1, 12)}.2026")


def _order(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    middle = copy.blocks[2:-1]
    m.lot.shuffle(middle)
    copy.blocks[2:-1] = middle


def _foot(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.blocks[-1] = bank.other_foot if number % 2 else bank.foot


def _zero(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    def hidden(word: re.Match[str]) -> str:
        place = m.lot.randrange(len(word[0]))
        return word[0][:place] + m.lot.choice("\u200b\u200c\u00ad\u2060\ufeff") + word[0][place:]

    copy.blocks = [re.sub(r"\w{3,}", hidden, block) for block in copy.blocks]


def _lookalikes(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    def confused(letter: re.Match[str]) -> str:
        return _CONFUSED[letter[0]] if m.lot.random() < 0.3 else letter[0]

    copy.blocks = [re.sub("[aeopcx]", confused, block) for block in copy.blocks]


def _typos(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    if number:
        return
    for place in range(2, len(copy.blocks) - 1):
        words = copy.blocks[place].split(" ")
        at = m.lot.randrange(len(words))
        words[at] = words[at][:1] + words[at]
        copy.blocks[place] = " ".join(words)


def _heading(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """An A/B test of subject and heading."""
    if number % 2:
        copy.subject = "★ " + copy.subject
        title, _, text = copy.blocks[2].partition("\n")
        copy.blocks[2] = f"{title.upper()}!\n{text}"


def _colour(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.html = ("#222", "#135", "darkred", "rgb(20,20,20)")[number % 4]
    copy.token = m.code()


def _mixed(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """Some as HTML, some as text."""
    copy.html = "#222" if number % 2 else ""
    copy.token = m.code()


def _aside(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    if number % 2:
        copy.blocks.insert(-1, bank.aside.format(name=copy.name.split()[0]))


def _padding(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """Words by chance behind the text, as those do who want each copy to be another message."""
    words = " ".join("".join(m.lot.choices("bcdfglmnprstv", k=2)) + m.lot.choice("aeiou") for _ in range(12))
    copy.blocks.append(words)


def _spaces(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    gap = (" ", "  ", "\u00a0", " \t")[number % 4]
    copy.blocks = [block.replace(" ", gap) for block in copy.blocks]


def _case(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    if number % 2:
        copy.blocks = [block.upper() for block in copy.blocks]


def _offers(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """The same offers, but what is named first is chosen for who reads it."""
    kept = list(bank.items[:5])
    m.lot.shuffle(kept)
    copy.blocks[2:-1] = [m.offers(bank, kept)]


def _picked(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """Two things chosen for each, below the articles."""
    copy.blocks.insert(-1, m.offers(bank, m.lot.sample(bank.items, 2)))


def _ordered(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """What was ordered, line by line, above the articles."""
    lines = [f"{m.lot.randint(1, 3)} x {item}  {m.lot.randint(5, 90)}.00" for item in m.lot.sample(bank.items, 2)]
    copy.blocks.insert(2, "\n".join([bank.points.format(number=m.lot.randint(1, 900)), *lines]))


def _picture(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    copy.html, copy.token, copy.blocks = "picture-spring", m.code(), []


def _own_picture(m: Maker, bank: Bank, copy: Copy, number: int) -> None:
    """Its address has a token in its path."""
    copy.html, copy.token, copy.blocks = f"picture/{m.hash()}/spring-{m.hash()[:8]}", m.code(), []


SAME: Final[dict[str, Callable[[Maker, Bank, Copy, int], None]]] = {
    one.__name__.strip("_"): one
    for one in (
        *(_name, _throughout, _points, _bought, _nearest, _several, _link, _coupon, _order, _foot, _zero, _lookalikes),
        *(_typos, _heading, _colour, _mixed, _aside, _padding, _spaces, _case, _offers, _picked, _picture),
        *(_ordered, _own_picture),
    )
}  # fmt: skip
SHORT: Final = ("name", "points", "coupon", "link", "zero", "colour", "spaces", "bought", "nearest", "aside")


# --- pairs of different ones from one template ---------------------------------------


def _one_article(m: Maker, bank: Bank, name: str) -> list[Copy]:
    return [m.issue(bank, [article], name) for article in m.articles(bank, 2)]


def _two_articles(m: Maker, bank: Bank, name: str) -> list[Copy]:
    chosen = m.articles(bank, 4)
    return [m.issue(bank, chosen[:2], name), m.issue(bank, chosen[2:], name)]


def _one_of_two(m: Maker, bank: Bank, name: str) -> list[Copy]:
    first, second, third = m.articles(bank, 3)
    return [m.issue(bank, [first, second], name), m.issue(bank, [first, third], name)]


def _one_of_three(m: Maker, bank: Bank, name: str) -> list[Copy]:
    kept = m.articles(bank, 4)
    return [m.issue(bank, kept[:3], name), m.issue(bank, [*kept[:2], kept[3]], name)]


def _other_offers(m: Maker, bank: Bank, name: str) -> list[Copy]:
    items = m.lot.sample(bank.items, 10)
    return [
        Copy(
            name,
            bank.head.partition("\n")[0],
            [bank.head, bank.greeting.format(name=name), m.offers(bank, part), bank.foot],
        )
        for part in (items[:5], items[5:])
    ]


def _other_events(m: Maker, bank: Bank, name: str) -> list[Copy]:
    return [
        m.issue(bank, [bank.event.format(what=article.partition(". ")[0] + ".", day=m.lot.choice(DAYS))], name)
        for article in m.articles(bank, 2)
    ]


def _headlines(m: Maker, bank: Bank, name: str) -> list[Copy]:
    """A digest: titles with links alone."""
    chosen = [article.partition("\n")[0] for article in m.articles(bank, 8)]
    return [
        m.issue(bank, ["\n".join(f"{t} https://l.example/{m.code()}" for t in part)], name)
        for part in (chosen[:4], chosen[4:])
    ]


def _same_subject(m: Maker, bank: Bank, name: str) -> list[Copy]:
    copies = _two_articles(m, bank, name)
    for copy in copies:
        copy.subject, copy.html, copy.token = bank.head.partition("\n")[0], "#222", m.code()
    return copies


def _long_template(m: Maker, bank: Bank, name: str) -> list[Copy]:
    """One article each among much that stands in every issue."""
    copies = _one_article(m, bank, name)
    for copy in copies:
        copy.blocks.insert(1, bank.offers)
        copy.blocks.insert(-1, bank.other_foot)
    return copies


def _pictures(m: Maker, bank: Bank, name: str) -> list[Copy]:
    return [Copy(name, "x", [], html=f"picture/{one}", token=m.code()) for one in m.lot.sample(PICTURES, 2)]


def _personal(m: Maker, bank: Bank, name: str) -> list[Copy]:
    """Different issues with the same personal parts in both."""
    copies = _one_article(m, bank, name)
    middle = [
        bank.points.format(number=42),
        bank.bought.format(items=bank.items[0]),
        bank.nearest.format(place=bank.places[0], number=3),
    ]
    for copy in copies:
        copy.blocks[2:2] = middle
    return copies


DIFFERENT: Final[dict[str, Callable[[Maker, Bank, str], list[Copy]]]] = {
    one.__name__.strip("_"): one
    for one in (
        *(_one_article, _two_articles, _one_of_two, _one_of_three, _other_offers, _other_events, _headlines),
        *(_same_subject, _long_template, _pictures, _personal),
    )
}  # fmt: skip


def groups(seed: int, rounds: int = 1) -> Iterator[LikenessGroup]:
    """All kinds in all languages, ``rounds`` times."""
    maker = Maker(seed)
    for _ in range(rounds):
        for lang, bank in BANKS.items():
            for kind, change in SAME.items():
                yield LikenessGroup(lang, kind, True, tuple(maker.same(bank, change)))
            for kind in SHORT:
                yield LikenessGroup(lang, f"short {kind}", True, tuple(maker.short(bank, SAME[kind])))
            for kind, make in DIFFERENT.items():
                (name,) = maker.names(bank, 1)
                yield LikenessGroup(lang, kind, False, tuple(written(copy) for copy in make(maker, bank, name)))


# --- measuring ----------------------------------------------------------------------------


def words_of(message: bytes) -> Words:
    """As the intake reads a message."""
    scanned = scan(message, ScanLimits())
    seen = shown(Content(scanned))
    return words(seen.text, recipients(scanned), seen.marks)


def measured(found: Iterable[LikenessGroup]) -> dict[tuple[bool, str], tuple[int, int]]:
    """By (joined, kind): how many ordered pairs were judged rightly, of how many."""
    right: defaultdict[tuple[bool, str], list[int]] = defaultdict(lambda: [0, 0])
    for group in found:
        for one, other in permutations(map(words_of, group.messages), 2):
            joined = Likeness.first(one).distance(other) < APART
            right[group.joined, group.kind][0] += joined is group.joined
            right[group.joined, group.kind][1] += 1
    return {key: (ok, of) for key, (ok, of) in right.items()}


def main() -> None:
    """``make likeness``: a large run, by kind."""
    rounds, seed = int(os.environ.get("ROUNDS", "40")), int(os.environ.get("SEED", "7"))
    found = measured(groups(seed, rounds))
    for same, title in ((True, "copies of one campaign, joined"), (False, "different campaigns, kept apart")):
        rows = {kind: figures for (joined, kind), figures in sorted(found.items()) if joined is same}
        ok, of = (sum(column) for column in zip(*rows.values(), strict=True))
        print(f"{title}: {ok} of {of} pairs ({100 * ok / of:.2f} %)")
        for kind, (right, pairs) in rows.items():
            print(f"  {kind.replace('_', ' '):20} {right:7} of {pairs:7} {100 * right / pairs:7.2f} %")


if __name__ == "__main__":
    main()
