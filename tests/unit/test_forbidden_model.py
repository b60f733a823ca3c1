"""The model of offers beside the lists: it raises what they see weakly, calms them, and tells what it is sure of."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from policies.forbidden.matching import Matcher
from policies.forbidden.model import CALMS, MOST, OWN, allowance, parsed, pieces_of, points_of, read_model
from policies.forbidden.word_lists import read_lists
from policies.forbidden_content import Policy
from relay.pipeline.contract import PASS, Continue
from relay.values.facts import Kind
from tests.support import content_model
from tests.support.content import mail, read
from tests.unit.test_policies import BULK, TENANT, txn

LISTS = read_lists()
ALONE, BOTH = Matcher(LISTS), Matcher(LISTS, read_model())
UNSEEN = "held_eighth"
"""Neither the lists nor the model were made with it."""


def _first(offends: bool, found: bool) -> str:
    """A text that the model tells otherwise than the lists."""
    for one in content_model.written(UNSEEN):
        by_lists, by_both = bool(ALONE.suspicions(one.text)), bool(BOTH.suspicions(one.text))
        if (one.class_ != content_model.HONEST) is offends and by_lists is not found and by_both is found:
            return one.text
    raise AssertionError("there is none")


def test_of_unseen_texts_more_offers_are_found_and_fewer_honest_ones_held() -> None:
    every = content_model.written(UNSEEN)
    offers = [one.text for one in every if one.class_ != content_model.HONEST]
    honest = [one.text for one in every if one.class_ == content_model.HONEST]
    found = {name: sum(bool(m.suspicions(text)) for text in offers) for name, m in (("lists", ALONE), ("both", BOTH))}
    held = {name: sum(bool(m.suspicions(text)) for text in honest) for name, m in (("lists", ALONE), ("both", BOTH))}
    assert found["both"] >= found["lists"] + 8, found
    assert held["both"] <= min(2, held["lists"]), held


def test_what_it_is_sure_of_is_told_with_the_words_that_say_so() -> None:
    told = BOTH.suspicions(_first(offends=True, found=True))[0]
    assert told.points >= 10
    assert "reads like an offer (" in told.rules[-1]
    assert told.passage


def test_it_calms_the_lists_beside_honest_words() -> None:
    text = _first(offends=False, found=False)
    assert ALONE.suspicions(text)[0].points >= 10
    told = BOTH.suspicions(text, 1)
    assert all(one.points < 10 for one in told)
    assert any("reads like honest mail" in rule for one in told for rule in one.rules)


def test_points_are_bounded_and_long_texts_take_more() -> None:
    assert points_of(500, 20) == MOST
    assert points_of(-500, 20) == points_of(-500, 5000) == -CALMS
    assert allowance(20) == 0
    assert points_of(6, 24) == 6
    assert points_of(6, 96) == 2
    assert points_of(1, 5000) == 0  # a score above nothing never calms


def test_honest_paragraphs_around_change_little_of_what_the_lists_are_sure_of() -> None:
    honest = [one.text for one in content_model.written(UNSEEN) if one.class_ == content_model.HONEST]
    offer = "Viagra and Cialis without prescription, the pharmacy sends them in a plain parcel."
    text = "\n\n".join([*honest[:12], offer, *honest[12:24]])
    assert BOTH.suspicions(text)[0].name == "drugs"


def test_classes_that_are_off_or_allowed_are_not_told_by_the_model_either() -> None:
    text = _first(offends=True, found=True)
    policy = Policy({})
    message = read(mail(text))
    (told,) = policy._found(message, 10)
    held = policy.on_message(txn(BULK), message)
    assert isinstance(held, Continue)
    assert held.effects
    for name in (told.name, *told.like):  # it tells an offer better than of what it is
        allowed = replace(txn(BULK), tenant=replace(TENANT, permits=frozenset({name})))
        assert policy.on_message(allowed, message) == PASS
    assert told.name not in {one.name for one in Policy({"off": [told.name]})._found(message, 10)}


def test_service_mail_is_not_read() -> None:
    service = replace(BULK, kind=Kind.TRANSACTIONAL, consent_required=False)
    assert Policy({}).on_message(txn(service), read(mail(_first(offends=True, found=True)))) == PASS


def test_small_words_and_numbers_weigh_nothing() -> None:
    assert pieces_of("#") == pieces_of("by") == []
    assert read_model().weight("#") == 0
    assert len(pieces_of("sun")) == 2 + 3 + 2 + 1


@pytest.mark.slow
def test_the_file_is_what_the_samples_make() -> None:
    """Whoever changes lists or samples runs ``make content-model``."""
    made = content_model.made(content_model.Learner(ALONE), content_model.samples())
    assert made == OWN.read_text("ascii")
    assert parsed(made).classes == tuple(sorted(one.name for one in LISTS))
