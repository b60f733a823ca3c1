"""``relay content``: what policies find in a message, and what a tenant is allowed (R15 to R18)."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from relay.audit.actions import of_tenant as actions_of
from relay.cli.common import actor, done, json_option, load_settings, open_store, output, pairs, print_json, say
from relay.store.database import transaction
from relay.tenants import permits, tenants

if TYPE_CHECKING:
    from relay.pipeline.contract import ContentFinding, Message

MOST_OCTETS = 50 * 1024 * 1024
PERMITS = ("content_class", "document", "reason", "actor", "at")
CLASSES = ("name", "title", "policy")
LOG = ("content-permitted", "content-permission-ended")


@click.group()
def command() -> None:
    """Contents of mail: check, classes, permit, revoke, permits."""


@command.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--tenant", help="Whose mail it would be; without one, nobody's in particular.")
@json_option
@click.pass_context
def check(ctx: click.Context, file: Path, tenant: str | None, as_json: bool) -> None:
    """Tell what the policies in force find in a message, where, and how sure they are; `-` reads standard input.

    FILE is a whole message as it is sent. Nothing is stored. At 100 % and above bulk mail is kept for the operator, and
    what is certain is refused.
    """
    from relay.intake import stored
    from relay.mail.scan import Malformed
    from relay.pipeline.registry import load_from

    settings = load_settings(ctx)
    with click.open_file(str(file), "rb") as opened:
        raw = opened.read(MOST_OCTETS)
    try:
        message = stored.as_mail(raw, time.time())
    except Malformed as error:
        raise click.ClickException(f"{file} is no message: {error}") from error
    owner = stored.nobody() if tenant is None else _facts(ctx, tenant)
    found = stored.findings(load_from(settings), owner, message)
    if as_json:
        print_json({"verdict": _verdict(found), "complete": message.content.complete, "findings": found_rows(found)})
    else:
        _print(found, message)


def found_rows(found: list[ContentFinding]) -> list[dict[str, object]]:
    return [msgspec.structs.asdict(one) | {"sure": round(one.sure, 2)} for one in found]


def _verdict(found: list[ContentFinding]) -> str:
    if any(one.certain for one in found):
        return "refused"
    return "held" if any(one.sure >= 1 and one.where != "allowed" for one in found) else "passes"


def _facts(ctx: click.Context, name: str) -> Any:
    from relay.tenants.snapshot import load

    store = open_store(ctx)
    row = tenants.find(store.conn, name)
    return load(store.conn, store.settings, store.secrets).tenant(row.id, time.time())


def _print(found: list[ContentFinding], message: Message) -> None:
    verdict = {"refused": "refused", "held": "kept for the operator", "passes": "passes"}[_verdict(found)]
    say(f"As bulk mail it {'is ' if verdict != 'passes' else ''}{verdict}.")
    if not message.content.complete:
        say("It was not read whole: it is larger than what is looked at.")
    for one in found:
        say("")
        pairs(
            [
                ("policy", one.policy),
                ("about", one.about),
                ("by", one.what),
                ("where", one.where),
                ("passage", one.passage),
                ("sure", "certain" if one.certain else f"{100 * one.sure:.0f} %"),
            ]
        )


@command.command("classes")
@json_option
@click.pass_context
def classes(ctx: click.Context, as_json: bool) -> None:
    """List the classes of content that the policies in force know; a tenant may be allowed one."""
    from relay.pipeline.registry import load_from

    rows = [
        {"name": name, "title": title, "policy": policy.name}
        for policy in load_from(load_settings(ctx))
        for name, title in getattr(policy, "content_classes", {}).items()
    ]
    output(ctx, rows, CLASSES, as_json)


@command.command()
@click.argument("tenant")
@click.argument("content_class", metavar="CLASS")
@click.option("--document", required=True, help="What it is given on, e.g. 'pharmacy licence 123, seen on 2026-11-01'.")
@click.option("--reason", required=True, help="Why; it is kept in the audit log.")
@json_option
@click.pass_context
def permit(ctx: click.Context, tenant: str, content_class: str, document: str, reason: str, as_json: bool) -> None:
    """Allow a tenant a class of content: a pharmacy its medicines, a bank its loans, a newspaper its politics."""
    store, now = open_store(ctx), time.time()
    known = _known(ctx)
    if content_class not in known:
        from relay.values.suggest import did_you_mean

        hint = did_you_mean(content_class, known) or ";"
        raise click.ClickException(f"{content_class!r} is no class of content{hint} there are: {', '.join(known)}")
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        permits.grant(conn, owner, content_class, document=document, reason=reason, actor=actor(), now=now)
    done(ctx, f"{tenant} may send {known[content_class]} from now on", _permits(ctx, tenant), as_json)


@command.command()
@click.argument("tenant")
@click.argument("content_class", metavar="CLASS")
@click.option("--reason", required=True, help="Why; it is kept in the audit log.")
@json_option
@click.pass_context
def revoke(ctx: click.Context, tenant: str, content_class: str, reason: str, as_json: bool) -> None:
    """End a permission: such content is kept for the operator again."""
    store, now = open_store(ctx), time.time()
    with transaction(store.conn) as conn:
        permits.revoke(conn, tenants.find(conn, tenant), content_class, reason=reason, actor=actor(), now=now)
    done(ctx, f"{content_class} of {tenant} is kept for the operator again", _permits(ctx, tenant), as_json)


@command.command("permits")
@click.argument("tenant")
@json_option
@click.pass_context
def permits_(ctx: click.Context, tenant: str, as_json: bool) -> None:
    """List what a tenant is allowed, by whom, why, and on which document; `--json` has the log too."""
    given = _permits(ctx, tenant)
    if as_json:
        print_json(given)
    else:
        output(ctx, given["permits"], PERMITS, False)


def _permits(ctx: click.Context, name: str) -> dict[str, Any]:
    conn = open_store(ctx).conn
    owner = tenants.find(conn, name)
    log = [
        {"at": one.at, "actor": one.actor, "action": one.action, **one.detail}
        for one in actions_of(conn, owner.id, LOG, 100)
    ]
    return {"tenant": name, "permits": [asdict(one) for one in permits.of_tenant(conn, owner.id)], "log": log}


def _known(ctx: click.Context) -> dict[str, str]:
    from relay.pipeline.registry import load_from

    found: dict[str, str] = {}
    for policy in load_from(load_settings(ctx)):
        found |= getattr(policy, "content_classes", {})
    return found
