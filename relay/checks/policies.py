"""Whether policies that protect people are in force."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings
from relay.checks.result import CheckResult, warn
from relay.pipeline.registry import left_out


def check_left_out(settings: Settings) -> Iterator[CheckResult]:
    """Those that are installed and not in the order; that may be meant, but never goes unsaid."""
    for name, without in left_out(settings.policies.order):
        yield warn("protection", f"{name} is not in [policies] order: {without}", "put it into the order")
