"""Instructions that accepting a message takes: ``python -m bench.instructions [--messages 300] [--against FILE]``.

The relay runs under Valgrind's callgrind, which counts each instruction of user space: within one percent the same
twice, on a machine however busy, so that a change of some percent is seen at once. Only the commit's figure differs
by half, since what goes by the clock falls on fewer or more messages. It must be compiled (``scripts/compile``). One
process, one connection, service mail of 10 KB with a footer to come; a commit for each message, as no others
come beside it. What the kernel does isn't counted, nor how well caches are used. Needs ``valgrind`` and ``ss``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from bench.contestant import ROOT
from bench.harness.material import cache_directory, key
from bench.harness.net import free_port, wait_for_smtp
from bench.harness.works import DOMAIN, FORWARD_PATH, REVERSE_PATH, SELECTOR
from bench.micro_mail import MESSAGE

WARM: Final = 200
"""Messages before it counts: caches are full, code has run once."""
WAIT_S: Final = 180.0
PARTS: Final = {
    "a session's octets, all": "ClientConnection___data_received",
    "  commands": "BaseSession____command",
    "  bare CR, LF, NUL": "scan___find_bare",
    "  header fields and parts": "scan___scan",
    "  what policies see of it": "reading___facts",
    "  policies": "Chain___message",
    "  additions put in": "template___compile_template",
    "    of which into HTML": "html_place___plan",
    "the commit": "Committer____run",
}
"""What is shown, by the end of the function's name; those with blanks before them are within the one above."""
_LINE: Final = re.compile(r"\s*([\d,]+)\s+(?:\([ \d.]+%\)\s+)?(\S+)")


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--messages", type=int, default=300)
    options.add_argument("--save", type=Path, help="write the figures there, for --against")
    options.add_argument("--against", type=Path, help="figures of another commit, to set these beside")
    chosen = options.parse_args()
    if shutil.which("valgrind") is None:
        print("valgrind is not installed; as root on Debian: apt install valgrind", file=sys.stderr)
        return 4
    with tempfile.TemporaryDirectory(prefix="bench-instructions-", ignore_cleanup_errors=True) as state:
        figures = counted(Path(state), chosen.messages)
    if not figures:
        print("nothing was counted: is the relay compiled (scripts/compile)?", file=sys.stderr)
        return 1
    before: dict[str, float] = json.loads(chosen.against.read_text()) if chosen.against else {}
    print(f"{'thousand instructions a message':<34}{'now':>8}{'before' if before else '':>10}")
    for part, name in PARTS.items():
        if part in figures:
            old = f"{before[part]:>10.1f}" if part in before else ""
            print(f"{part:<34}{figures[part]:>8.1f}{old}  {name}")
    if chosen.save:
        chosen.save.write_text(json.dumps(figures, indent=1))
    return 0


def counted(state: Path, messages: int) -> dict[str, float]:
    """Thousand instructions a message, by part."""
    port = free_port()
    environment = {
        **os.environ,
        "BENCH_STATE": str(state),
        "BENCH_PORT": str(port),
        "BENCH_SINK_PORT": str(free_port()),
        "BENCH_DOMAIN": DOMAIN,
        "BENCH_SELECTOR": SELECTOR,
        "BENCH_KEY": str(key(cache_directory())),
        "PEERS_DIR": str(cache_directory()),
        "RELAY_WORKERS": "1",
        "BENCH_UNDER": "valgrind --tool=callgrind --trace-children=yes --instr-atstart=no"
        f" --callgrind-out-file={state}/out.%p",
    }
    script = str(ROOT / "bench" / "contestant")
    subprocess.run([script, "start", "hold"], env=environment, check=True)
    group = int((state / "pid").read_text())
    try:
        wait_for_smtp(port, WAIT_S, "the relay under Valgrind")
        session = smtplib.SMTP("127.0.0.1", port, timeout=WAIT_S)
        _send(session, WARM)
        process = _listening(port, group)
        _control(process, "-i", "on")
        _send(session, messages)
        _control(process, "-i", "off")
        _control(process, "-d")
        session.close()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)  # nothing of it is kept
    return _read(state, process, messages)


def _send(session: smtplib.SMTP, count: int) -> None:
    message = MESSAGE.replace(b"news@example.com", REVERSE_PATH.encode())
    for _ in range(count):
        session.sendmail(REVERSE_PATH, [FORWARD_PATH], message)


def _listening(port: int, group: int) -> int:
    """The mail process: of the group, the one that has the connection."""
    told = subprocess.run(["ss", "-tnpH", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    found = {int(one) for one in re.findall(r"pid=(\d+)", told)}
    inside = [one for one in found if os.getpgid(one) == group]
    if not inside:
        raise SystemExit("the mail process can't be told: ss shows none")
    return max(inside)


def _control(process: int, *words: str) -> None:
    subprocess.run(["callgrind_control", *words, str(process)], check=True, capture_output=True)


def _read(state: Path, process: int, messages: int) -> dict[str, float]:
    dumps = sorted(state.glob(f"out.{process}.*"))
    if not dumps:
        return {}
    told = subprocess.run(
        ["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(dumps[-1])],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found: dict[str, float] = {}
    for line in told.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        name = match[2].rpartition(":")[2].partition("'")[0]
        for part, ending in PARTS.items():
            if name.startswith("CPyDef_") and name.endswith(ending):
                thousands = int(match[1].replace(",", "")) / messages / 1000
                found[part] = max(found.get(part, 0.0), thousands)
    return found


if __name__ == "__main__":
    sys.exit(main())
