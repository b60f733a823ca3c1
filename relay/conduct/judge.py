"""Rates against their figures: who is warned, when the administrator is called, and when a tenant is frozen (R25)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from config.conduct import Rates
from relay.conduct import enforcement, rates
from relay.conduct.levels import RateLevel, level
from relay.conduct.rates import BOUNCES, COMPLAINTS, CONTESTS, MEASURES, RateCounts
from relay.conduct.sums import RateBatch
from relay.queue.operator import Operator, call
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.values.facts import Freeze
from relay.values.tenant import TenantRow

RULE: Final = "R25"
ACTOR: Final = "relay"
WARN_AGAIN_S: Final = 86_400.0
"""Another warning sooner only where it has got worse."""
FEWEST_CONTESTS: Final = 2
"""One person alone who contests says nothing of a tenant."""
_WORDS: Final = {BOUNCES: "dead addresses", COMPLAINTS: "complaints", CONTESTS: "contested consents"}


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where one measure of one scope stands."""

    counts: RateCounts
    measure: str
    count: int
    of: int
    level: RateLevel
    since: float | None
    """When it came to that level; None where it has been fine all along."""

    @property
    def percent(self) -> float:
        return round(100 * self.count / self.of, 3) if self.of else 0.0

    @property
    def telling(self) -> bool:
        """What stands first where all are shown: of all mail, and what is past a figure."""
        return not self.counts.scope or self.level != RateLevel.FINE


def standpoints(
    conn: Tx, tenant_id: int, settings: Rates, now: float, fresh: RateBatch | None = None
) -> list[Standpoint]:
    """Each scope's measures as they stand at ``now``; writes nothing."""
    since = float(conn.execute("SELECT judged_from FROM tenant WHERE id = ?", (tenant_id,)).fetchone()[0])
    known = _levels(conn, tenant_id)
    found = []
    for counts in rates.of_tenant(conn, tenant_id, settings, now, since, fresh):
        for measure in MEASURES:
            count, of = counts.of(measure, settings.least)
            before, at = known.get((counts.scope, measure), (RateLevel.FINE, None))
            told = 0 if measure == CONTESTS and count < FEWEST_CONTESTS else count
            now_at = level(before, told, of, rates.steps(settings, measure), least=settings.least, ease=settings.ease)
            found.append(Standpoint(counts, measure, count, of, now_at, at if now_at == before else now))
    return found


def judge(conn: Tx, operator: Operator, tenant_id: int, settings: Rates, now: float) -> list[Standpoint]:
    """Bring a tenant's levels up to date and do what follows, in the caller's transaction; those that rose."""
    tenant = tenants.by_id(conn, tenant_id)
    known = _levels(conn, tenant_id)
    worst_before = max((before for before, _ in known.values()), default=RateLevel.FINE)
    rose = []
    for one in standpoints(conn, tenant_id, settings, now):
        before = known.pop((one.counts.scope, one.measure), (RateLevel.FINE, None))[0]
        if one.level != before:
            _write(conn, tenant_id, one, now)
            if one.level > before:
                rose.append(one)
    for scope, measure in known:  # nothing of it in the window any more
        sql = "DELETE FROM rate_level WHERE tenant_id = ? AND scope = ? AND measure = ?"
        conn.execute(sql, (tenant_id, scope, measure))
    if rose:
        _act(conn, operator, tenant, rose, worst_before, settings, now)
    return rose


def _act(
    conn: Tx,
    operator: Operator,
    tenant: TenantRow,
    rose: Sequence[Standpoint],
    worst_before: RateLevel,
    settings: Rates,
    now: float,
) -> None:
    worst = max(one.level for one in rose)
    telling = [one for one in rose if one.level == worst]
    facts = [_fact(one, settings) for one in rose]
    reason = "; ".join(_words(one, settings) for one in telling[:3])
    frozen = _frozen_by(rose, settings)
    if frozen is not Freeze.NONE and tenant.freeze is Freeze.NONE:
        enforcement.freeze(
            conn, operator, tenant, everything=frozen is Freeze.ALL, reason=reason, actor=ACTOR, now=now, rule=RULE,
            facts=facts, automatic=True,
        )  # fmt: skip
    elif tenant.freeze is not Freeze.ALL and (worst > worst_before or not _warned(conn, tenant.id, now)):
        enforcement.warn(
            conn, operator, tenant, reason=reason, actor=ACTOR, now=now, rule=RULE, facts=facts, automatic=True
        )
    if worst >= RateLevel.REVIEW:
        _call(conn, operator, tenant, rose, worst, frozen, settings, now)


def _frozen_by(rose: Sequence[Standpoint], settings: Rates) -> Freeze:
    """What is to be frozen without asking anybody: bulk for bulk mail's figures, all only where that is set."""
    if settings.freeze == "never":
        return Freeze.NONE
    for one in rose:
        few = one.measure in (COMPLAINTS, CONTESTS) and one.count < settings.pause_complaints
        if one.level is RateLevel.PAUSE and not few:
            return Freeze.ALL if settings.freeze == "all" else Freeze.BULK
    return Freeze.NONE


def _warned(conn: Tx, tenant_id: int, now: float) -> bool:
    """Whether it was told of its rates within a day."""
    return (
        conn.execute(
            "SELECT 1 FROM statement WHERE tenant_id = ? AND action IN ('warned', 'frozen', 'frozen_all') AND rule = ?"
            " AND at > ? AND at <= ? LIMIT 1",
            (tenant_id, RULE, now - WARN_AGAIN_S, now),
        ).fetchone()
        is not None
    )


def _call(
    conn: Tx,
    operator: Operator,
    tenant: TenantRow,
    rose: Sequence[Standpoint],
    worst: RateLevel,
    frozen: Freeze,
    settings: Rates,
    now: float,
) -> None:
    done = "It was frozen by itself" if frozen is not Freeze.NONE else "It was warned, and goes on sending"
    undo = "freeze" if frozen is Freeze.NONE else "unfreeze"
    call(
        conn,
        operator,
        f"rates:{tenant.name}:{worst.word}",
        f"rates of {tenant.name} are past the limit for {'a pause' if worst is RateLevel.PAUSE else 'a review'}",
        [
            "\n".join(_words(one, settings) for one in rose),
            f"{done}. `relay tenant show {tenant.name}` has all figures, `relay reports` those of all tenants;"
            f" whether to {undo} it is yours to decide.",
        ],
        now=now,
    )


def _words(one: Standpoint, settings: Rates) -> str:
    limit = rates.steps(settings, one.measure).figure(one.level) * 100 if one.level else 0
    blind = f"; nobody reports complaints about {100 * one.counts.blind:.0f} % of it"
    share = blind if one.measure == COMPLAINTS and one.counts.placed else ""
    return (
        f"{_WORDS[one.measure]} of {one.counts.name}: {one.count} of {one.of} ({one.percent:g} %) in"
        f" {settings.window / 86_400:g} days, the limit for {one.level.word} is {limit:g} %{share}"
    )


def _fact(one: Standpoint, settings: Rates) -> dict[str, object]:
    return {
        "fact": one.measure,
        "scope": one.counts.scope,
        "name": one.counts.name,
        "count": one.count,
        "of": one.of,
        "percent": f"{one.percent:g}",
        "days": f"{settings.window / 86_400:g}",
        "limit": f"{rates.steps(settings, one.measure).figure(one.level) * 100:g}",
        "level": one.level.word,
    }


def _levels(conn: Tx, tenant_id: int) -> dict[tuple[str, str], tuple[RateLevel, float | None]]:
    rows = conn.execute("SELECT scope, measure, level, at FROM rate_level WHERE tenant_id = ?", (tenant_id,))
    return {(scope, measure): (RateLevel(number), at) for scope, measure, number, at in rows}


def _write(conn: Tx, tenant_id: int, one: Standpoint, now: float) -> None:
    conn.execute(
        "INSERT INTO rate_level (tenant_id, scope, measure, level, at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (tenant_id, scope, measure) DO UPDATE SET level = excluded.level, at = excluded.at",
        (tenant_id, one.counts.scope, one.measure, int(one.level), now),
    )
