"""What a copy's outcome means: states, retries, expiry, and which reports are asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from relay.delivery.attempt import DELAY_NOTICE_S, LeasedCopy
from relay.delivery.outcome import Bounced, Delivered, Outcome, Reach, Retry, Returned
from relay.delivery.smtp.report import enhanced
from relay.mail.status import permanent, temporary
from relay.queue.schedule import Schedule
from relay.queue.values import Lease, ReportKind, Result, Submission
from relay.values.states import State

NOW = 1_790_000_000.0
SUBMISSION = Submission(
    1, 1, 1, None, "", "b@t.example", "t.example", "<1@t.example>", NOW, NOW + 86400, "", "", 10, ""
)
LEASE = Lease(SUBMISSION, 0, 7, "a@x.example", "x.example", 1, 0, NOW + 1800, tried_at=NOW)
LATER = Retry(temporary(51, 4, 2, "later"), "mx [192.0.2.1]", Reach.RECIPIENT, None, "451 4.4.2 later")


@dataclass
class Desk:
    """As much of a worker as outcomes need."""

    now: float
    terms: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(schedule=Schedule((60.0, 3600.0), 0.0), begin_s=900.0, expire_s=86400.0)
    )
    results: list[Result] = field(default_factory=list)

    steady: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(since=lambda: NOW - 60))
    cut: list[tuple[str, str]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def even(self) -> float:
        return 0.0

    def cut_off(self, lease: Lease, remote: str) -> None:
        self.cut.append((lease.address, remote))

    def finish(self, result: Result) -> None:
        self.results.append(result)


def end(outcome: Outcome, lease: Lease = LEASE, now: float = NOW, since: float = NOW - 60) -> Result:
    """``since``: when this process has seen the clock go as it should."""
    desk = Desk(now, steady=SimpleNamespace(since=lambda: since))
    LeasedCopy(desk, lease).done(outcome)  # type: ignore[arg-type]
    (result,) = desk.results
    return result


def test_delivered_is_reported_where_success_was_asked_for() -> None:
    done = Delivered("250 2.0.0 ok", "mx", "")
    assert end(done).state is State.DELIVERED and end(done).report is None
    assert end(done, replace(LEASE, notify="SUCCESS,FAILURE")).report is ReportKind.RELAYED


def test_bounced() -> None:
    dead = Bounced(permanent(50, 1, 1, "no such user"), "mx", Reach.RECIPIENT, True, "550 5.1.1 no such user")
    result = end(dead)
    assert (result.state, result.report, result.address_dead, result.attempts) == (
        State.BOUNCED, ReportKind.FAILED, True, 1,
    )  # fmt: skip
    assert result.detail == {"type": "hard", "code": "5.1.1"}


@pytest.mark.parametrize(
    ("tried_at", "now", "told"),
    [
        (NOW, NOW + DELAY_NOTICE_S - 1, False),
        (NOW + 60, NOW + DELAY_NOTICE_S, True),
        (NOW + DELAY_NOTICE_S, NOW + DELAY_NOTICE_S + 3600, False),
    ],
)
def test_a_delay_is_told_once(tried_at: float, now: float, told: bool) -> None:
    result = end(LATER, replace(LEASE, tried_at=tried_at, attempts=1), now)
    assert result.state is State.READY and result.due_at == now + 3600 and result.attempts == 2
    assert (result.report is ReportKind.DELAYED) is told


def test_not_before_moves_the_next_attempt() -> None:
    assert end(replace(LATER, not_before=NOW + 500)).due_at == NOW + 500
    assert end(replace(LATER, not_before=NOW + 5)).due_at == NOW + 60


def test_what_could_only_be_tried_after_its_end_expires_now() -> None:
    result = end(LATER, replace(LEASE, attempts=1), NOW + 86400 - 30)
    assert result.state is State.READY  # however late, it is tried three times
    result = end(LATER, replace(LEASE, attempts=2), NOW + 86400 - 30)
    assert (result.state, result.report, result.event) == (State.EXPIRED, ReportKind.FAILED, "expired")


DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("what", "accepted_at", "attempts", "since", "now", "state"),
    [
        ("its day has passed under this process", NOW, 24, NOW - 60, NOW + DAY_S - 60, State.EXPIRED),
        ("set forward by ten days", NOW, 4, NOW + 10 * DAY_S, NOW + 10 * DAY_S, State.READY),
        ("set forward, and a day has passed since", NOW, 30, NOW + 10 * DAY_S, NOW + 11 * DAY_S - 60, State.EXPIRED),
        ("ten days without the relay", NOW, 9, NOW + 10 * DAY_S, NOW + 10 * DAY_S + 60, State.READY),
        ("started again, and tried all along", NOW, 24, NOW + DAY_S - 120, NOW + DAY_S - 60, State.EXPIRED),
        ("accepted by a clock ten days ahead", NOW + 10 * DAY_S, 9, NOW, NOW + 9 * 3600, State.READY),
        ("the same, and tried for its day", NOW + 10 * DAY_S, 26, NOW, NOW + DAY_S - 60, State.EXPIRED),
        ("set back by ten days", NOW, 9, NOW - 10 * DAY_S, NOW - 10 * DAY_S + 3600, State.READY),
    ],
)
def test_a_copy_is_given_up_when_it_was_tried_for_its_time(
    what: str, accepted_at: float, attempts: int, since: float, now: float, state: State
) -> None:
    submission = replace(SUBMISSION, accepted_at=accepted_at, expires_at=accepted_at + DAY_S)
    assert end(LATER, replace(LEASE, submission=submission, attempts=attempts), now, since).state is state, what


def test_a_copy_for_later_has_its_time_from_then_on() -> None:
    submission = replace(SUBMISSION, expires_at=NOW + 31 * DAY_S)
    copy = replace(LEASE, submission=submission, attempts=5)
    assert end(LATER, copy, NOW + 30 * DAY_S + 7200).state is State.READY
    assert end(LATER, copy, NOW + 31 * DAY_S - 60).state is State.EXPIRED


def test_what_is_cut_off_is_told() -> None:
    desk = Desk(NOW)
    LeasedCopy(desk, LEASE).done(replace(LATER, cut=True))  # type: ignore[arg-type]
    assert desk.cut == [("a@x.example", "mx [192.0.2.1]")]
    assert desk.results[0].state is State.READY


def test_what_was_not_tried_is_due_again_and_counts_no_attempt() -> None:
    result = end(Returned())
    assert (result.state, result.due_at, result.attempts, result.event) == (State.READY, NOW, 0, "")


@pytest.mark.parametrize(
    ("line", "default", "code"),
    [
        ("550 5.1.1 no", "5.0.0", "5.1.1"),
        ("550-5.7.1 no", "5.0.0", "5.7.1"),
        ("554 no", "5.0.0", "5.0.0"),
        ("451 4.7.1 later", "5.0.0", "5.0.0"),
        ("250 2.0.0 ok", "2.0.0", "2.0.0"),
        ("", "4.0.0", "4.0.0"),
    ],
)
def test_enhanced_code_of_a_reply_line(line: str, default: str, code: str) -> None:
    assert enhanced(line, default) == code
