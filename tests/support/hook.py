"""A server that webhooks are sent to: it keeps what comes, and answers as told."""

from __future__ import annotations

import asyncio
import queue
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field


@dataclass
class Taken:
    """One request."""

    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass
class Hook:
    """``answer`` makes the octets of an answer; None: none comes, and the connection stays open."""

    port: int = 0
    scheme: str = "http"
    taken: list[Taken] = field(default_factory=list)
    answer: Callable[[Taken], bytes | None] = lambda taken: reply(200)
    connections: int = 0
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hook?a=1"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                line, *fields = head.decode("latin-1").strip().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                taken = Taken(line.split(" ")[1], headers, body, number)
                self.taken.append(taken)
                said = self.answer(taken)
                if said is None:
                    await self.waiting.wait()
                    return
                writer.write(said)
                await writer.drain()
                if b"connection: close" in said.lower():
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def reply(status: int, body: bytes = b"ok", *fields: str) -> bytes:
    """One answer, whole."""
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def hooked(context: ssl.SSLContext | None = None) -> AsyncIterator[Hook]:
    """A server on a loopback port."""
    hook = Hook(scheme="https" if context else "http")
    server = await asyncio.start_server(hook.serve, "127.0.0.1", 0, ssl=context)
    hook.port = server.sockets[0].getsockname()[1]
    try:
        yield hook
    finally:
        hook.waiting.set()
        server.close()
        await asyncio.sleep(0)


@contextmanager
def threaded() -> Iterator[Hook]:
    """The same in a thread of its own, for tests that don't run a loop; ``taken`` grows meanwhile."""
    made: queue.SimpleQueue[tuple[Hook, asyncio.AbstractEventLoop, asyncio.Event]] = queue.SimpleQueue()

    async def serve() -> None:
        stop = asyncio.Event()
        async with hooked() as hook:
            made.put((hook, asyncio.get_running_loop(), stop))
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    hook, loop, stop = made.get(timeout=10)
    try:
        yield hook
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
