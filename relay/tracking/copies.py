"""What stands in a copy's places for tracking: the tracked addresses, or what the sender wrote and no picture (R33).

Asked when the copy is made, not when its message is accepted, so a consent
that ended meanwhile counts. What is the same for all copies of a message is
made once; a copy costs one look-up and one signature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from relay.keys.secrets import Secrets
from relay.keys.tracked_tokens import DECOY, FORWARD, CopyMark, LinkMark, copy_token, link_token
from relay.mail.own_tracking import DECOY_SLOT, LINK_SLOT, PIXEL_SLOT, SLOTS
from relay.mail.stored import TrackedLink
from relay.store.contract import Tx
from relay.tracking import consents
from relay.tracking.consents import Law


class TrackedMessage:
    """Of one message: its places, and both values of each."""

    __slots__ = ("_decoy", "_parts", "_plain")

    def __init__(
        self, secrets: Secrets, submission_id: int, names: Iterable[str], links: Sequence[TrackedLink]
    ) -> None:
        """``names``: of the template's slots."""
        self._plain: dict[str, str] = {name: "" for name in names if name.startswith(SLOTS)}
        self._parts: list[tuple[str, str]] = []
        self._decoy = ""
        most = len(links)
        for place, link in enumerate(links):
            name = f"{LINK_SLOT}{place}"
            if name in self._plain:
                self._plain[name] = link.raw
                mark = LinkMark(place, most, FORWARD if link.forward else 0, link.url)
                self._parts.append((name, link_token(secrets, submission_id, mark)))
        if DECOY_SLOT in self._plain:
            self._decoy = link_token(secrets, submission_id, LinkMark(most, most, DECOY, ""))

    @property
    def any(self) -> bool:
        """Whether it has a place."""
        return bool(self._plain)

    @property
    def plain(self) -> Mapping[str, str]:
        """For who isn't tracked."""
        return self._plain

    def tracked(self, base: str, token: str) -> dict[str, str]:
        """For who is; ``token`` is the copy's."""
        click = f"{base}/c/{token}"
        values = {name: click + part for name, part in self._parts}
        if PIXEL_SLOT in self._plain:
            values[PIXEL_SLOT] = f'<img src="{base}/o/{token}.gif" width="1" height="1" alt="" style="border:0" />'
        if self._decoy:
            values[DECOY_SLOT] = (
                f'<a href="{click}{self._decoy}" style="display:none" aria-hidden="true" tabindex="-1"></a>'
            )
        return values


def values(
    conn: Tx, secrets: Secrets, message: TrackedMessage, mark: CopyMark, base: str, law: Law
) -> Mapping[str, str]:
    """Of one copy's slots for tracking."""
    if not consents.tracked(conn, mark.subscriber_id, law):
        return message.plain
    return message.tracked(base, copy_token(secrets, mark))
