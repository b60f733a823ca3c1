"""A remote server that follows a script, for delivery tests.

    async with ScriptedRemote({"RCPT": ["450 4.7.1 greylisted", OK]}) as remote:
        ...                    # remote.port, remote.target ("127.0.0.1:PORT")
    remote.messages            # what was accepted, see Captured
    remote.commands            # every command line of every connection

The script gives for each step (CONNECT, EHLO, HELO, STARTTLS, AUTH, MAIL, RCPT,
DATA, DOT, RSET, QUIT) an action, or a list of which each use takes the next; past
its end, and for steps not named, the usual answer is given. An action is a
reply (lines parted by LF), raw ``bytes``, or OK, DROP (close), STALL (say nothing more).
A reply and a drop: ``("421 bye", DROP)``. BEHIND in a list: first wait until a command has come behind what is to
be answered, and for ``remote.go``, then take the list's next action.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import ipaddress
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USUAL_EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")


class Special(Enum):
    OK = "usual answer"
    DROP = "close the connection"
    STALL = "never answer"
    BEHIND = "wait for the next command"


OK, DROP, STALL, BEHIND = Special.OK, Special.DROP, Special.STALL, Special.BEHIND
Action = str | bytes | Special | tuple[str | bytes, Special]
Script = Mapping[str, Action | list[Action]]


@dataclass(frozen=True)
class Captured:
    """One accepted message; ``data`` as on the wire (dot-stuffed), without the final dot line."""

    mail: str
    rcpt: tuple[str, ...]
    data: bytes
    tls: bool
    connection: int


class _Closed(Exception):
    pass


class ScriptedRemote:
    def __init__(
        self,
        script: Script | None = None,
        *,
        extensions: Sequence[str] = USUAL_EXTENSIONS,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.script: dict[str, Action | list[Action]] = {
            step: list(action) if isinstance(action, list) else action for step, action in (script or {}).items()
        }
        self.extensions = tuple(extensions)
        self.tls = tls
        self.messages: list[Captured] = []
        self.reached: set[str] = set()
        """Steps that came to be answered."""
        self.go = asyncio.Event()
        self.go.set()
        self.commands: list[str] = []
        self.peers: list[str] = []
        """Address of each connection's client."""
        self._host = host
        self.port = port
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None

    @property
    def target(self) -> str:
        return f"{self._host}:{self.port}"

    @property
    def connections(self) -> int:
        return len(self.peers)

    async def __aenter__(self) -> ScriptedRemote:
        self._server = await asyncio.start_server(self._connected, self._host, self.port, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.peers.append(writer.get_extra_info("peername")[0])
        try:
            await _Dialog(self, reader, writer, len(self.peers)).run()
        except (_Closed, OSError, EOFError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            with contextlib.suppress(Exception):
                writer.close()


class _Dialog:
    def __init__(
        self, remote: ScriptedRemote, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.remote = remote
        self.reader = reader
        self.writer = writer
        self.number = number
        self.secure = False
        self.mail = ""
        self.rcpt: list[str] = []
        self.behind: bytes | None = None

    async def run(self) -> None:
        await self.answer("CONNECT", "220 remote.test ESMTP")
        while True:
            octets, self.behind = self.behind or await self.reader.readuntil(b"\r\n"), None
            line = octets.decode().rstrip("\r\n")
            self.remote.commands.append(line)
            await self.command(line.split(":")[0].split(" ")[0].upper(), line)

    async def command(self, verb: str, line: str) -> None:
        match verb:
            case "EHLO":
                offered = [*self.remote.extensions]
                if self.remote.tls is not None and not self.secure:
                    offered.append("STARTTLS")
                await self.answer("EHLO", "\n".join(["250 remote.test", *(f"250 {word}" for word in offered)]))
            case "STARTTLS":
                if await self.answer("STARTTLS", "220 go"):
                    assert self.remote.tls is not None
                    await self.writer.start_tls(self.remote.tls)
                    self.secure = True
            case "MAIL":
                self.mail, self.rcpt = "", []
                if await self.answer("MAIL", "250 2.1.0 ok"):
                    self.mail = line
            case "RCPT":
                usual = "250 2.1.5 ok" if self.mail else "503 5.5.1 MAIL first"
                if await self.answer("RCPT", usual):
                    self.rcpt.append(line)
            case "DATA":
                usual = "354 go" if self.rcpt else "554 5.5.1 no valid recipients"
                if await self.answer("DATA", usual):
                    await self.message()
            case "QUIT":
                await self.answer("QUIT", "221 2.0.0 bye")
                raise _Closed
            case "RSET" | "HELO" | "AUTH":
                usual = "235 2.7.0 ok" if verb == "AUTH" else "250 2.0.0 ok"
                await self.answer(verb, usual)
            case _:
                await self.answer(verb, "502 5.5.2 what?")

    async def message(self) -> None:
        lines = [b"\r\n"]
        while not (lines[-1] == b".\r\n" and lines[-2].endswith(b"\r\n")):
            lines.append(await self.reader.readuntil(b"\n"))
        data = b"".join(lines[1:-1])
        captured = Captured(self.mail, tuple(self.rcpt), data, self.secure, self.number)
        self.mail, self.rcpt = "", []
        if await self.answer("DOT", f"250 2.0.0 Ok: queued as {len(self.remote.messages)}"):
            self.remote.messages.append(captured)

    async def answer(self, step: str, usual: str) -> bool:
        """Act as scripted; True if the answer was positive."""
        self.remote.reached.add(step)
        action = self.remote.script.get(step, OK)
        if isinstance(action, list):
            action = action.pop(0) if action else OK
        if action is BEHIND:
            self.behind = await self.reader.readuntil(b"\r\n")
            self.remote.reached.add("BEHIND")
            await self.remote.go.wait()
            return await self.answer(step, usual)
        then: Special | None = None
        if isinstance(action, tuple):
            action, then = action
        if action is OK:
            action = usual
        if action is STALL:
            await asyncio.Event().wait()
        if action is DROP:
            raise _Closed
        assert isinstance(action, str | bytes)
        self.writer.write(action if isinstance(action, bytes) else _lines(action))
        await self.writer.drain()
        if then is DROP:
            raise _Closed
        if then is STALL:
            await asyncio.Event().wait()
        return action[:1] in (("3", b"3") if step == "DATA" else ("2", b"2"))


def _lines(text: str) -> bytes:
    """The lines of a reply; all but the last get a dash after the code."""
    lines = text.split("\n")
    code = lines[0][:3]
    rest = [line[4:] if line[:3] == code else line for line in lines]
    wire = [f"{code}-{part}" for part in rest[:-1]] + [f"{code} {rest[-1]}"]
    return "".join(f"{line}\r\n" for line in wire).encode()


def server_tls(directory: Path, *names: str, days: int = 30) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server context with a self-signed certificate for ``names``, and a client context that trusts it.

    ``days`` below zero makes an expired one.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=60))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = directory / "certificate.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = directory / "key.pem"
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain, secret)
    return server, ssl.create_default_context(cafile=str(chain))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
