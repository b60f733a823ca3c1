"""The words ``did you mean …?`` for a name that isn't there."""

from __future__ import annotations

from collections.abc import Iterable

from relay.values.nearest import nearest


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """``; did you mean 'shop'?``, or ``""`` where no name is like it. Likely ones are compared first, however many."""
    likely = sorted(names, key=lambda one: (one[:1].casefold() != name[:1].casefold(), abs(len(one) - len(name)), one))
    meant = nearest(name, likely)
    return f"; did you mean {meant!r}?" if meant else ""
