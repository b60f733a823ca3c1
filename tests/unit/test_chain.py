"""The runner: order, failures that never pass, merging of what policies add."""

from __future__ import annotations

import pytest

from relay.mail.additions import Additions
from relay.mail.status import UNEXPECTED, Status, permanent, refusal
from relay.pipeline.chain import Chain
from relay.pipeline.contract import (
    BasePolicy,
    CampaignVerdict,
    Continue,
    Decision,
    Defer,
    Hold,
    Message,
    MessageVerdict,
    Reject,
    Transaction,
    Verdict,
)
from relay.pipeline.judged import Accepted, Judged
from relay.values.facts import Recipient
from tests.unit.test_policies import figures, message, rcpt, txn


class Fixed(BasePolicy):
    """Answers everything with one verdict and remembers that it was asked."""

    def __init__(self, name: str, verdict: object) -> None:
        self.name = name
        self.verdict = verdict
        self.asked = 0

    def _answer(self) -> Verdict:
        self.asked += 1
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict  # type: ignore[return-value]

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        return self._answer()

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        return self._answer()


NO = Reject(refusal("no", "first"))


def test_the_first_refusal_is_told_and_ends_the_asking() -> None:
    later = Fixed("b", Continue())
    answer = Chain([Fixed("a", NO), later]).recipient(txn(), rcpt())
    assert isinstance(answer, Status) and answer.reply == "550 5.7.1 no: first"
    assert later.asked == 0


@pytest.mark.parametrize("verdict", [RuntimeError("private"), None, "yes", 42])
def test_a_failure_or_nonsense_defers_and_never_passes(verdict: object) -> None:
    chain = Chain([Fixed("a", verdict)])
    assert chain.recipient(txn(), rcpt()) == UNEXPECTED
    person = rcpt()
    assert chain.message(txn(recipients=(person,)), message(), [Accepted(person, {}, (), None)]) == UNEXPECTED
    assert UNEXPECTED.reply.startswith("451 4.3.0") and "private" not in UNEXPECTED.reply


def test_a_late_answer_defers() -> None:
    times = iter([0.0, 5.0])
    assert Chain([Fixed("a", Continue())], clock=lambda: next(times)).recipient(txn(), rcpt()) == UNEXPECTED


def test_slots_holds_and_additions_of_several_policies_come_together() -> None:
    class PerRecipient(BasePolicy):
        name = "p"

        def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
            added = Additions("footer", "<p>", (("X-A", "1"),))
            return {
                txn.recipients[0]: Continue({"reason": "r0"}, additions=added),
                txn.recipients[1]: Continue({"reason": "r1"}, additions=added),
                txn.recipients[2]: NO,
            }

    people = (rcpt(), rcpt(), rcpt())
    chain = Chain(
        [PerRecipient({}), Fixed("h", Hold("look")), Fixed("x", Continue(additions=Additions(headers=(("X-B", "2"),))))]
    )
    judged = chain.message(txn(recipients=people), message(), [Accepted(p, {"a": "1"}, (), None) for p in people])
    assert isinstance(judged, Judged)
    assert [dict(a.slots) for a in judged.accepted] == [{"a": "1", "reason": "r0"}, {"a": "1", "reason": "r1"}]
    assert all(a.hold is not None and a.hold.why == "look" for a in judged.accepted)
    assert [r for r, _ in judged.refused] == [people[2]]
    assert judged.additions == Additions("footer", "<p>", (("X-A", "1"), ("X-B", "2")))


def test_defer_is_a_refusal_with_its_own_status() -> None:
    status = permanent(50, 7, 1, "x")
    assert Chain([Fixed("a", Defer(status))]).recipient(txn(), rcpt()) == status


def test_without_an_opinion_the_administrator_is_asked() -> None:
    assert Chain([]).campaign(figures()).decision is Decision.ASK

    class Opinion(BasePolicy):
        name = "o"

        def on_campaign(self, figures: object) -> CampaignVerdict:
            return CampaignVerdict(Decision.RELEASE, "fine")

    assert Chain([Opinion({})]).campaign(figures()).decision is Decision.RELEASE
