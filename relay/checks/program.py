"""How fast this program can be here: compiled or not, and how its RSA signatures are made."""

from __future__ import annotations

from pathlib import Path

from relay.checks.result import CheckResult, ok
from relay.delivery.smtp import sign
from relay.keys import rsa8


def check_program() -> CheckResult:
    """Always ``ok``: slower is not wrong."""
    return ok("program", speed(Path(sign.__file__).suffix != ".py", rsa8.USABLE))


def speed(compiled: bool, together: bool) -> str:
    if not compiled:
        return "not compiled, which takes more CPU (`pip install .` compiles where there is a C compiler)"
    if not together:
        return f"compiled; RSA signatures one at a time ({rsa8.LANES} on x86-64 with AVX-512 IFMA)"
    return f"compiled; RSA-2048 signatures {rsa8.LANES} at a time"
