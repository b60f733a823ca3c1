"""One held copy as a page to look at, made harmless."""

from __future__ import annotations

from relay.exemplars import harmless, sample
from relay.store.contract import Tx


def page_of(conn: Tx, campaign_id: int, base_url: str) -> str | None:
    """A whole document of the first HTML part, else of the first text; None while no copy is held."""
    found = sample.copies(conn, campaign_id, base_url)
    if not found:
        return None
    subject = next((value for name, value in found[0].fields if name == "subject"), "")
    texts = found[0].texts
    for one in texts:
        if one.content_type != "text/plain":
            return harmless.page(one.source, subject)
    return harmless.page_of_text(texts[0].text if texts else "", subject)
