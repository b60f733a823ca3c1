"""What tenants store is shown to the policies first, outside the write; the operator hears of what is suspected."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

from config.settings import Settings
from relay.intake import stored
from relay.intake.stored import StoredText
from relay.pipeline.contract import Policy
from relay.pipeline.registry import load_from
from relay.queue.operator import Operator
from relay.store.contract import Tx
from relay.web.context import Context

_lock = threading.Lock()
_loaded: list[tuple[Settings, Sequence[Policy]]] = []
"""Of the latest settings; made when something is stored first, it takes some tenths of a second."""


class ReviewRefused(Exception):
    """It isn't taken; the text says why, ``permanent`` whether trying again is of no use."""

    def __init__(self, text: str, permanent: bool) -> None:
        super().__init__(text)
        self.permanent = permanent


class Reviewed:
    """What was found in something that is about to be stored."""

    def __init__(self, name: str, suspected: tuple[str, ...]) -> None:
        self._name = name
        self._suspected = suspected

    def tell(self, context: Context, conn: Tx, owner: str) -> None:
        """Call the operator for what is suspected; in the write that stores it."""
        if self._suspected:
            stored.tell(conn, Operator.of(context.settings), owner, self._name, self._suspected, context.clock())


def look(context: Context, tenant_id: int, given: StoredText) -> Reviewed:
    """For a thread. Raises ReviewRefused for what isn't taken."""
    with context.storage.read() as conn:
        owner = stored.tenant_of(conn, tenant_id)
    verdict = asyncio.run(stored.judged(_policies(context.settings), owner, given, context.clock()))
    if verdict.refused is not None:
        raise ReviewRefused(verdict.refused.text.removeprefix("content: "), verdict.refused.permanent)
    return Reviewed(given.name, verdict.suspected)


def _policies(settings: Settings) -> Sequence[Policy]:
    with _lock:
        if not _loaded or _loaded[0][0] is not settings:
            _loaded[:] = [(settings, load_from(settings))]
        return _loaded[0][1]
