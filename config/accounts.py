"""Settings of log-ins to the pages."""

from __future__ import annotations

from typing import Literal

from config.kinds import Table, Wait, key
from config.units import DAY, HOUR


class Accounts(Table):
    """People who log in to the pages."""

    idle: Wait = key(2 * HOUR, "A session that nobody uses ends after so long.")
    session: Wait = key(DAY, "Every session ends so long after the log-in.", le=31 * DAY)
    second_factor: Literal["own", "staff", "all"] = key(
        "own", "Who must have a second factor (TOTP): each person's own choice, the operator's staff, or everybody."
    )
