"""Why no certificate was got."""

from __future__ import annotations


class CertificateFailed(Exception):
    """The text says what went wrong and, where known, what to do. ``not_before``: till then none is given."""

    def __init__(self, text: str, not_before: float = 0.0) -> None:
        super().__init__(text)
        self.not_before = not_before
