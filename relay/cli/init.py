"""``relay init``: a new relay in one directory, or as a service of the machine."""

from __future__ import annotations

import datetime as dt
import shlex
import socket
import threading
from pathlib import Path
from typing import Final

import click

from config.load import validate
from config.names import domain_name, store_url
from relay.cli import init_system
from relay.cli.common import fail, json_option, print_json, say
from relay.install.directory import create
from relay.install.errors import InstallError
from relay.install.plan import InitPlan
from relay.observe.escape import escaped
from relay.store.engines import shown

FQDN_TIMEOUT_S: Final = 5.0
_PEM: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--dir",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="D",
    help="Directory to set up; the working directory by default.",
)
@click.option("--hostname", default="", metavar="H", help="Full name of this machine; found out by default.")
@click.option(
    "--store",
    default="",
    metavar="URL",
    help="An empty database of a PostgreSQL server, postgresql://USER@HOST/NAME; SQLite in the directory by default.",
)
@click.option("--dev", is_flag=True, help="For trying out: loopback and high ports only, log-in without TLS.")
@click.option(
    "--system",
    is_flag=True,
    help="As a service of this machine: user, folders, settings, certificate, database, units; asks on a terminal.",
)
@click.option("--contact", default="", metavar="EMAIL", help="With --system: whom the relay calls, your mail address.")
@click.option("--certificate", type=_PEM, metavar="FILE", help="With --system: certificate and chain, PEM.")
@click.option(
    "--acme",
    is_flag=False,
    flag_value=init_system.LETS_ENCRYPT,
    default=None,
    metavar="[URL]",
    help="With --system: get the certificate from this authority, Let's Encrypt without URL (you agree to its terms);"
    " pages then need no proxy.",
)
@click.option("--key", type=_PEM, metavar="FILE", help="With --system: the certificate's key, PEM.")
@click.option("--no-start", is_flag=True, help="With --system: don't enable and start the service.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --system: the root of another system, such as an image, in place of this machine's.",
)
@json_option
def command(
    directory: Path | None,
    hostname: str,
    store: str,
    dev: bool,
    system: bool,
    contact: str,
    certificate: Path | None,
    acme: str | None,
    key: Path | None,
    no_start: bool,
    root: Path | None,
    as_json: bool,
) -> None:
    """Set up a new relay: relay.toml, database, secrets and a self-signed certificate.

    Nothing is ever overwritten; if something goes wrong, nothing is left behind. With --system each step is said, and
    what is there already stays, so it can be said again: after an upgrade, or with a certificate.
    """
    if (certificate is None) != (key is None):
        raise click.UsageError("--certificate and --key go together")
    if system:
        if dev or store or directory is not None:
            raise click.UsageError("--system has its own places: leave out --dir, --dev and --store")
        given = None if certificate is None or key is None else (certificate, key)
        answers = init_system.InstallWords(lambda: _asked(hostname), contact, given, acme, not no_start)
        init_system.install_here(root or Path("/"), answers, as_json)
        return
    if contact or certificate or acme is not None or no_start or root:
        raise click.UsageError("--contact, --certificate, --key, --acme, --no-start and --root go with --system")
    plan = InitPlan((directory or Path()).absolute(), _hostname(hostname, dev), dev, _store(store))
    try:
        create(plan, dt.datetime.now(dt.UTC))
    except InstallError as error:
        fail(str(error))
    if as_json:
        print_json(_result(plan))
    else:
        say(_summary(plan))


def _asked(given: str) -> str:
    """The host name; on a terminal the one that was found is only proposed."""
    if given or not init_system.at_terminal():
        return _hostname(given, dev=False)
    found = machine_name()
    return init_system.prompted("Full name of this machine", found if _is_full(found) else "", _full)


def _full(text: str) -> str:
    """Raises ValueError."""
    name = domain_name(text)
    if "." not in name:
        raise ValueError(f'"{text}" is not a full name, such as relay.example.com')
    return name


def _store(url: str) -> str:
    try:
        return store_url(url) if url else ""
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="'--store'") from error


# --- the machine's name ----------------------------------------------------------


def _hostname(given: str, dev: bool) -> str:
    if given:
        try:
            return domain_name(given) if dev else _full(given)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="'--hostname'") from error
    found = machine_name()
    if _is_full(found):
        return domain_name(found)
    if dev:
        return "localhost"
    fail(f'this machine doesn\'t know its full name (it calls itself "{found}"); pass --hostname relay.example.com')


def _is_full(name: str) -> bool:
    try:
        labels = domain_name(name).split(".")
    except ValueError:
        return False
    return len(labels) > 1 and labels[0] != "localhost" and labels[-1] not in ("localdomain", "local", "arpa")


def machine_name() -> str:
    """What the system calls this machine; asks DNS, so at most ``FQDN_TIMEOUT_S`` long."""
    found = [socket.gethostname()]
    asking = threading.Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    asking.start()
    asking.join(FQDN_TIMEOUT_S)
    return found[-1]


# --- what is said ------------------------------------------------------------------


def _next(plan: InitPlan) -> list[str]:
    file = plan.directory / "relay.toml"
    relay = "relay" if plan.directory == Path.cwd() else f"relay -c {shlex.quote(str(file))}"
    return [f"{relay} check", f"{relay} tenant add NAME --contact EMAIL", f"{relay} serve"]


def _result(plan: InitPlan) -> dict[str, object]:
    directory = plan.directory
    settings = validate({"server": {"hostname": plan.hostname}}, base=directory)
    return {
        "hostname": plan.hostname,
        "dev": plan.dev,
        "settings": str(directory / "relay.toml"),
        "database": shown(plan.store) if plan.store else str(settings.database),
        "secrets": str(settings.secrets_file),
        "certificate": str(directory / "tls" / "certificate.pem"),
        "key": str(directory / "tls" / "key.pem"),
        "base_url": plan.base_url,
        "next": _next(plan),
    }


def _summary(plan: InitPlan) -> str:
    made = _result(plan)
    lines = [f"A relay for {plan.hostname}:"]
    lines += [
        f"  {what:<12}{escaped(str(made[what]))}" for what in ("settings", "database", "secrets", "certificate", "key")
    ]
    lines += ["Keep the secrets file in your backups: without it keys and links are lost.", "Next:"]
    return "\n".join([*lines, *(f"  {step}" for step in _next(plan))])
