"""Settings of consents, and of how long things are kept."""

from __future__ import annotations

from typing import Literal

from config.kinds import Seconds, Table, key
from config.units import DAY


class Retention(Table):
    """How long things are kept."""

    completed: Seconds = key(30 * DAY, "Records of messages that are done.")
    events: Seconds = key(90 * DAY, "Events.")
    tracking: Seconds = key(90 * DAY, "Single openings and clicks; sums stay.")
    exemplars: Seconds = key(90 * DAY, "What staged campaigns said, without what was personal.")
    support: Seconds = key(730 * DAY, "Closed threads between tenants and staff, from their last text on.")
    announcements: Seconds = key(730 * DAY, "What was announced to tenants, from its end on.")
    registrations: Seconds = key(
        30 * DAY, "Registrations that were refused; those that nobody confirmed go after two days."
    )


class ConsentSettings(Table):
    """What is asked of the wordings that people agree to."""

    wording_gaps: Literal["show", "refuse"] = key(
        "show", "A wording that leaves out what a person must know: tell what is missing, or refuse the consent."
    )
    transfer_abroad: bool = key(False, "Data of subscribers goes abroad, so wordings must say so.")
