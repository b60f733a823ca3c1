"""Texts with each recipient's values in them: finished for one, literals and slots for several."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from relay.mail.writing import TextPlace, TextWithPlaces
from relay.templates.filling import Filler, VariablePlace, filler
from relay.templates.liquid_engine import TemplateFault, filled

LONGEST_VALUE: Final = 1_000
"""Characters of a value in a copy for one of several."""
MOST_SEEN: Final = 200_000
"""Characters of other recipients' values that policies read too."""
_TELLING: Final = re.compile(r"[@/<:.]|[^\s]\s+\S+\s+\S+\s+\S")
"""Values that say more than a name or a number: an address, a link, four words."""


class Sources(NamedTuple):
    """Texts of a message, or of its template, before values are in them."""

    subject: str
    text: str
    html: str


class Personal(NamedTuple):
    """What a message is written from."""

    subject: str | int
    """A number: the place whose mark stands there."""
    text: TextWithPlaces
    html: TextWithPlaces
    places: tuple[TextPlace, ...] = ()
    values: tuple[dict[str, str], ...] = ()
    """By slot, of each recipient."""
    seen: tuple[str, str, str] | None = None
    """Subject, text and HTML as policies read them, where copies differ."""


class Unfilled(Exception):
    """Values that are missing, or texts that can't be filled, each named."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {text}" for field, text in errors[:5]))
        self.errors = tuple(errors)


def literal(sources: Sources) -> Personal:
    """Without variables."""
    return Personal(sources.subject, _literal(sources.text), _literal(sources.html))


def _literal(text: str) -> TextWithPlaces:
    return (text,) if text else ()


def for_one(sources: Sources, values: dict[str, Any]) -> Personal:
    """Finished. Raises Unfilled."""
    wrong: list[tuple[str, str]] = []
    made = []
    for field, source in zip(Sources._fields, sources, strict=True):
        try:
            text, missing = _filler(field, source).render(values)
        except TemplateFault as fault:
            wrong.append((field, str(fault)))
            continue
        wrong += [(f"data.{name}", f"is missing, and {field} shows it") for name in missing]
        made.append(text)
    if wrong:
        raise Unfilled(list(dict.fromkeys(wrong)))
    return Personal(" ".join(made[0].split()), _literal(made[1]), _literal(made[2]))


def for_several(
    sources: Sources, all_values: Sequence[dict[str, Any]], first_place: int, *, lenient: bool = False
) -> Personal:
    """Literals and slots, numbered from ``first_place`` on. Raises Unfilled.

    ``lenient``: a value that is missing is an empty one, and no fault.
    """
    places = _Places(first_place)
    try:
        fillers = [_filler(field, source) for field, source in zip(Sources._fields, sources, strict=True)]
    except TemplateFault as fault:
        raise Unfilled([("template", str(fault))]) from None
    flat = [one.pieces for one in fillers]
    if any(one is None for one in flat):
        why = "conditions, loops and assignments need one `to` a message; send a batch"
        raise Unfilled([("to", why)])
    subject, text_pieces, html_pieces = (one or () for one in flat)
    text = places.numbered(text_pieces, fillers[1], "text")
    markup = places.numbered(html_pieces, fillers[2], "html")
    has_subject = any(isinstance(one, VariablePlace) for one in subject)
    shown: str | int = sources.subject
    if has_subject:
        shown = first_place + len(places.all)
        places.all.append(TextPlace("subject", "header"))
    else:
        shown = "".join(map(str, subject))
    values = _values(places, fillers[0] if has_subject else None, all_values, lenient=lenient)
    return Personal(shown, text, markup, tuple(places.all), values, _seen(places, shown, text, markup, values))


class _Places:
    """Places of a message and the slots that they stand for: the same variable is one slot."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.all: list[TextPlace] = []
        self.slots: dict[str, tuple[str, Filler, VariablePlace]] = {}
        """By what stands between the braces: the slot's name, and how its value is found."""
        self._numbers: dict[tuple[str, str], int] = {}

    def numbered(self, pieces: Sequence[str | VariablePlace], whose: Filler, form: Any) -> TextWithPlaces:
        out: list[str | int] = []
        for one in pieces:
            if isinstance(one, str):
                out.append(one)
                continue
            shown = str(one.node.expression)
            name = self.slots.setdefault(shown, (f"v{len(self.slots)}", whose, one))[0]
            key = (name, form)
            if key not in self._numbers:
                self._numbers[key] = self.first + len(self.all)
                self.all.append(TextPlace(name, form))
            out.append(self._numbers[key])
        return tuple(out)


def _values(
    places: _Places, subject: Filler | None, all_values: Sequence[dict[str, Any]], *, lenient: bool
) -> tuple[dict[str, str], ...]:
    wrong: list[tuple[str, str]] = []
    found: list[dict[str, str]] = []
    slots = list(places.slots.values())
    for number, values in enumerate(all_values):
        own: dict[str, str] = {}

        def fill(own: dict[str, str] = own, values: dict[str, Any] = values) -> str:
            for name, whose, place in slots:
                own[name] = whose.value(place, values)
            return ""

        try:
            missing = filled(fill)[1]
            if subject is not None:
                own["subject"], more = subject.render(values)
                missing += more
        except TemplateFault as fault:
            raise Unfilled([(f"to.{number}.data", str(fault))]) from None
        if not lenient:
            wrong += [(f"to.{number}.data.{name}", "is missing, and is shown") for name in dict.fromkeys(missing)]
        for value in own.values():
            if "\n" in value.strip() or len(value) > LONGEST_VALUE:
                why = f"a value of several lines, or over {LONGEST_VALUE} characters, needs one `to` a message"
                wrong.append((f"to.{number}.data", why))
        found.append(own)
        if len(wrong) >= 50:
            break
    if wrong:
        raise Unfilled(wrong)
    return tuple(found)


def _seen(
    places: _Places, subject: str | int, text: TextWithPlaces, html: TextWithPlaces, values: Sequence[dict[str, str]]
) -> tuple[str, str, str]:
    """As the first recipient gets it, with what others' values say more than a name or a number."""
    first = values[0]
    others = dict.fromkeys(
        value
        for own in values[1:]
        for name, value in own.items()
        if value != first.get(name) and _TELLING.search(value)
    )
    more = "\n".join(others)[:MOST_SEEN]
    names = {places.first + number: one.name for number, one in enumerate(places.all)}

    def whole(pieces: TextWithPlaces, markup: bool) -> str:
        shown = [one if isinstance(one, str) else _escaped(first[names[one]], markup) for one in pieces]
        if not shown:
            return ""
        return "".join(shown) + (f"\n<p>{_escaped(more, True)}</p>" if markup and more else f"\n{more}" if more else "")

    return (subject if isinstance(subject, str) else first["subject"], whole(text, False), whole(html, True))


def _escaped(value: str, markup: bool) -> str:
    if not markup:
        return value
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def _filler(field: str, source: str) -> Filler:
    return filler(source, field == "html")
