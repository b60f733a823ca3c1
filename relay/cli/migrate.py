"""``relay migrate``: bring the database to this release's schema, and mend it where that can be done."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Final

import click

from relay.checks.ports import relay_process
from relay.cli.common import done, fail, json_option, load_settings, note
from relay.store.contract import Tx
from relay.store.database import StoreError, connect, migrate, newest_schema, schema_of
from relay.store.files import cause, empty

SEALED_ANEW: Final = 70
"""The migration with which sealed keys are bound to their rows."""


@click.command()
@click.option("--compact", is_flag=True, help="Write the database anew, smaller; needs the relay stopped, and space.")
@click.option("--mend", is_flag=True, help="Make damaged or missing indexes anew from their tables.")
@json_option
@click.pass_context
def command(ctx: click.Context, compact: bool, mend: bool, as_json: bool) -> None:
    """Bring the database to this release's schema; harmless if it is there already."""
    settings = load_settings(ctx)
    database, stored, data_dir = settings.database, settings.stored, settings.server.data_dir
    if isinstance(stored, Path):
        _there(stored)
    elif compact or mend:
        fail("the database's server sees to its files itself: VACUUM FULL, REINDEX")
    if compact or mend:
        _stopped(data_dir)
    if schema_of(stored) < newest_schema() and (running := relay_process(data_dir)) is not None:
        fail(f"a relay runs on {data_dir} (process {running or 'unknown'}): stop it first")
    lost: list[str] = []
    before, after = migrate(stored, {SEALED_ANEW: lambda conn: lost.extend(seal_anew(conn, settings.secrets_file))})
    text = f"schema {after}: up to date" if before == after else f"schema {before} brought to {after}"
    told: dict[str, object] = {"before": before, "after": after}
    if mend:
        made = _mended(database)
        text += "; made anew: " + (", ".join(made) or "nothing, all was there")
        told["mended"] = made
    if compact:
        from relay.store.sqlite.anew import compact as anew

        was, now = anew(database)
        text += f"; {was >> 20} MiB written anew as {now >> 20}"
        told |= {"octets_before": was, "octets_after": now}
    done(ctx, text, told, as_json)
    for name in lost:
        note(f"the key {name} can't be opened with these secrets and signs no more; `relay check` says what to do")


def _there(database: Path) -> None:
    if not database.exists():
        fail(f"no database at {database}; restore it from a backup, or make a new relay with `relay init`")
    if why := cause(database) or empty(database):
        fail(f"database {database} {why}")


def seal_anew(conn: Tx, secrets_file: Path) -> list[str]:
    """Bind the private keys to their rows; names of those that can't be opened. Raises StoreError without secrets."""
    from relay.audit import signers
    from relay.keys.secrets import Secrets, SecretsError
    from relay.tenants import domains

    counts = ("SELECT count(*) FROM dkim_key", "SELECT count(*) FROM audit_key")
    if not any(conn.execute(count).fetchone()[0] for count in counts):
        return []
    try:
        secrets = Secrets.load(secrets_file)
    except SecretsError as error:
        raise StoreError(str(error)) from error
    return domains.seal_anew(conn, secrets) + [f"{id_} of the audit log" for id_ in signers.seal_anew(conn, secrets)]


def _stopped(data_dir: Path) -> None:
    if relay_process(data_dir) is not None:
        fail("the relay runs: stop it first")


def _mended(database: Path) -> list[str]:
    from relay.store.sqlite.roots import mend

    with closing(connect(database)) as conn:
        return mend(conn)
