"""A bare SMTP client that shows every reply, and a sink that keeps whole messages."""

from __future__ import annotations

import base64
import socket
import socketserver
import ssl
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Reply:
    lines: tuple[str, ...]

    @property
    def code(self) -> int:
        return int(self.lines[-1][:3])

    @property
    def text(self) -> str:
        return "\n".join(line[4:] for line in self.lines)

    def __str__(self) -> str:
        return "\n".join(self.lines)


class Dialog:
    """One session. Every method that sends returns the reply."""

    def __init__(self, port: int, *, tls: bool = False, host: str = "127.0.0.1", source: str = "127.0.0.1") -> None:
        self.sock: socket.socket = socket.create_connection((host, port), 20, (source, 0))
        if tls:
            self._wrap()
        self._buffer = b""
        self.greeting = self.read()

    def _wrap(self) -> None:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock, server_hostname="relay.test")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self) -> Reply:
        """The next reply; EOFError if the server closed."""
        lines: list[str] = []
        while True:
            line = self._line()
            lines.append(line)
            if line[3:4] != "-":
                return Reply(tuple(lines))

    def _line(self) -> str:
        while b"\r\n" not in self._buffer:
            got = self.sock.recv(65536)
            if not got:
                raise EOFError(self._buffer)
            self._buffer += got
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line.decode("utf-8", "replace")

    def say(self, command: str | bytes) -> Reply:
        self.send((command.encode() if isinstance(command, str) else command) + b"\r\n")
        return self.read()

    def ehlo(self) -> Reply:
        return self.say("EHLO client.test")

    def starttls(self) -> None:
        assert self.say("STARTTLS").code == 220
        self._wrap()
        self._buffer = b""

    def login(self, user: str, password: str) -> Reply:
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.say(f"AUTH PLAIN {token}")

    def data(self, message: bytes | str) -> Reply:
        """DATA with a message whose lines end with CRLF; dots are stuffed here."""
        raw = message.encode() if isinstance(message, str) else message
        first = self.say("DATA")
        if first.code != 354:
            return first
        stuffed = raw.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.read()

    def close(self) -> None:
        self.sock.close()

    def __enter__(self) -> Dialog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def mail(
    *,
    sender: str = "Acme <news@acme.example>",
    to: str = "a@rcpt.example",
    subject: str = "Hello",
    body: str = "Hi there.\r\n",
    extra: str = "",
) -> str:
    return (
        f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{abs(hash((subject, to, body, extra)))}@acme.example>\r\n{extra}\r\n{body}"
    )


@dataclass
class Received:
    """One message as it arrived."""

    reverse_path: str
    recipients: list[str]
    data: bytes
    commands: list[str] = field(default_factory=list)

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0] + b"\r\n"

    def fields(self, name: str) -> list[str]:
        unfolded = self.head.decode("utf-8", "replace").replace("\r\n ", " ").replace("\r\n\t", " ")
        found = [line.partition(":") for line in unfolded.split("\r\n") if line]
        return [value.strip() for key, _, value in found if key.strip().lower() == name.lower()]

    def field(self, name: str) -> str:
        values = self.fields(name)
        assert len(values) == 1, f"{name}: {values}"
        return values[0]


class Sink:
    """A receiving server that keeps all messages; ``replies`` overrides the answer by recipient."""

    def __init__(self, extensions: tuple[str, ...] = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 99999999")) -> None:
        self.extensions = extensions
        self.messages: list[Received] = []
        self.replies: dict[str, str] = {}
        self.asked: list[str] = []
        """All forward-paths that came in RCPT."""
        self.answering = threading.Event()
        """While clear, messages are stored but their 250 doesn't come."""
        self.answering.set()
        self._changed = threading.Condition()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True  # else each reply to a pipelined command waits for the client's delayed ACK

            def handle(self) -> None:
                sink._session(self.rfile, self.wfile)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 512

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def _session(self, rfile: object, wfile: object) -> None:
        read, write = rfile.readline, wfile.write  # type: ignore[attr-defined]
        try:
            write(b"220 sink.test ESMTP\r\n")
            current = Received("", [], b"")
            while line := read():
                text = line.decode("utf-8", "replace").rstrip("\r\n")
                verb = text[:4].upper()
                current.commands.append(text)
                if verb == "EHLO":
                    lines = ["sink.test", *self.extensions]
                    marks = ["-"] * len(self.extensions) + [" "]
                    write("".join(f"250{m}{line}\r\n" for m, line in zip(marks, lines, strict=True)).encode())
                elif verb == "MAIL":
                    current = Received(text.partition("<")[2].partition(">")[0], [], b"", [text])
                    write(b"250 2.1.0 ok\r\n")
                elif verb == "RCPT":
                    address = text.partition("<")[2].partition(">")[0]
                    self.asked.append(address)
                    answer = self.replies.get(address, "250 2.1.5 ok")
                    if answer.startswith("2"):
                        current.recipients.append(address)
                    write(answer.encode() + b"\r\n")
                elif verb == "DATA":
                    if not current.recipients:
                        write(b"554 5.5.1 no recipients\r\n")
                        continue
                    write(b"354 go on\r\n")
                    chunks = []
                    while (part := read()) != b".\r\n":
                        if not part:
                            return  # the client went, and nothing was sent
                        chunks.append(part[1:] if part.startswith(b".") else part)
                    current.data = b"".join(chunks)
                    with self._changed:
                        self.messages.append(current)
                        self._changed.notify_all()
                    self.answering.wait(30)
                    write(b"250 2.0.0 stored\r\n")
                elif verb == "QUIT":
                    write(b"221 2.0.0 bye\r\n")
                    return
                else:
                    write(b"250 2.0.0 ok\r\n")
        except OSError:
            pass

    def wait(self, count: int, timeout: float = 20) -> list[Received]:
        """The messages once there are ``count``; AssertionError if they don't come."""
        with self._changed:
            there = self._changed.wait_for(lambda: len(self.messages) >= count, timeout)
            assert there, f"{len(self.messages)} of {count} messages arrived"
            return list(self.messages)

    def to(self, address: str, timeout: float = 60) -> Received:
        """The first message for an address."""
        with self._changed:
            self._changed.wait_for(lambda: any(address in m.recipients for m in self.messages), timeout)
            found = [m for m in self.messages if address in m.recipients]
        assert found, f"nothing arrived for {address}"
        return found[0]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
