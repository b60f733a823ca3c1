"""What lies in the database, as far as it must be usable: schema and DKIM keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

from config.settings import Settings
from config.units import MIB
from relay.checks.result import CheckResult, bad, ok
from relay.checks.server import check_server
from relay.keys import dkim_keys
from relay.keys.belonging import FOREIGN, foreign
from relay.keys.secrets import Secrets, SecretsError
from relay.store.contract import Failure, ServerTx, Tx
from relay.store.database import StoreError, connect, schema_version
from relay.store.engines import shown
from relay.store.sqlite import roots, schema
from relay.values.errors import RegistryError

SHOWN = 5
"""Faulty keys that are named one by one."""


@dataclass(frozen=True, slots=True)
class _Key:
    selector: str
    algorithm: str
    sealed: bytes


def check_store(settings: Settings, *, whole: bool = True) -> Iterator[CheckResult]:
    """The database opens with this release's schema, and the DKIM keys in it can be unsealed.

    ``whole``: all pages of a file are read, too, which takes minutes where it is large.
    """
    try:
        conn = connect(settings.stored, readonly=True)
    except StoreError as error:
        detail, todo = _cause(str(error))
        if settings.store.url and "`" not in todo:
            detail, _, todo = str(error).rpartition("; " if "; " in str(error) else ": ")
        yield bad("database", detail, todo)
        return
    with closing(conn):
        try:
            version = schema_version(conn)
            tenants = conn.execute("SELECT count(*) FROM tenant").fetchone()[0]
            if isinstance(conn, ServerTx):
                yield ok("database", f"{shown(settings.stored)}, schema {version}, tenants: {tenants}")
                yield from check_server(conn, settings)
            else:
                yield ok("database", f"{_size(settings)}, schema {version}, tenants: {tenants}")
                yield from _file(conn, settings, whole)
            yield from _secrets_fit(conn, settings)
            yield from _dkim_keys(conn, settings)
        except Failure as error:
            yield bad("database", f"{shown(settings.stored)}: {error}", "restore it from a backup")


def _file(conn: Tx, settings: Settings, whole: bool) -> Iterator[CheckResult]:
    yield _sound("schema", schema.differences(conn), "undo the change by hand, or restore a backup")
    if whole:
        todo = "stop the relay, keep a copy, and restore a backup"
        yield _sound("pages", [*schema.damage(conn), *_cut(settings)], todo)


def _cut(settings: Settings) -> list[str]:
    return [roots.CUT_OFF] if roots.cut_off(settings.database) else []


def _sound(what: str, faults: list[str], todo: str) -> CheckResult:
    if faults:
        more = " …" if len(faults) > SHOWN else ""
        return bad(f"database {what}", ", ".join(faults[:SHOWN]) + more, todo)
    return ok(f"database {what}", "as they should be" if what == "pages" else "as the migrations make it")


_ADVICE = ("install", "restore", "correct", "keep a copy", "run this", "find out")


def _cause(text: str) -> tuple[str, str]:
    """A StoreError's text and its own advice, which stands after the last mark."""
    for mark in ("; ", ": "):
        detail, found, todo = text.rpartition(mark)
        if found and ("`" in todo or todo.startswith(_ADVICE)):
            return detail, todo
    return text, "restore it from a backup, or correct server.data_dir"


def _size(settings: Settings) -> str:
    octets = settings.database.stat().st_size
    return f"{settings.database}, {octets / MIB:.1f} MiB"


def _secrets_fit(conn: Tx, settings: Settings) -> Iterator[CheckResult]:
    with suppress(SecretsError):  # told with the file
        if foreign(conn, Secrets.load(settings.secrets_file)):
            detail, _, todo = FOREIGN.rpartition("; ")
            yield bad("secrets", detail, todo)


def _dkim_keys(conn: Tx, settings: Settings) -> Iterator[CheckResult]:
    try:
        secrets = Secrets.load(settings.secrets_file)
    except SecretsError:
        return  # told with the file
    count, faulty = 0, []
    for domain, *row in conn.execute(
        "SELECT domain.name, selector, algorithm, sealed FROM dkim_key JOIN domain ON domain.id = domain_id"
        " WHERE retired_at IS NULL ORDER BY domain.name, selector"
    ):
        count += 1
        try:
            dkim_keys.open_key(secrets, domain, _Key(*row))
        except RegistryError:
            faulty.append((domain, f"{row[0]}._domainkey.{domain}"))
    if faulty:
        names = ", ".join(name for _, name in faulty[:SHOWN]) + (" …" if len(faulty) > SHOWN else "")
        todo = f"restore the secrets file that they were sealed with, or `relay domain rotate --at-once {faulty[0][0]}`"
        yield bad("DKIM keys", f"{len(faulty)} of {count} can't be opened: {names}", todo)
    else:
        yield ok("DKIM keys", f"{count} can be opened")
