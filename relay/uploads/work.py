"""One list's work, in a process of its own: ``python -m relay.uploads.work``, settings and number on its stdin.

Reading and judging a list takes the processor for minutes, which pages must not wait for. Whoever started it holds the
other end of stdin: once that is closed this process ends, and the next one begins the list anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final, NamedTuple

from config.settings import Settings
from relay.keys.secrets import Secrets
from relay.lists import consent_import, runs, told
from relay.lists.consent_import import ImportReport
from relay.lists.list_file import ListFile
from relay.lists.list_write import write_list
from relay.lists.refusals import REPORT_COLUMNS, Refusals
from relay.observe import log
from relay.people import wording_check
from relay.people.consent_rules import ConsentRefused
from relay.pipeline import uploads
from relay.pipeline.contract import Upload
from relay.pipeline.registry import load_from
from relay.store.contract import Failure, Tx
from relay.store.database import StoreError, connect, transaction
from relay.store.words import failed
from relay.uploads import book
from relay.uploads.files import UploadFiles
from relay.uploads.values import BEAT_S, JobKind, ListJob, ToldJob
from relay.values.errors import RegistryError

_log = logging.getLogger("relay.lists")
TAKE: Final = "tick the box below"
"""How the reader of a page has people suppressed."""
AGAIN: Final = "it failed for a reason of ours; try again later, or tell the operator"


class WorkOrder(NamedTuple):
    """What the process is told."""

    settings: Settings
    job: ListJob
    claim: str


def main() -> int:
    os.nice(5)
    length = int.from_bytes(_told(8), "big")
    order: WorkOrder = pickle.loads(_told(length))  # of the process that started this one
    threading.Thread(target=_end_with_starter, daemon=True).start()
    log.setup(order.settings.log.level, order.settings.log.format)
    run(order)
    return 0


def _told(octets: int) -> bytes:
    found = b""
    while len(found) < octets:
        part = os.read(0, octets - len(found))
        if not part:
            sys.exit(1)
        found += part
    return found


def _end_with_starter() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)  # a transaction that is under way is undone by the store


def run(order: WorkOrder) -> None:
    """Do it and write down what came of it, whatever that is."""
    with closing(connect(order.settings.stored)) as conn:
        with _Beating(order) as beating:
            found, import_id = _outcome(conn, order, beating.step)
        with transaction(conn):
            book.end(conn, order.job.id, order.claim, found, import_id, time.time())


def _outcome(conn: Tx, order: WorkOrder, step: Callable[[int, int], None]) -> tuple[ToldJob, int | None]:
    settings, job, _ = order
    try:
        return _done(conn, settings, job, step)
    except (RegistryError, ConsentRefused) as error:
        path = UploadFiles(settings.server.data_dir).list_of(job.id, job.file)
        return ToldJob(fault=str(error).replace(str(path), job.file)), None
    except Exception as error:
        failed(_log, f"list {job.id} failed", error, settings.stored)
        return ToldJob(fault=AGAIN), None


def _done(conn: Tx, settings: Settings, job: ListJob, step: Callable[[int, int], None]) -> tuple[ToldJob, int | None]:
    if job.kind is JobKind.UNDO:
        return _undo(conn, job, step), None
    wishes, files = book.wishes_of(job), UploadFiles(settings.server.data_dir)
    path = files.list_of(job.id, job.file)
    wishes.terms()
    missing = wording_check.gaps(wishes.wording, abroad=settings.consent.transfer_abroad)
    gaps = wording_check.sentence(missing)
    if gaps and settings.consent.wording_gaps == "refuse":
        raise RegistryError(gaps)
    if not path.exists():
        raise RegistryError("the file is gone; hand it in again")
    _looked_at(settings, files, job)
    people = wishes.open(path)
    trying = job.kind is JobKind.TRY
    order = wishes.order(job.tenant_id, Secrets.load(settings.secrets_file), job.actor, time.time(), dry_run=trying)
    refusals = Refusals()
    lines = people.kind.lines
    report = consent_import.run(conn, people, order, refused=refusals, progress=lambda done: step(done, lines))
    write_list(files.report_of(job.id), REPORT_COLUMNS, refusals.all())
    if not trying:
        files.drop_list(job.id)
    return _in_words(people, report, refusals, gaps, trying), report.import_id or None


def _undo(conn: Tx, job: ListJob, step: Callable[[int, int], None]) -> ToldJob:
    wishes = book.undo_of(job)
    assert job.import_id is not None
    taken = runs.find(conn, job.tenant_id, job.import_id).taken
    people = runs.undo(
        conn, job.tenant_id, job.import_id, reason=wishes.reason, actor=job.actor, now=time.time(),
        progress=lambda done: step(done, taken),
    )  # fmt: skip
    return ToldJob(sums=(f"import {job.import_id} is undone: {people} consents are withdrawn",), taken=people)


def _looked_at(settings: Settings, files: UploadFiles, job: ListJob) -> None:
    """Shown to the policies that look at files (R18); raises RegistryError, and the file is gone then."""
    policies = uploads.lookers(load_from(settings))
    if not policies:
        return
    body = files.list_of(job.id, job.file).read_bytes()
    status = asyncio.run(uploads.refused(policies, Upload(job.file, body)))
    if status is None:
        return
    if status.permanent:
        files.drop(job.id)
    raise RegistryError(f"{job.file} isn't taken: {status.text.removeprefix('content: ')}")


def _in_words(people: ListFile, report: ImportReport, refusals: Refusals, gaps: str, trying: bool) -> ToldJob:
    return ToldJob(
        remarks=(*people.remarks, *((gaps,) if gaps else ())),
        sums=tuple(told.sums(report, dry_run=trying, take=TAKE)),
        asked=tuple(told.asked(report)),
        refused=tuple(told.refused(bad) for bad in refusals.first),
        refusals=refusals.count,
        taken=report.taken,
        offered=report.offered,
    )


class _Beating:
    """Says all the time that somebody works on the list, and how far; ends the process once it is no longer ours."""

    def __init__(self, order: WorkOrder) -> None:
        self._order = order
        self._far = (0, 0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> _Beating:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def step(self, done: int, lines: int) -> None:
        self._far = (done, lines)

    def _run(self) -> None:
        settings, job, word = self._order
        with closing(connect(settings.stored)) as conn:
            while not self._ended.wait(BEAT_S):
                try:
                    with transaction(conn):
                        mine = book.beat(conn, job.id, word, *self._far, time.time())
                except (StoreError, Failure):
                    continue  # the next one is soon
                if not mine and not self._ended.is_set():
                    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
