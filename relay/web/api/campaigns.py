"""``/v1/campaigns``: the tenant's own, with their figures; and an end to one of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from relay.campaigns import campaigns, figures
from relay.campaigns.campaigns import Campaign
from relay.exemplars import keep
from relay.queue import campaign_copies, verdicts
from relay.queue.campaign_copies import CampaignCopy
from relay.store.contract import Tx
from relay.tracking import figures as tracking
from relay.values.errors import RegistryError
from relay.web.api import cursors
from relay.web.api.consent_list import moment
from relay.web.api.messages_sent import States
from relay.web.api.models_account import (
    CampaignList,
    CampaignOut,
    CampaignRecipient,
    CampaignRecipients,
    HitsOut,
    StopIn,
)
from relay.web.api.models_content import CampaignContent
from relay.web.api.once import Key, once, tenant
from relay.web.api.openapi import ALWAYS, REPLAY, WITH_BODY, errors
from relay.web.api.parts import Cursor, Limit
from relay.web.api.strict import STRICT_JSON
from relay.web.context import Context
from relay.web.problems import Problem

router = APIRouter(prefix="/campaigns", tags=["campaigns"], responses=errors(*ALWAYS))
CampaignId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("")
def get_campaigns(request: Request, cursor: Cursor = None, limit: Limit = 20) -> CampaignList:
    """Campaigns with their figures, the newest first."""
    before = None if cursor is None else int(cursors.read(cursor, int)[0])
    with Context.of(request).storage.read() as conn:
        rows = campaigns.page(conn, tenant(request), before, limit + 1)
        following = cursors.write(rows[limit - 1].id) if len(rows) > limit else None
        return CampaignList(campaigns=[_out(conn, row) for row in rows[:limit]], next=following)


@router.get("/{id}", responses=errors(404))
def get_campaign(request: Request, id: CampaignId) -> CampaignOut:
    """One campaign with its figures of this moment."""
    with Context.of(request).storage.read() as conn:
        return _out(conn, _find(conn, tenant(request), id))


@router.get("/{id}/content", responses=errors(404))
def get_campaign_content(request: Request, id: CampaignId) -> CampaignContent:
    """What it says: of copies that are held, else as it was kept. 404 where there is neither."""
    context = Context.of(request)
    with context.storage.read() as conn:
        row = _find(conn, tenant(request), id)
        found = keep.of_campaign(conn, row.id, context.settings.links.base_url, context.clock())
    if found is None:
        raise Problem("not-found", "no copy of the campaign is held, and nothing of it was kept")
    made = msgspec.to_builtins(found)
    made["headers"] = [{"name": name, "value": value} for name, value in found.headers]
    return CampaignContent.model_validate(made | {"made_at": moment(found.made_at)})


@router.get("/{id}/recipients", responses=errors(404))
def get_campaign_recipients(
    request: Request,
    id: CampaignId,
    search: Annotated[str, Query(max_length=320)] = "",
    state: States | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> CampaignRecipients:
    """Each recipient and what became of their copy. A page may hold fewer than `limit`, and still name a next one."""
    after = None
    if cursor is not None:
        submission_id, number = (int(part) for part in cursors.read(cursor, int, int))
        after = submission_id, number - 1
    with Context.of(request).storage.read() as conn:
        row = _find(conn, tenant(request), id)
        found, reached = campaign_copies.page(conn, row, search, state or "", after, limit)
    following = None if reached is None else cursors.write(reached[0], reached[1] + 1)
    return CampaignRecipients(recipients=[_recipient(one) for one in found], next=following)


def _recipient(one: CampaignCopy) -> CampaignRecipient:
    times = {"accepted_at": moment(one.accepted_at), "changed_at": moment(one.changed_at)}
    return CampaignRecipient.model_validate(asdict(one) | times)


@router.post(
    "/{id}/stop",
    response_model=CampaignOut,
    dependencies=STRICT_JSON,
    responses={200: REPLAY, **errors(404, 409, *WITH_BODY)},
)
def stop_campaign(request: Request, id: CampaignId, given: StopIn, key: Key = None) -> Response:
    """Hold all that hasn't left, and all that comes later. The operator lets it go on, or declines it."""
    context, tenant_id = Context.of(request), tenant(request)

    def act(conn: Tx) -> CampaignOut:
        row = _find(conn, tenant_id, id)
        try:
            stopped = verdicts.stop(conn, row.id, "tenant (api)", given.reason, context.clock(), own=True)
        except RegistryError as error:
            raise Problem("invalid", f"reason: {error}") from error
        if not stopped:
            raise Problem("decided", f"the campaign is {row.state} already")
        return _out(conn, campaigns.by_id(conn, row.id))

    return once(request, key, given, act, 200)


def _find(conn: Tx, tenant_id: int, campaign_id: int) -> Campaign:
    try:
        row = campaigns.by_id(conn, campaign_id)
    except RegistryError:
        row = None
    if row is None or row.tenant_id != tenant_id:
        raise Problem("not-found", "the tenant has no such campaign")
    return row


def _out(conn: Tx, row: Campaign) -> CampaignOut:
    stream = conn.execute("SELECT name FROM stream WHERE id = ?", (row.stream_id,)).fetchone()
    seen = tracking.of_campaign(conn, row.id)
    return CampaignOut(
        **asdict(figures.of_campaign(conn, row)),
        tracked=row.tracked,
        opened=HitsOut.model_validate(seen.opened.fields()),
        clicked=HitsOut.model_validate(seen.clicked.fields()),
        id=row.id,
        name=row.name,
        stream=stream[0] if stream else "",
        topic=row.topic,
        subject=row.subject,
        state=row.state,
        why=row.why,
        created_at=moment(row.created_at),
        decided_at=None if row.decided_at is None else moment(row.decided_at),
    )
