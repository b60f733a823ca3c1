"""Whether a challenge would be answered by the relay that runs here, before an authority is told to look.

A failed look counts against us there (some allow five an hour). What no look from here can see are the way from
outside and what DNS says: those the authority tells.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from typing import Final

from config.names import EVERY, split_listen
from config.settings import Settings

WAIT_S: Final = 20.0
"""The processes that answer may be starting."""
LOOK_S: Final = 0.2
ONE_S: Final = 5.0
_ANY: Final = {EVERY: "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def answers_here(settings: Settings, *, token: str = "", answer: str = "", name: str = "") -> str:
    """What is wrong; empty: the ``answer`` to ``token`` comes, or TLS for ``name`` comes about."""
    listen = settings.listen
    setting, where = ("listen.acme", listen.acme) if listen.acme else ("listen.http", listen.http)
    if name:
        setting, where = "listen.https", listen.https
    found = split_listen(where)
    host = _ANY.get(found.host, found.host)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            fault = _tls(host, found.port, name) if name else _http(host, found.port, token, answer)
        except (OSError, http.client.HTTPException) as error:
            fault = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if not fault or time.monotonic() > end:
            break
        time.sleep(LOOK_S)
    return f"{setting} {where} does not answer challenges: {fault}; is the relay running?" if fault else ""


def _http(host: str, port: int, token: str, answer: str) -> str:
    asked = http.client.HTTPConnection(host, port, timeout=ONE_S)
    try:
        asked.request("GET", f"/.well-known/acme-challenge/{token}")
        said = asked.getresponse()
        body = said.read(4096).decode("ascii", "replace")
    finally:
        asked.close()
    return "" if (said.status, body) == (200, answer) else f"status {said.status}, and not the answer"


def _tls(host: str, port: int, name: str) -> str:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["acme-tls/1"])
    with (
        socket.create_connection((host, port), timeout=ONE_S) as plain,
        context.wrap_socket(plain, server_hostname=name) as sock,
    ):
        return "" if sock.selected_alpn_protocol() == "acme-tls/1" else "no acme-tls/1"
