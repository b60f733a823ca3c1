"""``relay domain``: sending domains, their keys and DNS records (R14)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import click

from relay.checks.files import mode_fault
from relay.cli.common import Store, actor, cell, done, fail, json_option, note, open_store, output, print_json, say
from relay.cli.common import show as print_fields
from relay.conduct import admission
from relay.keys import dkim_keys
from relay.queue import waiting
from relay.queue.thaw import thaw
from relay.store.database import transaction
from relay.tenants import domain_check, domain_proof, domains, tenants
from relay.tenants.domain_check import RecordFinding, RecordState
from relay.tenants.lookup import LookupFailed, resolver

COLUMNS = ("name", "tenant", "verified_at", "verified_by", "return_path_at", "selectors")
HINTS = {
    "links": "for tracked links on your own name; without it they are on the relay's",
    "spf": "merge it with the SPF record that is there, if any: a domain has one",
    "dmarc": "keep the record that is there, if any: p=none only watches",
}
OPTIONAL = ("return-path", "links", "spf", "dmarc")
MAX_KEY_OCTETS = 65_536


@click.group()
def command() -> None:
    """Sending domains of a tenant, their keys and DNS records."""


@command.command()
@click.argument("tenant")
@click.argument("domain")
@click.option("--key", type=click.Path(dir_okay=False, path_type=Path), help="PEM file of a DKIM key to take over.")
@click.option("--selector", default="", help="The selector that key is published under.")
@json_option
@click.pass_context
def add(ctx: click.Context, tenant: str, domain: str, key: Path | None, selector: str, as_json: bool) -> None:
    """Claim a domain for a tenant: make DKIM keys (rsa-2048 and ed25519) and print the DNS records to publish.

    With --key and --selector that key is taken, and one of the other algorithm made. The value of a record in --json is
    raw text; the lines for people are zone-file lines.
    """
    if (key is None) != (not selector):
        raise click.UsageError("--key and --selector go together")
    store = open_store(ctx)
    name = domain_proof.sendable(domain, store.settings)
    imported = (selector, dkim_keys.import_pem(_read(key))) if key is not None else None
    fault = mode_fault("key", key) if key is not None else None
    if fault is not None:
        note(f"{fault.detail}. The relay keeps it sealed: remove the file, or {fault.todo}")
    with transaction(store.conn) as conn:
        owner = tenants.find(conn, tenant)
        found = admission.check_domain(conn, owner, name)
        row = domains.add(conn, store.secrets, owner, name, imported=imported, actor=actor(), now=time.time())
    _print_records(store, row, as_json)
    if found and not as_json:
        common = ", ".join(f"the domain {match.value} of {match.tenant}" for match in found)
        note(f"{tenant} may be a second account: it has {common}")
    if not as_json:
        note(f"publish these, then run `relay domain verify {tenant} {name}`")


@command.command()
@click.argument("names", nargs=-1, metavar="[TENANT] DOMAIN")
@click.option("--vouch", metavar="REASON", help="Take the domain as verified without asking DNS, and why.")
@json_option
@click.pass_context
def verify(ctx: click.Context, names: tuple[str, ...], vouch: str | None, as_json: bool) -> None:
    """Look a domain's records up, and take it into use if they are there.

    Needed are the verification record and one DKIM key. The return path is used once it is there, and no more when it
    is gone. New keys from `rotate` begin to sign once their records are seen.
    """
    store = open_store(ctx)
    row = _claim(store, names)
    if vouch is not None:
        _vouch(ctx, store, row, vouch, as_json)
        return
    try:
        lookup = resolver(store.settings)
    except LookupFailed as error:
        fail(str(error))
    findings = domain_check.check(domains.records(store.conn, store.settings, row), lookup)
    with transaction(store.conn) as conn:  # the looking up is over, so it is short
        row, retired = domain_proof.take(conn, row.id, findings, actor=actor(), now=time.time())
    freed = thaw(store.conn, time.time(), row.tenant_id)
    _print_findings(ctx, row, findings, as_json)
    if freed and not as_json:
        note(f"{freed} held copies are due")
    if retired and not as_json:
        note(f"no longer signing: {', '.join(retired)}; leave their records in DNS for a week, mail is on its way")
    if not domain_check.proves(findings):
        needed = [f for f in findings if f.record.purpose not in OPTIONAL and f.state is not RecordState.OK]
        still = " (it stays verified from before)" if row.verified_at is not None else ""
        fail(f"{row.name} is not proved{still}: {_first_cause(needed)}")


@command.command("list")
@click.argument("tenant", required=False)
@json_option
@click.pass_context
def list_(ctx: click.Context, tenant: str | None, as_json: bool) -> None:
    """List the domains of a tenant, or all."""
    conn = open_store(ctx).conn
    rows = domains.listing(conn, tenants.find(conn, tenant).id if tenant else None)
    output(ctx, [_row(row) for row in rows], COLUMNS, as_json)


@command.command()
@click.argument("names", nargs=-1, metavar="[TENANT] DOMAIN")
@click.option("--at-once", is_flag=True, help="The old keys stop signing now (a key got out).")
@json_option
@click.pass_context
def rotate(ctx: click.Context, names: tuple[str, ...], at_once: bool, as_json: bool) -> None:
    """Make new DKIM keys and print the records.

    The old keys go on to sign until `relay domain verify` sees the new records, so that no signature breaks.
    """
    store = open_store(ctx)
    row = _claim(store, names)
    with transaction(store.conn) as conn:
        row = domains.rotate(conn, store.secrets, row, at_once=at_once, actor=actor(), now=time.time())
    _print_records(store, row, as_json)
    if not as_json:
        note(f"publish the new DKIM records, then run `relay domain verify {row.tenant} {row.name}`")


@command.command()
@click.argument("names", nargs=-1, metavar="[TENANT] DOMAIN")
@click.option("--yes", is_flag=True, help="Also while mail from it waits: that is held.")
@json_option
@click.pass_context
def remove(ctx: click.Context, names: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Drop a tenant's claim to a domain, with its keys.

    While mail from it waits, that is told and --yes is asked for. Such mail is then held, and the keys are kept until
    none of it is left: if the tenant adds and verifies the domain anew, it goes out signed as before.
    """
    store = open_store(ctx)
    row = _claim(store, names)
    with transaction(store.conn) as conn:
        waits = waiting.of_domain(conn, row.tenant_id, row.name)
        if waits.total and not yes:
            fail(
                f"{waits.total} copies from {row.name} wait ({waits.due} due, {waits.held} held), and would be held"
                f" without it: `relay queue list --tenant {row.tenant}` shows them, --yes removes it all the same"
            )
        domains.remove(conn, row, keep_keys=bool(waits.total), actor=actor(), now=time.time())
    text = f"{row.name} removed from {row.tenant}"
    if waits.total:
        text += f"; {waits.total} copies from it are held, and its keys kept until none is left"
    done(ctx, text, _row(row) | {"waiting": waits.total}, as_json)


@command.command("set")
@click.argument("names", nargs=-1, metavar="[TENANT] DOMAIN")
@click.option("--ed25519", type=click.Choice(["on", "off"]), required=True, help="Whether it signs by Ed25519 too.")
@json_option
@click.pass_context
def set_(ctx: click.Context, names: tuple[str, ...], ed25519: str, as_json: bool) -> None:
    """Change how a domain signs: with Ed25519 off by RSA alone, where receivers call the other one failed."""
    store = open_store(ctx)
    row = _claim(store, names)
    with transaction(store.conn) as conn:
        if ed25519 == "off" and not any(key.algorithm == "rsa-sha256" for key in row.keys):
            fail(f"{row.name} has no RSA key, so nothing would sign; `relay domain rotate {row.name}` makes one")
        row = domains.set_ed25519(conn, row, ed25519 == "on", actor=actor(), now=time.time())
    done(ctx, f"{row.name} signs by RSA" + (" and Ed25519" if row.ed25519 else " alone"), _row(row), as_json)


def _claim(store: Store, names: Sequence[str]) -> domains.DomainRow:
    if len(names) not in (1, 2):
        raise click.UsageError("name the domain, and before it the tenant if several claim it")
    name = domains.normal_name(names[-1])
    return domains.find(store.conn, name, tenants.find(store.conn, names[0]).id if len(names) == 2 else None)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_KEY_OCTETS)


def _vouch(ctx: click.Context, store: Store, row: domains.DomainRow, reason: str, as_json: bool) -> None:
    line = " ".join(reason.split())
    if not line or not line.isprintable():
        raise click.BadParameter("say in a few printable words why", param_hint="'--vouch'")
    now, who = time.time(), actor()
    with transaction(store.conn) as conn:
        row = domains.mark_verified(conn, row, f"{who}: {line}", actor=who, now=now)
        domains.retire_superseded(conn, row, [key.selector for key in row.keys], actor=who, now=now)
        row = domains.by_id(conn, row.id)
    thaw(store.conn, now, row.tenant_id)
    done(ctx, f"{row.name} is taken as {row.tenant}'s: {row.verified_by}", _row(row), as_json)


def _first_cause(findings: list[RecordFinding]) -> str:
    record, state = findings[0].record, findings[0].state
    if state is RecordState.UNKNOWN:
        return f"{record.type} {record.name} can't be looked up: {findings[0].cause}"
    return f"{record.type} {record.name} is {state} in DNS; publish it, wait until it is visible, and verify again"


def _print_records(store: Store, row: domains.DomainRow, as_json: bool) -> None:
    found = domains.records(store.conn, store.settings, row)
    if as_json:
        print_json([_record(record) for record in found])
        return
    for record in found:
        hint = HINTS.get(record.purpose)
        say(f"; {record.purpose}" + (f": {hint}" if hint else ""))
        say(domains.zone_line(record))


def _print_findings(ctx: click.Context, row: domains.DomainRow, findings: list[RecordFinding], as_json: bool) -> None:
    rows = [{"state": str(f.state), **_record(f.record), "found": list(f.found), "cause": f.cause} for f in findings]
    if as_json:
        print_fields(ctx, _row(row) | {"records": rows}, True)
        return
    output(ctx, rows, ("state", "purpose", "type", "name"), False)
    for finding in findings:
        if finding.state in (RecordState.MISSING, RecordState.DIFFERENT):
            say(f"\n; {finding.record.purpose} is {finding.state}; publish")
            say(domains.zone_line(finding.record))
        for text in filter(None, (finding.told, *finding.remarks)):
            say(f"; {finding.record.purpose}: {text}")
        for value in finding.found if finding.state is RecordState.DIFFERENT else ():
            say(f"; there is: {cell('', value)}")
    say(f"\n{row.name}: {'verified' if row.verified_at is not None else 'not verified'}")


def _record(record: domains.DnsRecord) -> dict[str, object]:
    return {"name": record.name, "type": record.type, "value": record.value, "purpose": record.purpose}


def _row(row: domains.DomainRow) -> dict[str, object]:
    return {
        "name": row.name,
        "tenant": row.tenant,
        "tenant_id": row.tenant_id,
        "verified_at": row.verified_at,
        "verified_by": row.verified_by,
        "return_path_at": row.return_path_at,
        "links_at": row.links_at,
        "ed25519": row.ed25519,
        "selectors": [key.selector for key in row.keys],
        "keys": [
            {"selector": k.selector, "algorithm": k.algorithm, "created_at": k.created_at, "waiting": k.waiting}
            for k in row.keys
        ],
    }
