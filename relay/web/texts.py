"""Every text a visitor can read, in one place so that it can be translated.

``{name}`` is filled in and escaped by ``text``; ``<bdi>`` keeps a name of
either writing direction from turning the sentence around it.
"""

# ruff: noqa: RUF001 - typographic apostrophes are meant here
from __future__ import annotations

import time
from typing import Final

from markupsafe import Markup

LANGUAGE: Final = "en"

_TEXTS: Final[dict[str, str]] = {
    "all.button": "Stop everything from <bdi>{tenant}</bdi>",
    "all.title": "Stop everything from <bdi>{tenant}</bdi>?",
    "all.lead": "<bdi>{tenant}</bdi> will send no more mailings to <bdi>{address}</bdi>, whatever the topic.",
    "ask.button": "Unsubscribe",
    "ask.title": "Unsubscribe from “<bdi>{topic}</bdi>”?",
    "ask.lead": "<bdi>{tenant}</bdi> sends mail on “<bdi>{topic}</bdi>” to <bdi>{address}</bdi>. "
    "Press the button to stop it.",
    "ask.note": "Nothing has changed yet.",
    "ask.preferences": "Choose topics instead",
    "already.title": "You are already unsubscribed",
    "already.topic": "Since {date}, <bdi>{tenant}</bdi> may not send mail on “<bdi>{topic}</bdi>” to "
    "<bdi>{address}</bdi>.",
    "already.all": "Since {date}, <bdi>{tenant}</bdi> may not send any mailing to <bdi>{address}</bdi>.",
    "done.title": "You are unsubscribed",
    "done.topic": "<bdi>{tenant}</bdi> will send no more mail on “<bdi>{topic}</bdi>” to <bdi>{address}</bdi>.",
    "done.all": "<bdi>{tenant}</bdi> will send no more mailings to <bdi>{address}</bdi>.",
    "done.note": "This holds from now on, also for mail that was already waiting to be sent.",
    "done.more": "Anything else from <bdi>{tenant}</bdi>?",
    "done.preferences": "See all topics",
    "mistake": "Changed your mind? For your safety this page can’t subscribe you again. "
    "Only you can, with <bdi>{tenant}</bdi>’s own form.",
    "prefs.title": "What you receive from <bdi>{tenant}</bdi>",
    "prefs.lead": "For <bdi>{address}</bdi>. Untick what you no longer want, then save.",
    "prefs.none": "<bdi>{address}</bdi> is subscribed to no topic of <bdi>{tenant}</bdi>.",
    "prefs.legend": "Topics you receive",
    "prefs.since": "since {date}",
    "prefs.save": "Save",
    "prefs.ended": "Unsubscribed",
    "prefs.ended_on": "ended {date}",
    "prefs.saved": "Saved. You stay subscribed to what is ticked.",
    "prefs.saved_none": "Saved. You are unsubscribed from all topics.",
    "prefs.unchanged": "Nothing was unticked, so nothing has changed.",
    "prefs.all_note": "One press stops all topics, now and in future.",
    "report.title": "Report mail from <bdi>{tenant}</bdi> as spam?",
    "report.lead": "The operator of this mail service is told, and <bdi>{tenant}</bdi> can send nothing more to "
    "<bdi>{address}</bdi>, not even notices about orders or accounts.",
    "report.button": "Report as spam",
    "report.unsubscribe": "Only unsubscribe",
    "reported.title": "Thank you, it is reported",
    "reported.lead": "<bdi>{tenant}</bdi> will send nothing more to <bdi>{address}</bdi>.",
    "sender": "Sender",
    "private": "This link is yours alone: it works without a password. Don’t pass it on.",
    "bad_link.title": "This link doesn’t work",
    "bad_link.lead": "It is damaged or incomplete, so nothing was changed.",
    "bad_link.detail": "Open the link again straight from the message; if your mail program broke it over two lines, "
    "copy all of it. You can also use your mail program’s own “Unsubscribe”, or reply to the sender.",
    "gone.title": "Nothing left to do",
    "gone.lead": "This address is no longer stored here, so no mailing goes to it.",
    "unclear.title": "Nothing was changed",
    "unclear.lead": "The request didn’t say what to do.",
    "unclear.detail": "Open the link from the message and press the button on the page.",
    "error.400": "The request can’t be understood",
    "error.404": "There is no such page",
    "error.405": "This can’t be done here",
    "error.408": "The request took too long",
    "error.413": "The request is too large",
    "error.500": "Something went wrong here",
    "error.503": "Busy right now",
    "error.detail.404": "Check the address, or open the link again straight from the message.",
    "error.detail.405": "Open the page in a browser and use its buttons.",
    "error.detail.500": "Nothing was changed by this request. Please try again in a few minutes.",
    "error.detail.503": "Nothing was changed. Please try again in a minute.",
    "error.detail": "Nothing was changed. Please go back and try again.",
}

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def text(key: str, **names: object) -> Markup:
    """The text with its names filled in and escaped; KeyError if there is none."""
    return Markup(_TEXTS[key]).format(**names)


def error_title(status: int) -> Markup:
    return text(f"error.{status}" if f"error.{status}" in _TEXTS else "error.400")


def error_detail(status: int) -> Markup:
    return text(f"error.detail.{status}" if f"error.detail.{status}" in _TEXTS else "error.detail")


def date(at: float) -> str:
    """``23 November 2026`` (UTC)."""
    day = time.gmtime(at)
    return f"{day.tm_mday} {_MONTHS[day.tm_mon - 1]} {day.tm_year}"


def masked(address: str) -> str:
    """``j…@example.com``: enough for its owner; a forwarded link shows no more."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…\u2060@{domain}"  # a word joiner: no line break within
