"""For all tests: what a machine that is busy takes for an example says nothing, so Hypothesis sets no time for it."""

from __future__ import annotations

import pytest
from hypothesis import settings

from relay.campaigns import draw

settings.register_profile("relay", deadline=None)
settings.load_profile("relay")


@pytest.fixture
def lots_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first of each so many goes, where a test wants to know which; the real draw is in test_campaign_draw.py."""
    monkeypatch.setattr(draw, "drawn", lambda key, place, every, share: (place - 1) % every < share)
