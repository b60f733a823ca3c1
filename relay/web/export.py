"""Rows of a tenant as a stream, which takes neither memory nor a connection while its reader is slow."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

STEP: Final = 500
MOST: Final = 2
"""Exports of one tenant at a time."""
MEDIA_TYPES: Final = {"jsonl": "application/jsonl", "csv": "text/csv"}


class Export(StreamingResponse):
    """Ends by giving back what it took, also where the reader is gone before it begins."""

    def __init__(self, lines: Iterator[bytes], kind: str, end: Callable[[], None], *, name: str = "consents") -> None:
        file = f'attachment; filename="{name}.{kind}"'
        super().__init__(lines, headers={"Content-Disposition": file}, media_type=MEDIA_TYPES[kind])
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()


def csv_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Lines of CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
