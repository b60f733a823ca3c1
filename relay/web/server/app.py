"""Puts the HTTP side together: pages, API, health, metrics, guard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Scope

from config.settings import Settings
from relay.accounts.roles import Deed
from relay.intake.api.line import MailLine
from relay.keys.secrets import Secrets
from relay.observe.trouble import Trouble
from relay.oidc.provider import IdentityProvider
from relay.queue.operator import Operator
from relay.signup.ask import Office
from relay.store.database import engine
from relay.store.engines import StoreAddress
from relay.store.pool import CONNECTIONS, Storage, Unavailable
from relay.store.sqlite.pool import Pool
from relay.tracking import machines
from relay.tracking.behind import HitBuffer
from relay.tracking.record import Recorder
from relay.tracking.stopped import StoppedLinks
from relay.uploads.runner import ListRunner
from relay.web.account import pages as account
from relay.web.api.bearer import may_send
from relay.web.api.routes import create_api
from relay.web.api.shares import RequestShares, ShareFields
from relay.web.clean_path import CleanPath
from relay.web.context import Context
from relay.web.desk import pages as desk
from relay.web.guard import UPLOADS, Guard, WebLimits
from relay.web.health import Health
from relay.web.inside import gate, script
from relay.web.inside.upload import FORM_ROOM
from relay.web.login import door, oidc, passkey, register, reset, second
from relay.web.machine import MachineFigures
from relay.web.metrics import Metrics
from relay.web.minutes import MinuteWatch
from relay.web.peer import Insiders
from relay.web.public import challenge, contact, logo, pages, permission, report, subscribe, why
from relay.web.public import tracking as tracking_routes
from relay.web.resend import faults
from relay.web.resend.emails import EMAILS, create_emails
from relay.web.views import Views
from relay.webhooks import dispatch
from relay.webhooks.try_out import Callout


def create_app(
    settings: Settings,
    secrets: Secrets,
    database: StoreAddress,
    clock: Callable[[], float] = time.time,
    *,
    limits: WebLimits | None = None,
    storage: Storage | None = None,
    mail_alive: Callable[[], bool] = lambda: True,
    troubles: Callable[[], Sequence[Trouble]] = tuple,
) -> ASGIApp:
    """The ASGI application. ``mail_alive`` and ``troubles`` answer for the mail processes in ``/readyz``."""
    storage = storage or _pool(database)
    looks = None if engine(database) else _pool(database, probe=True)
    views = Views(settings.links.base_url or f"https://{settings.server.hostname}")
    office = Office(
        secrets,
        settings.forms,
        views.base_url,
        settings.links.mail_domain or settings.server.hostname,
        settings.server.hostname,
        Operator.of(settings),
    )
    tracking = settings.tracking
    recorder = Recorder(
        machines.load(tracking.networks, tracking.agents),
        tracking.consent,
        keep_networks=tracking.addresses == "cut",
        keep_s=settings.retention.tracking,
    )
    hits, stopped = HitBuffer(storage, recorder, clock), StoppedLinks(storage, time.monotonic)
    line = MailLine(settings.server.data_dir, settings.server.workers)
    lists = ListRunner(settings, storage)
    callout = Callout(lambda: dispatch.client_of(settings), settings.webhooks.allow_private)
    context = Context(
        secrets=secrets,
        storage=storage,
        views=views,
        clock=clock,
        office=office,
        hits=hits,
        stopped=stopped,
        callout=callout,
        settings=settings,
        tracking=tracking,
        consent=settings.consent,
        reports=settings.reports,
        line=line,
        looks=looks,
        contests=settings.contests,
        lists=lists,
        provider=IdentityProvider(settings.oidc) if settings.oidc.issuer else None,
    )
    shares = RequestShares(settings.api)
    emails = create_emails(context, shares)
    insiders = Insiders(settings.http.metrics_from)
    metrics = Metrics(storage, insiders, MachineFigures(settings, mail_alive, troubles))
    # A probe of its own: it must not wait behind busy pages.
    health = Health(_pool(database, probe=True), mail_alive, insiders, troubles)
    minutes = MinuteWatch(storage, health.ready, clock)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        to_thread.current_default_thread_limiter().total_tokens = CONNECTIONS
        hits.begin()
        lists.begin()
        loop = asyncio.get_running_loop()
        always = [loop.create_task(dispatch.run(settings, secrets, clock)), loop.create_task(minutes.run())]
        yield
        await line.close()
        for task in always:
            task.cancel()
        await asyncio.wait(always)
        await to_thread.run_sync(lists.close)
        await hits.close()
        storage.close()
        if looks is not None:
            looks.close()
        health.close()

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        response = views.error(request.scope, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def unavailable(request: Request, error: Exception) -> Response:
        return views.error(request.scope, 503)

    async def unexpected(request: Request, error: Exception) -> Response:
        return views.error(request.scope, 500)

    def refused(scope: Scope, status: int) -> Response:
        return faults.of_status(status) if scope["path"].startswith(EMAILS) else views.error(scope, status)

    app = Starlette(
        routes=[
            *tracking_routes.ROUTES,  # first: they are asked for most
            Mount("/v1", create_api(context, shares)),
            *report.ROUTES,
            *pages.ROUTES,
            *why.ROUTES,
            *permission.ROUTES,
            *subscribe.ROUTES,
            *contact.ROUTES,
            *logo.ROUTES,
            *challenge.ROUTES,
            *door.ROUTES,
            *passkey.ROUTES,
            *oidc.ROUTES,
            *second.ROUTES,
            *reset.ROUTES,
            *register.ROUTES,
            *account.ROUTES,
            *desk.ROUTES,
            *script.ROUTES,
            Route(EMAILS, emails),
            Route(f"{EMAILS}/{{rest:path}}", emails),
            *health.routes(),
            *metrics.routes(),
            Route("/robots.txt", _robots),
        ],
        exception_handlers={HTTPException: http_error, Unavailable: unavailable, Exception: unexpected},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    app.state.context = context
    guard = Guard(
        CleanPath(app),
        limits=limits or _limits(settings),
        error_page=refused,
        observe=metrics.observe,
        may_be_large=lambda scope: _may_be_large(app, context, scope),
    )
    return ShareFields(guard, shares, ("/v1/", EMAILS))


def _limits(settings: Settings) -> WebLimits:
    upload = settings.lists.upload_octets + FORM_ROOM
    usual = WebLimits()
    return replace(usual, upload_octets=upload, large_octets=max(usual.large_octets, 2 * upload))


async def _may_be_large(app: Starlette, context: Context, scope: Scope) -> bool:
    if scope["path"] != UPLOADS:
        return await may_send(context, scope)
    return await to_thread.run_sync(gate.may, Request({**scope, "app": app}), Deed.CHANGE)


def _pool(database: StoreAddress, *, probe: bool = False) -> Storage:
    """Of one connection that waits for little, for a ``probe``."""
    server = engine(database)
    if server is not None:
        return server.pool(str(database), size=1 if probe else CONNECTIONS)
    return Pool(Path(database), size=1, lock_wait_s=1.0) if probe else Pool(Path(database))


async def _robots(request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")
