"""What stands in a copy's places for tracking: the tracked addresses, or what the sender wrote and no picture (R33).

Asked when the copy is made, not when its message is accepted, so a consent
that ended meanwhile counts. What is the same for all copies of a message is
made once; who isn't tracked gets a copy that has no such places.
"""

from __future__ import annotations

from msgspec.structs import replace

from relay.keys.secrets import Secrets
from relay.keys.tracked_tokens import DECOY, FORWARD, LinkMark, link_token
from relay.mail.own_tracking import DECOY_SLOT, LINK_SLOT, PIXEL_SLOT, SLOTS
from relay.mail.render import Renderer
from relay.mail.slots import settled
from relay.mail.stored import Template
from relay.store.as_of import AsOf
from relay.store.contract import Tx
from relay.store.together import Together
from relay.tracking import consents
from relay.tracking.consents import Law


class TrackedMessage:
    """Of one message: its places, and what stands there."""

    __slots__ = ("_decoy", "_parts", "_pixel", "_plain", "_template", "_untracked")

    def __init__(self, secrets: Secrets, submission_id: int, template: Template, names: frozenset[str]) -> None:
        """``names``: of the template's slots."""
        self._plain: dict[str, str] = {name: "" for name in names if name.startswith(SLOTS)}
        self._parts: list[tuple[str, str]] = []
        self._decoy = ""
        self._pixel = PIXEL_SLOT in self._plain
        self._template = template
        self._untracked: Renderer | None = None
        most = len(template.tracked)
        for place, link in enumerate(template.tracked):
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

    def untracked(self) -> Renderer:
        """Of copies for who isn't tracked; made with the first of them."""
        found = self._untracked
        if found is None:
            fields = tuple(settled(one, self._plain) for one in self._template.fields)
            body = settled(self._template.body, self._plain)
            found = self._untracked = Renderer(replace(self._template, fields=fields, body=body))
        return found

    def tracked(self, base: str, token: str) -> dict[str, str]:
        """For who is; ``token`` is the copy's."""
        click = f"{base}/c/{token}"
        values = {name: click + part for name, part in self._parts}
        if self._pixel:
            values[PIXEL_SLOT] = f'<img src="{base}/o/{token}.gif" width="1" height="1" alt="" style="border:0" />'
        if self._decoy:
            values[DECOY_SLOT] = (
                f'<a href="{click}{self._decoy}" style="display:none" aria-hidden="true" tabindex="-1"></a>'
            )
        return values


class Agreed:
    """Who may be tracked."""

    __slots__ = ("_together",)

    def __init__(self, conn: Tx, law: Law) -> None:
        self._together: Together[int, frozenset[int]] = Together(
            lambda submission_id, numbers: consents.tracked_among(conn, submission_id, numbers, law)
        )

    def tracked(self, submission_id: int, number: int, subscriber_id: int, as_of: AsOf) -> bool:
        """``number``: of the copy among its message's; ``as_of``: the latest look at the store."""
        return subscriber_id in self._together.about(submission_id, number, as_of)
