"""Copies that reach nobody: what becomes of one is said by its address at ``sandbox.invalid``, else it is delivered.

No policy is asked again and no connection is opened; the outcome is written
the way of any other, so that applications see what they would see.
"""

from __future__ import annotations

from typing import Final

from relay.delivery.attempt import DeliveryDesk
from relay.queue.values import Lease, Result
from relay.values.sandbox import FATES, SANDBOX
from relay.values.states import State

_REMOTE: Final = SANDBOX
_DELIVERED: Final = "250 2.0.0 sandbox: this copy reached nobody"
_BOUNCED: Final = "550 5.1.1 sandbox: there is no such mailbox"
_DEFERRED: Final = "451 4.2.0 sandbox: come again later"


def submit(desk: DeliveryDesk, lease: Lease) -> None:
    """End the lease with the fate that its address names."""
    local, _, domain = lease.address.rpartition("@")
    fate = local.partition("+")[0].lower() if domain == SANDBOX else FATES[0]
    now, attempts = desk.clock(), lease.attempts + 1
    if fate == "bounced":
        detail: dict[str, object] = {"type": "hard", "code": "5.1.1", "class": "unknown-address", "sandbox": True}
        desk.finish(Result(lease, State.BOUNCED, now, _BOUNCED, _REMOTE, "bounced", detail, attempts=attempts))
    elif fate == "deferred" and not lease.attempts:
        due_at = desk.terms.schedule.next_attempt(now, attempts, None)
        desk.finish(
            Result(
                lease,
                State.READY,
                now,
                _DEFERRED,
                _REMOTE,
                "deferred",
                {"sandbox": True},
                due_at=due_at,
                attempts=attempts,
            )
        )
    else:
        event = fate if fate in ("complained", "unsubscribed") else ""
        desk.finish(
            Result(lease, State.DELIVERED, now, _DELIVERED, _REMOTE, event, {"sandbox": True}, attempts=attempts)
        )
