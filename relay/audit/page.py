"""The consent proof for people: one HTML file that loads nothing and can be printed.

The signed document stands in it whole, so the file is the proof as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

_MEANS: Final = {
    "hand": "entered by hand",
    "import": "list taken in from a file",
    "api": "program (API)",
    "form": "form on a page",
    "double-opt-in": "form on a page, confirmed by mail (double opt-in)",
    "link": "link in a message",
    "contested": "the person's own evidence page",
    "import-undone": "the whole list taken back",
    "one-click": "one-click unsubscribe of the mail program (RFC 8058)",
    "preferences": "preferences page",
    "mail": "unsubscribe mail",
}
_ACTIONS: Final = {
    "given": "Agreed",
    "withdrawn": "Withdrew",
    "suppressed": "Suppressed",
    "lifted": "Suppression lifted",
    "tracking-given": "Agreed to being tracked",
    "tracking-withdrawn": "Switched tracking off",
    "undone": "The list was taken back",
    "contested": "Contested by the person",
    "fallen": "The contested consent fell",
    "stood": "The person agreed with the tenant's answer",
}
_LABELS: Final = {
    "actor": "recorded by",
    "agent": "browser",
    "detail": "detail",
    "file": "file (SHA-256)",
    "given": "time of the consent",
    "ip": "IP address",
    "letter": "text of the letter",
    "letter_reply": "its server's reply to the letter",
    "letter_taken_at": "letter taken at",
    "letter_taken_by": "letter taken by",
    "list_since": "on the list since",
    "means": "means",
    "number": "number in the message",
    "page": "page",
    "reason": "reason",
    "source": "source",
    "submission": "message",
}
_INNER: Final = frozenset({"wording_id"})
"""Of no use outside the database."""


def render(document: Mapping[str, Any]) -> str:
    """The page of a document that ``document.build`` made."""
    entries = [_entry(place, entry) for place, entry in enumerate(document["entries"])]
    state = document["state"]
    embedded = json.dumps(document, ensure_ascii=False, sort_keys=True).replace("<", "\\u003c")
    return (
        _environment()
        .get_template("proof.html")
        .render(
            document=document,
            entries=entries,
            consent=entries[state["consent"]],
            withdrawal=None if state["withdrawal"] is None else entries[state["withdrawal"]],
            attestations=[_attestation(one) for one in document["attestations"]],
            freed=[_freed(one) for one in document["freed"]],
            head_at=_time(document["head"]["at_us"]),
            embedded=Markup(embedded),
        )
    )


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same in short, for a terminal."""
    state, head = document["state"], document["head"]
    entries = [_entry(place, entry) for place, entry in enumerate(document["entries"])]
    consent = entries[state["consent"]]
    withdrawn = None if state["withdrawal"] is None else entries[state["withdrawal"]]
    return {
        "person": document["address"],
        "tenant": document["tenant"]["name"],
        "topic": document["topic"],
        "state": "in force" if state["live"] else "withdrawn",
        "suppressed": state["suppressed"],
        "agreed": consent["agreed"],
        "recorded": consent["recorded_at"],
        "means": consent["means"],
        **dict(consent["details"]),
        "wording": document["wordings"].get(consent["wording"], ""),
        "wording (SHA-256)": consent["wording"],
        **({} if withdrawn is None else {"withdrawn": withdrawn["at"], "withdrawn by": withdrawn["means"]}),
        "leaf": consent["leaf"],
        "root": head["root"],
        "head": f"{head['size']} leaves, signed {_time(head['at_us'])} by the key {head['key']}",
        "history": [
            {"when": one["at"], "what": one["what"], "topic": one["topic"], "how": one["means"], "leaf": one["leaf"]}
            for one in entries
        ],
    }


def _entry(place: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    record = entry["record"]
    evidence = json.loads(record["evidence"])
    return {
        "place": place,
        "leaf": entry["number"],
        "what": _ACTIONS.get(record["action"], record["action"]),
        "topic": record["topic"],
        "at": _time(record["at_us"]),
        "agreed": evidence.get("given") or _time(record["at_us"]),
        "recorded_at": _time(record["recorded_at_us"]),
        "wording": record["wording"],
        "means": _means(evidence),
        "evidence": evidence,
        "details": [(_LABELS.get(key, key.replace("_", " ")), _shown(key, value)) for key, value in _told(evidence)],
    }


def _told(evidence: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in evidence.items() if key not in _INNER and key != "means"]


def _means(evidence: Mapping[str, Any]) -> str:
    means = str(evidence.get("means", ""))
    return _MEANS.get(means, means.replace("-", " "))


def _attestation(entry: Mapping[str, Any]) -> dict[str, Any]:
    record = entry["record"]
    detail = json.loads(record["detail"])
    return {"at": _time(record["at_us"]), "actor": record["actor"], "leaf": entry["number"], **detail}


def _freed(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"ground": "", "reason": "", **_attestation(entry)}


def _shown(key: str, value: object) -> str:
    """A value of the evidence; moments (seconds UTC) as such."""
    if key.endswith("_at") and isinstance(value, int | float):
        return _time(round(value * 1e6))
    return _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _time(at_us: int) -> str:
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{at_us} µs"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("relay.audit"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
