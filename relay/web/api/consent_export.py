"""All consents of a tenant, page by page."""

from __future__ import annotations

from collections.abc import Iterator

from relay.lists.consent_book import EXPORT_COLUMNS
from relay.lists.list_write import escape
from relay.store.pool import Storage
from relay.web.api.consent_list import list_consents
from relay.web.api.models import ConsentOut
from relay.web.export import STEP, csv_rows


def lines(storage: Storage, tenant_id: int, kind: str, topic: str | None) -> Iterator[bytes]:
    """The export in pieces. What is changed meanwhile is in it or not; nothing is left out or comes twice."""
    encode = _json_lines if kind == "jsonl" else _csv
    if kind == "csv":
        yield csv_rows([EXPORT_COLUMNS])
    cursor: str | None = None
    while True:
        with storage.read() as conn:
            page = list_consents(conn, tenant_id, address=None, topic=topic, cursor=cursor, limit=STEP)
        if page.consents:
            yield encode(page.consents)
        if page.next is None:
            return
        cursor = page.next


def _json_lines(consents: list[ConsentOut]) -> bytes:
    return b"".join(consent.model_dump_json().encode() + b"\n" for consent in consents)


def _csv(consents: list[ConsentOut]) -> bytes:
    """The columns of ``relay consent export``, so that either can be taken in again."""
    rows = []
    for consent in consents:
        values = consent.model_dump(mode="json") | {"live": "yes" if consent.live else "no"}
        if not consent.dated:
            values["given_at"] = ""
        rows.append([escape(values[name]) for name in EXPORT_COLUMNS])
    return csv_rows(rows)
