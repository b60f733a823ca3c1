"""Settings of the brake on log-ins that another seems to use."""

from __future__ import annotations

from typing import Literal

from config.kinds import Count, Table, key


class Brake(Table):
    """Mail of a log-in that is suddenly used otherwise than ever before is held, and both sides are told."""

    action: Literal["hold", "tell", "off"] = key(
        "hold", "Hold that mail until somebody decides, only tell the operator, or don't look."
    )
    copies: Count = key(60, "Copies of an hour, or from new networks, below which nothing is said.", ge=10)
    times: float = key(10.0, "So many times the log-in's usual hour is a sudden change.", ge=2, le=1000)
    networks: Count = key(
        12, "New networks in a day from which a log-in without a history is braked too; 0: never.", ge=0
    )
