"""Where the copies of one commit were delivered to, as followers read it."""

from __future__ import annotations

from typing import Final

import msgspec


class ToldPlace(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """So many copies of one tenant's stream and campaign went to one domain."""

    tenant_id: int
    stream_id: int
    domain: str
    copies: int
    campaign_id: int = 0
    """0: none, or written by an earlier release."""


PLACES_OF: Final = msgspec.json.Decoder(list[ToldPlace])
