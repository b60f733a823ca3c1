"""Bought lists of 5000 through running relays, many times, and honest ones with one contest among 5000 (R8b).

``make bought`` writes how far each got into docs/STAGING.md; a slow test runs few. Each campaign has the relay for
itself; its people act as soon as they have their copy, so nothing but the relay's own looks stands between.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from tests.support.audience import BOUGHT, PAGE, USUAL, Sent, Town
from tests.support.peers import until

SIZE: Final = 5000
WITHIN: Final = 300
"""Copies that may leave before a bought list is stopped."""
HONEST: Final = replace(USUAL, title="usual list, one contest", contests=1 / SIZE)
RELAY_HAS: Final = 5
"""Campaigns of one relay; then there is a new one."""
BEGIN: Final = "<!-- bought -->\n"
END: Final = "<!-- end of bought -->"


def run(bought: int, honest: int, seed: int, size: int = SIZE) -> list[Sent]:
    """So many of each, one after the other; what became of them."""
    crowds = [BOUGHT] * bought + [HONEST] * honest
    done: list[Sent] = []
    for start in range(0, len(crowds), RELAY_HAS):
        with tempfile.TemporaryDirectory() as directory:
            town = Town(Path(directory), seed=seed + start)
            sent = [
                town.settle(f"t{start + number}", crowd, size)
                for number, crowd in enumerate(crowds[start : start + RELAY_HAS])
            ]
            town.start()
            try:
                for one in sent:
                    town.send(one)
                    until(partial(town.ended, one), town.told, 900.0)
            finally:
                town.close()
        done += sent
        for one in sent:
            print(f"{one.tenant} {one.crowd.title}: {one.shown['state']}, {gone(one)} went; {one.shown}", flush=True)
    return done


def gone(one: Sent) -> int:
    """Copies that left."""
    return int(one.shown["delivered"] + one.shown["bounced"])


def table(done: list[Sent]) -> str:
    bought, honest = ([one for one in done if one.crowd is crowd] for crowd in (BOUGHT, HONEST))
    lines = []
    if bought:
        copies = sorted(map(gone, bought))
        stopped = sum(one.shown["state"] == "stopped" for one in bought)
        within = sum(one.shown["state"] == "stopped" and gone(one) <= WITHIN for one in bought)
        lines.append(
            f"Of {len(bought)} bought lists of {SIZE} (15 % dead, 1 % complaints, 4 % unsubscribes, 1.6 % who say that"
            f" they never agreed) {stopped} were stopped, {within} of them within {WITHIN} copies; the one in the"
            f" middle after {copies[len(copies) // 2]}, the last after {copies[-1]}."
        )
    if honest:
        released = sum(one.shown["state"] == "released" for one in honest)
        stopped = sum(one.shown["state"] == "stopped" for one in honest)
        lines.append(
            f"Of {len(honest)} usual lists of {SIZE} with one person who says so {released} went out whole and"
            f" {stopped} were stopped."
        )
    return "\n\n".join(lines)


def main() -> None:
    bought, honest = int(os.environ.get("RUNS", "60")), int(os.environ.get("HONEST", "10"))
    text = table(run(bought, honest, int(os.environ.get("SEED", "7"))))
    head, begin, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{head}{begin}{text}\n{END}{rest.partition(END)[2]}", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
