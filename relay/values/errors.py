"""The one exception of the registry: something asked for is refused."""

from __future__ import annotations


class RegistryError(Exception):
    """A refusal for a reason the caller can mend; the text is one line that says how.

    ``inside`` is the same for the operator alone: it may name who else it is about. Tenants read the text (R25a).
    """

    def __init__(self, text: str, *, inside: str = "") -> None:
        super().__init__(text)
        self.inside = inside or text
