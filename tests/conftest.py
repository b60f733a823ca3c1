"""For all tests: what a machine that is busy takes for an example says nothing, so Hypothesis sets no time for it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from hypothesis import settings

from relay.campaigns import draw
from tests.support import store

settings.register_profile("relay", deadline=None)
settings.load_profile("relay")

# Commands show times where the operator is and take the terminal's width; tests are in UTC and have no terminal.
os.environ["TZ"] = "UTC"
for name in ("COLUMNS", "LINES"):  # pytest-xdist's
    os.environ.pop(name, None)
time.tzset()
# A run in the background of a script ignores Ctrl-C, and so would each command that a test ends by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=store.ON_SERVER, scope="session")
def on_server() -> Iterator[None]:
    """``make test STORE=postgres``: what tests keep in a file is on a server; before fixtures of whole modules too."""
    with pytest.MonkeyPatch.context() as patch:
        store.in_place_of_files(patch)
        yield


@pytest.fixture
def lots_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of each so many goes, where a test wants to know which; the real draw is in test_campaign_draw.py."""
    monkeypatch.setattr(draw, "drawn", lambda key, place, every, share: (place - 1) % every < share)
