"""docs/QUICKSTART.md as it stands: every command on the page is run, in its order."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.meta.tree import ROOT
from tests.support.ports import free_port

PORTS = ("10088", "10587", "10465", "10025", "15000")
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.M | re.S)
SAVED = re.compile(r"as `(\w+\.py)`")


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "QUICKSTART.md").read_text("utf-8")
    names = iter(SAVED.findall(page))
    ports = {port: str(free_port()) for port in PORTS}
    commands = ["set -e"]
    for kind, text in BLOCK.findall(page):
        for port, free in ports.items():
            text = text.replace(port, free)
        if kind == "python":
            (tmp_path / next(names)).write_text(text, "utf-8")
        else:
            commands.append(text)
    assert commands[1].startswith("relay init") and commands[-1].startswith("kill")
    swap = " ".join(f"-e s/{port}/{free}/" for port, free in ports.items())
    commands[1] = commands[1].replace("--dir .\n", f"--dir .\nsed -i {swap} relay.toml\n")
    here = Path(sys.executable).parent
    env = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "no_proxy": "*"}
    script = tmp_path / "page.sh"
    script.write_text("\n".join(commands) + "\nwait\n", "utf-8")
    with subprocess.Popen(
        ["bash", str(script)], cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as running:  # fmt: skip
        try:
            said, _ = running.communicate(timeout=180)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            said, _ = running.communicate()
            raise AssertionError(f"{said}\n{(tmp_path / 'relay.log').read_text()}") from None

    def read(name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((tmp_path / name).read_text("utf-8"))
        return found

    assert read("first.json")["accepted"] == ["delivered@sandbox.invalid"], said
    (event,) = read("events.json")["events"]
    assert (event["type"], event["meta"]) == ("delivered", {"order": "17"})
    assert read("refused.json")["type"].endswith("/no-consent")
    assert read("taken.json")["accepted"] == ["mary@example.com"]
    assert "include" in (tmp_path / "dns.txt").read_text() or "TXT" in (tmp_path / "dns.txt").read_text()
    told = (tmp_path / "python.txt").read_text()
    assert "taken: " in told and "refused: no-consent bob@example.com" in told
    heard = (tmp_path / "heard.txt").read_text()
    assert "webhook.test" in heard and "bounced bounced@sandbox.invalid" in heard


def test_a_port_that_is_taken_ends_the_waiting(tmp_path: Path) -> None:
    text = BLOCK.findall((ROOT / "docs" / "QUICKSTART.md").read_text("utf-8"))[0][1].partition("relay tenant")[0]
    taken = socket.create_server(("127.0.0.1", 0))
    ports = {port: str(free_port()) for port in PORTS} | {PORTS[0]: str(taken.getsockname()[1])}
    swap = " ".join(f"-e s/{port}/{free}/" for port, free in ports.items())
    script = text.replace("--dir .\n", f"--dir .\nsed -i {swap} relay.toml\n")
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    with taken:
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120
        )
    assert f"127.0.0.1:{ports[PORTS[0]]}" in done.stdout and "in use" in done.stdout, done
