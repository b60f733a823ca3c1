"""A plan is done, or only held against what there is; each thing by itself, so that it can be said again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from config.settings import Settings
from relay.audit import actions
from relay.keys import dkim_keys
from relay.keys.secrets import Secrets
from relay.lists.stopping import suppress
from relay.mail.address import parse_address
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.takeover.plan import (
    CarriedDomain,
    CarriedLogin,
    CarriedSuppression,
    CarriedToken,
    CarriedWebhook,
    Fate,
    TakeoverFinding,
    TakeoverPlan,
)
from relay.tenants import api_tokens, credentials, domain_proof, domains
from relay.values.errors import RegistryError
from relay.values.facts import Reason, Stream
from relay.values.prose import how_many
from relay.values.tenant import TenantRow
from relay.webhooks import book
from relay.webhooks.keys import secret_text

TOGETHER: Final = 500


class _TakenBack(Exception):
    """Of a dry run."""


class TakeoverDone(NamedTuple):
    findings: list[TakeoverFinding]
    passwords: dict[str, str]
    """New ones by user name, shown this once."""
    tokens: dict[str, str]
    """By name, likewise."""
    webhooks: dict[str, str]
    """Their secrets by URL, likewise."""


class Takeover:
    """``apply`` False: nothing is written, and what would be is told as carried."""

    def __init__(
        self,
        conn: Tx,
        secrets: Secrets,
        settings: Settings,
        owner: tuple[TenantRow, Stream],
        *,
        apply: bool,
        actor: str,
        now: float,
    ) -> None:
        self._conn = conn
        self._secrets = secrets
        self._settings = settings
        self._tenant, self._stream = owner
        self._apply = apply
        self._actor = actor
        self._now = now
        self._findings: list[TakeoverFinding] = []
        self._made = TakeoverDone(self._findings, {}, {}, {})

    def do(self, plan: TakeoverPlan) -> TakeoverDone:
        for domain in plan.domains:
            self._domain(domain)
        for login in plan.logins:
            self._login(login)
        for cidr, source in plan.networks:
            self._network(cidr, source)
        for token in plan.tokens:
            self._token(token)
        for webhook in plan.webhooks:
            self._webhook(webhook)
        self._suppressions(plan.suppressions)
        return self._made

    def _tell(self, fate: Fate, what: str, text: str) -> None:
        self._findings.append(TakeoverFinding(fate, what, text))

    def _tried(self, what: str, text: str, work: Callable[[Tx], object]) -> bool:
        """What is refused is a thing that a person has to look at. A dry run does it too, and takes it back."""
        try:
            with contextlib.suppress(_TakenBack), transaction(self._conn) as conn:
                work(conn)
                if not self._apply:
                    raise _TakenBack
        except RegistryError as error:
            self._tell(Fate.LOOK, what, str(error))
            return False
        self._tell(Fate.CARRIED, what, text)
        return True

    # -- domains ---------------------------------------------------------------------------------------------

    def _domain(self, carried: CarriedDomain) -> None:
        what, tenant = f"{carried.source} ({carried.name})", self._tenant.name
        try:
            name = domain_proof.sendable(carried.name, self._settings)
        except RegistryError as error:
            self._tell(Fate.LOOK, what, str(error))
            return
        there = [one for one in domains.listing(self._conn) if one.name == name and one.tenant == tenant]
        if there:
            selector = carried.selector.lower()
            same = any(key.selector == selector for key in there[0].keys)
            more = f", with selector {selector}" if same else "; its keys stay as they are"
            self._tell(Fate.THERE, what, f"domain {name}{more}")
            return
        if not carried.pem:
            self._new_keys(what, name, "it had no key: new ones are made, publish their records")
            return
        try:
            key = dkim_keys.import_pem(carried.pem, for_a_while=True)
            selector = domains.normal_selector(carried.selector)
        except RegistryError as error:
            self._new_keys(what, name, f"its key isn't taken ({error}): new ones are made, publish their records")
            return
        text = f"domain {name}, {key.algorithm} key with selector {selector}: its DKIM record stays"
        if not self._tried(what, text, lambda conn: self._added(conn, name, (selector, key))):
            return
        todo = f"publish the records of `relay domain verify {tenant} {name}`, which proves that it is yours"
        if key.weak:
            todo += f"; one of them is of a new key: the old one has {key.bits} bits, too few, and signs until then"
        self._tell(Fate.LOOK, what, todo)

    def _new_keys(self, what: str, name: str, why: str) -> None:
        self._tell(Fate.LOOK, what, why)
        self._tried(what, f"domain {name}, with new keys", lambda conn: self._added(conn, name, None))

    def _added(self, conn: Tx, name: str, imported: tuple[str, dkim_keys.PrivateKey] | None) -> None:
        domains.add(conn, self._secrets, self._tenant, name, imported=imported, actor=self._actor, now=self._now)

    # -- log-ins -----------------------------------------------------------------------------------------------

    def _login(self, login: CarriedLogin) -> None:
        what = f"{login.source} {login.username}"
        known = [one for one in credentials.listing(self._conn) if one.username == login.username]
        if known:
            mine = known[0].tenant == self._tenant.name
            if mine:
                self._tell(Fate.THERE, what, f"user name {login.username}")
            else:
                self._tell(Fate.LOOK, what, f"user name {login.username} is another tenant's: make one by hand")
            return

        def add(conn: Tx) -> None:
            _, password = credentials.carry_password(
                conn, self._secrets, self._tenant, self._stream, login.username, login.password,
                actor=self._actor, now=self._now,
            )  # fmt: skip
            if not login.password and self._apply:
                self._made.passwords[login.username] = password

        how = "with its password" if login.password else "with a new password: the old one is nowhere to be read"
        self._tried(what, f"user name {login.username}, {how}", add)

    def _network(self, cidr: str, source: str) -> None:
        if any(one.ip == cidr and one.tenant == self._tenant.name for one in credentials.of_networks(self._conn)):
            self._tell(Fate.THERE, source, f"{cidr} without a password")
            return

        def add(conn: Tx) -> None:
            credentials.add_network(conn, self._tenant, self._stream, cidr, actor=self._actor, now=self._now)

        self._tried(source, f"{cidr} without a password, stream {self._stream.name}", add)

    # -- applications that ask by HTTP -----------------------------------------------------------------------

    def _token(self, carried: CarriedToken) -> None:
        live = [one for one in api_tokens.of_tenant(self._conn, self._tenant.id) if one.revoked_at is None]
        if any(one.name == carried.name for one in live):
            self._tell(Fate.THERE, carried.source, f"token {carried.name}")
            return

        def add(conn: Tx) -> None:
            _, token = api_tokens.add(
                conn, self._secrets, self._tenant, carried.name, scopes=("send", "read"),
                actor=self._actor, now=self._now,
            )  # fmt: skip
            if self._apply:
                self._made.tokens[carried.name] = token

        self._tried(
            carried.source, f"a new token, {carried.name}, to send and read: the old key has no form of ours", add
        )

    def _webhook(self, carried: CarriedWebhook) -> None:
        if any(one.url == carried.url for one in book.of_tenant(self._conn, self._tenant.id)):
            self._tell(Fate.THERE, carried.source, carried.url)
            return

        def add(conn: Tx) -> None:
            _, key = book.add(
                conn, self._secrets, self._tenant.id, carried.url, carried.types,
                allow_private=self._settings.webhooks.allow_private, actor=self._actor, now=self._now,
            )  # fmt: skip
            if self._apply:
                self._made.webhooks[carried.url] = secret_text(key)

        self._tried(carried.source, f"{carried.url}, told of {', '.join(carried.types) or 'everything'}", add)

    # -- suppressions ----------------------------------------------------------------------------------------

    def _suppressions(self, carried: list[CarriedSuppression]) -> None:
        """In commits of some hundred each: there may be many. A dry run takes its own back."""
        new = 0
        for at in range(0, len(carried), TOGETHER):
            part = carried[at : at + TOGETHER]
            with contextlib.suppress(_TakenBack), transaction(self._conn) as conn:
                new += sum(self._suppressed(conn, one) for one in part)
                if not self._apply:
                    raise _TakenBack
        if new and self._apply:
            with transaction(self._conn) as conn:
                told = {"means": "taken over", "taken": new}
                actions.record(conn, self._actor, "suppressions-imported", self._tenant.id, told, self._now)
        if new:
            text = f"nothing more of {self._tenant.name} goes to {how_many(new, 'address', 'addresses')}"
            self._tell(Fate.CARRIED, "suppressions", text)
        if len(carried) > new:
            self._tell(Fate.THERE, "suppressions", how_many(len(carried) - new, "address", "addresses"))

    def _suppressed(self, conn: Tx, one: CarriedSuppression) -> bool:
        address = parse_address(one.address).canonical
        return suppress(
            conn, self._tenant.id, address, Reason(one.reason), detail=one.detail, means="import", now=self._now,
            since=one.since,
        )  # fmt: skip


def password_file(config: Path) -> Path:
    """Where the smart host's password is kept."""
    return config.parent / "smart-host-password"
