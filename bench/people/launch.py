"""Run a command from a small process, whose memory the command's doesn't begin with: ``launch.py RESULT WORD…``.

The kernel counts what a parent had in memory to its children, up to their ``exec``. RESULT gets seconds, MiB and the
exit status; output and errors stay the command's own.
"""

import json
import pathlib
import resource
import subprocess
import sys
import time

begin = time.monotonic()
status = subprocess.run(sys.argv[2:]).returncode
seconds = time.monotonic() - begin
with pathlib.Path(sys.argv[1]).open("w") as file:
    json.dump([seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, status], file)
