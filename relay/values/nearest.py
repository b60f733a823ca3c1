"""What somebody may have meant by a name that isn't there."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

MOST_COMPARED: Final = 200
"""Names looked at: mail is refused with this, so it must stay cheap."""
LONGEST: Final = 100


def nearest(name: str, names: Sequence[str]) -> str:
    """The name most like ``name``, whatever its case; ``""`` if none is like it."""
    folded: dict[str, str] = {}
    for one in names[:MOST_COMPARED]:
        folded.setdefault(one[:LONGEST].casefold(), one)
    found = difflib.get_close_matches(name[:LONGEST].strip().casefold(), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else ""
