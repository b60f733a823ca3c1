"""For all tests: what a machine that is busy takes for an example says nothing, so Hypothesis sets no time for it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("relay", deadline=None)
settings.load_profile("relay")
