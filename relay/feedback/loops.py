"""Complaints in forms of their own: Microsoft's, Amazon's and other JSON, X-ARF, SpamCop's, and the bare copy.

Each is known by what its maker writes in every letter; the tag inside says
whom it is about, so a letter that only looks like one counts for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from relay.feedback.complaint import (
    COPY_TYPES,
    MAX_NAMED,
    MAX_REPORTS,
    ComplaintReport,
    Meaning,
    address_in,
    meaning_of,
)
from relay.feedback.complaint import reports as feedback_reports
from relay.feedback.json_text import inside_of, objects
from relay.feedback.mime import Mail, html_text, parse, readable, split_header
from relay.feedback.report import DELIVERY_STATUS, fields

MAX_JSON: Final = 200_000
MAX_FIELDS: Final = 500
_JSON_TYPES: Final = ("text/plain", "text/html", "application/json", "text/json", "application/octet-stream")
_KINDS: Final = ("feedbacktype", "recordtype", "notificationtype", "eventtype", "event", "reporttype", "type")
_WHO: Final = ("originalrcptto", "recipient", "rcptto", "rcpt", "email", "emailaddress", "address")
_COMPLAINED: Final = frozenset(
    ("complaint", "complained", "spam-complaint", "spamcomplaint", "spam-report", "spamreport", "spam", "abuse")
)
"""What such fields say of a complaint."""
_LEFT: Final = frozenset(
    ("unsubscribe", "unsubscribed", "list-unsubscribe", "group-unsubscribe", "link-unsubscribe", "opt-out")
)
_HOTMAIL: Final = re.compile(r"@(?:hotmail|outlook|live|msn|microsoft)\.com\b", re.I)
_HOTMAIL_SUBJECT: Final = re.compile(r"\s*(?:(?:fwd?|re|wg)\s*:\s*)*complaint about message from\b", re.I)
_SPAMCOP: Final = re.compile(r"@reports\.spamcop\.net\b", re.I)
_JUNK: Final = re.compile(
    r"\b(?:spam|junk|abuse|complain(?:t|ed)s?|feedback[- ]?(?:loop|report|id)|fbl|jmrp|unsolicited|phishing)\b", re.I
)
_NOT_JUNK: Final = re.compile(r"\b(?:not[- ](?:spam|junk)|no[- ]spam|non[- ]spam|false[- ]positive)\b", re.I)
_AGGREGATE: Final = re.compile(r"\breport[- ]domain:|\bdmarc\b|\btls-?rpt\b|authentication failure", re.I)


def reports(mail: Mail, *, loop: bool = False) -> list[ComplaintReport]:
    """All complaints in a mail, whatever their form; ``loop``: it came to an address that only loops know.

    Never raises.
    """
    found = feedback_reports(mail) or _others(mail)
    if not found and mail.top.type in ("multipart/mixed", "multipart/digest"):
        inner = [parse(part.decoded()) for part in mail.parts if part.type == "message/rfc822"]
        found = [report for one in inner for report in _others(one)]
    if not found and loop:
        found = list(_bare(mail))
    return found[:MAX_REPORTS]


def _others(mail: Mail) -> list[ComplaintReport]:
    if any(part.type in DELIVERY_STATUS for part in mail.parts):
        return []  # a report about a delivery may return anything
    return list(_json(mail)) or list(_microsoft(mail)) or list(_x_arf(mail)) or list(_spamcop(mail))


def _copies(mail: Mail) -> tuple[bytes, ...]:
    return tuple(part.decoded() for part in mail.parts if part.type in COPY_TYPES)


# --- Microsoft: Junk Mail Reporting Program -------------------------------------


def _microsoft(mail: Mail) -> Iterator[ComplaintReport]:
    """The message as the person got it, attached or as the body itself, with a field that names the person."""
    copies = _copies(mail)
    if not copies and mail.top.type in ("multipart/mixed", "multipart/report"):
        return
    given = dict(mail.top.fields)
    for copy in copies:
        given |= {key: value for key, value in split_header(copy.replace(b"\r\n", b"\n"))[0] if key.startswith("x-hm")}
    named = given.get("x-hmxmroriginalrecipient", "")
    subject = _HOTMAIL_SUBJECT.match(readable(mail.get("subject")))
    if not named and not (subject and _HOTMAIL.search(mail.get("from"))):
        return
    if not copies:  # the copy without a wrapping, its own header with Microsoft's field in front
        copies = (b"\n".join(f"{key}: {value}".encode() for key, value in mail.top.fields) + b"\n\n" + mail.top.body,)
    address = address_in(named)
    yield ComplaintReport("jmrp", "abuse", Meaning.COMPLAINT, "", (address,) if address else (), copies)


# --- JSON: Amazon SES, also through SNS' mails, and others -------------------------------


def _json(mail: Mail) -> Iterator[ComplaintReport]:
    """The JSON of a complaint; SNS may wrap it once more as a text."""
    for part in mail.parts[:10]:
        if part.type not in _JSON_TYPES:
            continue
        text = part.text()[:MAX_JSON]
        if part.type == "text/html":
            text = html_text(text)
        for value in objects(text):
            found = _of_amazon(value)
            if found is None and text.lstrip()[:1] in ("{", "["):
                found = _of_others(value, _copies(mail))
            if found is not None:
                yield found


def _of_amazon(value: Mapping[str, object]) -> ComplaintReport | None:
    complaint, mail = value.get("complaint"), _dict(value.get("mail"))
    if not isinstance(complaint, dict) or "Complaint" not in (value.get("notificationType"), value.get("eventType")):
        return None
    named = [str(_dict(row).get("emailAddress", "")) for row in _list(complaint.get("complainedRecipients"))]
    kind, meaning, known = meaning_of(str(complaint.get("complaintFeedbackType") or "abuse"))
    if complaint.get("complaintSubType"):  # SES' own list stopped it, perhaps for another sender's sake
        kind, meaning, known = str(complaint["complaintSubType"])[:60].lower(), Meaning.OPERATOR, True
    rows = [_dict(row) for row in _list(mail.get("headers"), MAX_FIELDS)]
    head = "".join(f"{row.get('name', '')}: {row.get('value', '')}\n" for row in rows)
    recipients = tuple(filter(None, map(address_in, named[:MAX_NAMED])))
    return ComplaintReport(
        "ses", kind, meaning, str(mail.get("source") or ""), recipients, (head.encode() + b"\n",), known
    )


def _of_others(value: Mapping[str, object], copies: tuple[bytes, ...]) -> ComplaintReport | None:
    """Services that name the feedback in a field of their own, and X-ARF 3 and 4, whose report may be an object inside.

    The tag is looked for in all that the object says.
    """
    flat = {_key(name): inner for name, inner in value.items()}
    flat |= {_key(name): inner for name, inner in _dict(flat.get("report")).items()}
    named = next((str(flat[name]) for name in _KINDS if isinstance(flat.get(name), str)), "")
    word = named.lower().replace("_", "-").replace(" ", "-")
    feedback = flat.get("feedbacktype") or flat.get("fbtype")
    if feedback is not None or word in _COMPLAINED or word in _LEFT:
        kind, meaning, known = meaning_of(str(feedback or ("opt-out" if word in _LEFT else "abuse")))
        who = next((str(flat[name]) for name in _WHO if isinstance(flat.get(name), str)), "")
        path = str(flat.get("originalmailfrom") or flat.get("returnpath") or "")
        recipients = (address_in(who),) if who else ()
        return ComplaintReport("json", kind, meaning, path, recipients, copies or inside_of(value), known)
    return None


def _key(name: object) -> str:
    return re.sub(r"[^a-z]", "", str(name).lower())


def _dict(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _list(value: object, most: int = MAX_NAMED) -> list[object]:
    return value[:most] if isinstance(value, list) else []


# --- X-ARF, SpamCop, and loops that send the copy alone ----------------------------------------


def _x_arf(mail: Mail) -> Iterator[ComplaintReport]:
    """X-ARF 0.1 and 0.2 (abusix): fields in a text, the sample in a part behind it."""
    if not (mail.get("x-xarf") or mail.get("x-arf")):
        return
    for part in mail.parts[:4]:
        found = fields(part.text()) if part.type.startswith("text/") else {}
        kind = found.get("report-type", "").strip(" \"'").lower()
        if kind:
            meaning = Meaning.COMPLAINT if kind in _COMPLAINED else Meaning.OPERATOR
            yield ComplaintReport("x-arf", kind[:60], meaning, "", (), _copies(mail), kind in _COMPLAINED)
            return


def _spamcop(mail: Mail) -> Iterator[ComplaintReport]:
    """A text with the whole message below it."""
    if _SPAMCOP.search(mail.get("from")) and "[spamcop" in mail.get("subject").lower():
        text = "\n".join(part.text() for part in mail.parts[:4] if part.type.startswith("text/"))
        start = re.search(r"^\[ Offending message \]\s*", text, re.I | re.M)
        copy = text[start.end() :] if start else text
        yield ComplaintReport("spamcop", "abuse", Meaning.COMPLAINT, "", (), (copy.encode("utf-8", "replace"),))


def _bare(mail: Mail) -> Iterator[ComplaintReport]:
    """To a loop's own address: a copy, and words that call it spam."""
    words = "\n".join((readable(mail.get("subject")), mail.get("from"), _first_text(mail)))
    if mail.top.parameters.get("report-type", "") or _NOT_JUNK.search(words) or _AGGREGATE.search(words):
        return
    copies = _copies(mail)
    if copies and _JUNK.search(words):
        yield ComplaintReport("copy", "abuse", Meaning.COMPLAINT, "", (), copies)


def _first_text(mail: Mail) -> str:
    return next((part.text()[:2000] for part in mail.parts if part.type == "text/plain"), "")
