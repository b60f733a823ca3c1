"""What the first mail process does for all of them, besides mail."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from config.settings import Settings
from relay.announcements import telling
from relay.audit import sequence
from relay.brake import rounds as brake_rounds
from relay.certificates import watch as certificates
from relay.conduct import quota_watch
from relay.conduct.rounds import Rounds
from relay.conduct.watch import TenantWatch
from relay.delivery.smtp.limits import LAST_BACK_OFF_S
from relay.events import follow
from relay.exemplars import keep as exemplars
from relay.keys.secrets import Secrets
from relay.lists import fates
from relay.mailings.running import run as mailings
from relay.observe.steady import Steady
from relay.pipeline.chain import Chain
from relay.queue import watch
from relay.queue.moved import Mover
from relay.queue.operator import Operator
from relay.queue.schedule import Schedule
from relay.rights import retention
from relay.statistics import sums
from relay.webhooks import dispatch


def chores(
    settings: Settings, secrets: Secrets, chain: Chain, clock: Callable[[], float]
) -> Iterator[Coroutine[Any, Any, None]]:
    """Each goes on until it is cancelled; one that ends is a fault of the whole process."""
    stored = settings.stored
    yield watch.run(stored, chain, clock, _mover(settings, clock).look, Operator.of(settings))
    yield exemplars.run(stored, settings.links.base_url, clock)
    yield brake_rounds.run(stored, clock)
    yield retention.run(stored, settings.retention, clock)
    yield sequence.run(stored, secrets, clock)
    yield TenantWatch(stored, settings, clock).run()
    yield mailings.run(settings, clock)
    yield telling.run(stored, settings, clock)
    yield Rounds(stored, settings, secrets, clock).run()
    plans = quota_watch.follower(settings, clock)
    yield follow.run(stored, (*follow.ALL, fates.FOLLOWER, plans, sums.FOLLOWER))
    if settings.observe.otlp:
        from relay.telemetry.otlp import Telling

        yield Telling(settings, clock).run()
    if settings.tls.acme:
        yield certificates.renew(settings, clock)
    if not settings.listen.pages:  # else the HTTP process does it
        yield dispatch.run(settings, secrets, clock)


def _mover(settings: Settings, clock: Callable[[], float]) -> Mover:
    waits = Schedule(settings.delivery.retry, settings.delivery.jitter)
    longest_s = waits.longest_s + LAST_BACK_OFF_S
    return Mover(settings.stored, Operator.of(settings), longest_s, clock, Steady(clock))
