"""What a message costs at the database server: ``python -m bench.statements [--messages 300] [--clients 8]``.

A relay with its store on PostgreSQL, and between the two somebody who counts what the server answers: each statement
that was completed, and each round trip, which may carry several. Bulk mail for people who agreed, by clients that
pipeline their commands (RFC 2920) or wait for each reply; accepted only, and accepted and delivered. What the relay
does by itself meanwhile is in the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from relay.store.database import connect
from tests.support.peers import until
from tests.support.postgres import Server
from tests.support.relay import Relay
from tests.support.smtp import Dialog, Sink

PEOPLE: Final = 50
_OFTEN: Final = "SELECT calls, query FROM pg_stat_statements ORDER BY calls DESC LIMIT %s"
_COMPLETED: Final = b"C"
_READY: Final = b"Z"


@dataclass(slots=True)
class Answers:
    """Of a server, since the beginning."""

    statements: int = 0
    round_trips: int = 0


class Between:
    """Sits on a socket in ``directory`` and hands all on to the server, counting its answers (protocol 3)."""

    def __init__(self, directory: Path, server: Path) -> None:
        self.answers = Answers()
        self._server = str(server / ".s.PGSQL.5432")
        self._place = str(directory / ".s.PGSQL.5432")
        self._up = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True).start()
        self._up.wait(10)

    async def _serve(self) -> None:
        serving = await asyncio.start_unix_server(self._connected, self._place)
        self._up.set()
        await serving.serve_forever()

    async def _connected(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, asks = await asyncio.open_unix_connection(self._server)
        await asyncio.gather(self._asked(client, asks), self._answered(server, answers), return_exceptions=True)

    async def _asked(self, client: asyncio.StreamReader, asks: asyncio.StreamWriter) -> None:
        while piece := await client.read(1 << 16):
            asks.write(piece)
        asks.close()

    async def _answered(self, server: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        """A message is a letter, its length with itself, and what it says."""
        rest = bytearray()
        while piece := await server.read(1 << 16):
            answers.write(piece)
            rest += piece
            at = 0
            while len(rest) - at >= 5:
                (length,) = struct.unpack_from("!I", rest, at + 1)
                if len(rest) - at < length + 1:
                    break
                kind = rest[at : at + 1]
                self.answers.statements += kind == _COMPLETED
                self.answers.round_trips += kind == _READY
                at += length + 1
            del rest[:at]
        answers.close()


def person(number: int) -> str:
    return f"p{number % PEOPLE}@rcpt.example"


def message() -> bytes:
    return (
        b"From: News <news@acme.example>\r\nTo: You <you@rcpt.example>\r\nSubject: News of this week\r\n\r\n"
        b"What is new.\r\n.\r\n"
    )


class Client:
    """One session that sends messages to so many people each, and wants a 250 for all it says."""

    def __init__(self, relay: Relay, login: tuple[str, str], recipients: int, pipelined: bool) -> None:
        self._dialog = Dialog(relay.submission)
        self._dialog.ehlo()
        token = base64.b64encode(f"\0{login[0]}\0{login[1]}".encode()).decode()
        assert self._dialog.say(f"AUTH PLAIN {token}").code == 235
        self._recipients, self._pipelined = recipients, pipelined

    def send(self, number: int) -> None:
        people = [person(number + one) for one in range(self._recipients)]
        lines = ["MAIL FROM:<news@acme.example>", *(f"RCPT TO:<{one}>" for one in people)]
        if self._pipelined:
            self._dialog.send("".join(f"{line}\r\n" for line in [*lines, "DATA"]).encode())
            codes = [self._dialog.read().code for _ in range(len(lines) + 1)]
        else:
            codes = [self._dialog.say(line).code for line in [*lines, "DATA"]]
        assert codes == [250] * len(lines) + [354], codes
        self._dialog.send(message())
        assert self._dialog.read().code == 250


def measured(relay: Relay, counts: Between, send: Callable[[], None], messages: int) -> str:
    before, begin = Answers(counts.answers.statements, counts.answers.round_trips), time.monotonic()
    send()
    took = time.monotonic() - begin
    statements = (counts.answers.statements - before.statements) / messages
    trips = (counts.answers.round_trips - before.round_trips) / messages
    return f"{statements:6.1f} statements, {trips:6.1f} round trips a message ({messages / took:.0f} messages/s)"


def case(relay: Relay, counts: Between, login: tuple[str, str], messages: int, recipients: int, clients: int,
         pipelined: bool, after: Callable[[int], None]) -> str:  # fmt: skip
    with ThreadPoolExecutor(clients) as pool:
        many = [Client(relay, login, recipients, pipelined) for _ in range(clients)]

        def share(number: int) -> None:
            for one in range(number, messages, clients):
                many[number].send(one)

        def send() -> None:
            list(pool.map(share, range(clients)))
            after(messages * recipients)

        share(0)  # what is looked up once
        after(0)
        return measured(relay, counts, send, messages)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="bench.statements", description=__doc__.partition("\n")[0])
    parser.add_argument("--messages", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--show", type=int, default=0, metavar="N", help="the N statements made most often")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="relay-statements-") as place:
        directory, sink = Path(place), Sink()
        server = Server(("shared_preload_libraries = 'pg_stat_statements'",) if given.show else ())
        made = server.empty()
        shown = psycopg.connect(made, autocommit=True)
        if given.show:
            shown.execute("CREATE EXTENSION pg_stat_statements")
        counts = Between(directory, server.directory)
        (directory / "relay").mkdir()
        relay = Relay(directory / "relay", url=made.replace(str(server.directory), place))
        relay.tenant()
        agreed = directory / "agreed.txt"
        agreed.write_text("".join(f"{person(number)}\n" for number in range(PEOPLE)))
        relay.cli(
            "consent", "import", "acme", str(agreed), "--topic", "news", "--source", "form on acme.example",
            "--wording", "Yes, send me the news", "--attest",
        )  # fmt: skip
        login = relay.credential()
        for delivers in (False, True):
            relay.configure({
                "delivery": {"smart_host": f"127.0.0.1:{sink.port}", "enabled": delivers},
                "policy.staged_sending": {"new_below": 0},
                "server": {"workers": 1},
            })  # fmt: skip
            relay.start()

            def after(copies: int, delivers: bool = delivers) -> None:
                waiting = "SELECT count(*) FROM recipient WHERE state IN (0, 1)"
                with closing(connect(made)) as conn:  # past the counting
                    until(lambda: not delivers or conn.execute(waiting).fetchone() == (0,), "all is delivered")

            for recipients in (1, 20):
                for pipelined in (False, True):
                    if given.show:
                        shown.execute("SELECT pg_stat_statements_reset()")
                    told = case(relay, counts, login, given.messages, recipients, given.clients, pipelined, after)
                    how = "pipelined" if pipelined else "one by one"
                    what = "accepted, delivered" if delivers else "accepted"
                    print(f"{what:20} {recipients:3} recipients, {how:10}: {told}", flush=True)
                    if given.show:
                        for calls, text in shown.execute(_OFTEN, (given.show,)):
                            print(f"{calls / given.messages:12.2f}  {' '.join(text.split())[:150]}")
            relay.stop()
        shown.close()
        sink.close()
        server.remove()


if __name__ == "__main__":
    main()
