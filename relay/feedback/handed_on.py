"""The way to the operator: what is handed on, within which limits, and where it is kept if nobody is named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from config.settings import Settings
from relay.feedback import operator_mail
from relay.feedback.operator_letter import Full, Incoming, comes_back, keep, put
from relay.feedback.operator_mail import MailRoom
from relay.keys.secrets import Secrets
from relay.mail.address import parse_address
from relay.queue.operator import Operator, call
from relay.store.contract import Tx

OVER_LIMIT = "operator-mail"


class Handed(StrEnum):
    """What became of a mail for the operator."""

    NOTHING = "nothing to hand on"
    ON = "handed on"
    KEPT = "kept in the Maildir"
    AGAIN = "the same came before"
    ROUND = "it answers or returns a letter of ours, dropped"
    TOO_MUCH = "over the limit, not handed on"
    FULL = "the Maildir is full, not kept"


@dataclass(frozen=True, slots=True)
class Handing:
    """A mail with what is known of its fate before the transaction; None: the transaction decides."""

    incoming: Incoming
    fate: Handed | None


class OperatorDesk:
    """Knows who the operator is."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self.operator = Operator.of(settings)
        self._limits = settings.feedback
        self._secrets = secrets
        self._maildir = settings.operator_mail
        self._reached = bool(self.operator.notify) and not circular(settings)

    async def before(self, conn: Tx, incoming: Incoming, now: float) -> Handing:
        """What comes before the transaction: a mail is kept first, then counted. ``conn`` is only read.

        Raises OSError where it can't be kept.
        """
        if comes_back(incoming.mail, incoming.raw, self.operator.hostname):
            return Handing(incoming, Handed.ROUND)
        if self._reached:
            return Handing(incoming, None)
        if self._room(conn, incoming, now) is MailRoom.YES:
            try:
                await asyncio.to_thread(keep, self._maildir, incoming)
            except Full:
                return Handing(incoming, Handed.FULL)
        return Handing(incoming, None)

    def hand_on(self, conn: Tx, handing: Handing, now: float) -> Handed:
        """In the caller's transaction, within the limits."""
        if handing.fate is not None:
            return handing.fate
        incoming = handing.incoming
        room = self._room(conn, incoming, now)
        if room is MailRoom.AGAIN:
            return Handed.AGAIN
        if room is not MailRoom.YES:
            self._call(conn, room, now)
            return Handed.TOO_MUCH
        operator_mail.count(conn, self._secrets, incoming.ip, incoming.raw, now)
        if not self._reached:
            return Handed.KEPT
        put(conn, self.operator, incoming, now)
        return Handed.ON

    def _room(self, conn: Tx, incoming: Incoming, now: float) -> MailRoom:
        return operator_mail.room(conn, self._secrets, self._limits, incoming.ip, incoming.raw, now)

    def _call(self, conn: Tx, room: MailRoom, now: float) -> None:
        call(
            conn,
            self.operator,
            OVER_LIMIT,
            "more mail for the operator than is handed on",
            [
                f"Mail to postmaster@, abuse@ and the feedback loops' addresses is over its limit: {room.value}."
                " Until an hour has passed, senders to postmaster@ and abuse@ are told to come again, and reports that"
                " concern no one person are only logged. Spam reports with a tag of ours go on to count.",
                "The limits are letters_per_hour and letters_per_network in [feedback].",
            ],
            now=now,
        )


def circular(settings: Settings) -> list[str]:
    """Addresses of ``[operator]`` that lead back to this port; letters to them would go round."""
    ours = {settings.server.hostname, settings.links.mail_domain or settings.server.hostname}
    loops = {parse_address(text).canonical for text in settings.feedback.addresses}
    wrong = []
    for text in settings.operator.called:
        address = parse_address(text)
        if address.domain in ours or address.canonical in loops:
            wrong.append(text)
    return wrong
