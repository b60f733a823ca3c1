"""What every handler is given: built once by ``app.create_app``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from config.conduct import Contests, Reports
from config.keeping import ConsentSettings
from config.pages import TrackingSettings
from config.settings import Settings
from relay.intake.api.line import MailLine
from relay.keys.secrets import Secrets
from relay.observe.sparingly import Sparingly
from relay.oidc.provider import IdentityProvider
from relay.signup.ask import Office
from relay.store.pool import Storage
from relay.tracking.behind import HitBuffer
from relay.tracking.stopped import StoppedLinks
from relay.uploads.runner import ListRunner
from relay.web.guard import MOST_LINES
from relay.web.peer import client
from relay.web.running import Running
from relay.web.views import Views
from relay.webhooks.try_out import Callout


@dataclass(frozen=True, slots=True)
class Context:
    """``clock`` gives seconds UTC."""

    secrets: Secrets
    storage: Storage
    views: Views
    clock: Callable[[], float]
    office: Office
    hits: HitBuffer
    """Openings and clicks, written behind."""
    stopped: StoppedLinks
    callout: Callout
    settings: Settings
    tracking: TrackingSettings = field(default_factory=TrackingSettings)
    consent: ConsentSettings = field(default_factory=ConsentSettings)
    """What is asked of wordings."""
    reports: Reports = field(default_factory=Reports)
    lists: ListRunner | None = None
    """Works on lists that were handed in; None: nobody does here."""
    provider: IdentityProvider | None = None
    """That staff may sign in by; None: there is none."""
    line: MailLine | None = None
    """To the mail processes; None: there are none, and no message is taken."""
    looks: Storage | None = None
    """For look-ups of some microseconds on the loop's thread, where the store is a file; None: it may have to be waited
    for, so they are made in threads as all others."""
    contests: Contests = field(default_factory=Contests)
    running: Running = field(default_factory=Running)
    unasked: Sparingly = field(default_factory=lambda: Sparingly(MOST_LINES))
    """Lines about requests at forms that brought no letter."""

    @classmethod
    def of(cls, request: Request) -> Context:
        found = request.app.state.context
        assert isinstance(found, Context)
        return found


def evidence(request: Request) -> dict[str, str]:
    """What proves later where a withdrawal came from (R31)."""
    address = client(request.scope) if request.client is not None else ""
    return {"ip": address, "agent": request.headers.get("user-agent", "")[:200]}
