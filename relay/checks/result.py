"""One line of a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Result:
    """What was looked at, what was found, and for all but ``ok`` what to do."""

    level: Level
    what: str
    detail: str
    todo: str = ""


def ok(what: str, detail: str) -> Result:
    return Result(Level.OK, what, detail)


def warn(what: str, detail: str, todo: str) -> Result:
    return Result(Level.WARN, what, detail, todo)


def bad(what: str, detail: str, todo: str) -> Result:
    return Result(Level.FAIL, what, detail, todo)
