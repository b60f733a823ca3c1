"""What became of a form's requests: plain reads."""

from __future__ import annotations

from relay.store.contract import Tx


def of_form(conn: Tx, form_id: int) -> dict[str, int]:
    """Requests that wait, and those confirmed, among those whose link has not ended yet."""
    waiting, confirmed = conn.execute(
        "SELECT count(*) - count(confirmed_at), count(confirmed_at) FROM opt_in WHERE form_id = ?", (form_id,)
    ).fetchone()
    return {"waiting": int(waiting), "confirmed": int(confirmed)}
