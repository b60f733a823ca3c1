"""When "no mail can go there" is final: never at the first look, and never while the resolver itself is in doubt.

Our own look-ups can be wrong for many at once (a filter, a broken zone, a
wrong resolv.conf), so a finding bounces a copy only when
looks hours apart agree, when few other domains vanished with it, and when
domains that were well before still are. It never says anything of an address.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from relay.delivery.outcome import Bounced, Reach, Retry
from relay.delivery.smtp.reply import one_line
from relay.delivery.smtp.trend import MANY_KNOWN, WINDOW_S, Trend
from relay.mail.status import permanent, temporary
from relay.queue import looks
from relay.queue.operator import Operator, call
from relay.store.contract import Failure, Tx
from relay.store.units import StoreBusy

Log = Callable[[str, Mapping[str, object]], None]
"""Takes the name of what happened and its details."""
_Work = Callable[[Tx], Any]
Probe = Callable[[str], Awaitable[bool | None]]
"""Asks DNS anew whether mail can go to a domain; None: not sure."""

SITE = "mx:"
"""Begins the name of a set of hosts; all others are domains."""
CANARIES = 5
"""Domains known to be good that are asked for before anything is final."""
CANARY_S = 20.0
"""So long their good answer holds."""
CALL_S = 6 * 3600.0
MOST_SINCE = 10_000
MOST_NAME = 300


@dataclass(frozen=True, slots=True)
class RouteFinding:
    """Why no mail can go somewhere; the status is final or temporary as the judge says."""

    kind: str
    basic: int
    subject: int
    detail: int
    text: str


class Judge:
    """One for a process. ``read`` is only read from; ``submit`` runs a unit of work in the next commit."""

    def __init__(
        self,
        read: Tx,
        submit: Callable[[_Work], Awaitable[Any]],
        operator: Operator,
        wait_s: float,
        clock: Callable[[], float],
        log: Log,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
    ) -> None:
        self._read = read
        self._submit = submit
        self._operator = operator
        self._wait_s = wait_s
        self._clock = clock
        self._log = log
        self._monotonic = monotonic
        self._rng = rng or random.Random()
        self._domains, self._sites = Trend(), Trend()
        self._since: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Names whose first look was made by this process: its time and monotonic time, for clocks that are set."""
        self._sound_until = 0.0
        self._asked_until = 0.0
        self._full_until = 0.0
        self._tasks: set[asyncio.Future[None]] = set()

    # -- what was found ----------------------------------------------------------------

    def found(self, name: str) -> None:
        """Records were found: an earlier finding is void. Written down later, if at all."""
        key = name[:MOST_NAME]
        try:
            known = looks.known(self._read, key)
        except Failure as error:
            self._log("look-lost", {"name": name, "cause": repr(error)})
            return
        trend = self._trend(name)
        trend.add(name, self._monotonic(), good=True, was_good=known.good(self._clock()))
        if known.doubted and trend.sound(self._monotonic()):
            self._later(self._trust)
        if known.finding:
            self._later(lambda conn: looks.void(conn, key))

    def reached(self, domain: str) -> None:
        """A session for the domain was opened: it is remembered as good, if more are wanted."""
        try:
            now = self._clock()
            if self._worth_keeping(looks.known(self._read, domain[:MOST_NAME]), now):
                self._later(lambda conn: looks.well(conn, domain[:MOST_NAME], now))
        except Failure as error:
            self._log("look-lost", {"name": domain, "cause": repr(error)})

    def _worth_keeping(self, known: looks.KnownName, now: float) -> bool:
        """Domains of the sample once a day, others while it isn't full."""
        if known.good_at > 0:
            return not now - looks.DAY_S <= known.good_at <= now
        if self._full_until > self._monotonic():
            return False
        if looks.sampled(self._read, now) < looks.MOST_GOOD:
            return True
        self._full_until = self._monotonic() + CALL_S
        return False

    def _later(self, work: _Work) -> None:
        """Nobody waits for it; if it is lost it is found again at the next look."""
        task = asyncio.ensure_future(self._written(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _written(self, work: _Work) -> None:
        try:
            await self._submit(work)
        except (StoreBusy, Failure) as error:
            self._log("look-lost", {"cause": repr(error)})

    # -- what wasn't -------------------------------------------------------------------

    async def missing(self, name: str, finding: RouteFinding, probe: Probe, *, typed: bool = False) -> Retry | Bounced:
        """Note the look, and say what it means now.

        ``typed``: anyone may have typed the name in, at a form. That it doesn't exist is no sign of a lie then, unless
        it did.
        """
        key = name[:MOST_NAME]
        try:
            now = self._clock()
            known = looks.known(self._read, key)
            was_good = known.good(now)
            if finding.kind != "loop" and (was_good or not typed):  # a loop says that names are well
                self._trend(name).add(name, self._monotonic(), good=False, was_good=was_good)
            if known.doubted:
                if not await self._over(name, probe):
                    return _doubtful(finding)
            elif await self._alarmed(self._trend(name), name, probe):
                return _doubtful(finding)
            look = await self._submit(lambda conn: looks.missing(conn, key, finding.kind, now, self._wait_s))
            if not self._agreed(name, look, now):
                return self._first(finding, look)
            return await self._final(name, finding, look, now, probe)
        except (StoreBusy, Failure) as error:
            self._log("look-lost", {"name": name, "cause": repr(error)})
            return _retry(finding, f"{finding.text}, says DNS; nothing is decided, as that could not be written down")

    async def _alarmed(self, trend: Trend, name: str, probe: Probe) -> bool:
        """Many domains vanished at once, and those that are known to be good don't say otherwise."""
        if not trend.alarming(self._monotonic()):
            return False
        gone, asked = trend.gone, trend.gone + trend.well
        if await self._contradicted(name, probe):
            return False
        await self._doubt(f"{gone} of {asked} domains looked up in the last minutes can't be found")
        return True

    async def _over(self, name: str, probe: Probe) -> bool:
        """The doubt ends: domains that are known to be good are well. Asked now and then."""
        if self._asked_until > self._monotonic():
            return False
        self._asked_until = self._monotonic() + CANARY_S
        if not await self._contradicted(name, probe):
            return False
        await self._submit(self._trust)
        return True

    async def _contradicted(self, name: str, probe: Probe) -> bool:
        """Enough domains are known to be good, and they are."""
        known = len(looks.good(self._read, self._clock(), MANY_KNOWN))
        return known >= MANY_KNOWN and bool(await self._sound(name, probe))

    def _agreed(self, name: str, look: looks.Look, now: float) -> bool:
        """The looks are far enough apart, by the machine's own time too."""
        tick = self._monotonic()
        since = self._since.get(name)
        if since is None or since[0] != look.first_at:
            since = self._since[name] = (look.first_at, tick if look.first_at >= now else tick - self._wait_s)
            self._since.move_to_end(name)
            if len(self._since) > MOST_SINCE:
                self._since.popitem(last=False)
        return now - look.first_at >= self._wait_s and tick - since[1] >= self._wait_s

    async def _final(
        self, name: str, finding: RouteFinding, look: looks.Look, now: float, probe: Probe
    ) -> Retry | Bounced:
        sound = await self._sound(name, probe)
        if sound is None:
            return self._first(finding, look)
        if not sound:
            await self._doubt("domains to which mail went before can't be found any more")
            return _doubtful(finding)
        text = f"{finding.text} (looked up twice, {span(now - look.first_at)} apart)"
        return Bounced(permanent(finding.basic, finding.subject, finding.detail, one_line(text)), "", Reach.SITE)

    async def _sound(self, name: str, probe: Probe) -> bool | None:
        """Domains that were well before still are; None if that can't be known now."""
        if self._sound_until > self._monotonic():
            return True
        chosen = self._canaries(name)
        answers = await asyncio.gather(*(probe(other) for other in chosen))
        well, gone = answers.count(True), answers.count(False)
        if chosen and gone >= max(1, well):
            return False
        if chosen and not well:
            return None
        self._sound_until = self._monotonic() + CANARY_S
        return True

    def _canaries(self, name: str) -> list[str]:
        """Of as many owners as there are: one owner's many subdomains, which may all end at once, are one."""
        pool = [other for other in looks.good(self._read, self._clock(), looks.MOST_GOOD) if other != name]
        self._rng.shuffle(pool)
        one_each = {".".join(other.split(".")[-2:]): other for other in pool}
        first = list(one_each.values())
        chosen = self._rng.sample(first, min(CANARIES, len(first)))
        return chosen + [other for other in pool if other not in chosen][: CANARIES - len(chosen)]

    def _first(self, finding: RouteFinding, look: looks.Look) -> Retry:
        since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(look.first_at))
        return _retry(
            finding,
            f"{finding.text}, says DNS since {since}; tried again, and final if that is still so"
            f" after {span(self._wait_s)}",
        )

    # -- the doubt ---------------------------------------------------------------------

    async def _doubt(self, why: str) -> None:
        """All processes stop judging, and the operator is called, once."""
        now = self._clock()

        def begin(conn: Tx) -> bool:
            if not looks.doubt(conn, now, now - WINDOW_S):
                return False
            subject = "DNS is in doubt: many domains vanished at once"
            call(conn, self._operator, "dns-doubt", subject, _paragraphs(why), now=now, once_s=CALL_S)
            return True

        if await self._submit(begin):
            self._log("dns-doubted", {"cause": why})

    def _trust(self, conn: Tx) -> None:
        if looks.trust(conn):
            self._log("dns-trusted", {"cause": "names resolve again"})

    def _trend(self, name: str) -> Trend:
        return self._sites if name.startswith(SITE) else self._domains


def undecided(finding: RouteFinding, doubt: str) -> Retry:
    """Not even a look: the answer itself is in doubt."""
    return _retry(finding, f"{finding.text}, it seems, but that isn't sure: {doubt}")


def _doubtful(finding: RouteFinding) -> Retry:
    return _retry(
        finding,
        f"{finding.text}, says DNS, but so it says of many others at once: "
        "nothing is decided until names resolve again; tried again",
    )


def _retry(finding: RouteFinding, text: str) -> Retry:
    return Retry(temporary(finding.basic, finding.subject, finding.detail, one_line(text)), "", Reach.SITE)


def _paragraphs(why: str) -> list[str]:
    return [
        f"{why[:1].upper()}{why[1:]}. Domains end one by one, so most likely the name servers that the relay asks are"
        " wrong: a filter, a broken forwarder, a changed resolv.conf.",
        "Until names resolve again no message bounces for what DNS says; such messages wait and are tried again."
        " Nobody was suppressed for it.",
        "What to do: ask the servers of [dns] nameservers (or /etc/resolv.conf) for the MX of a domain that you know;"
        " `relay check dns` does it too. Mend or change them. The relay notices by itself when names resolve again.",
    ]


def span(seconds: float) -> str:
    """In words: ``6 hours``."""
    for unit_s, word in ((86_400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= 2 * unit_s or seconds == unit_s:
            number = int(seconds // unit_s)
            return f"{number} {word}{'s' if number > 1 else ''}"
    return "1 second" if 1 <= seconds < 2 else f"{max(0, int(seconds))} seconds"
