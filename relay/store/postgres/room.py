"""Room for mail on a server: its disk isn't seen from here, so a full one shows when it refuses a write (452)."""

from __future__ import annotations


class ServerRoom:
    """``relay.store.units.StoreRoom``: never full before the server says so."""

    full = False

    def look(self) -> None:
        """There is nothing to be looked at."""

    def fits(self, octets: int) -> bool:
        """The server will tell."""
        return True

    def take(self, octets: int) -> bool:
        """Nothing is counted."""
        return True

    def give(self, octets: int) -> None:
        """The same."""
