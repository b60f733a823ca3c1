"""A small OpenID provider on loopback: discovery, keys, codes and tokens over HTTP; checks PKCE and the secret.

What it says in tokens is ``claims``; tests change it, or whatever else they want wrong.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.ports import free_port

CLIENT, SECRET = "relay", "s3cret/of+the:client"


@dataclass
class OidcProvider:
    """``claims`` are laid over what is right; ``asked`` counts requests by path."""

    issuer: str
    claims: dict[str, Any] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=dict)
    head: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    algorithm: str = "RS256"
    kid: str = "one"
    asked: list[str] = field(default_factory=list)
    broken: int = 0
    key: Any = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    shown: Any = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def page(
        self, path: str, query: dict[str, str], form: dict[str, str], head: str
    ) -> tuple[int, dict[str, Any], str]:
        """Status, document, and where it leads."""
        self.asked.append(path)
        if self.broken:
            return self.broken, {"error": "server_error"}, ""
        if path == "/.well-known/openid-configuration":
            parts = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            told = {name: f"{self.issuer}/{part}" for name, part in parts.items()}
            return 200, {"issuer": self.issuer, **told, **self.described}, ""
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk((self.shown or self.key).public_key()))
            return 200, {"keys": [{**public, "kid": self.kid, "use": "sig"}]}, ""
        if path == "/authorize":
            code = secrets.token_urlsafe(16)
            self.codes[code] = query
            told = {"code": code, "state": query["state"], **self.answer}
            return 302, {}, f"{query['redirect_uri']}?{urlencode({k: v for k, v in told.items() if v})}"
        return self._token(form, head)

    def _token(self, form: dict[str, str], head: str) -> tuple[int, dict[str, Any], str]:
        """A code works once, for who shows the secret and what its challenge was made of."""
        asked = self.codes.pop(form.get("code", ""), None)
        id_, _, secret = base64.b64decode(head.removeprefix("Basic ")).decode().partition(":")
        given = (unquote(id_), unquote(secret)) if head else (form.get("client_id"), form.get("client_secret"))
        made = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        right = asked and base64.urlsafe_b64encode(made).decode().rstrip("=") == asked["code_challenge"]
        if asked is None or not right or given != (CLIENT, SECRET) or form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}, ""
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": self.token(asked["nonce"])}, ""

    def token(self, nonce: str) -> str:
        now = int(time.time())
        told = {"iss": self.issuer, "aud": CLIENT, "sub": "s-1", "iat": now, "exp": now + 300, "nonce": nonce,
                "email": "ann@staff.example", "email_verified": True, "groups": ["review", "else"],
                **self.claims}  # fmt: skip
        key: Any = b"k" * 64 if self.algorithm.startswith("HS") else None if self.algorithm == "none" else self.key
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, key, self.algorithm, {"kid": self.kid, **self.head})


@contextmanager
def providing() -> Iterator[OidcProvider]:
    port = free_port()
    provider = OidcProvider(f"http://127.0.0.1:{port}")

    class Handler(BaseHTTPRequestHandler):
        def _answer(self, form: dict[str, str]) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status, document, there = provider.page(parts.path, query, form, self.headers.get("Authorization", ""))
            body = json.dumps(document).encode()
            self.send_response(status)
            if there:
                self.send_header("Location", there)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            read = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(read).items()})

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
