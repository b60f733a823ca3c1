"""Every catalogue is complete and says the same; languages are chosen as the reader wants."""

from __future__ import annotations

import ast
import re
import string

import pytest

from relay.texts import __main__ as tool
from relay.texts.english import ENGLISH
from relay.texts.language import DEFAULT, LANGUAGES, catalogue, choose, language

OTHERS = sorted(LANGUAGES.keys() - {DEFAULT})
DAY = 1_790_000_000.0


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def tags(text: str) -> list[str]:
    return sorted(re.findall(r"<[^>]*>", text))


def test_the_catalogues_are_in_step() -> None:
    assert tool.main(["--check"]) == 0
    assert {file.stem for file in tool.LOCALE.glob("*.po")} == set(OTHERS)


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_is_complete_and_its_placeholders_agree(code: str) -> None:
    texts = catalogue(code)
    assert texts.keys() == ENGLISH.keys()
    wrong = [key for key, text in texts.items() if placeholders(text) != placeholders(ENGLISH[key])]
    wrong += [key for key, text in texts.items() if set(tags(text)) != set(tags(ENGLISH[key]))]
    wrong += [key for key, text in texts.items() if text.count("<bdi>") != text.count("</bdi>")]
    assert wrong == []
    assert sum(texts[key] == ENGLISH[key] for key in texts) <= 6  # such as "No" and "Passkeys"


def test_no_key_is_given_twice() -> None:
    """One of another file would take the place of a letter's text, unseen."""
    named = [key.value for file in sorted(tool.LOCALE.parent.glob("english*.py"))
             for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Dict)
             for key in node.keys if isinstance(key, ast.Constant)]  # fmt: skip
    assert len(named) == len(ENGLISH) and set(named) == ENGLISH.keys()


@pytest.mark.parametrize("code", OTHERS)
def test_names_stand_between_their_marks(code: str) -> None:
    """A name of the other writing direction must not turn the sentence."""
    for key, text in catalogue(code).items():
        for name in re.findall(r"\{(tenant|topic|address)\}", text):
            if "<bdi>" in ENGLISH[key]:
                assert f"<bdi>{{{name}}}</bdi>" in text, key


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_letter_has_no_markup(code: str) -> None:
    for key in (key for key in ENGLISH if key.startswith("mail.")):
        names = dict.fromkeys(placeholders(ENGLISH[key]), "x")
        assert "<" not in language(code).plain(key, **names), key


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_letter_promises_nothing_about_topics_that_were_not_asked_for(code: str) -> None:
    """Who asks for one more topic gets the tenant's other mailings all the while."""
    said = language(code).plain("mail.until", date="tomorrow", tenant="acme")
    assert "tomorrow" in said and "acme" not in said


def test_a_changed_text_is_not_shown_in_old_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGLISH, "ask.button", "Leave")
    assert "ask.button" not in catalogue("de")
    assert b"fuzzy" in tool.updated("de")


def test_names_are_escaped() -> None:
    text = language("uk").text("ask.lead", tenant="<b>", topic="{0}", address='"&')
    assert "&lt;b&gt;" in text and "{0}" in text and "&#34;&amp;" in text


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("en", "21 September 2026"),
        ("de", "21. September 2026"),
        ("es", "21 de septiembre de 2026"),
        ("et", "21.09.2026"),
        ("fr", "21 septembre 2026"),
        ("ru", "21 сентября 2026 года"),
        ("uk", "21 вересня 2026 року"),
    ],
)
def test_dates(code: str, date: str) -> None:
    assert language(code).date(DAY) == date


@pytest.mark.parametrize(
    ("codes", "accept", "chosen"),
    [
        ((), "", "en"),
        ((), "uk-UA,uk;q=0.9,en;q=0.8", "uk"),
        ((), "en;q=0.2, de-AT;q=0.7, fr;q=0.6", "de"),
        ((), "ja, zh-CN;q=0.9, et;q=0.1", "et"),
        ((), "ja", "en"),
        ((), "de;q=0, fr", "fr"),
        ((), "*", "en"),
        (("et",), "de", "et"),
        (("xx", "fr"), "de", "fr"),
        (("", "DE"), "fr", "de"),
        (("../etc",), "\x00;;;,q=,de;q=abc,es", "es"),
        ((), "de;q=0.5," * 10_000, "de"),
    ],
)
def test_choosing(codes: tuple[str, ...], accept: str, chosen: str) -> None:
    assert choose(*codes, accept=accept).code == chosen


def test_an_unknown_language_is_an_error() -> None:
    with pytest.raises(KeyError):
        language("xx")
