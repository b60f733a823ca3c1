"""Standings of several people in one look-up, where the store is a server and each look-up a round trip.

A client that pipelines (RFC 2920) has sent its next RCPTs already, and the API has all recipients at hand: whoever is
asked about next is looked up with the one who is asked about now. A file's look-up takes microseconds and stays single.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from relay.intake import asking
from relay.intake.parameters import ArgumentError, rcpt_argument
from relay.people.standing import standings

if TYPE_CHECKING:
    from relay.keys.secrets import Secrets
    from relay.store.contract import Tx
    from relay.values.facts import Standing

MOST: Final = 50
"""People in one look-up: as many commands as a session works off in one go."""
_LINE_OCTETS: Final = 2000
_VERB: Final = b"RCPT "


class StandingsAhead:
    """Of one transaction: what was found is as of its MAIL, as all of it is. Use from the loop's thread."""

    def __init__(self) -> None:
        self._found: dict[str, Standing | None] = {}
        """None: has to be asked for alone."""

    def standing(
        self,
        conn: Tx,
        secrets: Secrets,
        tenant_id: int,
        canonical: str,
        period: str,
        following: Callable[[], Sequence[str]],
    ) -> Standing:
        """What is known of a person; ``following``: who is asked about next, in canonical form, MOST at most."""
        if canonical not in self._found:
            people = [canonical, *following()]
            known = standings(conn, tenant_id, people, period) if len(people) > 1 else {}
            self._found = {person: known.get(person) for person in people}
        found = self._found.pop(canonical)
        return asking.standing_of(conn, secrets, tenant_id, canonical, period) if found is None else found

    def forget(self) -> None:
        """The transaction is over."""
        self._found = {}


def waiting(octets: bytearray, *, extended: bool, smtputf8: bool) -> list[str]:
    """Forward-paths of the RCPTs that a client sent ahead, in canonical form; wrong ones are left out."""
    found: list[str] = []
    at = lines = 0
    while lines < MOST - 1 and octets[at : at + len(_VERB)].upper() == _VERB:
        end = octets.find(b"\r\n", at, at + _LINE_OCTETS)
        if end < 0:
            break
        try:
            argument = bytes(octets[at + len(_VERB) : end]).strip(b" ")
            found.append(rcpt_argument(argument, extended=extended, smtputf8=smtputf8)[0].canonical)
        except ArgumentError:
            pass  # its own answer says so
        at, lines = end + 2, lines + 1
    return found
