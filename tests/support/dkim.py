"""opendkim-testmsg without the world's DNS.

It asks the system's resolver, so it runs in a network and mount namespace of
its own, where a small DNS server on 127.0.0.1:53 knows the given keys (root only).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.support.peers import missing, need

_NAMESPACE = """
import fcntl, json, pathlib, socket, struct, subprocess, sys, threading
import dns.flags, dns.message, dns.rrset
folder = pathlib.Path(sys.argv[1])
records = json.loads((folder / "records.json").read_text())
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x1 | 0x40))
(folder / "resolv.conf").write_text("nameserver 127.0.0.1\\noptions timeout:1 attempts:2\\n")
subprocess.run(["mount", "--bind", str(folder / "resolv.conf"), "/etc/resolv.conf"], check=True)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
def serve():
    while True:
        data, peer = server.recvfrom(4096)
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA | dns.flags.AA
        text = records.get(str(query.question[0].name).rstrip(".").lower())
        if text is None:
            reply.set_rcode(3)
        elif query.question[0].rdtype == 16:
            strings = " ".join('"' + text[i:i + 200] + '"' for i in range(0, len(text), 200))
            reply.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "TXT", strings))
        server.sendto(reply.to_wire(max_size=4096), peer)
threading.Thread(target=serve, daemon=True).start()
results = {}
for path in sorted(folder.glob("*.eml")):
    run = subprocess.run([sys.argv[2]], stdin=path.open("rb"), capture_output=True, text=True, timeout=30)
    results[path.stem] = [run.returncode, run.stdout[:300] + run.stderr[:300]]
print(json.dumps(results))
"""


def opendkim_testmsg(
    directory: Path, records: Mapping[str, str], messages: Mapping[str, bytes]
) -> dict[str, tuple[bool, str]]:
    """For each message by name: whether all its signatures verify, and what the program said."""
    program, unshare = need("opendkim-testmsg"), need("unshare")
    if os.geteuid() != 0:
        missing("root, which a namespace of one's own needs,")
    for name, message in messages.items():
        (directory / f"{name}.eml").write_bytes(message.replace(b"\r\n", b"\n"))
    (directory / "records.json").write_text(json.dumps(records))
    script = directory / "namespace.py"
    script.write_text(_NAMESPACE)
    run = subprocess.run(
        [unshare, "--mount", "--net", sys.executable, str(script), str(directory), program],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "Operation not permitted" in run.stderr:
        missing("the right to make namespaces")
    assert run.returncode == 0, run.stderr
    results: dict[str, list[object]] = json.loads(run.stdout)
    return {name: (result[0] == 0 and not result[1], str(result[1])) for name, result in results.items()}
