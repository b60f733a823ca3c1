"""The runner: asks the policies in order; the first refusal is told.

Owns order, failure and the time limit: an exception, a verdict of the wrong
type or an answer later than ``slow_s`` is a Defer, never a pass.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
from relay.pipeline.registry import hooks
from relay.values.facts import CampaignFigures, Recipient

_log = logging.getLogger("relay.policy")

SLOW_S = 1.0
"""A look-up-free answer takes microseconds; one this late means something is wrong."""


def merge(first: Additions, second: Additions | None) -> Additions:
    if second is None:
        return first
    return Additions(
        first.footer_text + second.footer_text,
        first.footer_html + second.footer_html,
        first.headers + second.headers,
        first.wrap and second.wrap,
        first.amp and second.amp,
    )


class Chain:
    """All policies in force, with empty hooks left out once at start."""

    def __init__(
        self, policies: Sequence[Policy], *, clock: Callable[[], float] = time.monotonic, slow_s: float = SLOW_S
    ) -> None:
        self.policies = tuple(policies)
        self._clock = clock
        self._slow_s = slow_s
        self._by_hook = {
            hook: tuple((p.name, getattr(p, hook)) for p in policies if hook in hooks(p))
            for hook in ("on_reverse_path", "on_recipient", "on_message", "on_release", "on_campaign")
        }

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

    @staticmethod
    def _refusal(name: str, verdict: object) -> Status | None:
        """The status of a refusing verdict; None for Continue and Hold."""
        if isinstance(verdict, Continue | Hold):
            return None
        if isinstance(verdict, Defer | Reject):
            return verdict.status
        _log.error("policy=%s answered %r, deferring", name, type(verdict).__name__)
        return UNEXPECTED

    def reverse_path(self, txn: Transaction) -> Status | None:
        """None, or why MAIL is refused."""
        for name, hook in self._by_hook["on_reverse_path"]:
            status = self._refusal(name, self._ask(name, hook, txn))
            if status is not None:
                return status
        return None

    def recipient(self, txn: Transaction, rcpt: Recipient) -> Accepted | Status:
        """What stands for this recipient so far, or why RCPT is refused."""
        found = _Gathered()
        for name, hook in self._by_hook["on_recipient"]:
            verdict = self._ask(name, hook, txn, rcpt)
            status = self._refusal(name, verdict)
            if status is not None:
                return status
            found.take(verdict)
        return Accepted(rcpt, found.slots, found.effects, found.hold)

    def message(self, txn: Transaction, msg: Message, so_far: Sequence[Accepted]) -> Judged | Status:
        """Per recipient what stands, or why the whole message is refused."""
        state = {a.recipient: _Gathered(dict(a.slots), a.effects, a.hold) for a in so_far}
        refused: list[tuple[Recipient, Status]] = []
        additions = Additions()
        for name, hook in self._by_hook["on_message"]:
            answer = self._ask(name, hook, txn, msg)
            if isinstance(answer, Mapping):
                extra: Additions | None = None
                for rcpt in list(state):
                    verdict = answer.get(rcpt)
                    if verdict is None:
                        continue
                    status = self._refusal(name, verdict)
                    if status is not None:
                        del state[rcpt]
                        refused.append((rcpt, status))
                    else:
                        state[rcpt].take(verdict)
                        extra = extra or getattr(verdict, "additions", None)
                additions = merge(additions, extra)
                continue
            status = self._refusal(name, answer)
            if status is not None:
                return status
            additions = merge(additions, getattr(answer, "additions", None))
            for gathered in state.values():
                gathered.take(answer)
        accepted = tuple(Accepted(r, g.slots, g.effects, g.hold) for r, g in state.items())
        return Judged(accepted, tuple(refused), additions)

    def release(self, entry: QueueEntry) -> Verdict:
        """The re-check right before delivery; the first that is no Continue counts."""
        for name, hook in self._by_hook["on_release"]:
            verdict: Verdict = self._ask(name, hook, entry)
            if not isinstance(verdict, Continue):
                if not isinstance(verdict, Hold | Defer | Reject):
                    return Defer(UNEXPECTED)
                return verdict
        return Continue()

    def campaign(self, figures: CampaignFigures) -> CampaignVerdict:
        """The first opinion on a staged campaign; without one the administrator is asked."""
        for name, hook in self._by_hook["on_campaign"]:
            verdict = self._ask(name, hook, figures)
            if isinstance(verdict, CampaignVerdict):
                return verdict
        return CampaignVerdict(Decision.ASK, "no policy judges this campaign")


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
            self.hold = self.hold or verdict
        elif verdict.slots:
            self.slots.update(verdict.slots)
