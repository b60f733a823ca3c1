"""As of when something was found: one value for all that others may change meanwhile.

Enters: a connection. Leaves: the numbers in ``meta`` that triggers and commands
move, with a moment. What was found holds for as long as the latest ``AsOf`` is
the one it was found as of, be it for policies that look at the time: a moment
later there is another one.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from relay.store.contract import Tx

MOMENT_S: Final = 1.0
"""So long a look is the latest, if nothing was changed."""
_LOOK: Final = "SELECT value FROM meta WHERE name IN ('registry', 'retry', 'standing') ORDER BY name"


class AsOf(NamedTuple):
    """Two are compared by ``is``: the same look; or by one of their numbers, where no more than that matters."""

    registry: int
    """Moves with tenants, streams, credentials, domains, keys and topics."""
    retry: int
    """Moves when waiting copies are to be tried at once."""
    standing: int
    """Moves when anybody's standing may have got worse, or a campaign was stopped, declined or goes on after that."""
    at: float
    """Seconds UTC."""


NEVER: Final = AsOf(0, 0, 0, 0.0)
"""Before all looks."""


def look(conn: Tx, now: float, latest: AsOf = NEVER) -> AsOf:
    """``latest`` itself, if nothing was changed since and it is no older than a moment; else a new one."""
    (registry,), (retry,), (standing,) = conn.execute(_LOOK).fetchall()
    if latest[:3] == (registry, retry, standing) and 0 <= now - latest.at < MOMENT_S:
        return latest
    return AsOf(registry, retry, standing, now)
