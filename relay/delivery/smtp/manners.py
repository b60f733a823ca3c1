"""What a site's servers turned out not to be up to: envelopes behind a message, several commands at once."""

from __future__ import annotations

from collections.abc import Callable

from relay.delivery.smtp.judge import Log
from relay.delivery.smtp.session import Session

IN_STEP_S = 86_400.0
"""So long a site gets each envelope by itself after a session broke with one behind a message."""
NO_PIPELINING_S = 600.0
"""So long a site gets each command by itself after a session broke over several at once."""


class Manners:
    """One for each site; ``now`` gives monotonic seconds."""

    def __init__(self, site: str, now: Callable[[], float], log: Log) -> None:
        self._site = site
        self._now = now
        self._log = log
        self._in_step_until = 0.0
        self._unpiped_until = 0.0

    @property
    def overlaps(self) -> bool:
        """An envelope may go out behind the message before it."""
        return self._in_step_until <= self._now()

    @property
    def pipelines(self) -> bool:
        """Several commands may go out at once, where that is offered (RFC 2920)."""
        return self._unpiped_until <= self._now()

    def learn(self, session: Session) -> None:
        """From how a session broke."""
        if session.unpiped:
            if self.pipelines:
                self._tell("site-unpiped", session)
            self._unpiped_until = self._now() + NO_PIPELINING_S
        if session.stumbled:
            if self.overlaps:
                self._tell("site-in-step", session)
            self._in_step_until = self._now() + IN_STEP_S

    def _tell(self, what: str, session: Session) -> None:
        self._log(what, {"site": self._site, "remote": session.remote, "cause": session.broken})
