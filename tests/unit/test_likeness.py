"""Which messages are one campaign: names, numbers, links, order and small edits split nothing (R10)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relay.campaigns.content import pack, unpacked
from relay.mail.content import Content
from relay.mail.likeness import APART, Likeness, words
from relay.mail.scan import ScanLimits, scan
from relay.mail.shown import recipients, shown
from tests.support.likeness_groups import groups, measured

HEAD = "The lighthouse letter\nTwelve times a year, written upstairs with a view of the fog."
FOOT = "Lighthouse Society, 4 Cliff Road, Exampleton. Open in the afternoon, except when the stairs are wet."
MAPS = (
    "A drawer full of maps\nBehind the oil lamps somebody found two hundred charts, dry and rolled, with depths in"
    " fathoms and small drawings of whales where nobody had measured."
)
KEEPER = (
    "The last keeper tells\nFor thirty winters he polished the same lens every morning. On Thursday he explains how,"
    " and why seagulls know when it is Sunday."
)
STAIRS = (
    "New stairs for the tower\nThe carpenter counted them twice and came to different sums. From May on all one hundred"
    " and forty steps are oak again, and the railing is warm to the hand."
)
SALE = "\n".join(
    f"{thing}, now {price} instead of {price * 2} euro"
    for thing, price in (("oil lamp", 40), ("woollen blanket", 31), ("brass compass", 65), ("tin mug", 7))
)
OTHER_SALE = "\n".join(
    f"{thing}, now {price} instead of {price * 2} euro"
    for thing, price in (("rubber boots", 44), ("storm lantern", 29), ("chart table", 150), ("rain hat", 12))
)


def letter(*blocks: str, greeting: str = "Dear Ann Harper,", foot: str = FOOT) -> str:
    return "\n\n".join([HEAD, greeting, *blocks, foot])


BASE = letter(MAPS, KEEPER, STAIRS)
SAME = {
    "another name": letter(MAPS, KEEPER, STAIRS, greeting="Dear Mr. Olaf Petersen,"),
    "the name all over": BASE.replace(". ", ". Olaf! ").replace("Ann Harper", "Olaf Petersen"),
    "numbers and a code": letter("You have 4312 points, 18 more; your code is QX7-T99.", MAPS, KEEPER, STAIRS),
    "a link of one's own": letter(MAPS, KEEPER, STAIRS, "Read on: https://l.example/c/9f31aa?u=77"),
    "another order": letter(STAIRS, MAPS, KEEPER),
    "another foot": letter(
        MAPS,
        KEEPER,
        STAIRS,
        foot="The small museum is behind the boathouse. In winter it is cold there: bring a shawl.",
    ),
    "the nearest branch": letter("Your nearest branch is in Whitby, Harbour Street 12.", MAPS, KEEPER, STAIRS),
    "typing errors": BASE.replace("somebody", "sombody").replace("explains", "explians").replace("twice", "twise"),
    "letters nobody sees": BASE.replace("e", "e\u200b"),
    "other letters of the same kind": BASE.replace("fi", "\ufb01").upper(),
    "spaces and line ends": BASE.replace(" ", "  ").replace("\n\n", "\n \n\n"),
    "a postscript for some": BASE.replace(FOOT, "P.S. Your umbrella is still with us.\n\n" + FOOT),
    "a word of an A/B test": BASE.replace("A drawer full of maps", "You won't believe this drawer"),
}
OTHER = {
    "one article in its place": (letter(MAPS), letter(KEEPER)),
    "one of three": (letter(MAPS, KEEPER), letter(MAPS, STAIRS)),
    "all articles": (BASE, letter(SALE, "The shop is open until the first of November.")),
    "other offers": (letter("This week in the shop", SALE), letter("This week in the shop", OTHER_SALE)),
    "short ones": ("Choir tonight at eight in the school hall", "The library stays closed because of the flood"),
}


def apart(one: str, other: str, names: tuple[str, ...] = ("Ann Harper", "Olaf Petersen")) -> bool:
    return Likeness.first(words(one, names)).distance(words(other, names)) >= APART


@pytest.mark.parametrize("kind", SAME)
def test_what_is_personal_or_small_splits_nothing(kind: str) -> None:
    assert not apart(BASE, SAME[kind]) and not apart(SAME[kind], BASE)


@pytest.mark.parametrize("kind", OTHER)
def test_another_content_is_another_campaign(kind: str) -> None:
    one, other = OTHER[kind]
    assert apart(one, other) and apart(other, one)


def test_copies_teach_what_is_personal() -> None:
    """What differs from copy to copy counts no more, so that what differs otherwise counts the more."""
    gifts = ("a brass compass and rope", "one woollen blanket for winter", "two tin mugs with anchors")
    known = Likeness.first(words(letter(MAPS, f"For you: {gifts[0]}")))
    for gift in gifts[1:]:
        one = words(letter(MAPS, f"For you: {gift}"))
        assert known.distance(one) < 2 * APART
        known = known.learn(one)
    assert known.distance(words(letter(MAPS, "For you: a brass mug and winter rope"))) == 0
    assert known.distance(words(letter(KEEPER, "For you: a brass mug and winter rope"))) >= APART


NEW = letter(
    SALE, KEEPER, STAIRS, "Everything must go before the harbour freezes; whoever buys two gets the third as a gift."
)


@pytest.mark.parametrize("behind", ["\n\n", "\n\n\n\n-- \n"])
def test_new_content_does_not_ride_on_what_was_released(behind: str) -> None:
    released = Likeness.first(words(letter(MAPS)))
    assert released.distance(words(NEW + behind + letter(MAPS))) >= APART


def test_hidden_text_joins_nothing() -> None:
    old, new = markup(letter(MAPS)), markup(letter(SALE, KEEPER))
    hidden = new.replace("</body>", f"<div style='display:none'>{letter(MAPS)}</div></body>")
    kind = "text/html; charset=utf-8"
    assert distance(message(old, kind), message(hidden, kind)) >= APART
    assert distance(message(new, kind), message(hidden, kind)) == 0


def test_light_letters_on_a_dark_ground_are_read_too() -> None:
    kind = "text/html; charset=utf-8"
    assert distance(message(markup(BASE, "#fff"), kind), message(markup(BASE, "#fff"), kind)) == 0
    assert distance(message(markup(BASE, "#fff"), kind), message(markup(letter(SALE), "#fff"), kind)) >= APART


def test_it_is_kept_as_it_was() -> None:
    known = Likeness.first(words(BASE)).learn(words(SAME["another foot"]))
    again = unpacked(pack(known))
    assert (again.fixed, again.frame, again.seen, again.copies) == (known.fixed, known.frame, known.seen, 2)


def test_time_and_size_are_bounded() -> None:
    found = words(" ".join(f"w{'abcdefghij'[n % 10]}{'x' * (n % 700)}" for n in range(50_000)))
    assert len(found.core) <= 600 and len(pack(Likeness.first(found))) < 10_000


def message(body: str, kind: str = "text/plain; charset=utf-8", to: str = "Ann Harper <ann@x.example>") -> bytes:
    head = f"From: a@b.example\r\nTo: {to}\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n"
    return (head + body.replace("\n", "\r\n")).encode() + b"\r\n"


def read(octets: bytes) -> Likeness:
    scanned = scan(octets, ScanLimits())
    seen = shown(Content(scanned))
    return Likeness.first(words(seen.text, recipients(scanned), seen.marks))


def markup(text: str, colour: str = "#222", pre: str = "") -> str:
    blocks = "".join(f"<p style='color:{colour}'>{block}</p>" for block in text.split("\n\n"))
    return f"<html><head><style>p{{{colour}}}</style></head><body><!-- {colour} --><i>{pre}</i>{blocks}</body></html>"


def distance(one: bytes, other: bytes) -> float:
    scanned = scan(other, ScanLimits())
    seen = shown(Content(scanned))
    return read(one).distance(words(seen.text, recipients(scanned), seen.marks))


def test_html_is_read_as_it_is_seen() -> None:
    one = message(markup(BASE), "text/html; charset=utf-8")
    assert distance(one, message(markup(BASE, "#000"), "text/html; charset=utf-8")) == 0
    assert distance(one, message(markup(letter(SALE)), "text/html; charset=utf-8")) >= APART
    assert distance(one, message(BASE)) < APART


def test_pictures_alone_are_told_apart_by_their_names() -> None:
    def picture(name: str, token: str) -> bytes:
        return message(f"<img src='https://i.example/{name}.png?u={token}'>", "text/html")

    assert distance(picture("may", "1"), picture("may", "2")) == 0
    assert distance(picture("may", "1"), picture("june", "2")) >= APART


CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora" / "likeness"


def labelled(name: str) -> list[list[bytes]]:
    groups = json.loads((CORPUS / f"{name}.json").read_text())
    return [
        [
            message(
                mail["html"] or mail["text"],
                f"text/{'html' if mail['html'] else 'plain'}; charset=utf-8",
                f"{mail['name']} <x@y.example>",
            )
            for mail in group["mails"]
        ]
        for group in groups
    ]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not here")
def test_labelled_groups() -> None:
    for group in labelled("same"):
        assert all(distance(group[0], other) < APART / 1.5 for other in group[1:])
    for one, other in labelled("different"):
        assert distance(one, other) > APART * 1.3


@pytest.mark.parametrize("seed", [1, 2])
def test_groups_of_all_kinds_in_seven_languages(seed: int) -> None:
    """``make likeness`` judges many more: at least 99 % of the pairs of one campaign are joined, at most 1 % else."""
    found = measured(groups(seed))
    wrong = {kind: (right, of) for kind, (right, of) in found.items() if right < of}
    joined = [figures for (same, _), figures in found.items() if same]
    assert sum(right for right, _ in joined) >= 0.995 * sum(of for _, of in joined), wrong
    assert {kind for same, kind in wrong if not same} == set()


@pytest.mark.parametrize(
    ("url", "mark"),
    [
        ("https://i.example/2026/may/hero.png", "i.example/2026/may/hero"),
        ("https://i.example/202605/hero.png?u=1#x", "i.example/202605/hero"),
        ("https://i.example/u/9f31aa07bc/hero.png", "i.example/u/hero"),
        ("https://i.example/hero-77812345.jpg", "i.example/hero"),
        ("https://i.example/hero_9f31aa.jpg", "i.example/hero"),
        ("https://i.example/9f8a6d1c0b2e4f3a.jpg", "i.example/9f8a6d1c0b2e4f3a"),
        ("https://i.example/xkqwrtzp/sale.gif", "i.example/sale"),
        ("https://i.example/aBcDxYz/sale.gif", "i.example/sale"),
        ("https://i.example/issue42/sale.gif", "i.example/issue42/sale"),
        ("cid:logo@x", "cid:logo@x"),
    ],
)
def test_of_a_picture_s_address_counts_what_all_see(url: str, mark: str) -> None:
    """By a picture alone: what differs else would split the campaign for each recipient."""
    one = message(f"<a href='https://l.example/c/1'><img src='{url}'></a>", "text/html")
    (_, found) = shown(Content(scan(one, ScanLimits()))).marks
    assert found == mark


def test_what_a_known_line_is_filled_in_with_counts_little() -> None:
    known = Likeness.first(words(letter(MAPS, "Last time you took home: tin mug and rope.")))
    bought = "Last time you took home: brass compass, rubber boots, storm lantern."
    assert known.distance(words(letter(MAPS, bought))) < APART
    story = f"Last time you took home: {KEEPER.partition(chr(10))[2]} {STAIRS.partition(chr(10))[2]}"
    assert known.distance(words(letter(story))) >= APART


def test_letters_of_another_alphabet_that_look_the_same_are_the_same() -> None:
    assert not apart(BASE, BASE.replace("e", "\u0435").replace("o", "\u03bf").replace("A", "\u0410"))
