"""Settings of how the operator's staff signs in by a provider of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from config.kinds import Names, OptionalFile, Table, Url, ValueKind, key


class Oidc(Table):
    """Staff sign in at the desk by an OpenID provider (OpenID Connect Core 1.0); tenants' people don't."""

    issuer: Url = key(
        "",
        "The provider's issuer; what it can do is read from `/.well-known/openid-configuration` below. Empty: none.",
        example="https://id.example.com/realms/staff",
    )
    title: str = key("", "What it is called on the sign-in page; empty: its host's name.", example="Example ID")
    client_id: str = key("", "Id that the provider knows this relay by.", example="relay")
    client_secret_file: OptionalFile = key(
        None, "File with the secret that goes with it, mode 0600, or `credential:NAME`."
    )
    role_claim: str = key(
        "groups",
        "Claim of the ID token that says what somebody may do; dots lead into claims, as `realm_access.roles`.",
    )
    roles: Annotated[Mapping[str, Literal["operator", "reviewer", "support"]], ValueKind("table of role", dict)] = key(
        {},
        "Values of that claim and the role each gives; of several the one that may do most. Who has none stays out.",
        example={"mail-admins": "operator", "mail-review": "reviewer"},
    )
    domains: Names = key(
        (), "Domains whose addresses may sign in; empty: all of the provider's.", example=["example.com"]
    )
    unverified_email: bool = key(
        False,
        "Take addresses that the provider doesn't call verified (`email_verified`); only where nobody chooses one.",
    )
    scopes: Names = key(("openid", "email", "profile"), "What is asked for; some providers name groups by a scope.")
    password: bool = key(
        True, "Staff may sign in by password and passkey as well; false: by the provider alone, also while it is down."
    )
