"""Forbidden offers are found in seven languages and every disguise; ordinary mail that comes near isn't (R17)."""

# ruff: noqa: RUF001 - letters of many alphabets are meant here

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from policies.forbidden.matching import Matcher
from policies.forbidden.reading import read_text
from policies.forbidden.word_lists import LANGUAGES, OWN, read_lists, terms_of
from policies.forbidden_content import Policy
from relay.cli.main import relay
from relay.pipeline.contract import PASS, Continue, Message, MessageVerdict, Suspect
from relay.values.facts import Kind
from tests.support.content import coded, mail, read
from tests.unit.test_policies import BULK, TENANT, txn

SAMPLES = Path(__file__).parents[1] / "samples" / "content"
POLICY = Policy({})


def samples(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (SAMPLES / name).read_text("utf-8").splitlines()]


FORBIDDEN, ORDINARY = samples("forbidden.jsonl") + samples("forbidden_en.jsonl"), samples("ordinary.jsonl")
OBLIQUE = samples("oblique.jsonl")
"""Offers that avoid every catch word, and honest letters that come near these."""
NEAR = (SAMPLES / "near.txt").read_text("utf-8").splitlines()
"""Honest sentences of pharmacies, banks, lotteries, newspapers, museums and more, most with a word of a list."""


def judged(msg: Message, policy: Policy = POLICY) -> str:
    """Why it is kept; empty if it isn't."""
    answer = policy.on_message(txn(BULK), msg)
    assert isinstance(answer, Continue)
    return "; ".join(one.why for one in answer.effects if isinstance(one, Suspect))


def plain(one: dict[str, str]) -> Message:
    return read(mail(one["text"], subject=one["subject"]))


# --- how well (the figures stand in docs/CONTENT.md) ----------------------------------------


def test_recall_over_offers_in_many_wordings() -> None:
    """Three of four were found before any list was fitted to them (docs/CONTENT.md)."""
    missed = [one["id"] for one in FORBIDDEN if not judged(plain(one))]
    assert len(missed) <= len(FORBIDDEN) * 0.02, missed


def test_false_holds_on_ordinary_mail_that_comes_near() -> None:
    held = {one["id"]: why for one in ORDINARY if (why := judged(plain(one)))}
    assert len(held) <= len(ORDINARY) * 0.01, held


def test_offers_that_avoid_the_catch_words() -> None:
    """docs/CONTENT.md says how many were found before, and of a second set at the first look."""
    offers = [one for one in OBLIQUE if one["class"] != "ordinary"]
    missed = [one["id"] for one in offers if not judged(plain(one))]
    assert len(missed) <= len(offers) * 0.06, missed
    held = {one["id"]: why for one in OBLIQUE if one["class"] == "ordinary" and (why := judged(plain(one)))}
    assert held == {}


def test_honest_sentences_with_a_listed_word_pass_alone_and_together() -> None:
    """Put together at random they are nobody's mail, and stand nearer to each other than in any."""
    assert {text: why for text in NEAR if (why := judged(read(mail(text))))} == {}
    chance = random.Random(5)
    mixed = [" ".join(chance.sample(NEAR, chance.randint(2, 7))) for _ in range(400)]
    held = {text: why for text in mixed if (why := judged(read(mail(text))))}
    assert len(held) <= 4, held


def test_each_language_has_hundreds_of_terms_and_each_class_all_languages() -> None:
    classes = read_lists()
    assert min(terms_of(classes, language) for language in LANGUAGES) > 1000
    for one in classes:
        assert {language for _, language in one.groups} == set(LANGUAGES), one.name


# --- disguises --------------------------------------------------------------------------------

ALIKE = {"a": "а", "e": "е", "o": "о", "c": "с", "p": "р", "i": "і", "x": "х", "y": "у"}
BACK = {"а": "a", "е": "e", "о": "o", "с": "c", "р": "p", "і": "i", "х": "x", "у": "y"}
LEET = {"a": "4", "e": "3", "i": "1", "o": "0", "s": "5", "t": "7"}
OFFERS = {
    "en": ("drugs", "Viagra and Cialis without prescription, the pharmacy sends them in a plain parcel"),
    "ru": ("homework", "Легкие деньги в интернете: заработок на дому без опыта каждый день"),
    "uk": ("mlm", "Мережевий маркетинг: запросіть трьох друзів і отримуйте бонус із кожного рівня"),
    "et": ("credit", "Kiirlaen ilma kontrollita ka maksehäirega inimesele, raha kohe kontole"),
    "de": ("trading", "Garantierte Rendite mit unserem Handelsroboter, kein Risiko für Anleger"),
    "fr": ("dating", "Rencontres sans lendemain pour adultes, des femmes seules vous attendent ce soir"),
    "es": ("pirated", "Televisión de pago pirata, doce mil canales por tres euros al mes"),
}
Change = Callable[[str, random.Random], str]


def _letters(table: dict[str, str], share: float) -> Change:
    return lambda text, chance: "".join(table.get(c, c) if chance.random() < share else c for c in text)


def _between(mark: str) -> Change:
    return lambda text, chance: "".join(c + (mark if c.isalpha() and chance.random() < 0.3 else "") for c in text)


TEXT_WAYS: dict[str, Change] = {
    "as it is": lambda text, chance: text,
    "capitals": lambda text, chance: text.upper(),
    "fullwidth": lambda text, chance: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "bold": lambda text, chance: "".join(
        chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else chr(0x1D400 + ord(c) - 65) if "A" <= c <= "Z" else c
        for c in text
    ),
    "zero width": _between("\u200b"),
    "word joiners": _between("\u2060\u200b"),
    "soft hyphens": _between("\u00ad"),
    "letters apart": lambda text, chance: "   ".join(" ".join(word) for word in text.split()),
    "dots between": lambda text, chance: "  ".join(".".join(word) for word in text.split()),
    "combining marks": _between("\u0323"),
}
MARKUP_WAYS: dict[str, Change] = {
    "references": lambda text, chance: "".join(f"&#{ord(c)};" for c in text),
    "empty elements": _between("<b></b>"),
    "comments": _between("<!-- x -->"),
    "hidden letters": _between("<i style='display:none'>q</i>"),
    "letters of no size": _between("<font style='font-size:0'>kv</font>"),
    "alternative text": lambda text, chance: f"<img src='https://acme.example/i.png' alt='{text}'>",
    "soft hyphens": _between("&shy;"),
    "each letter a span": lambda text, chance: "".join(f"<span>{c}</span>" if c.isalpha() else c for c in text),
}
LETTER = (
    "Good day,\n\nthe library opens at nine, the choir sings on Sunday, and the bus stops at the mill again.\n\nPS: "
)


@pytest.mark.parametrize("language", OFFERS)
def test_offers_are_found_in_all_disguises(language: str) -> None:
    name, offer = OFFERS[language]
    title = {one.name: one.title for one in read_lists()}[name]
    chance = random.Random(17)
    tried = {way: read(mail(change(offer, chance))) for way, change in TEXT_WAYS.items()}
    tried |= {way: read(mail(f"<p>{change(offer, chance)}</p>", "html")) for way, change in MARKUP_WAYS.items()}
    table = BACK if language in ("ru", "uk") else ALIKE
    tried["letters that look alike"] = read(mail(_letters(table, 0.5)(offer, chance)))
    if language not in ("ru", "uk"):
        tried["digits for letters"] = read(mail(_letters(LEET, 0.5)(offer, chance)))
    tried["behind a letter"] = read(mail(LETTER + offer))
    tried["in the subject"] = read(mail("Hello", subject=offer))
    tried["base64"] = read(coded(offer.encode(), "text/plain; charset=utf-8", "base64"))
    tried["UTF-16"] = read(coded(offer.encode("utf-16"), "text/plain; charset=utf-16", "base64"))
    assert {way: why for way, msg in tried.items() if title not in (why := judged(msg))} == {}


def test_words_are_read_in_one_form() -> None:
    def words(text: str) -> list[str]:
        return read_text(text).words

    assert words("V1agra C!alis") == ["viagra", "cialis"]
    assert words("v i a g r a   n o w") == ["viagra", "now"]
    assert words("3 000,50 EUR, 10% in 2026") == ["#", "eur", "#", "%", "in", "#"]
    assert words("зapaботок") == ["заработок"]
    assert words("Krüptobörs ｃａｓｈ") == ["kruptobors", "cash"]


# --- settings, permits, streams -------------------------------------------------------------

OFFER = read(mail(OFFERS["en"][1]))


def test_what_is_said_of_it() -> None:
    why = judged(OFFER)
    assert why.startswith("content suspected of drugs, prescription medicines") and "Viagra and Cialis without" in why


def test_a_permission_and_a_class_switched_off() -> None:
    allowed = replace(txn(BULK), tenant=replace(TENANT, permits=frozenset({"drugs"})))
    assert POLICY.on_message(allowed, OFFER) == PASS
    assert judged(OFFER, Policy({"off": ["drugs"]})) == ""
    assert judged(OFFER, Policy({"enough": 100})) == ""


def test_service_mail_isn_t_read_and_consent_makes_it_bulk() -> None:
    service = replace(BULK, kind=Kind.TRANSACTIONAL, consent_required=False)
    answer: MessageVerdict = POLICY.on_message(txn(service), OFFER)
    assert answer == PASS
    assert POLICY.on_message(txn(replace(service, consent_required=True)), OFFER) != PASS


def test_links_to_known_places() -> None:
    for link in ("https://www.tinder.com/x", "http://shop.example.xxx/", "https://TINDER.com"):
        assert "link to" in judged(read(mail(f"See {link} please")))
    assert judged(read(mail("See https://tinder.com.example/ and https://nottinder.com/"))) == ""


def test_a_directory_of_one_s_own_replaces_and_adds(tmp_path: Path) -> None:
    (tmp_path / "drugs.toml").write_text('title = "none"\nrules = []\n')
    (tmp_path / "garlic.toml").write_text(
        'title = "garlic"\nrules = ["10: it"]\n[words.it]\nen = "garlic, raw onion"\n'
    )
    policy = Policy({"lists": str(tmp_path)})
    assert judged(OFFER, policy) == ""
    assert judged(read(mail("Garlics for sale")), policy).startswith("content suspected of garlic (10 points)")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("x", "Expected"),
        ('rules = ["10: it"]', "there is no words.it"),
        ('rules = ["ten: it"]\n[words.it]\nen = "x"', 'write it like "6: earn + home < 12"'),
        ('rules = []\n[words.it]\nen = "x"', "no rule uses words.it"),
        ('rules = ["10: it"]\n[words.it]\nxx = "x"', "xx is no language here"),
        ("rules = []\nmore = 1", "unknown key more"),
    ],
)
def test_a_faulty_list_is_named_at_start(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "odd.toml").write_text(text)
    with pytest.raises(ValueError, match=r"odd\.toml") as found:
        Policy({"lists": str(tmp_path)})
    assert fault in str(found.value)


def test_settings_that_say_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="there is no class drugz"):
        Policy({"off": ["drugz"]})
    with pytest.raises(ValueError, match="is no directory"):
        Policy({"lists": "/nowhere"})


def test_the_lists_hold_no_word_that_means_everything() -> None:
    """A term of one short word alone may not make a suspicion."""
    short = []
    for one in read_lists():
        sure = {rule.first for rule in one.rules if not rule.second and rule.points >= 10}
        for (group, language), terms in one.groups.items():
            if group in sure:
                short += [(one.name, language, t) for t in terms if len(t) == 1 and len(t[0].rstrip("$")) < 3]
    assert short == []
    assert len(list(OWN.glob("*.toml"))) == len(read_lists())


# --- a hostile text ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["earn home " * 6000, "# " * 30_000, "a b c d e " * 6000, "v1" * 30_000, "𝐚" * 60_000])
def test_nothing_takes_long(text: str) -> None:
    """Linear: counted in words looked at, not in time."""
    assert len(Matcher(read_lists()).suspicions(text)) < 10


# --- relay content check ------------------------------------------------------------------------


def test_the_command_tells_what_is_found_and_how_sure(tmp_path: Path) -> None:
    runner = CliRunner()
    assert runner.invoke(relay, ["init", "--dir", str(tmp_path), "--hostname", "relay.test", "--dev"]).exit_code == 0
    (tmp_path / "offer.eml").write_bytes(mail(OFFERS["en"][1]))
    (tmp_path / "fine.eml").write_bytes(mail("The choir sings on Sunday."))
    (tmp_path / "none.eml").write_bytes(b"\0\0\0")

    def check(name: str, *more: str) -> Any:
        return runner.invoke(
            relay, ["-c", str(tmp_path / "relay.toml"), "content", "check", str(tmp_path / name), *more]
        )

    told = json.loads(check("offer.eml", "--json").output)
    assert told["verdict"] == "held" and told["complete"]
    assert told["findings"][0]["about"] == "drugs" and told["findings"][0]["sure"] >= 1
    assert "Viagra" in told["findings"][0]["passage"]
    assert json.loads(check("fine.eml", "--json").output) == {"verdict": "passes", "complete": True, "findings": []}
    assert "kept for the operator" in check("offer.eml").output
    classes = json.loads(
        runner.invoke(relay, ["-c", str(tmp_path / "relay.toml"), "content", "classes", "--json"]).output
    )
    by_policy = Counter(one["policy"] for one in classes)
    assert by_policy == {"forbidden_content": len(read_lists()), "misleading_head": 1, "service_mail": 1}


SAID = "Lonely ladies near you are waiting. Sign up on our dating site and meet hot singles tonight."
BESIDE = {
    "turned by a mark": mail(f"\u202e{SAID[::-1]}\u202c"),
    "turned by markup": mail(f'<bdo dir="rtl">{SAID[::-1]}</bdo>', "html"),
    "on pointing": mail(f'<a href="https://acme.example" title="{SAID}">News</a>', "html"),
    "by a style sheet": mail(f'<style>p::before{{content:"{SAID}"}}</style><p></p>', "html"),
    "in a data URL": mail(
        f'<iframe src="data:text/html;base64,{base64.b64encode(SAID.encode()).decode()}"></iframe>', "html"
    ),
    "in a file": coded(SAID.encode(), "text/html; charset=utf-8", "8bit", disposition='attachment; filename="a.html"'),
    "in a date for the calendar": coded(
        f"BEGIN:VCALENDAR\r\nDESCRIPTION:{SAID}\r\nEND:VCALENDAR\r\n".encode(), "text/calendar; charset=utf-8", "8bit"
    ),
}


@pytest.mark.parametrize("raw", BESIDE.values(), ids=BESIDE.keys())
def test_what_some_readers_see_beside_the_text_is_read_too(raw: bytes) -> None:
    assert "dating" in judged(read(raw))
