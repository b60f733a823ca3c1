"""The fields of a message, for type checkers: those of ``POST /v1/messages``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired, Required, TypedDict

from relay.client.asked import AddressGiven


class AttachmentFields(TypedDict, total=False):
    content: Required[str]
    """Base64."""
    filename: str
    content_type: str
    content_id: str


class MessageFields(TypedDict):
    """``sender`` is the From; the rest is named as in the API."""

    sender: AddressGiven
    to: AddressGiven | Sequence[AddressGiven]
    subject: NotRequired[str | None]
    text: NotRequired[str | None]
    html: NotRequired[str | None]
    cc: NotRequired[AddressGiven | Sequence[AddressGiven] | None]
    bcc: NotRequired[AddressGiven | Sequence[AddressGiven] | None]
    reply_to: NotRequired[AddressGiven | Sequence[AddressGiven] | None]
    headers: NotRequired[Mapping[str, str] | None]
    attachments: NotRequired[Sequence[AttachmentFields] | None]
    stream: NotRequired[str | None]
    topic: NotRequired[str | None]
    campaign: NotRequired[str | None]
    tag: NotRequired[str | None]
    meta: NotRequired[Mapping[str, str] | None]
    track: NotRequired[Literal["none", "opens", "clicks", "all"] | None]
    send_at: NotRequired[datetime | str | None]
    expires_at: NotRequired[datetime | str | None]
    template: NotRequired[str | None]
    data: NotRequired[Mapping[str, Any] | None]
