"""Addresses at ``sandbox.invalid``: for tests of applications. They reach nobody and count nothing.

Whose copy has this domain is never routed: what its local part says becomes of
it (``relay.delivery.sandbox``). Everything else is as for any recipient.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from relay.mail.status import Status, permanent
from relay.pipeline.contract import Transaction
from relay.pipeline.judged import Accepted
from relay.values.facts import Consent, Recipient, Standing, Tenant
from relay.values.sandbox import FATES, SANDBOX

_UNKNOWN: Final = permanent(50, 1, 1, f"there are {', '.join(f'{fate}@' for fate in FATES)} at {SANDBOX}")


def standing_for(tenant: Tenant) -> Standing:
    """Of somebody who agreed to everything and is nobody."""
    return Standing(0, tuple(Consent(topic, True, 0.0, "sandbox", None) for topic in tenant.topics), counted=True)


def recipient(address: str, canonical: str, tenant: Tenant) -> Accepted | Status:
    """Whether it is an address of the sandbox; no policy is asked."""
    if canonical.partition("@")[0].partition("+")[0] not in FATES:
        return _UNKNOWN
    return Accepted(Recipient(address, canonical, SANDBOX, standing_for(tenant), "NEVER"), {}, (), None)


def unreal(accepted: Accepted) -> Accepted:
    """One who was judged as any, for a copy that reaches nobody and counts nothing."""
    real = accepted.recipient
    nobody = Standing(0, real.standing.consents, real.standing.suppressions, True)
    return Accepted(Recipient(real.address, real.canonical, SANDBOX, nobody, "NEVER"), accepted.slots, (), None)


def alone(accepted: Sequence[Accepted]) -> bool:
    """Whether nobody of them is real."""
    return accepted[0].recipient.domain == SANDBOX and all(one.recipient.domain == SANDBOX for one in accepted)


def asking_of(txn: Transaction, accepted: Sequence[Accepted]) -> Transaction:
    """The transaction about which the policies are asked at DATA: nobody needs to agree to what reaches nobody."""
    if not alone(accepted):
        return txn
    return replace(txn, stream=replace(txn.stream, consent_required=False))
