"""An ID token, checked (OpenID Connect Core 1.0 §3.1.3.7), and what it says of somebody."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.staff import Oidc
from relay.oidc.provider import IdentityProvider

ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""By keys of two halves alone: neither `none` nor what the client's secret could sign."""
SKEW_S: Final = 60.0
OLDEST_S: Final = 600.0
"""A token is made when its code is exchanged; one that is older was kept somewhere."""
MOST_OCTETS: Final = 32_768
MOST_SUBJECT: Final = 255
MOST_EMAIL: Final = 320
_ORDER: Final = ("operator", "reviewer", "support")
"""Who may do most stands first."""


class OidcRefused(Exception):
    """Nobody is signed in: ``word`` says which sentence they see, the text why, for the log."""

    def __init__(self, word: str, why: str) -> None:
        super().__init__(why)
        self.word = word


@dataclass(frozen=True, slots=True)
class OidcClaims:
    """Who somebody is to the provider, and what that is here."""

    issuer: str
    subject: str
    email: str
    """Empty where there is none that may be trusted."""
    role: str


def read_claims(provider: IdentityProvider, token: str, nonce: str, now: float) -> OidcClaims:
    """Raises OidcRefused, and OidcUnreachable where the keys can't be read. ``now``: seconds UTC."""
    told = _verified(provider, token, now)
    if not hmac.compare_digest(str(told.get("nonce", "")).encode(), nonce.encode()):
        raise OidcRefused("invalid", "the token is for another sign-in (nonce)")
    subject = told.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MOST_SUBJECT:
        raise OidcRefused("invalid", "the token names nobody (sub)")
    settings = provider.settings
    role = role_of(settings, told)
    if not role:
        raise OidcRefused("role", f"{subject}: no value of {settings.role_claim} is in [oidc] roles")
    return OidcClaims(str(told["iss"]), subject, email_of(settings, told), role)


def _verified(provider: IdentityProvider, token: str, now: float) -> Mapping[str, Any]:
    # Here, not above: few processes ever see a token.
    import jwt

    if len(token) > MOST_OCTETS:
        raise OidcRefused("invalid", "the token is too long")
    try:
        head = jwt.get_unverified_header(token)
    except jwt.PyJWTError as error:
        raise OidcRefused("invalid", str(error)) from error
    kid, algorithm = head.get("kid"), head.get("alg")
    if algorithm not in ALGORITHMS:
        raise OidcRefused("invalid", f"the token is signed by {str(algorithm)[:20]}, which proves nothing")
    why = "no key of the provider's has that name"
    for key in provider.keys(kid if isinstance(kid, str) else None):
        try:
            public = jwt.PyJWK(key, algorithm).key
            told = jwt.decode(
                token,
                public,
                [algorithm],
                audience=provider.settings.client_id,
                issuer=provider.parts().issuer,
                leeway=SKEW_S,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"], "verify_exp": False, "verify_nbf": False,
                    "verify_iat": False,
                },
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            why = str(error)
            continue
        return _in_time(told, provider.settings.client_id, now)
    raise OidcRefused("invalid", why)


def _in_time(told: Mapping[str, Any], client_id: str, now: float) -> Mapping[str, Any]:
    """By the clock that we were given; several audiences need the one it was made for to be us."""
    times = [told[name] for name in ("exp", "iat")] + ([told["nbf"]] if "nbf" in told else [])
    if not all(isinstance(at, int | float) and not isinstance(at, bool) for at in times):
        raise OidcRefused("invalid", "the token's times are no numbers")
    if now >= told["exp"] + SKEW_S or now > told["iat"] + OLDEST_S:
        raise OidcRefused("invalid", "the token has expired")
    if told["iat"] > now + SKEW_S or told.get("nbf", 0) > now + SKEW_S:
        raise OidcRefused("invalid", "the token is of the future; compare the clocks")
    several = isinstance(told["aud"], list) and len(told["aud"]) > 1
    if (several or "azp" in told) and told.get("azp") != client_id:
        raise OidcRefused("invalid", "the token was made for another (azp)")
    return told


def role_of(settings: Oidc, told: Mapping[str, Any]) -> str:
    """The role that may do most of those that the claim gives; empty where it gives none."""
    value: Any = told.get(settings.role_claim)
    if value is None:
        value = told
        for part in settings.role_claim.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    values = value if isinstance(value, list) else [value]
    given = {settings.roles[one] for one in values if isinstance(one, str) and one in settings.roles}
    return next((role for role in _ORDER if role in given), "")


def email_of(settings: Oidc, told: Mapping[str, Any]) -> str:
    """The address, where the provider answers for it and its domain may sign in. Raises OidcRefused for another's."""
    email = told.get("email")
    trusted = told.get("email_verified") is True or settings.unverified_email
    if not trusted or not isinstance(email, str) or "@" not in email or len(email) > MOST_EMAIL:
        email = ""
    if settings.domains and email.rpartition("@")[2].lower() not in {one.lower() for one in settings.domains}:
        raise OidcRefused("domain", f"no verified address of {', '.join(settings.domains)}")
    return email
