"""What the chain decided, as values."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from relay.mail.additions import Additions
from relay.mail.status import Status
from relay.pipeline.contract import Effect, Hold
from relay.values.facts import Recipient


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """What the chain decided for one recipient that is taken."""

    recipient: Recipient
    slots: Mapping[str, str]
    effects: tuple[Effect, ...]
    hold: Hold | None


class Judged(msgspec.Struct, frozen=True, gc=False):
    """The chain's answer to a whole message."""

    accepted: tuple[Accepted, ...]
    refused: tuple[tuple[Recipient, Status], ...]
    additions: Additions
