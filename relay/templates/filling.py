"""Texts with variables: filled as a whole, or taken apart into literals and values where only variables are used."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.output import OutputNode
from liquid.context import RenderContext
from liquid.exceptions import LiquidError
from liquid.stringify import to_liquid_string
from markupsafe import Markup

from relay.templates.liquid_engine import TemplateFault, TemplateValues, environment, filled, kept_apart, told

_ENGINES: Final = {False: environment(escape=False), True: environment(escape=True)}
MOST_SOURCE: Final = 500_000
MOST_PLACES: Final = 1_000


@dataclass(frozen=True, slots=True)
class VariablePlace:
    """A variable's place."""

    node: OutputNode
    path: tuple[str, ...]
    """Where its value stands if that is all; empty: the engine is asked."""


class Filler:
    """One text with variables, read. Raises TemplateFault for what can't be read."""

    def __init__(self, source: str, *, escape: bool) -> None:
        if len(source) > MOST_SOURCE:
            raise TemplateFault(f"is longer than {MOST_SOURCE} characters")
        try:
            self._template = _ENGINES[escape].from_string(kept_apart(source))
        except (LiquidError, RecursionError) as error:
            raise TemplateFault(told(error)) from None
        unknown = sorted(set(self._template.analyze().filters) - set(_ENGINES[escape].filters))
        if unknown:
            raise TemplateFault(f"there is no filter {unknown[0]}")
        self.pieces = _pieces(self._template.nodes)
        """Literals and places; None: there are conditions, loops or assignments."""

    def render(self, values: TemplateValues) -> tuple[str, list[str]]:
        """The finished text, and names of values that are missing. Raises TemplateFault."""
        return filled(lambda: str(self._template.render(**_named(values))))

    def value(self, place: VariablePlace, values: TemplateValues) -> str:
        """One place's value, not escaped. Call within ``filled``, which hears of what is missing."""
        if place.path:
            found: Any = values
            for name in place.path:
                found = found.get(name) if isinstance(found, dict) else None
            if isinstance(found, str):
                return found
        context = RenderContext(self._template, globals=_named(values))
        made = place.node.expression.evaluate(context)
        if isinstance(made, Markup):
            raise TemplateFault("`safe` can't be used here: send to one `to` a message")
        return str(to_liquid_string(made, False))


def _named(values: TemplateValues) -> dict[str, Any]:
    return dict(values)


def _pieces(nodes: list[Node]) -> tuple[str | VariablePlace, ...] | None:
    out: list[str | VariablePlace] = []
    for node in nodes:
        if isinstance(node, ContentNode):
            out.append(str(node.text))
        elif isinstance(node, OutputNode) and len(out) < 2 * MOST_PLACES:
            out.append(VariablePlace(node, _path(node)))
        else:
            return None
    return tuple(out)


def _path(node: OutputNode) -> tuple[str, ...]:
    expression = node.expression
    if not isinstance(expression, FilteredExpression) or expression.filters or not isinstance(expression.left, Path):
        return ()
    names = tuple(one for one in expression.left.path if isinstance(one, str))
    return names if len(names) == len(expression.left.path) else ()


@functools.lru_cache(maxsize=256)
def filler(source: str, escape: bool) -> Filler:
    """A filler for a text, read once."""
    return Filler(source, escape=escape)
