"""``relay import``: taking over from another mail server; a dry run unless told to apply it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from relay.cli.common import Store, actor, config_path, fail, json_option, note, open_store, output, print_json, say

if TYPE_CHECKING:
    from relay.takeover.apply import TakeoverDone
    from relay.takeover.plan import TakeoverFinding, TakeoverPlan

COLUMNS = ("fate", "what", "text")
ORDER = ("carried", "there", "look", "left")


@click.group()
def command() -> None:
    """Take over from another mail server: postfix, postal.

    All goes into one tenant. Without --apply nothing is changed: what would be carried over is told, what a person has
    to look at, and what is left and why. It can be said again at any time; what is there already stays.
    """


@command.command()
@click.argument("tenant")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path("/"),
    show_default=True,
    help="Root of the machine with Postfix, or of a copy of its /etc.",
)
@click.option("--stream", default="bulk", show_default=True, help="The stream of its log-ins and networks.")
@click.option("--login", "logins", multiple=True, metavar="NAME", help="A user name of applications; may be repeated.")
@click.option("--apply", is_flag=True, help="Do it.")
@json_option
@click.pass_context
def postfix(
    ctx: click.Context, tenant: str, root: Path, stream: str, logins: tuple[str, ...], apply: bool, as_json: bool
) -> None:
    """Take over from Postfix, OpenDKIM, Dovecot or SASL: settings, keys with their selectors, log-ins, networks.

    Read are main.cf, master.cf, the tables they name, opendkim.conf with KeyTable and SigningTable, and user names.
    Passwords can't be read from there: new ones are made and shown. Settings are added to relay.toml where it doesn't
    say anything else; then `relay reload`.
    """
    from relay.takeover.plan import TakeoverError
    from relay.takeover.postfix import read_postfix

    store = open_store(ctx)
    try:
        plan = read_postfix(root.absolute(), store.settings, logins)
    except TakeoverError as error:
        fail(str(error))
    _take(ctx, store, plan, (tenant, stream), apply, as_json)


@command.command()
@click.argument("tenant")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="FILE…")
@click.option("--server", default="", metavar="ORG/SERVER", help="Which of its mail servers; one goes into one tenant.")
@click.option("--stream", default="bulk", show_default=True, help="The stream of its log-ins and networks.")
@click.option(
    "--login",
    "logins",
    multiple=True,
    metavar="CREDENTIAL=USERNAME",
    help="What an application logs in as; repeatable.",
)
@click.option("--webhooks", is_flag=True, help="Make its webhooks too, though what they are told looks different here.")
@click.option("--dkim-identifier", default="", metavar="TEXT", help="As dns.dkim_identifier in postal.yml says.")
@click.option("--apply", is_flag=True, help="Do it.")
@json_option
@click.pass_context
def postal(
    ctx: click.Context,
    tenant: str,
    files: tuple[Path, ...],
    server: str,
    stream: str,
    logins: tuple[str, ...],
    webhooks: bool,
    dkim_identifier: str,
    apply: bool,
    as_json: bool,
) -> None:
    """Take over a mail server of Postal: domains with keys and selectors, log-ins, networks, suppressions, tokens.

    FILES hold its tables: dumps by mariadb-dump of its database and of the server's own, postal-server-ID, or tables
    as CSV, TSV or JSON (phpMyAdmin), packed by gzip or not; folders of them; and postal.yml. Keys of SMTP credentials
    stay as passwords; API keys are replaced by tokens, shown once.
    """
    from relay.takeover.plan import TakeoverError
    from relay.takeover.postal import PostalWishes, read_postal

    named = dict(word.rpartition("=")[::2] for word in logins)
    if not all(name and value for name, value in named.items()):
        fail("--login is CREDENTIAL=USERNAME, such as --login 'Web shop=acme/news'")
    store = open_store(ctx)
    try:
        plan = read_postal(files, PostalWishes(server, named, webhooks, dkim_identifier), time.time())
    except TakeoverError as error:
        fail(str(error))
    _take(ctx, store, plan, (tenant, stream), apply, as_json)


def _take(
    ctx: click.Context, store: Store, plan: TakeoverPlan, owner: tuple[str, str], apply: bool, as_json: bool
) -> None:
    from relay.takeover.apply import Takeover
    from relay.tenants import streams, tenants

    tenant = tenants.find(store.conn, owner[0])
    stream = streams.find(store.conn, tenant, owner[1])
    settings = _settings(config_path(ctx), store, plan, apply)
    done = Takeover(
        store.conn, store.secrets, store.settings, (tenant, stream), apply=apply, actor=actor(), now=time.time()
    ).do(plan)
    findings = sorted([*settings, *done.findings, *plan.findings], key=lambda one: ORDER.index(one.fate))
    _told(ctx, findings, done, apply, as_json)


def _settings(config: Path, store: Store, plan: TakeoverPlan, apply: bool) -> list[TakeoverFinding]:
    from relay.install.files import write_over
    from relay.takeover.apply import password_file
    from relay.takeover.plan import TakeoverError
    from relay.takeover.settings_file import held_against

    if plan.smart_host_password:
        plan.settings["delivery", "smart_host_password_file"] = str(password_file(config.absolute())), "its password"
    before = config.read_text("utf-8")
    try:
        after, findings = held_against(before, plan.settings, config.absolute().parent)
    except TakeoverError as error:
        fail(str(error))
    if apply and after != before:
        found, data = config.stat(), store.settings.server.data_dir.stat()
        if plan.smart_host_password:
            secret = f"{plan.smart_host_password}\n".encode()
            write_over(password_file(config.absolute()), secret, 0o600, (data.st_uid, data.st_gid))
        write_over(config.absolute(), after.encode(), found.st_mode & 0o777, (found.st_uid, found.st_gid))
    return findings


def _told(ctx: click.Context, findings: list[TakeoverFinding], done: TakeoverDone, apply: bool, as_json: bool) -> None:
    rows = [{"fate": str(one.fate), "what": one.what, "text": one.text} for one in findings]
    logins = [{"username": name, "password": password} for name, password in done.passwords.items()]
    tokens = [{"name": name, "token": token} for name, token in done.tokens.items()]
    webhooks = [{"url": url, "secret": secret} for url, secret in done.webhooks.items()]
    if as_json:
        told = {"applied": apply, "findings": rows, "credentials": logins, "tokens": tokens, "webhooks": webhooks}
        print_json(told)
        return
    output(ctx, rows, COLUMNS, False)
    for login in logins:
        say(f"username  {login['username']}   password  {login['password']}")
    for token in tokens:
        say(f"token  {token['name']}   {token['token']}")
    for webhook in webhooks:
        say(f"webhook  {webhook['url']}   secret  {webhook['secret']}")
    if logins or tokens or webhooks:
        note("these are not stored so that they could be shown again; keep them now")
    if apply:
        note("done; `relay reload` takes the settings, `relay check dns` looks at the records")
    else:
        note("nothing was changed; --apply does what is carried")
