"""One line of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What was looked at, what was found, and for all but ``ok`` what to do."""

    level: Level
    what: str
    detail: str
    todo: str = ""


def ok(what: str, detail: str) -> CheckResult:
    return CheckResult(Level.OK, what, detail)


def warn(what: str, detail: str, todo: str) -> CheckResult:
    return CheckResult(Level.WARN, what, detail, todo)


def bad(what: str, detail: str, todo: str) -> CheckResult:
    return CheckResult(Level.FAIL, what, detail, todo)
