"""``/account/export``: people, consents and suppressions as CSV, streamed page by page, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from starlette.responses import Response

from relay.accounts.roles import Deed
from relay.audit import actions
from relay.lists import consent_book, people_export
from relay.lists.consent_book import Choice, iso
from relay.lists.list_write import escape
from relay.people import profiles, suppressions, topics
from relay.store.contract import Tx
from relay.store.pool import Storage
from relay.values.errors import RegistryError
from relay.web.export import MOST, STEP, Export, csv_rows
from relay.web.inside.gate import PageRequest, act, show

KINDS: Final = ("consents", "people", "suppressions")
SUPPRESSION_COLUMNS: Final = ("email", "reason", "topic", "since_at", "detail")
ExportRows = list[dict[str, object]]
NextPage = Callable[[Tx], ExportRows]
"""The next page each time it is called; empty at the end."""


def form(asked: PageRequest) -> Response:
    with asked.context.storage.read() as conn:
        values = {
            "kinds": KINDS,
            "topics": topics.of_tenant(conn, asked.tenant_id),
            "groups": profiles.groups(conn, asked.tenant_id),
        }
    return asked.page("account/export.html", values)


def export(asked: PageRequest) -> Response:
    """One of KINDS; who took it, and what, is in the audit log."""
    kind, context, tenant_id = asked.field("kind", 20), asked.context, asked.tenant_id
    if kind not in KINDS:
        raise RegistryError("choose what to export")
    choice = Choice(asked.field("topic", 63), asked.field("group", 200), live=asked.field("live", 3) == "yes")
    if kind != "consents":
        choice = Choice()
    place = ("export", tenant_id)
    if not context.running.take(place, MOST):
        raise RegistryError(f"{MOST} exports are running; one has to end first")
    try:
        with context.storage.write() as conn:
            consent_book.check(conn, tenant_id, choice)
            columns, following = _PAGES[kind](conn, tenant_id, choice)
            said = {"topic": choice.topic, "group": choice.group, "live": choice.live}
            told = {"what": kind} | {name: value for name, value in said.items() if value}
            actions.record(conn, asked.visitor.shown, "people-exported", tenant_id, told, asked.now)
            asked.note(conn, "did", f"{kind}: exported")
    except BaseException:
        context.running.give_back(place)
        raise
    lines = _lines(context.storage, columns, following)
    return Export(lines, "csv", lambda: context.running.give_back(place), name=kind)


ROUTES = [
    show("/account/export", form, Deed.TAKE),
    act("/account/people/export", export, Deed.TAKE),
]


def _lines(storage: Storage, columns: Sequence[str], following: NextPage) -> Iterator[bytes]:
    yield csv_rows([[escape(name) for name in columns]])
    while True:
        with storage.read() as conn:
            rows = following(conn)
        if not rows:
            return
        yield csv_rows([[escape(row.get(name)) for name in columns] for row in rows])


def _consents(conn: Tx, tenant_id: int, choice: Choice) -> tuple[Sequence[str], NextPage]:
    place = ("", "")

    def following(conn: Tx) -> ExportRows:
        nonlocal place
        rows = consent_book.export_page(conn, tenant_id, choice, place, STEP)
        if rows:
            place = (str(rows[-1]["email"]), str(rows[-1]["topic"]))
        return rows

    return consent_book.export_columns(conn, tenant_id), following


def _people(conn: Tx, tenant_id: int, choice: Choice) -> tuple[Sequence[str], NextPage]:
    place = ""

    def following(conn: Tx) -> ExportRows:
        nonlocal place
        rows = people_export.page(conn, tenant_id, place, STEP)
        place = str(rows[-1]["email"]) if rows else place
        return rows

    return people_export.columns(conn, tenant_id), following


def _suppressions(conn: Tx, tenant_id: int, choice: Choice) -> tuple[Sequence[str], NextPage]:
    place: tuple[str, int, str] | None = None

    def following(conn: Tx) -> ExportRows:
        nonlocal place
        rows = suppressions.page(conn, tenant_id, address=None, reason=None, after=place, limit=STEP)
        if rows:
            place = rows[-1][0]
        return [
            {
                "email": row.address,
                "reason": row.reason.value,
                "topic": row.topic or "*",
                "since_at": iso(row.since_at),
                "detail": row.detail,
            }
            for _, row in rows
        ]

    return SUPPRESSION_COLUMNS, following


_PAGES: Final = {"consents": _consents, "people": _people, "suppressions": _suppressions}
