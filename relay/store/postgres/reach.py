"""Whether a server can be reached, as all connections of one process to it have found: told to each at once.

Who waits for a server in vain learns it after a while; those who ask next needn't wait as long again, one after the
other. A thread looks for the server until it answers, and nobody else waits for that. New connections are made in
threads, too: looking up a host's name has no limit of its own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Final

import psycopg

from relay.store.database import StoreError
from relay.store.postgres.driver import Driver, opened
from relay.store.postgres.errors import ServerAway

CONNECT_S: Final = 1.5
"""What somebody waits for a new connection in the place of a lost one."""
AGAIN_S: Final = 0.1
LONGEST_S: Final = 1.0
"""Between two looks for the server: at first, and at most."""
LOOK_S: Final = 2.0
"""What it may take for an answer to a look."""


class ServerReach:
    """Of one server, for one process. Use from any thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._guard = threading.Lock()
        self._why = ""
        self._silent = False
        self._shut = False
        self._looking = False
        self.since = 0
        """Moves on with each silence: connections that were made before are let go."""

    @property
    def silent(self) -> bool:
        """A statement was not answered in time, and nothing has been heard of the server since."""
        return self._silent

    def check(self, *, new: bool = False) -> None:
        """Raises ServerAway while it is silent, or for a new connection while none can be made."""
        if self._silent or (new and self._shut):
            raise ServerAway(self._why)

    def fell_silent(self, why: str) -> None:
        """No answer came in time."""
        with self._guard:
            self._silent, self._why = True, why
            self.since += 1
        self._look()

    def heard(self) -> None:
        """A connection was made: all is well."""
        with self._guard:
            self._silent = self._shut = False

    def connection(self, make: Callable[[], Driver], limit_s: float) -> Driver:
        """A new one in the place of a lost one. Raises ServerAway, at once while none can be made."""
        self.check(new=True)
        if limit_s <= 0:
            raise ServerAway("there was no time left to reach the database server")
        try:
            made = _Making(make).made(min(limit_s, CONNECT_S))
        except StoreError as error:
            with self._guard:
                self._shut, self._why = True, str(error)
            self._look()
            raise ServerAway(str(error)) from error
        self.heard()
        return made

    def _look(self) -> None:
        """Keep looking for it, in a thread, until it answers."""
        with self._guard:
            if self._looking:
                return
            self._looking = True
        try:
            threading.Thread(target=self._until_found, name="relay-server", daemon=True).start()
        except RuntimeError:  # no thread to be had: then each finds out for himself
            with self._guard:
                self._looking = self._silent = self._shut = False

    def _until_found(self) -> None:
        pause = AGAIN_S
        while not self._found():
            time.sleep(pause)
            pause = min(LONGEST_S, pause * 1.5)

    def _found(self) -> bool:
        try:
            with opened(self._url, answer_s=LOOK_S, until=time.monotonic() + LOOK_S) as conn:
                conn.execute("SELECT 1")
        except (StoreError, psycopg.Error) as error:
            with self._guard:
                self._why = str(error)
                if "FATAL:" in self._why:  # it lets nobody in, but it speaks
                    self._silent = False
                    self._shut = True
            return False
        with self._guard:
            self._silent = self._shut = self._looking = False
        return True


class _Making:
    """One connection in the making."""

    def __init__(self, make: Callable[[], Driver]) -> None:
        self._make = make
        self._guard = threading.Lock()
        self._done = threading.Event()
        self._left = False
        """Nobody waits for it any more."""
        self._result: Driver | None = None
        self._error: BaseException | None = None

    def made(self, limit_s: float) -> Driver:
        """Raises StoreError."""
        try:
            threading.Thread(target=self._run, name="relay-connect", daemon=True).start()
        except RuntimeError:
            return self._make()
        self._done.wait(max(0.0, limit_s))
        with self._guard:
            self._left = True
            if self._error is not None:
                raise self._error
            if self._result is None:
                raise StoreError("the database server doesn't answer; is it running, and reachable from here?")
            return self._result

    def _run(self) -> None:
        made: Driver | None = None
        error: BaseException | None = None
        try:
            made = self._make()
        except BaseException as caught:
            error = caught
        with self._guard:
            if not self._left:
                self._result, self._error = made, error
                made = None
        self._done.set()
        if made is not None:
            made.close()


@cache
def reach(url: str) -> ServerReach:
    """The one of this process."""
    return ServerReach(url)


os.register_at_fork(after_in_child=reach.cache_clear)  # the parent's thread doesn't look for it here
