"""Settings of log-ins to the pages, and of who may register."""

from __future__ import annotations

from typing import Literal

from config.kinds import Count, OptionalFile, Table, Wait, key
from config.units import DAY, HOUR


class Accounts(Table):
    """People who log in to the pages, and who may register."""

    idle: Wait = key(2 * HOUR, "A session that nobody uses ends after so long.")
    session: Wait = key(DAY, "Every session ends so long after the log-in.", le=31 * DAY)
    second_factor: Literal["own", "staff", "all"] = key(
        "own", "Who must have a second factor (TOTP): each person's own choice, the operator's staff, or everybody."
    )
    registration: Literal["closed", "invite", "open"] = key(
        "closed", "Who may register at `/register`: nobody, whom you invited (`relay invite add`), or everybody."
    )
    admission: Literal["operator", "invited", "all"] = key(
        "operator",
        "Whose confirmed registration becomes an account by itself: nobody's (you admit each), of those whom you"
        " invited, or everybody's; who resembles another customer always waits for you.",
    )
    terms: OptionalFile = key(
        None,
        "Text file (UTF-8) with the terms that applicants accept, shown at `/terms`; its hash is the version.",
        example="/etc/relay/terms.txt",
    )
    registrations_per_network: Count = key(
        10, "Registrations from one network (IPv4: /24, IPv6: /64) in an hour; further ones are refused.", ge=1
    )
    registrations_per_mailbox: Count = key(3, "Letters about registering that one mailbox gets in a day.", ge=1)
