"""``bench/profile``: options, the relay under each load while py-spy looks, graphs and the table of shares."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.flames.shares import frames, nameless, shares
from bench.harness import options as harness
from bench.harness.contestant import Contestant
from bench.harness.errors import BenchError
from bench.harness.load import Loader
from bench.harness.main import ROOT, commit, prepared
from bench.harness.rounds import Rounds, locked
from bench.harness.target import Target
from bench.harness.works import WORKS, Work, message

PROFILED = ("accept-kept", "relay-kept", "dkim-kept", "own")
_SAMPLES_A_SECOND = 200
_FEWEST = 0.01
"""Parts with less of the time aren't shown."""


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench/profile", description="Flame graphs of the relay under load.")
    parser.add_argument("--seconds", type=float, default=6.0, help="length of a load (default: 6)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "profiles", help="default: docs/profiles")
    parser.add_argument("--dir", type=Path, default=Path("/var/tmp"), help="on a disk (default: /var/tmp)")
    parser.add_argument("--lock", type=Path, help="hold this lock while a load runs")
    given = parser.parse_args(argv)
    if not 1 <= given.seconds <= 60:
        parser.error("--seconds: from 1 to 60")
    try:
        profile(given.seconds, given.out, given.dir, given.lock)
    except (BenchError, subprocess.SubprocessError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def profile(seconds: float, out: Path, directory: Path, lock: Path | None) -> None:
    spy = _spy()
    measured = commit()  # before the pictures change the checkout
    os.environ["RELAY_COMPILE"] = "0"  # py-spy sees no frames in compiled modules
    arguments = ["--contestants", "relay", "--seconds", str(seconds), "--dir", str(directory)]
    out.mkdir(parents=True, exist_ok=True)
    found = {}
    with prepared(harness.parse(arguments)) as rounds:
        for name in PROFILED:
            with locked(lock):
                _record(spy, rounds, WORKS[name], seconds, out / f"{name}.svg")
            graph = out / f"{name}.svg"
            graph.write_text(nameless(graph.read_text("utf-8")), "utf-8")
            found[name] = dict(shares(frames((out / f"{name}.svg").read_text("utf-8"))))
            print(f"{name}: {out / name}.svg", flush=True)
    text = table(found)
    (out / "README.md").write_text(f"{_HEAD.format(commit=measured)}\n{text}\n", "utf-8")
    print(text)


def table(found: dict[str, dict[str, float]]) -> str:
    """Parts down, works across; those first that take most in all."""
    parts = sorted({part for each in found.values() for part in each}, key=lambda p: -sum(_of(found, p)))
    shown = [part for part in parts if max(_of(found, part)) >= _FEWEST]
    lines = [f"| part | {' | '.join(f'[{name}]({name}.svg)' for name in found)} |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| `{part}` | {' | '.join(f'{share:.0%}' for share in _of(found, part))} |" for part in shown]
    return "\n".join(lines)


def _of(found: dict[str, dict[str, float]], part: str) -> list[float]:
    return [each.get(part, 0.0) for each in found.values()]


def _record(spy: str, rounds: Rounds, work: Work, seconds: float, svg: Path) -> None:
    place = rounds.place
    text = place.directory / "message"
    text.write_bytes(message(10_240))
    target = Target(place.sink_port, place.directory)
    contestant = Contestant("relay", place)
    target.start(dump=work.shared_copies)
    try:
        contestant.start(work.mode)
        loader = Loader(target, text, sessions=30, limit_s=60.0)
        n = loader.pilot(contestant, work, seconds, most=50_000)
        root = min(contestant.tree.pids())
        command = [spy, "record", "--subprocesses", "--nonblocking", "--rate", str(_SAMPLES_A_SECOND)]
        command += ["--duration", "120", "--output", str(svg), "--pid", str(root)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
            try:
                loader.run(contestant, work, n, settle=False)
            finally:
                process.send_signal(2)  # it draws what it has
                _, said = process.communicate(timeout=30)
        if process.returncode or not svg.exists():
            raise BenchError(f"py-spy: {said.decode(errors='replace').strip().splitlines()[-1:]}")
    finally:
        target.stop()
        contestant.stop()


def _spy() -> str:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if (found := shutil.which("py-spy", path=path)) is None:
        raise BenchError("py-spy is missing: install it with `.venv/bin/pip install py-spy`")
    return found


_HEAD = """# Where the CPU time goes

Flame graphs of the relay at commit {commit}, 10 KB messages, all policies on, and the shares of the relay's folders. A
sample belongs to the innermost frame of the relay on its stack, so SQLite, OpenSSL and the standard library count for
whoever called them. The sources run as they are: compiled, py-spy would see no frames. So our own code has more of the
time here than in operation, and signatures are made one at a time. Made by `bench/profile`.
"""

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
