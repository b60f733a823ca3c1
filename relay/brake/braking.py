"""Looking at what log-ins did, and putting the brake on: statement, letter, event and call in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from relay.audit import actions
from relay.brake import brakes, habits, signs
from relay.brake.familiar import unlike
from relay.brake.values import KnownLogin, LoginUse, Suspicions
from relay.conduct import letters, statements
from relay.events import write as events
from relay.queue import braked
from relay.queue.operator import Operator, call
from relay.store.contract import Tx
from relay.tenants import tenants
from relay.texts.language import language

if TYPE_CHECKING:
    from config.brake import Brake
    from relay.brake.values import LoginBurst

_log = logging.getLogger("relay.brake")

ACTOR: Final = "relay"
BRAKED: Final = "login.braked"
QUIET_S: Final = 86_400.0
"""After somebody said that it was the tenant, it isn't asked again for so long."""


class Braking:
    """Use ``look`` from a unit of work. ``clock`` in seconds UTC."""

    def __init__(self, terms: Brake, operator: Operator, clock: Callable[[], float]) -> None:
        self._terms = terms
        self._operator = operator
        self.clock = clock

    def look(self, conn: Tx, uses: Sequence[LoginUse]) -> dict[str, KnownLogin]:
        """Write down what log-ins did, brake those that another seems to use; what is known of each that was asked."""
        now = self.clock()
        told: dict[str, KnownLogin] = {}
        for use in uses:
            if conn.execute("SELECT 1 FROM tenant WHERE id = ?", (use.tenant_id,)).fetchone() is None:
                continue
            habits.write(conn, use, now)
            if use.odd and self._terms.action != "off":
                self._judge(conn, use, now)
            if use.learnt:
                habits.learn(conn, use.tenant_id, use.learnt, now)
            if use.refresh:
                told[use.login] = self._known(conn, use, now)
        return told

    def _known(self, conn: Tx, use: LoginUse, now: float) -> KnownLogin:
        found = habits.habits(conn, use.login, now)
        rate = max(self._terms.copies, min(found.peak, self._terms.times * found.usual))
        samples = habits.samples(conn, use.tenant_id)
        return KnownLogin(
            frozenset(habits.trusted(conn, use.tenant_id, now)), float(rate), samples, signs.settled(found)
        )

    def _judge(self, conn: Tx, use: LoginUse, now: float) -> None:
        if brakes.in_force(conn, use.login) or brakes.released_since(conn, use.login, now - QUIET_S):
            return
        burst = habits.burst(conn, use.login, use.tenant_id, now)
        # What was learned since may be the thief's own: one who begins before midnight isn't familiar behind it.
        known = habits.known_words(conn, use.tenant_id, burst.since)
        scores = [unlike(one, known) for one in use.unusual] if known else []
        if scores:
            burst = burst._replace(unlike=sum(scores) / len(scores), samples=len(scores))
        found = signs.suspicions(habits.habits(conn, use.login, now), burst, self._terms)
        if found is not None:
            self._brake(conn, use, found, burst, now)

    def _brake(self, conn: Tx, use: LoginUse, found: Suspicions, burst: LoginBurst, now: float) -> None:
        tenant = tenants.by_id(conn, use.tenant_id)
        name = brakes.name_of(conn, use.login)
        hold = self._terms.action == "hold"
        detail: dict[str, object] = {"login": name, "facts": list(found.facts)}
        if not hold:
            self._call(conn, tenant.name, name, found, 'Its mail goes on: [brake] action is "tell".', now)
            return
        spared = habits.trusted(conn, use.tenant_id, now) if found.place else []
        habits.unlearn(conn, use.tenant_id, burst.since)
        habits.suspect(conn, use.login, spared, burst.since, now)
        actions.record(conn, ACTOR, "login-braked", tenant.id, detail, now)
        statement = statements.add(
            conn, tenant.id, "braked", rule=brakes.RULE, reason="", facts=found.facts, about=f"credential:{name}",
            automatic=True, actor=ACTOR, now=now,
        )  # fmt: skip
        brakes.put_on(conn, use, name, spared, burst.since, statement.id, now)
        held = braked.hold(conn, use.login, use.tenant_id, burst.since, spared, now)
        events.of_account(conn, tenant.id, BRAKED, {**detail, "brake": statement.id, "held": held}, now)
        letters.tell(conn, self._operator, tenant, statement, now)
        done = f"Its mail is held; `relay credential release {name}` lets it go, with --drop it is dropped."
        self._call(conn, tenant.name, name, found, done, now)
        _log.warning("tenant=%s login=%s is braked: %s", tenant.name, name, found.facts)

    def _call(self, conn: Tx, tenant: str, name: str, found: Suspicions, done: str, now: float) -> None:
        said = "\n".join(f"* {letters.fact(language('en'), one)}" for one in found.facts)
        subject = f"log-in {name} of {tenant} seems to be used by somebody else"
        call(conn, self._operator, f"brake:{name}", subject, [said, done], now=now)
