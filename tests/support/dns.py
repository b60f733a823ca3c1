"""A tiny DNS server for tests, on dnspython: UDP and TCP on one port of 127.0.0.1, in a thread.

    with TinyDNS([("example.com", "MX", "10 mx.example.com."), ("mx.example.com", "A", "127.0.0.1")]) as dns:
        dns.address            # "127.0.0.1:43211", as [dns] nameservers wants it
        dns.add("new.example", "TXT", '"v=spf1 -all"')
        dns.faults["example.com"] = "servfail"

It answers like a resolver: follows aliases, says NXDOMAIN for unknown names and
NODATA (with an SOA) for known ones without the type. ``faults`` names: servfail,
refused, timeout (no answer), truncate (UDP only: TC, TCP works), truncate-all
(TCP is closed too), garbage; or is a function that makes the answer from the
query, how it came and the right answer: a message, octets, or None for silence.
``("name", "MX")`` as a key is for that type only, ``"*"`` for all names.
``queries`` lists what was asked: ``("UDP", name, type)``.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

TTL_S = 300


Odd = Callable[[dns.message.QueryMessage, str, dns.message.Message], "dns.message.Message | bytes | None"]


class TinyDNS:
    """Starts with ``with``; ``records``: (name, type, value in zone file syntax)."""

    def __init__(self, records: Sequence[tuple[str, str, str]] = ()) -> None:
        self.faults: dict[str | tuple[str, str], str | Odd] = {}
        self.queries: list[tuple[str, str, str]] = []
        self._records: dict[tuple[str, str], list[str]] = {}
        for name, kind, value in records:
            self.add(name, kind, value)
        self._tcp, self._udp = _pair()
        self._stop, self._stopped = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="tiny-dns", daemon=True)

    @property
    def port(self) -> int:
        return int(self._udp.getsockname()[1])

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, name: str, kind: str, value: str) -> None:
        self._records.setdefault((_plain(name), kind.upper()), []).append(value)

    def remove(self, name: str, kind: str) -> None:
        self._records.pop((_plain(name), kind.upper()), None)

    def __enter__(self) -> TinyDNS:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.send(b"x")
        self._thread.join(10)
        for sock in (self._udp, self._tcp, self._stop, self._stopped):
            sock.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for sock in (self._udp, self._tcp, self._stopped):
                selector.register(sock, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._stopped:
                        return
                    with contextlib.suppress(OSError):
                        self._datagram() if key.fileobj is self._udp else self._stream()

    def _datagram(self) -> None:
        wire, peer = self._udp.recvfrom(65535)
        answer = self._answer(wire, "UDP")
        if answer is not None:
            self._udp.sendto(answer, peer)

    def _stream(self) -> None:
        sock, _ = self._tcp.accept()
        with sock:
            sock.settimeout(2)
            length = int.from_bytes(_exactly(sock, 2), "big")
            answer = self._answer(_exactly(sock, length), "TCP")
            if answer is not None:
                sock.sendall(len(answer).to_bytes(2, "big") + answer)

    def _answer(self, wire: bytes, way: str) -> bytes | None:
        query = dns.message.from_wire(wire)
        assert isinstance(query, dns.message.QueryMessage)
        question = query.question[0]
        name, kind = _plain(question.name.to_text()), dns.rdatatype.to_text(question.rdtype)
        self.queries.append((way, name, kind))
        response = dns.message.make_response(query, recursion_available=True)
        fault = self.faults.get((name, kind)) or self.faults.get(name) or self.faults.get("*")
        if callable(fault):
            self._fill(response, name, kind)
            made = fault(query, way, response)
            return made.to_wire(max_size=65535) if isinstance(made, dns.message.Message) else made
        match fault:
            case "timeout":
                return None
            case "garbage":
                return wire[:2] + b"\xff" * 20
            case "servfail":
                response.set_rcode(dns.rcode.SERVFAIL)
            case "refused":
                response.set_rcode(dns.rcode.REFUSED)
            case "truncate" | "truncate-all" if way == "UDP" or fault == "truncate-all":
                if way == "TCP":
                    return None
                response.flags |= dns.flags.TC
            case _:
                self._fill(response, name, kind)
        return response.to_wire(max_size=65535)

    def _fill(self, response: dns.message.Message, name: str, kind: str) -> None:
        for _ in range(20):
            alias = self._records.get((name, "CNAME"))
            if alias is None or kind == "CNAME":
                break
            response.answer.append(_rrset(name, "CNAME", alias))
            name = _plain(alias[0])
        values = self._records.get((name, kind))
        if values:
            response.answer.append(_rrset(name, kind, values))
            return
        parent = f".{name}"
        if not any(known == name or known.endswith(parent) for known, _ in self._records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        response.authority.append(_rrset("test", "SOA", [f"ns.test. admin.test. 1 2 3 4 {TTL_S}"]))


def _pair() -> tuple[socket.socket, socket.socket]:
    """A TCP listener and a UDP socket on the same port."""
    for _ in range(50):
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        return tcp, udp
    raise OSError("no port is free for both TCP and UDP")


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            raise OSError("closed")
        data += more
    return data


def _plain(name: str) -> str:
    return name.rstrip(".").lower()


def _rrset(name: str, kind: str, values: Sequence[str]) -> dns.rrset.RRset:
    return dns.rrset.from_text_list(dns.name.from_text(name), TTL_S, dns.rdataclass.IN, kind, values)
