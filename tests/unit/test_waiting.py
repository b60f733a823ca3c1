"""Hooks that wait: their order, their time, their number; whatever goes wrong defers and never passes."""

from __future__ import annotations

import asyncio
import contextlib
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec

import pytest
from msgspec.structs import replace

from relay.mail.status import UNEXPECTED, Status, refusal
from relay.pipeline.chain import Chain
from relay.pipeline.contract import (
    PASS,
    Add,
    BasePolicy,
    CampaignVerdict,
    Continue,
    Defer,
    Hold,
    Message,
    MessageVerdict,
    Policy,
    QueueEntry,
    Reject,
    Transaction,
    Verdict,
)
from relay.pipeline.judged import Accepted, Judged
from relay.pipeline.registry import _misshapen, waits
from relay.pipeline.waiting import Patience
from relay.values.facts import CampaignFigures, Recipient
from tests.unit.test_policies import NEWS, NOW, TENANT, message, rcpt, txn

NONSENSE: Any = [
    Hold("x", float("nan")),
    Hold("x", float("inf")),
    *(Hold(*words) for words in (("x", "now"), (None, 1))),
]
NO = Reject(refusal("no", "waited"))
P = ParamSpec("P")


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """The test in an event loop of its own, within a limit."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), 30))

    return run


def entry() -> QueueEntry:
    return QueueEntry(1, 0, TENANT, NEWS, "a@x.example", "a@x.example", PERSON.standing, "news", None, 0, NOW)


Answer = Callable[[], Awaitable[object]]


class Later(BasePolicy):
    """Every hook waits for the same."""

    def __init__(self, name: str, answer: Answer) -> None:
        self.name = name
        self._answer = answer
        self.asked: list[str] = []

    async def _say(self, hook: str) -> Any:
        self.asked.append(hook)
        return await self._answer()

    async def on_reverse_path(self, txn: Transaction) -> Verdict:
        return await self._say("mail")  # type: ignore[no-any-return]

    async def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        return await self._say("rcpt")  # type: ignore[no-any-return]

    async def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        return await self._say("data")  # type: ignore[no-any-return]

    async def on_release(self, entry: QueueEntry) -> Verdict:
        return await self._say("release")  # type: ignore[no-any-return]


class AtOnce(BasePolicy):
    """Every hook answers the same at once."""

    def __init__(self, name: str, verdict: Verdict, log: list[str] | None = None) -> None:
        self.name = name
        self._verdict = verdict
        self._log = [] if log is None else log

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        self._log.append(self.name)
        return self._verdict

    def on_message(self, txn: Transaction, msg: Message) -> MessageVerdict:
        self._log.append(self.name)
        return self._verdict

    def on_release(self, entry: QueueEntry) -> Verdict:
        self._log.append(self.name)
        return self._verdict


def says(verdict: object) -> Answer:
    async def answer() -> object:
        await asyncio.sleep(0)
        if isinstance(verdict, BaseException):
            raise verdict
        return verdict

    return answer


async def never() -> object:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("it never ends")


PERSON = rcpt()


async def answered(chain: Chain, moment: str, patience: Patience | None = None) -> object:
    """What the chain says at one moment, waited for where that must be."""
    given: Any
    if moment == "mail":
        given = chain.reverse_path(txn(), patience)
    elif moment == "rcpt":
        given = chain.recipient(txn(), PERSON, patience)
    elif moment == "data":
        given = chain.message(txn(recipients=(PERSON,)), message(), [Accepted(PERSON, {}, (), None)], patience)
    else:
        return chain.release(entry(), await chain.ask_ahead(entry()))
    return await given if isinstance(given, Coroutine) else given


def passed(answer: object) -> bool:
    return answer is None or isinstance(answer, Accepted | Judged | Continue)


ALL = ["mail", "rcpt", "data", "release"]


@pytest.mark.parametrize("moment", ALL)
@in_loop
async def test_a_hook_is_waited_for_at_each_moment(moment: str) -> None:
    policy = Later("a", says(PASS))
    assert passed(await answered(Chain([policy]), moment)) and policy.asked == [moment]
    refused = await answered(Chain([Later("a", says(NO))]), moment)
    assert refused == NO.status or refused == NO


@pytest.mark.parametrize("moment", ALL)
@pytest.mark.parametrize(
    "wrong",
    [RuntimeError("private"), None, "yes", 42, asyncio.CancelledError(), TimeoutError(), *NONSENSE,
      OSError(111, "refused"), EOFError()],
    ids=repr,
)  # fmt: skip
@in_loop
async def test_whatever_goes_wrong_defers_and_never_passes(moment: str, wrong: object) -> None:
    answer = await answered(Chain([Later("a", says(wrong))]), moment)
    assert answer in (UNEXPECTED, Defer(UNEXPECTED))


@pytest.mark.parametrize("moment", ALL)
@in_loop
async def test_a_hook_that_never_answers_defers_when_its_time_is_over(moment: str) -> None:
    chain = Chain([Later("a", never)], wait_s=0.01)
    assert await answered(chain, moment) in (UNEXPECTED, Defer(UNEXPECTED))
    while len(chain._waiting) or len(chain._releasing):
        await asyncio.sleep(0)


@in_loop
async def test_one_that_does_not_heed_being_cancelled_keeps_its_place_and_nobody_waits_for_it() -> None:
    go_on = asyncio.Event()

    async def deaf() -> object:
        while not go_on.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await go_on.wait()
        return PASS

    chain = Chain([Later("a", deaf)], wait_s=0.01, most_waiting=2)
    assert await answered(chain, "rcpt") == UNEXPECTED
    assert len(chain._waiting) == 1
    assert chain._waiting.full(txn().tenant.id), "half of the places for one tenant"
    go_on.set()
    while len(chain._waiting):
        await asyncio.sleep(0)
    assert not chain._waiting.full(txn().tenant.id)


@in_loop
async def test_the_time_of_a_transaction_is_for_all_its_hooks_together() -> None:
    """A thousand recipients don't wait one after the other without a limit."""
    chain = Chain([Later("a", never)], wait_s=0.02)
    patience = chain.patience()
    assert await answered(chain, "mail", patience) == UNEXPECTED
    assert patience.left_s <= 0
    policy = Later("b", says(PASS))
    assert await answered(Chain([policy]), "rcpt", patience) == UNEXPECTED
    assert policy.asked == [], "no time left: not even asked"
    assert passed(await answered(Chain([policy]), "rcpt", Patience(1.0)))


@in_loop
async def test_what_waits_is_bounded_and_one_tenant_has_half() -> None:
    gate = asyncio.Event()

    async def gated() -> object:
        await gate.wait()
        return PASS

    chain = Chain([Later("a", gated)], most_waiting=4)
    waiting = [asyncio.ensure_future(answered(chain, "rcpt")) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await answered(chain, "rcpt") == UNEXPECTED, "the tenant's half is taken"
    assert not chain._waiting.full(txn().tenant.id + 1)
    gate.set()
    assert all(passed(one) for one in await asyncio.gather(*waiting))
    assert passed(await answered(chain, "rcpt"))


@in_loop
async def test_copies_wait_for_a_place_instead_of_being_put_off() -> None:
    running = most = 0

    async def counted() -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return PASS

    chain = Chain([Later("a", counted)], most_waiting=3)
    answers = await asyncio.gather(*[answered(chain, "release") for _ in range(50)])
    assert all(passed(one) for one in answers) and most == 3


@pytest.mark.parametrize("moment", ALL)
@in_loop
async def test_whoever_stops_waiting_cancels_the_hook(moment: str) -> None:
    ended = asyncio.Event()

    async def watched() -> object:
        try:
            return await never()
        finally:
            ended.set()

    policy = Later("a", watched)
    task = asyncio.ensure_future(answered(Chain([policy]), moment))
    while not policy.asked:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(ended.wait(), 5)


def test_a_chain_without_waiting_hooks_answers_at_once_without_a_loop() -> None:
    chain = Chain([AtOnce("a", PASS), AtOnce("b", NO)])
    assert not chain.waits and not chain.release_waits
    assert chain.recipient(txn(), PERSON) == NO.status
    assert chain.release(entry()) == NO


@in_loop
async def test_the_order_is_that_of_the_settings_whoever_waits() -> None:
    log: list[str] = []

    async def noted() -> object:
        log.append("b")
        return PASS

    chain = Chain([AtOnce("a", PASS, log), Later("b", noted), AtOnce("c", PASS, log)])
    assert passed(await answered(chain, "rcpt"))
    assert passed(await answered(chain, "data"))
    assert log == ["a", "b", "c"] * 2


@pytest.mark.parametrize("moment", ["rcpt", "data"])
@in_loop
async def test_the_first_refusal_spares_those_behind_it(moment: str) -> None:
    late = Later("b", says(PASS))
    assert await answered(Chain([AtOnce("a", NO), late]), moment) == NO.status
    assert late.asked == []
    log: list[str] = []
    assert await answered(Chain([Later("a", says(NO)), AtOnce("b", PASS, log)]), moment) == NO.status
    assert log == []


@in_loop
async def test_what_several_add_comes_together() -> None:
    one, two = Add("a", 1, None, UNEXPECTED), Add("b", 2, None, UNEXPECTED)
    chain = Chain(
        [
            AtOnce("a", Continue({"x": "1"}, (one,))),
            Later("b", says(Continue({"y": "2"}, (two,)))),
            Later("c", says(Hold("odd", 5e9))),
            AtOnce("d", Hold("also odd", 4e9)),
        ]
    )
    answer = await answered(chain, "rcpt")
    assert answer == Accepted(PERSON, {"x": "1", "y": "2"}, (one, two), Hold("odd; also odd", 5e9))


@in_loop
async def test_verdicts_for_each_recipient_can_be_waited_for() -> None:
    people = (PERSON, replace(PERSON, address="b@x.example"), replace(PERSON, address="c@x.example"))

    async def each() -> object:
        return {PERSON: NO, people[1]: Hold("odd"), "nobody": PASS}

    so_far = [Accepted(person, {}, (), None) for person in people]
    judging = Chain([Later("a", each)]).message(txn(recipients=people), message(), so_far)
    assert isinstance(judging, Coroutine)
    judged = await judging
    assert isinstance(judged, Judged)
    assert judged.refused == ((PERSON, NO.status),)
    assert [(one.recipient, one.hold) for one in judged.accepted] == [(people[1], Hold("odd")), (people[2], None)]


# --- the re-check ------------------------------------------------------------------------


@in_loop
async def test_a_re_check_that_was_not_asked_ahead_defers() -> None:
    assert Chain([Later("a", says(PASS))]).release(entry()) == Defer(UNEXPECTED)
    assert Chain([Later("a", says(PASS))]).release(entry(), {"b": PASS}) == Defer(UNEXPECTED)


@in_loop
async def test_hooks_that_need_no_waiting_are_asked_after_the_wait() -> None:
    """Consent may go while others are waited for."""
    log: list[str] = []

    async def noted() -> object:
        log.append("waited")
        return PASS

    chain = Chain([AtOnce("consent", PASS, log), Later("b", noted)])
    assert passed(await answered(chain, "release"))
    assert log == ["waited", "consent"]


def test_a_hold_at_the_re_check_whose_end_is_past_holds_nothing() -> None:
    now = entry().now
    assert Chain([AtOnce("a", Hold("x", now)), AtOnce("b", NO)]).release(entry()) == NO
    assert Chain([AtOnce("a", Hold("x", now + 1))]).release(entry()) == Hold("x", now + 1)


# --- what can't be asked -------------------------------------------------------------------


class Forgetful(BasePolicy):
    """Its hook looks like one that answers at once, and gives a coroutine back."""

    name = "forgetful"

    def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Verdict:
        return says(PASS)()  # type: ignore[return-value]


def test_a_coroutine_that_nobody_announced_defers() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Chain([Forgetful({})]).recipient(txn(), PERSON) == UNEXPECTED


class Opinion(BasePolicy):
    name = "opinion"

    async def on_campaign(self, figures: CampaignFigures) -> CampaignVerdict | None:  # type: ignore[override]
        return None


class Dividing(BasePolicy):
    name = "dividing"

    async def shared_among(self, workers: int) -> None:  # type: ignore[override]
        return None


class Yielding(BasePolicy):
    name = "yielding"

    async def on_recipient(self, txn: Transaction, rcpt: Recipient) -> Any:
        yield PASS


class Generating(BasePolicy):
    name = "generating"

    def on_message(self, txn: Transaction, msg: Message) -> Any:
        yield PASS


@pytest.mark.parametrize(
    ("policy", "fault"),
    [
        (Opinion({}), "on_campaign can't wait, write it with `def`"),
        (Dividing({}), "shared_among can't wait"),
        (Yielding({}), "on_recipient yields"),
        (Generating({}), "on_message yields"),
    ],
)
def test_a_start_refuses_hooks_that_nobody_could_ask(policy: Policy, fault: str) -> None:
    (told,) = _misshapen(policy)
    assert told.startswith(fault)


def test_hooks_that_wait_are_known() -> None:
    policy = Later("a", never)
    assert [waits(policy, hook) for hook in ("on_recipient", "on_release", "on_campaign")] == [True, True, False]
    assert _misshapen(policy) == []


def test_a_hold_at_mail_has_nothing_to_hold() -> None:
    class Eager(BasePolicy):
        name = "eager"

        def on_reverse_path(self, txn: Transaction) -> Verdict:
            return Hold("odd")

    answer = Chain([Eager({})]).reverse_path(txn())
    assert isinstance(answer, Status) and answer == UNEXPECTED
