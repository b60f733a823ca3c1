"""``/account/imports``: lists that are handed in, tried, taken, each with its report and its fate; taken back too."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from relay.accounts.roles import Deed
from relay.lists import fates, runs
from relay.lists.wishes import MEANINGS, ListWishes
from relay.people import topics
from relay.store.contract import Tx
from relay.uploads import book
from relay.uploads.files import UploadFiles, plain_name
from relay.uploads.values import JobKind, JobState, ListJob, UndoWish
from relay.values.errors import RegistryError
from relay.values.moments import ORDERS
from relay.web.inside.gate import PageRequest, act, number_of, show
from relay.web.inside.upload import read_upload

HERE: Final = "/account/imports"
LENGTH: Final = 25
MOST_WORDING: Final = 20_000
MOST_WORDS: Final = 1_000
MOST_WORD: Final = 200
EVERY_S: Final = 2
"""A page of a list that is worked on is loaded anew."""


def listing(asked: PageRequest) -> Response:
    """What is worked on, what was taken with its fate, and a form for the next."""
    with asked.context.storage.read() as conn:
        rows = runs.of_tenant(conn, asked.tenant_id, LENGTH + 1, before=asked.before())
        jobs = [] if asked.before() else book.of_tenant(conn, asked.tenant_id)
        named = topics.of_tenant(conn, asked.tenant_id)
        values = {
            "jobs": [one for one in jobs if one.kind is not JobKind.UNDO],
            "rows": [(one, fates.of_import(conn, one.id)) for one in rows[:LENGTH]],
            "names": {one.id: one.name for one in named},
            "following": rows[LENGTH - 1].id if len(rows) > LENGTH else None,
            "wishes": ListWishes("", "", ""),
            "topics": named,
            "changes": asked.visitor.may(Deed.CHANGE),
            "working": any(one.open for one in jobs),
            "most": asked.context.settings.lists.upload_octets // (1024 * 1024),
            **_choices(),
        }
    return asked.page("account/imports.html", values)


def hand_in(asked: PageRequest) -> Response:
    """Keep the file and let it be tried; what is wrong with it is said on its own page."""
    form = read_upload(asked.request.headers.get("content-type", ""), asked.body)
    if not form.name or not form.file:
        raise RegistryError("choose a file that holds something")
    most = asked.context.settings.lists.upload_octets
    if len(form.file) > most:
        raise RegistryError(f"the file is larger than {most} octets")
    asked = replace(asked, fields=form.fields)
    wishes, name, files = _wishes(asked), plain_name(form.name), _files(asked)
    kept = files.put(name, form.file)
    with asked.context.storage.write() as conn:
        id_ = book.add(
            conn, asked.tenant_id, JobKind.TRY, file=name, octets=len(form.file), wishes=wishes,
            actor=asked.visitor.shown, now=asked.now,
        )  # fmt: skip
        files.settle(kept, id_)
        asked.note(conn, "did", f"list {name}: handed in")
    return _working(asked, id_)


def one_list(asked: PageRequest) -> Response:
    """How far it is, what came of it, and what can be done with it."""
    with asked.context.storage.read() as conn:
        job = _job(conn, asked)
        named = topics.of_tenant(conn, asked.tenant_id)
    undo = job.kind is JobKind.UNDO
    wishes = ListWishes("", "", "") if undo else book.wishes_of(job)
    answered = [(word, meaning) for word, _, meaning in (one.rpartition("=") for one in wishes.status)]
    values = {
        "job": job,
        "wishes": wishes,
        "questions": [(text, word, "") for text, word in job.told.asked if word]
        + [(word, word, meaning) for word, meaning in answered],
        "topics": named,
        "every": EVERY_S,
        "changes": asked.visitor.may(Deed.CHANGE) and not undo,
        "may_take": job.kind is JobKind.TRY and job.state is JobState.DONE,
        "report": not undo and job.told.refusals > 0 and _files(asked).report_of(job.id).exists(),
        **_choices(),
    }
    return asked.page("account/import_list.html", values)


def work(asked: PageRequest) -> Response:
    """try (with other wishes), take (as it was tried), or drop."""
    word = asked.request.path_params["deed"]
    with asked.context.storage.write() as conn:
        job = _job(conn, asked)
        if word == "drop":
            if job.open:
                raise RegistryError("this list is being worked on; wait until that is through")
            book.remove(conn, job.id)
        elif word == "try":
            book.again(conn, job, JobKind.TRY, _wishes(asked), actor=asked.visitor.shown, now=asked.now)
        elif word == "take":
            if asked.field("attest", 3) != "yes":
                raise RegistryError("tick the box by which you attest it; nothing was taken")
            if job.state is not JobState.DONE:
                raise RegistryError("a list is taken once it was tried; try it again")
            book.again(conn, job, JobKind.TAKE, book.wishes_of(job), actor=asked.visitor.shown, now=asked.now)
        else:
            raise HTTPException(404)
        asked.note(conn, "did", f"list {job.file}: {word}")
    if word == "drop":
        _files(asked).drop(job.id)
        return asked.to(HERE)
    return _working(asked, job.id)


def report(asked: PageRequest) -> Response:
    """All lines that weren't taken, as CSV."""
    with asked.context.storage.read() as conn:
        job = _job(conn, asked)
    path = _files(asked).report_of(job.id)
    if not path.exists():
        raise HTTPException(404)
    return FileResponse(path, filename=f"refused-{job.id}.csv", media_type="text/csv")


def one(asked: PageRequest) -> Response:
    """A list that was taken: what became of its people."""
    with asked.context.storage.read() as conn:
        run = _run(conn, asked)
        values = {
            "row": run,
            "topic": next((one.shown for one in topics.of_tenant(conn, asked.tenant_id) if one.id == run.topic_id), ""),
            "fate": fates.of_import(conn, run.id),
            "undoing": next((job for job in book.of_tenant(conn, asked.tenant_id) if _undoes(job, run.id)), None),
            "changes": asked.visitor.may(Deed.CHANGE),
        }
    return asked.page("account/import.html", values)


def turn(asked: PageRequest) -> Response:
    """freeze, thaw, or undo: its people count no more, count again, or are given back whole."""
    word, reason = asked.request.path_params["deed"], asked.field("reason", runs.MAX_REASON)
    with asked.context.storage.write() as conn:
        run = _run(conn, asked)
        by = {"reason": reason, "actor": asked.visitor.shown, "now": asked.now}
        job = 0
        if word == "freeze":
            runs.freeze(conn, asked.tenant_id, run.id, **by)  # type: ignore[arg-type]
        elif word == "thaw":
            runs.thaw(conn, asked.tenant_id, run.id, **by)  # type: ignore[arg-type]
        elif word == "undo":
            if asked.field("sure", 3) != "yes":
                raise RegistryError("tick the box: only the people themselves can come back; nothing was changed")
            if run.state == "taken":  # nothing of it counts from now on, however long the rest takes
                runs.freeze(conn, asked.tenant_id, run.id, **by)  # type: ignore[arg-type]
            elif run.state == "undone":
                raise RegistryError(f"import {run.id} is undone")
            job = book.add(
                conn, asked.tenant_id, JobKind.UNDO, file=run.file, octets=0, wishes=UndoWish(reason),
                actor=asked.visitor.shown, now=asked.now, import_id=run.id,
            )  # fmt: skip
        else:
            raise HTTPException(404)
        asked.note(conn, "did", f"import {run.id}: {word}")
    return _working(asked, job) if job else asked.to(f"{HERE}/{run.id}")


ROUTES = [
    show(HERE, listing, Deed.SEE),
    act(HERE, hand_in, Deed.CHANGE),
    show("/account/lists/{id}", one_list, Deed.SEE),
    act("/account/lists/{id}/{deed}", work, Deed.CHANGE),
    show("/account/list-reports/{id}", report, Deed.SEE),
    show(f"{HERE}/{{id}}", one, Deed.SEE),
    act(f"{HERE}/{{id}}/{{deed}}", turn, Deed.CHANGE),
]


def _choices() -> dict[str, object]:
    return {"meanings": MEANINGS, "orders": ORDERS}


def _files(asked: PageRequest) -> UploadFiles:
    return UploadFiles(asked.context.settings.server.data_dir)


def _working(asked: PageRequest, job_id: int) -> Response:
    """Its page; somebody begins with it now."""
    if asked.context.lists is not None:
        asked.context.lists.wake()
    return asked.to(f"/account/lists/{job_id}")


def _wishes(asked: PageRequest) -> ListWishes:
    """As the form says; what is wrong with it is told with the rest."""
    status = []
    for name, word in asked.fields:
        number = number_of(name.removeprefix("word-"))
        if name.startswith("word-") and number is not None and (meaning := asked.field(f"meaning-{number}", 20)):
            status.append(f"{word[:MOST_WORD]}={meaning}")
    dates = asked.field("dates", 3)
    return ListWishes(
        topic=asked.field("topic", 63),
        source=asked.field("source", 500),
        wording=asked.field("wording", MOST_WORDING),
        groups=_words(asked, "groups"),
        skip=_words(asked, "skip"),
        keep=_words(asked, "keep"),
        encoding=asked.field("encoding", 40),
        dates=dates if dates in ORDERS else "",
        status=tuple(status),
        domains=_words(asked, "domains"),
        suppress=asked.field("suppress", 3) == "yes",
    )


def _words(asked: PageRequest, name: str) -> tuple[str, ...]:
    parts = asked.field(name, MOST_WORDS).split(",")
    return tuple(dict.fromkeys(one.strip() for one in parts if one.strip()))


def _undoes(job: ListJob, import_id: int) -> bool:
    return job.kind is JobKind.UNDO and job.import_id == import_id and job.open


def _job(conn: Tx, asked: PageRequest) -> ListJob:
    found = book.find(conn, asked.tenant_id, asked.number())
    if found is None:
        raise HTTPException(404)
    return found


def _run(conn: Tx, asked: PageRequest) -> runs.ImportRun:
    try:
        return runs.find(conn, asked.tenant_id, asked.number())
    except RegistryError:
        raise HTTPException(404) from None
