"""Files that are given to the relay are shown to policies that look at such, before any of it is stored (R18)."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from relay.mail.status import UNEXPECTED, Status
from relay.pipeline.contract import BasePolicy, Continue, Defer, Policy, Reject, Upload

_log = logging.getLogger("relay.policy")


def lookers(policies: Sequence[Policy]) -> list[Policy]:
    """Those that look at uploads."""
    return [
        one for one in policies if getattr(type(one), "on_upload", BasePolicy.on_upload) is not BasePolicy.on_upload
    ]


async def refused(policies: Sequence[Policy], upload: Upload) -> Status | None:
    """Why a file isn't taken; None if it may be. What fails is not let through."""
    for policy in lookers(policies):
        try:
            verdict = await policy.on_upload(upload)
        except Exception:
            _log.exception("policy=%s failed at an upload", policy.name)
            return UNEXPECTED
        if isinstance(verdict, Reject | Defer):
            return verdict.status
        if not isinstance(verdict, Continue):
            return UNEXPECTED
    return None
