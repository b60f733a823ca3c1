"""Suppressions from a file, e.g. the unsubscribed and dead addresses of an earlier provider."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from relay.audit import actions
from relay.lists.consent_import import ImportReport, Progress, TellRefused
from relay.lists.list_file import Bad, Entry, ListFile
from relay.people import consents, suppressions
from relay.store.contract import Tx
from relay.store.database import transaction
from relay.values.facts import Reason

CHUNK: Final = 500
_WORDS: Final = {reason.value: reason for reason in Reason}


def suppress(conn: Tx, tenant_id: int, canonical: str, reason: Reason, *, detail: str, means: str, now: float) -> bool:
    """Suppress an address for all of the tenant's mail, known before or not; True if that is new.

    ``unsubscribed`` ends the consents too, as if the person had done it.
    """
    subscriber_id = consents.subscriber(conn, tenant_id, canonical, now)
    if reason is Reason.UNSUBSCRIBED:
        evidence = {"detail": detail} if detail else {}
        return consents.withdraw(
            conn,
            tenant_id,
            subscriber_id,
            topic_id=consents.EVERYTHING,
            means=means,
            now=now,
            evidence=evidence,
        )
    return suppressions.add(conn, subscriber_id, reason, detail=detail, now=now)


def run(
    conn: Tx,
    file: ListFile,
    tenant_id: int,
    *,
    reason: Reason,
    actor: str,
    now: float,
    refused: TellRefused,
    progress: Progress = lambda lines: None,
) -> ImportReport:
    """Suppress every usable line, in short transactions of its own.

    A column ``reason`` with a known word goes before ``reason``. A column
    ``topic`` is read over: a suppression from outside stops everything, which
    errs on the side of silence.
    """
    report = ImportReport()
    lines = file.read()
    name = file.name[:100]
    while batch := list(islice(lines, CHUNK)):
        with transaction(conn):
            _chunk(conn, batch, report, refused, lambda e: (tenant_id, _WORDS.get(e.reason, reason), name, now))
        progress(report.lines)
    with transaction(conn):
        detail = {"file": name, "sha256": file.kind.sha256, "lines": report.lines, "taken": report.taken}
        actions.record(conn, actor, "suppressions-imported", tenant_id, detail, now)
    return report


def _chunk(
    conn: Tx,
    batch: list[Entry | Bad],
    report: ImportReport,
    refused: TellRefused,
    how: Callable[[Entry], tuple[int, Reason, str, float]],
) -> None:
    for item in batch:
        report.lines += 1
        if isinstance(item, Bad):
            report.refused += 1
            report.reasons[item.why] += 1
            refused(item)
            continue
        tenant_id, reason, name, now = how(item)
        detail = f"import {name}, line {item.line}"
        if suppress(conn, tenant_id, item.address.canonical, reason, detail=detail, means="import", now=now):
            report.taken += 1
        else:
            report.duplicates += 1
