"""``relay backup``: all that makes this relay, in one file, while it runs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from relay.cli.common import config_path, done, iso, json_option, load_settings, note
from relay.cli.locking import passphrase, with_passphrase


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--recipient",
    "recipients",
    multiple=True,
    metavar="KEY",
    help="Lock it for this public key: age1… of `age-keygen`, or ssh-ed25519 …; may be repeated.",
)
@with_passphrase
@click.option(
    "--keep",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="In a directory: delete this relay's backups but the N newest.",
)
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    file: Path,
    recipients: tuple[str, ...],
    passphrase_file: Path | None,
    asked: bool,
    keep: int | None,
    as_json: bool,
) -> None:
    """Write database, secrets, settings and certificate to FILE.

    As they are at one moment; the relay may run.

    FILE is a directory: a file in it with host name and time. Nothing is ever overwritten. Without a passphrase or key
    it isn't locked, and whoever reads it can sign as all customers. `relay restore` takes it back.
    """
    from relay.backup.make import keep_newest, make, name_for
    from relay.backup.sealing import BackupLock

    settings = load_settings(ctx)
    if keep is not None and not file.is_dir():
        raise click.UsageError("--keep is for a directory of backups")
    if recipients and (asked or passphrase_file):
        raise click.UsageError("lock it by a passphrase or for keys, not both")
    lock = BackupLock(recipients, passphrase(passphrase_file, asked, new=True))
    now = time.time()
    directory = file
    if file.is_dir():
        file = file / name_for(settings.server.hostname, lock, now)
    try:
        made = make(settings, config_path(ctx), file, lock, now=now, tell=_progress())
    finally:
        _progress_ends()
    gone = keep_newest(directory, settings.server.hostname, keep) if keep is not None else []
    told = {
        "file": str(made.path),
        "octets": made.octets,
        "locked": made.locked,
        "made_at": iso(made.manifest.made_at),
        "release": made.manifest.release,
        "schema": made.manifest.schema,
        "tenants": made.manifest.tenants,
        "copies": made.manifest.copies,
        "deleted": [str(path) for path in gone],
    }
    held = f"{made.manifest.tenants} tenants, {made.manifest.copies} copies in the queue"
    text = f"{made.path}: {_size(made.octets)}, {held}"
    done(ctx, text + (f"; deleted {len(gone)} older" if gone else ""), told, as_json)
    if not made.locked:
        note(
            "it is not locked and holds all keys: --passphrase-file or --recipient locks it; keep it where nobody reads"
        )


def _size(octets: int) -> str:
    return f"{octets / (1 << 20):.1f} MiB" if octets >= 1 << 20 else f"{octets / 1024:.0f} KiB"


def _progress() -> Callable[[int, int], None]:
    def tell(done_: int, all_: int) -> None:
        if sys.stderr.isatty() and all_:
            click.echo(f"\rcopied {100 * done_ // all_} %", nl=False, err=True)

    return tell


def _progress_ends() -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
