"""The process itself: ready, stop, orphaned, heart-beat."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import os
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from relay.intake.smtp import listeners
from relay.keys.secrets import SecretsError
from relay.web.server.liveness import STALE_AFTER_S, Heartbeat
from relay.web.server.process import PagePorts, bind, run
from tests.support.web import Shop, serving

WAIT_S = 20


def test_sigterm_ends_it_with_status_0_and_frees_the_port(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    with serving(shop) as served:
        assert served.client.get("/readyz").status_code == 200
        os.kill(served.pid, signal.SIGTERM)
        served.process.join(WAIT_S)
        assert served.process.exitcode == 0
        bind(f"127.0.0.1:{served.port}").close()


def test_a_running_request_is_answered_before_it_stops(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    person = shop.consent("mary@example.com", "news")
    path = "/u/" + shop.link(person, shop.topic_id("news"))
    body = b"List-Unsubscribe=One-Click"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    with serving(shop) as served, socket.create_connection(("127.0.0.1", served.port), timeout=WAIT_S) as sock:
        sock.sendall(head.encode())
        assert b" 100 " in sock.recv(4096)
        os.kill(served.pid, signal.SIGTERM)
        sock.sendall(body)
        assert b" 200 " in sock.recv(65_536).splitlines()[0]
        served.process.join(WAIT_S)
        assert served.process.exitcode == 0
    assert shop.live(person) == set()


def _middle(settings: object, sock: socket.socket, pipe: object) -> None:
    """A mail process that starts the HTTP process and dies at once, without cleaning up."""
    context = multiprocessing.get_context("fork")
    context.Process(target=run, args=(settings, lambda: pipe.send(os.getpid()), PagePorts(sock))).start()  # type: ignore[attr-defined]
    assert pipe.poll(WAIT_S)  # type: ignore[attr-defined]
    os.kill(os.getpid(), signal.SIGKILL)


def test_it_does_not_outlive_the_mail_process(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sock = bind("127.0.0.1:0")
    process = context.Process(target=_middle, args=(shop.settings, sock, there))
    process.start()
    sock.close()
    assert here.poll(WAIT_S)
    pid = here.recv()
    here.send("go")
    process.join(WAIT_S)
    assert process.exitcode == -signal.SIGKILL
    handle = os.pidfd_open(pid)
    try:
        assert select.select([handle], [], [], WAIT_S)[0], "the HTTP process is still there"
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        os.close(handle)


def test_without_secrets_it_does_not_start(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    shop.settings.secrets_file.unlink()
    with pytest.raises(SecretsError, match="is missing; restore it from a backup"):
        run(shop.settings, lambda: None)


def _spared(settings: object, sock: socket.socket, pipe: object) -> None:
    run(settings, lambda: pipe.send((gc.get_freeze_count(), gc.get_threshold()[1:])), PagePorts(sock))  # type: ignore[attr-defined, arg-type]


def test_answers_do_not_wait_for_a_search_among_what_stays_for_good(tmp_path: Path) -> None:
    shop = Shop.create(tmp_path)
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    sock = bind("127.0.0.1:0")
    process = context.Process(target=_spared, args=(shop.settings, sock, there))
    process.start()
    sock.close()
    assert here.poll(WAIT_S)
    frozen, rarely = here.recv()
    process.terminate()
    process.join(WAIT_S)
    assert frozen > 50_000, "modules, routes and templates are searched for cycles again and again"
    assert rarely >= (10, 50)


def test_a_heart_that_stops_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    heart = Heartbeat()
    assert heart.alive()
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + STALE_AFTER_S + 1)
    assert not heart.alive()
    heart.slot(0).beat()
    assert heart.alive()


@pytest.mark.parametrize("listen", [bind, lambda address: listeners.bind(address, "listen.http")])
def test_an_answer_does_not_wait_for_an_acknowledgement(listen: Callable[[str], socket.socket]) -> None:
    """asyncio sets TCP_NODELAY only where a socket names its protocol."""

    async def accepted(sock: socket.socket) -> int:
        seen: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            seen.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(note, sock=sock):
            _, writer = await asyncio.open_connection(*sock.getsockname())
            try:
                return await asyncio.wait_for(seen, 20)
            finally:
                writer.close()

    assert asyncio.run(accepted(listen("127.0.0.1:0")))
