"""A nameserver for the demonstration: a few records, by UDP on loopback, in a thread."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Sequence
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL_S: Final = 60
_LOOK_S: Final = 0.2


class DemoNameserver:
    """Answers for what was published; every other name doesn't exist. Answers are not cut to 512 octets."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._records: dict[tuple[str, str], list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self._socket.settimeout(_LOOK_S)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="demo-dns", daemon=True)
        self._thread.start()

    def publish(self, name: str, kind: str, value: str) -> None:
        """Add a record; ``value`` in zone-file syntax."""
        self._records.setdefault((name.lower().rstrip("."), kind), []).append(value)

    def close(self) -> None:
        self._ended.set()
        self._thread.join(5)
        self._socket.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(TimeoutError, OSError, dns.exception.DNSException):
                wire, peer = self._socket.recvfrom(4096)
                self._socket.sendto(self._answer(dns.message.from_wire(wire)).to_wire(max_size=65535), peer)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        asked = query.question[0]
        name, kind = asked.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(asked.rdtype)
        values = self._records.get((name, kind), [])
        if values:
            reply.answer.append(_rrset(asked.name, kind, values))
        elif not any(known == name for known, _ in self._records):
            reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply


def _rrset(name: dns.name.Name, kind: str, values: Sequence[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(name, TTL_S, dns.rdataclass.IN, dns.rdatatype.from_text(kind), values)


def quoted(value: str) -> str:
    """A TXT value as strings of at most 255 octets (RFC 1035 §3.3.14)."""
    escaped = [value[i : i + 255].replace("\\", "\\\\").replace('"', '\\"') for i in range(0, len(value), 255)]
    return " ".join(f'"{piece}"' for piece in escaped)
