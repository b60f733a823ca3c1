"""``/v1/announcements``: planned work and notices of the operator (R35)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from relay.announcements import book
from relay.announcements.values import Announcement
from relay.values.errors import RegistryError
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.once import tenant
from relay.web.api.openapi import ALWAYS, errors
from relay.web.api.parts import Cursor, Limit
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/announcements", tags=["account"], responses=errors(*ALWAYS))
AnnouncementNumber = Annotated[int, Path(ge=1, lt=2**53, description="Its number, as the list has it.")]
AnnouncementsWanted = Annotated[
    Literal["current", "all"], Query(description="Those that are neither over nor withdrawn, or all.")
]


class AnnouncementOut(BaseModel):
    """What the operator announces; times are in UTC."""

    number: int
    kind: Annotated[str, Field(description="`work` (planned work) or `notice`.", examples=["work"])]
    state: Annotated[str, Field(description="`coming`, `now`, `over` or `withdrawn`.", examples=["coming"])]
    title: str
    text: str
    begins_at: datetime
    ends_at: datetime
    urgent: Annotated[str, Field(description="Why it can't wait; empty where nothing was said.")]
    announced_at: datetime
    withdrawn_at: datetime | None
    withdrawn_why: str


class AnnouncementList(BaseModel):
    """The newest first."""

    announcements: list[AnnouncementOut]
    next: str | None


@router.get("")
def get_announcements(
    request: Request, state: AnnouncementsWanted = "current", cursor: Cursor = None, limit: Limit = 100
) -> AnnouncementList:
    """Planned work and notices that concern the tenant, the newest first."""
    context = Context.of(request)
    before, now = None if cursor is None else int(cursors.read(cursor, int)[0]), context.clock()
    with context.storage.read() as conn:
        found = book.of_tenant(conn, tenant(request), now, current=state == "current", before=before, limit=limit + 1)
    page = [_out(one, now) for one in found[:limit]]
    return AnnouncementList(announcements=page, next=cursors.write(page[-1].number) if len(found) > limit else None)


@router.get("/{number}", responses=errors(404))
def get_announcement(request: Request, number: AnnouncementNumber) -> AnnouncementOut:
    """One announcement."""
    context = Context.of(request)
    with context.storage.read() as conn:
        try:
            return _out(book.of_tenant_by_id(conn, tenant(request), number), context.clock())
        except RegistryError as error:
            raise Problem("not-found", "the tenant has no such announcement") from error


def _out(one: Announcement, now: float) -> AnnouncementOut:
    return AnnouncementOut(
        number=one.id,
        kind=one.kind,
        state=one.state(now),
        title=one.title,
        text=one.text,
        begins_at=moment(one.from_at),
        ends_at=moment(one.until_at),
        urgent=one.urgent,
        announced_at=moment(one.at),
        withdrawn_at=None if one.withdrawn_at is None else moment(one.withdrawn_at),
        withdrawn_why=one.withdrawn_why,
    )
