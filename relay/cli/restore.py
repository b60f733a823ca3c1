"""``relay restore``: a relay as it was, from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import done, iso, json_option, load_settings, note
from relay.cli.locking import passphrase, with_passphrase

if TYPE_CHECKING:
    from relay.backup.archive import BackupManifest
    from relay.backup.restore import RestoredRelay


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="D",
    help="Make the whole relay in D, settings and certificate too, where none is as yet.",
)
@click.option(
    "--identity",
    "identities",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="File with the private key that the backup was locked for; may be repeated.",
)
@with_passphrase
@click.option("--migrate", "migrating", is_flag=True, help="Bring a backup of an older release to this one's schema.")
@click.option("--check", "only_check", is_flag=True, help="Only check that it can be taken back; the relay may run.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    directory: Path | None,
    identities: tuple[Path, ...],
    passphrase_file: Path | None,
    asked: bool,
    migrating: bool,
    only_check: bool,
    as_json: bool,
) -> None:
    """Check a backup, then put its data in place of those that are there.

    Its data are database, secrets and letters to the operator; the relay must be stopped.

    The settings stay as they are; with --dir they come from the backup. What was there is kept in a directory
    before-restore-… beside. Nothing is replaced unless all of the backup is whole and fits.
    """
    from relay.backup import restore
    from relay.backup.sealing import BackupKeys

    to_schema = _to_this_schema if migrating else None
    keys = BackupKeys(identities, passphrase(passphrase_file, asked, new=False))
    if only_check:
        with restore.checked(file, keys, file.absolute().parent, migrating=to_schema) as found:
            text = f"{file} is whole: {_told(found.manifest, found.tenants, found.copies)}"
            done(ctx, text, _row(found.manifest, found.tenants, found.copies) | {"replaced": False}, as_json)
        return
    if directory is not None:
        made = restore.make_anew(directory.absolute(), file, keys, migrating=to_schema)
    else:
        made = restore.replace(load_settings(ctx), file, keys, migrating=to_schema)
    row = _row(made.manifest, made.tenants, made.copies) | {
        "replaced": True,
        "data_dir": str(made.data_dir),
        "settings": str(made.settings_file) if made.settings_file else None,
        "kept": str(made.kept) if made.kept else None,
        "left_since": made.carried,
    }
    text = f"{made.data_dir}: {_told(made.manifest, made.tenants, made.copies)}"
    done(ctx, text + (f"; what was there is in {made.kept}" if made.kept else ""), row, as_json)
    if directory is not None and made.manifest.store != "sqlite":
        note(
            "the settings name a server, the data are in data/relay.db: let `relay restore` without --dir fill an"
            " empty database there, or take [store] url out of relay.toml"
        )
    note(_what_is_missing(made))


def _what_is_missing(made: RestoredRelay) -> str:
    if made.carried is None:
        left = "withdrawals (bring them back by `relay suppression import`), consents, deliveries"
    else:
        left = f"consents and deliveries ({made.carried} who left since were taken over)"
    return (
        f"what came after {iso(made.manifest.made_at)} is not in it: {left}. What was delivered since goes out once"
        " more: to look first, start with [delivery] enabled = false"
    )


def _to_this_schema(database: Path, secrets_file: Path) -> None:
    from relay.cli.migrate import SEALED_ANEW, seal_anew
    from relay.store.database import migrate

    lost: list[str] = []
    migrate(database, {SEALED_ANEW: lambda conn: lost.extend(seal_anew(conn, secrets_file))})
    for name in lost:
        note(f"the key {name} can't be opened with these secrets and signs no more; `relay check` says what to do")


def _told(manifest: BackupManifest, tenants: int, copies: int) -> str:
    return (
        f"{manifest.hostname} of {iso(manifest.made_at)}, release {manifest.release}, schema {manifest.schema},"
        f" {tenants} tenants, {copies} copies in the queue"
    )


def _row(manifest: BackupManifest, tenants: int, copies: int) -> dict[str, object]:
    return {
        "hostname": manifest.hostname,
        "made_at": iso(manifest.made_at),
        "release": manifest.release,
        "schema": manifest.schema,
        "tenants": tenants,
        "copies": copies,
    }
