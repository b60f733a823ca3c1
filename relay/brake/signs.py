"""Whether a log-in is used by another than its tenant: what it does now against what it did before; pure.

Four signs, each of one or two points: place (new networks, more at once than
ever), volume (many times the usual hour, and past the busiest), content
(unlike all mail of the tenant), people (nobody the tenant had to do with).
Content must be unlike: what a tenant always sends may go from a new server, to
new people, and any number of them. Four points with a new network brake, five
without one. Mail to people whom the tenant knows takes two off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from relay.brake.values import LoginBurst, LoginHabits, Suspicions

if TYPE_CHECKING:
    from config.brake import Brake

DAYS: Final = 3
COPIES: Final = 50
"""Days with mail, and copies on them, from which habits say something."""
SAMPLES: Final = 2
UNLIKE: Final = 0.7
VERY_UNLIKE: Final = 1.4
MANY_PLACES: Final = 4
STRANGE: Final = 0.7
KNOWN: Final = 0.2
PAST_PEAK: Final = 1.2
FAR_PAST_PEAK: Final = 4.0
ENOUGH: Final = 4
ENOUGH_AT_HOME: Final = 5


def suspicions(habits: LoginHabits, burst: LoginBurst, terms: Brake) -> Suspicions | None:
    """Why it is to be braked; None: it isn't."""
    if not settled(habits):
        return _without_habits(habits, burst, terms)
    content = 0 if burst.samples < SAMPLES or burst.unlike < UNLIKE else 1 + (burst.unlike >= VERY_UNLIKE)
    if not content:
        return None
    place = _place(habits, burst, terms)
    volume = _volume(habits, burst, terms)
    people = _people(habits, burst)
    if place and people > 0 and not volume and _many(habits, burst, terms):
        volume = 1  # the tenant's own busiest hour was to its own people
    points = content + place + volume + people
    if points < (ENOUGH if place else ENOUGH_AT_HOME) or (not place and not volume):
        return None
    return Suspicions(points, place > 0, tuple(_facts(habits, burst, place > 0, volume > 0, people > 0)))


def settled(habits: LoginHabits) -> bool:
    """Whether there is something to compare with."""
    return habits.days >= DAYS and habits.copies >= COPIES


def _without_habits(habits: LoginHabits, burst: LoginBurst, terms: Brake) -> Suspicions | None:
    """Nothing to compare with: only a crowd of networks at once tells. Servers share a few of these."""
    many = terms.networks and burst.new_places >= terms.networks and burst.from_new >= terms.copies
    if not many or burst.strangers < STRANGE:
        return None
    return Suspicions(ENOUGH, True, tuple(_facts(habits, burst, True, False, True)))


def _place(habits: LoginHabits, burst: LoginBurst, terms: Brake) -> int:
    if burst.from_new < terms.copies:
        return 0
    return 1 + (burst.new_places >= max(MANY_PLACES, 3 * habits.places_a_day))


def _many(habits: LoginHabits, burst: LoginBurst, terms: Brake) -> bool:
    return burst.rate >= max(terms.copies, terms.times * habits.usual)


def _volume(habits: LoginHabits, burst: LoginBurst, terms: Brake) -> int:
    if not _many(habits, burst, terms):
        return 0
    return (burst.rate > PAST_PEAK * habits.peak) + (burst.rate > FAR_PAST_PEAK * habits.peak)


def _people(habits: LoginHabits, burst: LoginBurst) -> int:
    if burst.strangers <= KNOWN:
        return -2
    # Who mostly writes to people for the first time does so to nobody else but when it is another.
    far = min(1.5 * habits.strangers, 1 - (1 - habits.strangers) / 4)
    return int(burst.strangers >= max(STRANGE, far) and burst.strangers > habits.strangers)


def _facts(habits: LoginHabits, burst: LoginBurst, place: bool, volume: bool, people: bool) -> list[dict[str, object]]:
    told: list[dict[str, object]] = []
    if place:
        told.append({"fact": "new_networks", "count": burst.from_new, "networks": burst.new_places})
    if volume:
        told.append({"fact": "volume", "count": round(burst.rate), "usual": round(habits.usual), "peak": habits.peak})
    if burst.samples:
        told.append({"fact": "content"})
    if people:
        told.append({"fact": "strangers", "percent": round(100 * burst.strangers)})
    return told
