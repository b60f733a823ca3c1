"""Mail processes are forked from one parent with all modules loaded: nothing random may be made before that."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

from tests.meta.tree import ROOT

FORKS = """
import os
import relay.mail_process.app
from relay.intake.prepare import Preparation
for _ in range(3):
    if not os.fork():
        print(Preparation(None).next_bits(22), flush=True)
        os._exit(0)
    os.wait()
"""


def test_ids_of_forked_processes_begin_apart() -> None:
    command = [sys.executable, "-c", FORKS]
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}  # these sources
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    begins = sorted(int(line) for line in done.stdout.split())
    assert len(begins) == 3, done.stderr
    assert all(second - first > 1 for first, second in itertools.pairwise(begins)), begins
