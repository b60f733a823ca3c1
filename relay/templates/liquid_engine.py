"""Liquid within bounds: python-liquid with all its limits set, and with what those leave open closed here.

No template can be loaded by another, no attribute is looked up. Loops, output
and what is assigned have limits of the library's; a filter's input has ours,
since ``(1..99999999) | join`` or a square of a square has no loop (tests).
"""

from __future__ import annotations

import contextvars
import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from liquid import Environment
from liquid.exceptions import LiquidError
from liquid.undefined import Undefined

MOST_OUTPUT: Final = 2_000_000
MOST_ITERATIONS: Final = 10_000
MOST_VALUE: Final = 100_000
"""Characters of a string that a filter takes, items of a list."""
MOST_ARGUMENT: Final = 1_000
MOST_BITS: Final = 256
RELAYS: Final = ("unsubscribe_url", "preferences_url", "relay_footer")
"""Placeholders that the relay fills itself; they stand as they are."""
_RELAYS: Final = re.compile(rf"\{{\{{\s*(?:{'|'.join(RELAYS)})\s*\}}\}}")

_missing: contextvars.ContextVar[dict[str, None] | None] = contextvars.ContextVar("missing", default=None)


class TemplateFault(Exception):
    """A template can't be read or filled; the text says why, with its line."""


class NotThere(Undefined):
    """A value that nobody gave: asked about it is nothing, but showing it is noted."""

    __slots__ = ()

    def __str__(self) -> str:
        self._note()
        return ""

    def __iter__(self) -> Iterator[Any]:
        self._note()
        return iter([])

    def _note(self) -> None:
        found = _missing.get()
        if found is not None:
            found[(self.hint or self.name).removesuffix(" is undefined").strip("'")] = None


class Bounded(Environment):
    """python-liquid with limits."""

    context_depth_limit = 20
    loop_iteration_limit = MOST_ITERATIONS
    local_namespace_limit = 200_000
    output_stream_limit = MOST_OUTPUT


def environment(*, escape: bool) -> Bounded:
    """``escape``: values are text within HTML."""
    made = Bounded(autoescape=escape, undefined=NotThere, strict_filters=True)
    for tag in ("include", "render"):
        del made.tags[tag]
    made.filters = {name: _guarded(one) for name, one in made.filters.items()}
    return made


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def guarded(value: Any, *arguments: Any, **named: Any) -> Any:
        _check(value, MOST_VALUE)
        for one in arguments:
            _check(one, MOST_ARGUMENT)
        found = function(value, *arguments, **named)
        _check(found, MOST_VALUE * MOST_ARGUMENT)
        return found

    return guarded


def _check(value: Any, most: int) -> None:
    if isinstance(value, str | list | tuple | range) and len(value) > most:
        raise LiquidError("a value is too long for a filter", token=None)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise LiquidError("a number is too large", token=None)


def kept_apart(source: str) -> str:
    """The source with the relay's own placeholders left alone."""
    return _RELAYS.sub(lambda found: "{% raw %}" + found[0] + "{% endraw %}", source)


def told(error: Exception) -> str:
    """A line for people."""
    text = str(getattr(error, "message", "") or error).splitlines()
    start = getattr(getattr(error, "token", None), "start_index", None)
    source = getattr(getattr(error, "token", None), "source", "") or ""
    where = f"line {source.count(chr(10), 0, start) + 1}: " if isinstance(start, int) and start >= 0 and source else ""
    return f"{where}{text[0] if text else type(error).__name__}"[:300]


def filled(render: Callable[[], str]) -> tuple[str, list[str]]:
    """What ``render`` makes, and the names of values that were to be shown and weren't there. Raises TemplateFault."""
    missing: dict[str, None] = {}
    before = _missing.set(missing)
    try:
        return render(), list(missing)
    except (LiquidError, ArithmeticError, ValueError, TypeError, RecursionError) as error:
        raise TemplateFault(told(error)) from None
    finally:
        _missing.reset(before)


TemplateValues = Mapping[str, Any]
