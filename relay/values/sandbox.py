"""The domain of addresses for tests, which reach nobody, and what becomes of a copy by its local part."""

from __future__ import annotations

from typing import Final

SANDBOX: Final = "sandbox.invalid"
"""Nobody can own a name below ``invalid`` (RFC 6761 §6.4)."""
FATES: Final = ("delivered", "bounced", "deferred", "complained", "unsubscribed")
