"""What Schemathesis must be told to send: a message as it is."""

from __future__ import annotations

from typing import Any

import schemathesis


@schemathesis.serializer("message/rfc822")
def message(_: Any, value: Any) -> bytes:
    """Whatever it made up, as octets."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
