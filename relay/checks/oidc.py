"""Whether the provider that staff sign in by can be reached, and is what the settings say."""

from __future__ import annotations

from collections.abc import Iterator

from config.settings import Settings
from relay.checks.result import CheckResult, bad, ok, warn
from relay.oidc.fetch import OidcUnreachable
from relay.oidc.provider import IdentityProvider, read_secret

WHAT = "oidc"


def check_oidc(settings: Settings) -> Iterator[CheckResult]:
    """One line; none where there is no provider."""
    given = settings.oidc
    if not given.issuer:
        return
    provider = IdentityProvider(given)
    other = "staff sign in by password meanwhile" if given.password else "nobody of the staff can sign in"
    try:
        read_secret(given)
        keys = len(provider.keys(None))
    except OidcUnreachable as error:
        level = warn if given.password else bad
        yield level(WHAT, f"{error}; {other}", "correct [oidc], or see to the provider; [oidc] password = true lets in")
        return
    if not keys:
        yield bad(WHAT, f"{given.issuer} shows no key to check signatures by; {other}", "see to the provider")
    else:
        back = f"{settings.links.base_url}/login/oidc/return"
        yield ok(WHAT, f"{provider.parts().issuer} with {keys} keys; it must let people back to {back}")
