"""The provider as it describes itself (OpenID Connect Discovery 1.0), its keys, and codes for tokens (RFC 6749 §4.1).

What was read is kept for an hour; a key that isn't known has the keys read anew,
once a minute at most, so that a rotation is seen and nobody makes us ask often.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from config.names import is_loopback_url
from config.staff import Oidc
from relay.oidc.fetch import OidcUnreachable, fetch

T = TypeVar("T")
KEPT_S: Final = 3600.0
AGAIN_S: Final = 60.0
"""Between two readings of the keys for a key that isn't known."""
DOWN_S: Final = 10.0
"""So long a provider that couldn't be reached isn't asked again."""
MOST_KEYS: Final = 100
MOST_SECRET: Final = 10_000


@dataclass(frozen=True, slots=True)
class ProviderParts:
    """Where it does what; the issuer is as it writes itself."""

    issuer: str
    authorization: str
    token: str
    jwks: str
    by_post: bool
    """The secret goes into the form, since it doesn't take it in the head."""
    names_itself: bool
    """It tells its issuer beside each code (RFC 9207)."""


@dataclass
class IdentityProvider:
    """Of the settings; one for a process, asked from threads. ``clock`` is monotonic seconds."""

    settings: Oidc
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _parts: tuple[float, ProviderParts] | None = None
    _keys: tuple[float, list[dict[str, Any]]] | None = None
    _down: tuple[float, str] | None = None

    @property
    def title(self) -> str:
        return self.settings.title or urlsplit(self.settings.issuer).hostname or ""

    def parts(self) -> ProviderParts:
        """Raises OidcUnreachable."""
        with self._lock:
            now = self.clock()
            if self._parts is None or now - self._parts[0] > KEPT_S:
                self._parts = (now, self._ask(now, lambda: described(self.settings.issuer)))
            return self._parts[1]

    def keys(self, kid: str | None) -> list[dict[str, Any]]:
        """Those of that name, or all for a token that names none. Raises OidcUnreachable."""
        jwks = self.parts().jwks
        with self._lock:
            now = self.clock()
            known = self._keys
            if known is None or now - known[0] > KEPT_S or (not _named(known[1], kid) and now - known[0] > AGAIN_S):
                known = self._keys = (now, self._ask(now, lambda: _read_keys(jwks)))
            return _named(known[1], kid)

    def leave_to(self, *, back: str, state: str, nonce: str, challenge: str) -> str:
        """The address where somebody signs in there; ``challenge`` is of PKCE (RFC 7636, S256)."""
        parts = self.parts()
        asked = urlencode(
            {
                "response_type": "code",
                "client_id": self.settings.client_id,
                "redirect_uri": back,
                "scope": " ".join(dict.fromkeys(("openid", *self.settings.scopes))),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{parts.authorization}{'&' if '?' in parts.authorization else '?'}{asked}"

    def exchange(self, code: str, *, back: str, verifier: str) -> str:
        """The ID token for a code. Raises OidcUnreachable."""
        parts, secret = self.parts(), read_secret(self.settings)
        given = {"grant_type": "authorization_code", "code": code, "redirect_uri": back, "code_verifier": verifier}
        headers: Mapping[str, str] = {}
        if parts.by_post:
            given |= {"client_id": self.settings.client_id, "client_secret": secret}
        else:  # RFC 6749 §2.3.1: each encoded before they are put together
            both = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers = {"Authorization": f"Basic {base64.b64encode(both.encode()).decode()}"}
        token = fetch(parts.token, form=urlencode(given).encode(), headers=headers).get("id_token")
        if not isinstance(token, str):
            raise OidcUnreachable(f"{urlsplit(parts.token).netloc} gave no ID token; is `openid` among the scopes?")
        return token

    def _ask(self, now: float, read: Callable[[], T]) -> T:
        if self._down is not None and now - self._down[0] < DOWN_S:
            raise OidcUnreachable(self._down[1])
        try:
            found = read()
        except OidcUnreachable as error:
            self._down = (now, str(error))
            raise
        self._down = None
        return found


def described(issuer: str) -> ProviderParts:
    """What the provider says of itself, checked. Raises OidcUnreachable."""
    told = fetch(f"{issuer}/.well-known/openid-configuration")
    named = told.get("issuer")
    if not isinstance(named, str) or named.rstrip("/") != issuer:
        raise OidcUnreachable(f"{issuer} calls itself {str(named)[:200]!r}; [oidc] issuer must be what it calls itself")
    found = {name: told.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    for name, url in found.items():
        if not isinstance(url, str) or not safe(url):
            raise OidcUnreachable(f"{issuer} names no {name} by https")
    methods = told.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    by_post = isinstance(methods, list) and "client_secret_basic" not in methods
    authorization, token, jwks = (str(url) for url in found.values())
    names_itself = told.get("authorization_response_iss_parameter_supported") is True
    return ProviderParts(named, authorization, token, jwks, by_post, names_itself)


def safe(url: str) -> bool:
    """By https, or on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback_url(url)))


def read_secret(settings: Oidc) -> str:
    """The client's secret. Raises OidcUnreachable with what to do."""
    file = settings.client_secret_file
    try:
        secret = "" if file is None else file.read_text("utf-8")[:MOST_SECRET].strip()
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "no text in UTF-8"
        raise OidcUnreachable(f"oidc.client_secret_file {file} can't be read: {why}") from error
    if not secret:
        raise OidcUnreachable(f"oidc.client_secret_file {file or ''} is empty; write the secret into it")
    return secret


def _read_keys(url: str) -> list[dict[str, Any]]:
    keys = fetch(url).get("keys")
    if not isinstance(keys, list):
        raise OidcUnreachable(f"{url} has no keys")
    return [key for key in keys[:MOST_KEYS] if isinstance(key, dict) and key.get("use", "sig") == "sig"]


def _named(keys: list[dict[str, Any]], kid: str | None) -> list[dict[str, Any]]:
    return [key for key in keys if kid is None or key.get("kid") == kid]
