"""A column that could say who left and isn't understood is asked about, and one option answers (R2, R4)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from relay.lists import told
from relay.lists.consent_import import ImportReport
from relay.lists.list_file import Entry, open_list
from relay.lists.list_unclear import bad_rest, is_leaving, is_of_else, is_understood
from relay.lists.list_words import Said, plain
from relay.lists.wishes import MEANINGS, answers


def said(tmp_path: Path, text: str, *status: str, keep: tuple[str, ...] = (), name: str = "list.csv") -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    read = open_list(path, answers=answers(status), keep=keep, now=1_700_000_000.0).read()
    return [one.said.value for one in read if isinstance(one, Entry)]


LOCKED = "email,status,em_lck\na@people.example,active,0\nb@people.example,active,1\n"
GOOD, LEFT, NO, ASKED = (one.value for one in (Said.AGREED, Said.LEFT, Said.REFUSED, Said.UNKNOWN))


def test_neither_answer_of_an_unknown_flag_is_an_agreement(tmp_path: Path) -> None:
    assert said(tmp_path, LOCKED) == [ASKED, ASKED]
    assert said(tmp_path, "email,mail_x\na@people.example,1\nb@people.example,0\nc@people.example,\n") == [ASKED] * 3


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("em_lck:1=unsubscribed", [GOOD, LEFT]),
        ("em_lck:0=refuse", [NO, GOOD]),
        ("em_lck:1=agreed", [NO, GOOD]),
    ],
)
def test_one_answer_tells_what_the_other_says(tmp_path: Path, answer: str, wanted: list[str]) -> None:
    assert said(tmp_path, LOCKED, answer) == wanted


def test_a_column_that_says_nothing_of_consents_is_kept(tmp_path: Path) -> None:
    assert said(tmp_path, LOCKED, keep=("em_lck",)) == [GOOD, GOOD]


def test_the_question_names_the_option_that_answers_it() -> None:
    report = ImportReport()
    report.asked = Counter({"'em lck' is '1'": 2, "'state' is 'zebra'": 1})
    report.words = {"'em lck' is '1'": "em lck:1", "'state' is 'zebra'": "zebra"}
    column, word = told.to_answer(report, MEANINGS)
    assert "--keep 'em lck' if" in column and "--status 'em lck:1=MEANING' (agreed, unsubscribed," in column
    assert word.startswith("answer with --status 'WORD=MEANING'")


def test_the_same_answer_everywhere_tells_nobody_from_others(tmp_path: Path) -> None:
    same = "email,status,em_lck\n" + "".join(f"p{number}@people.example,active,0\n" for number in range(1_500))
    assert set(said(tmp_path, same)) == {GOOD}
    assert said(tmp_path, same + "z@people.example,active,1\n")[-1] == ASKED


def test_a_list_called_do_not_contact_may_say_itself_who_is_out(tmp_path: Path) -> None:
    text = "email,status,dnc\na@people.example,active,no\nb@people.example,bounced,yes\nc@people.example,,\n"
    assert said(tmp_path, text, name="dnc-check.csv") == [ASKED, Said.BOUNCED.value, LEFT]
    assert said(tmp_path, text, "status:active=agreed", name="dnc-check.csv")[0] == GOOD


@pytest.mark.parametrize(
    "name",
    [
        "Newsletter", "Accepts Email Marketing", "MKT_OPT_IN_FLG", "Werbeerlaubnis E-Mail", "Gemeindebrief per E-Mail",
        "Souhaite recevoir le bulletin", "Согласие на получение рассылки", "Nõustun uudiskirjaga", "Boletín (S/N)",
        "Zgoda marketingowa", "Súhlas s newsletterom", "Monthly news by e-mail",
    ],
)  # fmt: skip
def test_names_of_agreements_are_understood(name: str) -> None:
    assert is_understood(plain(name))


@pytest.mark.parametrize("name", ["mail_x", "Mailzzkz", "is_eml_k", "E-Mail brmft", "newsletter q", "Рассылка жбр"])
def test_a_name_with_a_word_of_mail_alone_is_not(name: str) -> None:
    assert not is_understood(plain(name))


@pytest.mark.parametrize("name", ["country", "gender", "plan", "vip", "has_app", "birthday", "store", "Stammkunde"])
def test_other_matters_are_not_asked_about(name: str) -> None:
    assert is_of_else(plain(name))


def test_what_stands_beside_a_word_of_mail_may_be_bad() -> None:
    assert bad_rest(plain("nl_raus")) is Said.REFUSED
    assert bad_rest(plain("newsletter")) is Said.NOTHING


def test_a_word_of_leaving_is_asked_about_where_it_is_set(tmp_path: Path) -> None:
    assert is_leaving("frozen") and not is_leaving("not frozen")
    text = "email,subscribed,frozen\na@people.example,1,no\nb@people.example,1,yes\n"
    assert said(tmp_path, text) == [GOOD, ASKED]
    days = "email,newsletter,ruht seit\na@people.example,ja,\nb@people.example,ja,2023-03-12\n"
    assert said(tmp_path, days) == [GOOD, ASKED]


def test_how_often_mail_bounced_is_asked_about_beside_a_mere_agreement(tmp_path: Path) -> None:
    text = "email,opt_in,bounces\na@people.example,yes,0\nb@people.example,yes,3\n"
    assert said(tmp_path, text) == [GOOD, ASKED]
    heeded = text + "c@people.example,no,3\n"
    assert said(tmp_path, heeded) == [GOOD, GOOD, NO]
    assert said(tmp_path, text.replace("bounces", "hard bounces")) == [GOOD, Said.BOUNCED.value]
    assert said(tmp_path, text.replace("bounces", "soft bounces")) == [GOOD, GOOD]


def test_one_unknown_question_is_asked_about_and_a_table_of_them_is_not(tmp_path: Path) -> None:
    one = "email,newsletter,Zwirbel\na@people.example,yes,ja\nb@people.example,yes,nein\n"
    assert said(tmp_path, one) == [ASKED, ASKED]
    table = "email,newsletter,Zwirbel,Quarbel\na@people.example,yes,ja,nein\nb@people.example,yes,nein,ja\n"
    assert said(tmp_path, table) == [GOOD, GOOD]


def test_two_unknown_words_under_a_name_of_mail_are_asked_about(tmp_path: Path) -> None:
    text = "email,status,E-mail zyx\na@people.example,active,blip\nb@people.example,active,blop\n"
    assert said(tmp_path, text) == [ASKED, ASKED]
