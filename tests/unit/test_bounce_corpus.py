"""Real bounces of many mail systems, where the corpora are present: hard is only what is hard."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.feedback import mime
from relay.feedback.analyse import FeedbackKind, analyse

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpora"
SISIMAI = CORPUS / "bounces" / "sisimai"
FLUFL = CORPUS / "bounces" / "flufl"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not here")


def kind(raw: bytes) -> FeedbackKind:
    return analyse(mime.parse(raw), "nobody@example.invalid").kind


def agreed() -> Iterator[tuple[str, bytes, bool]]:
    """Samples on which both reference implementations agree: name, message, hard."""
    for name, answers in json.loads((SISIMAI / "expected.json").read_text()).items():
        verdicts = {any(r["hardbounce"] for r in rows) for rows in answers.values()}
        if len(verdicts) == 1:
            yield name, (SISIMAI / name).read_bytes(), verdicts.pop()


def test_no_soft_bounce_is_taken_for_hard() -> None:
    wrong = [name for name, raw, hard in agreed() if not hard and kind(raw) is FeedbackKind.HARD]
    assert wrong == []


def test_most_hard_bounces_are_known() -> None:
    hard = [(name, kind(raw)) for name, raw, is_hard in agreed() if is_hard]
    known = [name for name, found in hard if found is FeedbackKind.HARD]
    assert len(known) >= 0.8 * len(hard)
    assert all(found in (FeedbackKind.HARD, FeedbackKind.SOFT) for _, found in hard)


def test_delays_are_told_from_failures() -> None:
    for name, answers in json.loads((FLUFL / "expected_detector.json").read_text()).items():
        found = kind((FLUFL / name).read_bytes())
        if any(answer["temporary"] for answer in answers):
            assert found is FeedbackKind.DELAYED, name
        elif any(answer["addresses"] for answer in answers):
            assert found in (FeedbackKind.HARD, FeedbackKind.SOFT, FeedbackKind.UNKNOWN), name


def test_complaints() -> None:
    reports = sorted((CORPUS / "arf").rglob("*.eml"))
    assert reports
    for path in reports:
        assert kind(path.read_bytes()) in (FeedbackKind.COMPLAINT, FeedbackKind.NOTHING), path.name


BOUNCES_AMONG_OTHER_MAIL = ("multi_address_bounce", "report_530")
"""Real bounces for unknown addresses; the second says ``553 5.3.0 … Unknown E-Mail Address`` to RCPT."""


def test_other_mail_is_never_a_hard_bounce() -> None:
    for path in sorted((CORPUS / "mime").rglob("*")):
        if path.is_file() and not any(name in path.name for name in BOUNCES_AMONG_OTHER_MAIL):
            assert kind(path.read_bytes()) is not FeedbackKind.HARD, path.name


def test_damaged_copies_seldom_make_hard_out_of_soft() -> None:
    """Cut, overwritten and thinned-out copies: never an exception, and soft stays soft.

    Not always: without its line about the full mailbox a report may say 5.1.1 and nothing else.
    """
    chance = random.Random(1)
    copies = wrong = 0
    for _, raw, hard in agreed():
        for _ in range(20):
            octets = bytearray(raw)
            for _ in range(5):
                octets[chance.randrange(len(octets))] = chance.randrange(256)
            lines = raw.split(b"\n")
            del lines[chance.randrange(len(lines))]
            for damaged in (raw[: chance.randrange(len(raw))], bytes(octets), b"\n".join(lines)):
                found = kind(damaged)
                copies += not hard
                wrong += not hard and found is FeedbackKind.HARD
    assert wrong <= 0.01 * copies
