"""The runner: asks the policies in order; the first refusal is told.

Owns order, failure and the time limits: an exception, a verdict of the wrong
type, an answer later than ``slow_s``, or for a hook that waits one that doesn't
come within its transaction's time, is a Defer, never a pass.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from inspect import iscoroutine
from math import isfinite
from typing import Any, Final

from relay.mail.additions import Additions
from relay.mail.status import UNEXPECTED, Status
from relay.pipeline.contract import (
    CampaignVerdict,
    Continue,
    Decision,
    Defer,
    Effect,
    Hold,
    Message,
    Policy,
    QueueEntry,
    Reject,
    Transaction,
    Verdict,
)
from relay.pipeline.judged import Accepted, Judged
from relay.pipeline.registry import hooks, waits
from relay.pipeline.waiting import MOST_WAITING, WAIT_S, Patience, WaitingHooks
from relay.values.facts import CampaignFigures, Recipient

_log = logging.getLogger("relay.policy")

SLOW_S = 1.0
"""A look-up-free answer takes microseconds; one this late means something is wrong."""
MOST_WHY: Final = 500
_PASS: Final = Continue()
_NOT_ASKED: Final = Defer(UNEXPECTED)


def merge(first: Additions, second: Additions | None) -> Additions:
    if second is None:
        return first
    return Additions(
        first.footer_text + second.footer_text,
        first.footer_html + second.footer_html,
        first.headers + second.headers,
        first.wrap and second.wrap,
        first.amp and second.amp,
        first.pixel or second.pixel,
        first.links + tuple(one for one in second.links if one[0] not in dict(first.links)),
    )


_Hook = tuple[str, Callable[..., Any], bool]
"""A policy's name, its hook, and whether that waits."""
MOMENTS: Final = ("on_reverse_path", "on_recipient", "on_message", "on_release", "on_campaign")


class Chain:
    """All policies in force, with empty hooks left out once at start.

    A question that must wait for a hook is answered with a coroutine in the
    verdict's place; those asked before the first such hook have answered by then.
    ``wait_s``: how long the hooks of a transaction may wait, all together;
    ``most_waiting``: so many of them at a time.
    """

    def __init__(
        self,
        policies: Sequence[Policy],
        *,
        clock: Callable[[], float] = time.monotonic,
        slow_s: float = SLOW_S,
        wait_s: float = WAIT_S,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        self.policies = tuple(policies)
        self._clock = clock
        self._slow_s = slow_s
        self.wait_s = wait_s
        self._waiting = WaitingHooks(most_waiting)
        self._at_release = asyncio.Semaphore(most_waiting)
        """Copies wait for a place, as nobody is told to come again later."""
        self._releasing = WaitingHooks(2 * most_waiting)
        self._all: dict[str, tuple[_Hook, ...]] = {
            moment: tuple((p.name, getattr(p, moment), waits(p, moment)) for p in policies if moment in hooks(p))
            for moment in MOMENTS
        }
        # Asked at once, and from the first on that waits.
        self._at_mail, self._mail_later = _apart(self._all["on_reverse_path"])
        self._at_rcpt, self._rcpt_later = _apart(self._all["on_recipient"])
        self._at_data, self._data_later = _apart(self._all["on_message"])
        self.waits = bool(self._mail_later or self._rcpt_later or self._data_later)
        self.release_waits = any(must_wait for _, _, must_wait in self._all["on_release"])
        self.reads_content = any(getattr(p, "reads_content", False) for p in policies)

    def patience(self) -> Patience:
        """The time that a new transaction has for waiting."""
        return Patience(self.wait_s)

    def _ask(self, name: str, hook: Callable[..., Any], *facts: object) -> Any:
        started = self._clock()
        try:
            verdict = hook(*facts)
        except Exception:
            _log.exception("policy=%s failed, deferring", name)
            return Defer(UNEXPECTED)
        if self._clock() - started > self._slow_s:
            _log.error("policy=%s took longer than %.1f s, deferring", name, self._slow_s)
            return Defer(UNEXPECTED)
        return verdict

    async def _answer(self, one: _Hook, facts: tuple[object, ...], tenant_id: int, patience: Patience) -> Any:
        name, hook, must_wait = one
        if must_wait:
            return await self._waiting.answer(name, hook, facts, tenant_id, patience)
        return self._ask(name, hook, *facts)

    @staticmethod
    def _refusal(name: str, verdict: object) -> Status | None:
        """The status of a refusing verdict; None for Continue and Hold."""
        if isinstance(verdict, Continue):
            return None
        if isinstance(verdict, Defer | Reject):
            return verdict.status
        if isinstance(verdict, Hold) and _ends(verdict):
            return None
        _nonsense(name, verdict)
        return UNEXPECTED

    # -- MAIL ------------------------------------------------------------------

    def reverse_path(
        self, txn: Transaction, patience: Patience | None = None
    ) -> Status | Coroutine[Any, Any, Status | None] | None:
        """None, or why MAIL is refused; a coroutine for it if a hook must be waited for."""
        for name, hook in self._at_mail:
            status = self._refused_at_mail(name, self._ask(name, hook, txn))
            if status is not None:
                return status
        if self._mail_later:
            return self._reverse_path_later(txn, patience or self.patience())
        return None

    async def _reverse_path_later(self, txn: Transaction, patience: Patience) -> Status | None:
        for one in self._mail_later:
            status = self._refused_at_mail(one[0], await self._answer(one, (txn,), txn.tenant.id, patience))
            if status is not None:
                return status
        return None

    def _refused_at_mail(self, name: str, verdict: object) -> Status | None:
        if isinstance(verdict, Hold):  # there is no copy yet that could be held
            _nonsense(name, verdict)
            return UNEXPECTED
        return self._refusal(name, verdict)

    # -- RCPT ------------------------------------------------------------------

    def recipient(
        self, txn: Transaction, rcpt: Recipient, patience: Patience | None = None
    ) -> Accepted | Status | Coroutine[Any, Any, Accepted | Status]:
        """What stands for this recipient so far, or why RCPT is refused; a coroutine if a hook must be waited for."""
        found = _Gathered()
        for name, hook in self._at_rcpt:
            verdict = self._ask(name, hook, txn, rcpt)
            status = self._refusal(name, verdict)
            if status is not None:
                return status
            found.take(verdict)
        if self._rcpt_later:
            return self._recipient_later(txn, rcpt, found, patience or self.patience())
        return Accepted(rcpt, found.slots, found.effects, found.hold)

    async def _recipient_later(
        self, txn: Transaction, rcpt: Recipient, found: _Gathered, patience: Patience
    ) -> Accepted | Status:
        for one in self._rcpt_later:
            verdict = await self._answer(one, (txn, rcpt), txn.tenant.id, patience)
            status = self._refusal(one[0], verdict)
            if status is not None:
                return status
            found.take(verdict)
        return Accepted(rcpt, found.slots, found.effects, found.hold)

    # -- DATA ------------------------------------------------------------------

    def message(
        self, txn: Transaction, msg: Message, so_far: Sequence[Accepted], patience: Patience | None = None
    ) -> Judged | Status | Coroutine[Any, Any, Judged | Status]:
        """Per recipient what stands, or why the whole message is refused; a coroutine if a hook must be waited for."""
        found = _Judging(so_far)
        for name, hook in self._at_data:
            status = found.take(name, self._ask(name, hook, txn, msg))
            if status is not None:
                return status
        if self._data_later:
            return self._message_later(txn, msg, found, patience or self.patience())
        return found.judged()

    async def _message_later(
        self, txn: Transaction, msg: Message, found: _Judging, patience: Patience
    ) -> Judged | Status:
        for one in self._data_later:
            status = found.take(one[0], await self._answer(one, (txn, msg), txn.tenant.id, patience))
            if status is not None:
                return status
        return found.judged()

    # -- before delivery ---------------------------------------------------------

    def release(self, entry: QueueEntry, told: Mapping[str, object] | None = None) -> Verdict:
        """The re-check right before delivery; the first that is no Continue counts.

        ``told``: what the hooks that wait have answered (``ask_ahead``); without an answer they defer.
        """
        for name, hook, must_wait in self._all["on_release"]:
            verdict = (told or {}).get(name, _NOT_ASKED) if must_wait else self._ask(name, hook, entry)
            if isinstance(verdict, Continue):
                continue
            status = self._refusal(name, verdict)
            if isinstance(verdict, Hold) and status is None:
                if verdict.until is not None and verdict.until <= entry.now:
                    continue  # its end is past
                return Hold(_line(verdict.why), verdict.until)
            return verdict if isinstance(verdict, Defer | Reject) else Defer(UNEXPECTED)
        return _PASS

    async def ask_ahead(self, entry: QueueEntry) -> Mapping[str, object]:
        """Answers of the hooks that wait, for ``release``; they have ``wait_s`` together once they have a place."""
        told: dict[str, object] = {}
        async with self._at_release:
            patience = self.patience()
            for name, hook, must_wait in self._all["on_release"]:
                if must_wait:
                    told[name] = await self._releasing.answer(name, hook, (entry,), -1, patience)
                    if not isinstance(told[name], Continue):
                        break
        return told

    def campaign(self, figures: CampaignFigures) -> CampaignVerdict:
        """The first opinion on a staged campaign; without one the administrator is asked."""
        for name, hook, _ in self._all["on_campaign"]:
            verdict = self._ask(name, hook, figures)
            if isinstance(verdict, CampaignVerdict):
                return verdict
        return CampaignVerdict(Decision.ASK, "no policy judges this campaign")


def _apart(found: tuple[_Hook, ...]) -> tuple[tuple[tuple[str, Callable[..., Any]], ...], tuple[_Hook, ...]]:
    first = next((place for place, (_, _, must_wait) in enumerate(found) if must_wait), len(found))
    return tuple((name, hook) for name, hook, _ in found[:first]), found[first:]


def _ends(hold: Hold) -> bool:
    """Whether a hold says something: words, and a time or none."""
    until = hold.until
    if not isinstance(hold.why, str):
        return False
    return until is None or (isinstance(until, float | int) and not isinstance(until, bool) and isfinite(until))


def _nonsense(name: str, verdict: object) -> None:
    _log.error("policy=%s answered %r, deferring", name, type(verdict).__name__)
    if iscoroutine(verdict):
        verdict.close()


def _line(why: str) -> str:
    """One line, of a length that a listing can bear."""
    return " ".join(why.split())[:MOST_WHY]


class _Judging:
    """What stands for the recipients of a message while the chain runs."""

    __slots__ = ("additions", "refused", "state")

    def __init__(self, so_far: Sequence[Accepted]) -> None:
        self.state = {a.recipient: _Gathered(dict(a.slots), a.effects, a.hold) for a in so_far}
        self.refused: list[tuple[Recipient, Status]] = []
        self.additions = Additions()

    def take(self, name: str, answer: Any) -> Status | None:
        """Take one policy's answer; why the whole message is refused, if it says so."""
        if isinstance(answer, Mapping):
            self._take_each(name, answer)
            return None
        status = Chain._refusal(name, answer)
        if status is not None:
            return status
        self.additions = merge(self.additions, getattr(answer, "additions", None))
        for gathered in self.state.values():
            gathered.take(answer)
        return None

    def _take_each(self, name: str, answer: Mapping[Recipient, Verdict]) -> None:
        extra: Additions | None = None
        state = self.state
        for rcpt in list(state):
            verdict: Any = answer.get(rcpt)
            if verdict is None:
                continue
            status = Chain._refusal(name, verdict)
            if status is None:
                state[rcpt].take(verdict)
                extra = extra or getattr(verdict, "additions", None)
            else:
                del state[rcpt]
                self.refused.append((rcpt, status))
        self.additions = merge(self.additions, extra)

    def judged(self) -> Judged:
        accepted = tuple(Accepted(r, g.slots, g.effects, g.hold) for r, g in self.state.items())
        return Judged(accepted, tuple(self.refused), self.additions)


class _Gathered:
    """Slots, effects and hold of one recipient while the chain runs."""

    __slots__ = ("effects", "hold", "slots")

    def __init__(
        self, slots: dict[str, str] | None = None, effects: tuple[Effect, ...] = (), hold: Hold | None = None
    ) -> None:
        self.slots = slots if slots is not None else {}
        self.effects = effects
        self.hold = hold

    def take(self, verdict: Continue | Hold) -> None:
        self.effects += verdict.effects
        if isinstance(verdict, Hold):
            self.hold = _both(self.hold, verdict)
        elif verdict.slots:
            self.slots.update(verdict.slots)


def _both(first: Hold | None, second: Hold) -> Hold:
    """Two holds: until the later end, which is none if one of them has none."""
    why = _line(second.why)
    if first is None:
        return Hold(why, second.until)
    said = "; ".join(dict.fromkeys(one for one in (first.why, why) if one))
    until = None if first.until is None or second.until is None else max(first.until, second.until)
    return Hold(_line(said), until)
