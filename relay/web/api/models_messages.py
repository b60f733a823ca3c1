"""What the API takes and gives about messages, as JSON.

Every wrong field is told by name, all of them at once. Strings that go into
the header hold no control characters: nothing can begin a field of its own.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from relay.mail.address import AddressError, parse_address
from relay.mail.reserved import RESERVED_FIELDS
from relay.web.api.models import Given, Moment, raise_each, read_time, without_null

MOST_IN_BATCH: Final = 500
FURTHEST_S: Final = 30 * 86_400.0
"""How far ahead a message may be asked for."""
MOST_HEADERS: Final = 100
MOST_ENCLOSURES: Final = 100
MOST_META: Final = 20
DEEPEST_DATA: Final = 20
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_FIELD: Final = re.compile(r"[!-9;-~]{1,76}", re.ASCII)
_META: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_TYPE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_CONTENT_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+@-]{0,119}", re.ASCII)
_NAMED: Final = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^<>"]*?))\s*<([^<>]*)>\s*', re.S)


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("holds a control character, such as a line end")
    return text


def _seen(text: str) -> str:
    if "\x00" in text or not _whole(text):
        raise ValueError("holds NUL or half of a character")
    return text


def _whole(text: str) -> bool:
    """Whether it has no half of a character (a surrogate); a pattern would take ten times as long."""
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _address(text: str) -> str:
    try:
        parse_address(text)
    except AddressError as error:
        raise ValueError(str(error)) from None
    return text


def _mailbox(value: Any) -> Any:
    """``ann@example.com`` and ``Ann <ann@example.com>`` as the object they stand for."""
    if not isinstance(value, str):
        return value
    named = _NAMED.fullmatch(value)
    if named is None:
        return {"email": value.strip(" ")}
    quoted, plain, address = named.groups()
    name = re.sub(r"\\(.)", r"\1", quoted, flags=re.S) if quoted is not None else plain.strip(" ")
    return {"email": address.strip(" "), "name": name}


def _mailboxes(value: Any) -> Any:
    if not isinstance(value, list):
        value = [value]
    return [_mailbox(one) for one in value]


HeaderText = Annotated[str, AfterValidator(_one_line)]
EmailField = Annotated[
    str, Field(min_length=1, max_length=320, examples=["ann@example.com"]), AfterValidator(_one_line),
    AfterValidator(_address),
]  # fmt: skip
_TEXT: Final = {"type": "string", "examples": ["Ann <ann@example.com>"]}


def _is_date(text: str) -> bool:
    try:
        return parsedate_to_datetime(text) is not None
    except (ValueError, TypeError, OverflowError):
        return False


_IDS: Final = re.compile(r"<[^\s<>@]{1,200}@[^\s<>@]{1,200}>", re.ASCII)
_FORMS: Final[Mapping[str, Callable[[str], object]]] = {"message-id": _IDS.fullmatch, "date": _is_date}
"""Fields that others rely on, and what they must look like."""


class Verbatim(Given):
    """Texts stay as they are, blanks at their ends too."""

    model_config = ConfigDict(str_strip_whitespace=False)


def _shallow(value: Any, depth: int = 0) -> None:
    if depth > DEEPEST_DATA:
        raise ValueError(f"is nested deeper than {DEEPEST_DATA}")
    if isinstance(value, str):
        _seen(value)
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _seen(name)
            _shallow(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            _shallow(one, depth + 1)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    _shallow(given)
    return given


Data = Annotated[dict[str, Any], AfterValidator(_values)]


NamedTexts = Annotated[
    dict[str, str], BeforeValidator(without_null),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["string", "null"]}}),
]  # fmt: skip
"""A name that has null is left out, as everywhere."""


class MailboxIn(Verbatim):
    """An address with the name that people see."""

    email: EmailField
    name: Annotated[HeaderText, Field(max_length=200)] = ""


class RecipientIn(MailboxIn):
    """Somebody who gets a copy of his own."""

    data: Annotated[Data, Field(description="Values for the variables of this copy.")] = Field(default_factory=dict)


def _octets(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = "".join(value.split())
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4) if "=" not in text else text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is no base64") from None


def _kind(text: str) -> str:
    kind = text.lower()
    if kind and not _TYPE.fullmatch(kind):
        raise ValueError("is no type such as application/pdf")
    if kind.startswith(("multipart/", "message/")):
        raise ValueError("a message goes along as application/octet-stream")
    return kind


def _content_id(text: str) -> str:
    found = text.removeprefix("<").removesuffix(">")
    if found and not _CONTENT_ID.fullmatch(found):
        raise ValueError("is made of letters, digits and . _ + @ -")
    return found


_BASE64: Final = {"type": "string", "contentEncoding": "base64", "description": "Base64."}


class EnclosureIn(Verbatim):
    """A file, or with ``content_id`` a picture that the HTML shows as ``cid:…``."""

    filename: Annotated[HeaderText, Field(max_length=200, examples=["terms.pdf"])] = ""
    content_type: Annotated[str, Field(max_length=255, examples=["application/pdf"]), AfterValidator(_kind)] = ""
    content: Annotated[bytes, BeforeValidator(_octets), WithJsonSchema(_BASE64)]
    content_id: Annotated[str, Field(max_length=122), AfterValidator(_content_id)] = ""


def _headers(given: dict[str, str]) -> dict[str, str]:
    wrong = [(name[:60], text) for name, value in given.items() if (text := _wrong_header(name, value))]
    lower = Counter(name.lower() for name in given)
    wrong += [(name[:60], "is named twice") for name in given if lower[name.lower()] > 1]
    raise_each(wrong)
    return given


def _wrong_header(name: str, value: str) -> str:
    """What is wrong with a field of the header; empty: nothing."""
    lower = name.lower()
    if not _FIELD.fullmatch(name):
        return "is no name of a header field"
    if lower in RESERVED_FIELDS or lower.startswith(("content-", "relay-", "resent-", "arc-")):
        return "has a place of its own in the request, or is the relay's"
    if _CONTROL.search(value):
        return "holds a control character, such as a line end"
    if not value.strip():
        return "is empty"
    if lower in _FORMS and not _FORMS[lower](value.strip()):
        return "is not well-formed (RFC 5322)"
    return "has a word that is longer than a line" if max(map(len, value.split(" "))) > 900 else ""


def _metas(given: dict[str, str]) -> dict[str, str]:
    wrong = [(name[:60], "names are 1 to 40 of a-z, 0-9, - and _") for name in given if not _META.fullmatch(name)]
    wrong += [(name[:60], _NO_LABEL) for name, value in given.items() if not _is_label(value)]
    raise_each(wrong)
    return given


_NO_LABEL: Final = "must be printable, not empty and without blanks at its ends"


def _is_label(text: str) -> bool:
    return text == text.strip() and bool(text) and text.isprintable()


def _label(text: str) -> str:
    if not _is_label(text):
        raise ValueError(_NO_LABEL)
    return text


Label = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_label)]
_MAILBOX: Final = {"anyOf": [_TEXT, {"$ref": "#/components/schemas/MailboxIn"}]}
_SEVERAL: Final = {"anyOf": [*_MAILBOX["anyOf"], {"type": "array", "items": _MAILBOX}]}
_RECIPIENT: Final = {"anyOf": [_TEXT, {"$ref": "#/components/schemas/RecipientIn"}]}
Author = Annotated[MailboxIn, BeforeValidator(_mailbox), WithJsonSchema(_MAILBOX)]
SeveralMailboxes = Annotated[
    list[MailboxIn], BeforeValidator(_mailboxes), Field(max_length=100), WithJsonSchema(_SEVERAL)
]  # fmt: skip
Recipients = Annotated[
    list[RecipientIn],
    BeforeValidator(_mailboxes),
    Field(min_length=1, max_length=65_535),
    WithJsonSchema({"anyOf": [*_RECIPIENT["anyOf"], {"type": "array", "minItems": 1, "items": _RECIPIENT}]}),
]


class MessageIn(Verbatim):
    """One message; each of ``to`` gets a copy of his own."""

    model_config = ConfigDict(populate_by_name=False)
    own_copies: ClassVar[bool] = True
    """Each of several ``to`` sees himself alone."""

    author: Annotated[Author, Field(alias="from")]
    to: Recipients
    cc: SeveralMailboxes = Field(default_factory=list)
    bcc: SeveralMailboxes = Field(default_factory=list)
    reply_to: SeveralMailboxes = Field(default_factory=list)
    subject: Annotated[HeaderText | None, Field(max_length=900, examples=["Your order"])] = None
    text: Annotated[str | None, AfterValidator(lambda text: None if text is None else _seen(text))] = None
    html: Annotated[str | None, AfterValidator(lambda text: None if text is None else _seen(text))] = None
    template: Annotated[HeaderText | None, Field(max_length=80, description="Its name, or `name@version`.")] = None
    data: Annotated[Data, Field(description="Values for the variables of all copies.")] = Field(default_factory=dict)
    headers: Annotated[NamedTexts, Field(max_length=MOST_HEADERS), AfterValidator(_headers)] = Field(
        default_factory=dict
    )
    attachments: Annotated[list[EnclosureIn], Field(max_length=MOST_ENCLOSURES)] = Field(default_factory=list)
    stream: Annotated[HeaderText, Field(max_length=100, description="Default: the tenant's first.")] = ""
    topic: Label | None = None
    campaign: Label | None = None
    tag: Label | None = None
    meta: Annotated[NamedTexts, Field(max_length=MOST_META), AfterValidator(_metas)] = Field(default_factory=dict)
    track: Literal["none", "opens", "clicks", "all"] | None = None
    send_at: Annotated[Moment | None, Field(description="At most 30 days ahead.")] = None
    expires_at: Annotated[Moment | None, Field(description="What hasn't left then is dropped.")] = None

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, given: Any, read: ModelWrapValidatorHandler[MessageIn], info: ValidationInfo) -> MessageIn:
        """What single fields lack and what doesn't go together is told by one answer."""
        if not isinstance(given, Mapping):
            return read(given)
        apart = cls._apart(given, None if info.context is None else info.context["now"])
        try:
            message = read(given)
        except ValidationError as error:
            raise_each(apart, error)
            raise
        raise_each(apart)
        return message

    @classmethod
    def _apart(cls, given: Mapping[str, Any], now: float | None) -> list[tuple[str, str]]:
        """Of a request as it came in: fields that are missing, or don't go with others. ``now``: where times count."""
        wrong: list[tuple[str, str]] = []
        bare = given.get("template") is None
        to = given.get("to")
        several = cls.own_copies and isinstance(to, list) and len(to) > 1
        if several and (given.get("cc") or given.get("bcc")):
            text = "goes with one to: each of several gets a copy of his own"
            wrong += [(name, text) for name in ("cc", "bcc") if given.get(name)]
        if bare and not given.get("text") and not given.get("html"):
            wrong.append(("text", "there is neither text nor html, nor a template"))
        if bare and given.get("subject") is None:
            wrong.append(("subject", "is missing"))
        if given.get("send_at") is not None or given.get("expires_at") is not None:
            wrong += _wrong_times(_moment(given.get("send_at")), _moment(given.get("expires_at")), now)
        return wrong


def _moment(value: Any) -> float | None:
    """None where there is none, or where that is told already."""
    try:
        return None if value is None else read_time(value).timestamp()
    except (ValueError, OverflowError):
        return None


def _wrong_times(send_at: float | None, expires_at: float | None, now: float | None) -> list[tuple[str, str]]:
    wrong = []
    if now is not None and send_at is not None and send_at > now + FURTHEST_S:
        wrong.append(("send_at", f"lies more than {FURTHEST_S / 86_400:.0f} days ahead"))
    if now is not None and expires_at is not None and expires_at <= now:
        wrong.append(("expires_at", "is past"))
    elif send_at is not None and expires_at is not None and expires_at <= send_at:
        wrong.append(("expires_at", "lies before send_at"))
    return wrong


class MessagesIn(Given):
    """Many messages, each with a result of its own: what one lacks refuses that one alone."""

    messages: Annotated[
        list[dict[str, Any]],
        Field(min_length=1, max_length=MOST_IN_BATCH, description="Each as for `POST /v1/messages`."),
    ]


class RefusalOut(BaseModel):
    """One recipient who was refused."""

    email: str
    code: str = Field(examples=["no-consent"])
    detail: str


class AcceptedOut(BaseModel):
    """A message that is stored, for those it was accepted for."""

    id: str
    message_id: str
    accepted: list[str]
    refused: list[RefusalOut]


class MessageResult(BaseModel):
    """What became of one message: as ``AcceptedOut``, or as a problem."""

    status: int = Field(description="What a request of its own would have been answered with.")
    id: str | None = None
    message_id: str | None = None
    accepted: list[str] | None = None
    refused: list[RefusalOut] | None = None
    type: str | None = None
    title: str | None = None
    detail: str | None = None
    errors: list[dict[str, str]] | None = None


class MessageResults(BaseModel):
    results: list[MessageResult] = Field(description="In the order of the request.")


class StepOut(BaseModel):
    """Something that happened, or is due."""

    at: datetime
    what: str
    why: str


class HoldOut(BaseModel):
    """What keeps a copy."""

    by: str
    why: str
    until: datetime | None


class CopyOut(BaseModel):
    """One recipient's copy."""

    email: str
    state: str
    attempts: int
    holds: list[HoldOut]
    story: list[StepOut]


class MessageBrief(BaseModel):
    """One message of a list."""

    id: str
    message_id: str
    accepted_at: datetime
    stream: str
    topic: str
    campaign: str
    tag: str
    subject: str
    size_octets: int
    recipients: int
    states: dict[str, int] = Field(description="How many copies are in which state.")


class MessageList(BaseModel):
    messages: list[MessageBrief] = Field(description="Newest first.")
    next: str | None


class MessageOut(MessageBrief):
    """One message with its story."""

    send_at: datetime | None = Field(description="When copies that wait are due.")
    expires_at: datetime
    meta: dict[str, str]
    copies: list[CopyOut]
    story: list[StepOut]


class MessageChange(Given):
    """What can be changed of copies that haven't left."""

    send_at: Annotated[Moment | None, Field(description="At most 30 days ahead.")] = None
    expires_at: Moment | None = None

    @model_validator(mode="after")
    def _some(self) -> MessageChange:
        if self.send_at is None and self.expires_at is None:
            raise ValueError("name send_at, expires_at or both")
        return self


class MessageCancelled(BaseModel):
    """What was cancelled of a message."""

    id: str
    cancelled: int = Field(description="Copies that don't leave.")
    left: int = Field(description="Copies that have left, or are on their way.")
