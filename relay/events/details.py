"""What an event's ``detail`` says: the words that rows are written with, as applications are promised them.

Where there was an answer of a server: ``reply`` (all of it), ``code`` (its three
digits), ``status`` (the enhanced code, RFC 3463), ``remote``. Of a failure
``class`` says what it means. Other words pass as they are; names of people at
the desk don't.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from relay.events.write import ToldCopy

BOUNCED: Final = 3
"""``State.BOUNCED``."""
_REPLY: Final = re.compile(r"([2-5]\d\d)(?:[ -]([245]\.\d{1,3}\.\d{1,3})?|$)")
_ENHANCED: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")
_INNER: Final = frozenset(
    {"actor", "campaign", "ended", "hard", "meta", "recipient", "stream", "tag", "topic", "type", "which", "before"}
)
_JSON: Final = msgspec.json.Decoder()
_ENCODER: Final = msgspec.json.Encoder()
_COPIES: Final = msgspec.json.Decoder(list[ToldCopy])
_VERDICTS: Final = {
    "campaign-released": "released",
    "campaign-declined": "declined",
    "campaign-stopped": "stopped",
    "campaign-undecided": "undecided",
}
_FAILURES: Final = frozenset({"bounced", "soft-bounced", "deferred", "delayed", "expired"})


def parsed(text: str) -> dict[str, Any]:
    """JSON of an object; empty for none."""
    found = _JSON.decode(text) if text else {}
    return found if isinstance(found, dict) else {}


def copies(text: str) -> list[ToldCopy]:
    """What a row that tells of many names; none of what was blanked."""
    return [] if text == "{}" else _COPIES.decode(text)


def word(told: Mapping[str, Any], name: str) -> str | None:
    found = told.get(name)
    return found if isinstance(found, str) and found else None


def address(told: Mapping[str, Any]) -> str | None:
    """Whom it concerns, where no row of a copy says so."""
    return word(told, "recipient")


def answer(reply: str, remote: str) -> dict[str, Any]:
    """A server's reply, taken apart; RFC 5321 §4.2, RFC 2034 §4."""
    found = _REPLY.match(reply)
    parts = {
        "reply": reply,
        "code": found[1] if found else "",
        "status": (found[2] or "") if found else "",
        "remote": remote,
    }
    return {name: value for name, value in parts.items() if value}


def delivered(reply: str, remote: str) -> dict[str, Any]:
    return answer(reply, remote)


def held_at_once(told: Mapping[str, Any]) -> dict[str, Any]:
    """Of copies that were held as they came."""
    holds: list[Any] = list(told.get("holds") or ())
    if len(holds) == 1:
        why, until = holds[0]
        return {"reason": why, **({"until": moment(until)} if until else {})}
    return {"reason": "; ".join(str(why) for why, _ in holds)} if holds else {"reason": "staged"}


def of(kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of an event of that kind."""
    if kind == "refused":
        return _refused(told)
    if kind in _FAILURES:
        return _failure(kind, told)
    kept = {name: value for name, value in told.items() if name not in _INNER and value not in ("", None)}
    if kind in _VERDICTS:
        kept["verdict"] = _VERDICTS[kind]
    if kind in ("held", "withdrawn", "declined", "cancelled", "released") and "status" in kept:
        kept = {"reason": kept.pop("status"), **{name: kept[name] for name in kept if name not in ("reason", "remote")}}
    for name in ("until", "renews_at"):
        if isinstance(kept.get(name), int | float):
            kept[name] = moment(kept[name])
    if kind == "complained":
        kept.setdefault("class", told.get("type") or "abuse")
    return kept


def _refused(told: Mapping[str, Any]) -> dict[str, Any]:
    """``code`` is the word of the refusal, or the enhanced code where there is none."""
    reply = str(told.get("reply", ""))
    found = answer(reply, "")
    parts = {
        "code": told.get("code"),
        "class": "refused",
        "status": found.get("status"),
        "reply": reply,
        "moment": told.get("moment"),
        "count": told.get("count"),
    }
    return {name: value for name, value in parts.items() if value}


def _failure(kind: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """Of a reply to our own attempt, or of a report that came back later."""
    said = str(told.get("diagnostic") or told.get("status") or "")
    found = answer(said, str(told.get("remote", "")))
    code, status = str(told.get("code", "")), str(told.get("status", ""))
    if "status" not in found:
        enhanced = _ENHANCED.match(status) or _ENHANCED.match(code)
        if enhanced:
            found["status"] = enhanced[0]
    if "code" not in found and code.isdecimal() and len(code) == 3:
        found["code"] = code
    if kind in ("bounced", "soft-bounced", "expired"):
        found["class"] = _class(kind, told)
        found["hard"] = bool(told.get("hard", told.get("type") == "hard"))
    if told.get("source"):
        found["source"] = told["source"]
    return found


def _class(kind: str, told: Mapping[str, Any]) -> str:
    if kind == "expired":
        return "expired"
    return str(told.get("class") or told.get("type") or ("soft" if kind == "soft-bounced" else "refused"))


def moment(at: float) -> str:
    """RFC 3339 in UTC, with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def encoded(members: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8; half a character, out of other people's mail, is replaced by a question mark."""
    try:
        return _ENCODER.encode(members)
    except UnicodeEncodeError:
        text = json.dumps(members, ensure_ascii=False, separators=(",", ":"))
        return text.encode("utf-8", "replace")
