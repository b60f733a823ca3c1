"""What the API takes and gives about consents, as JSON.

Nothing is guessed: a number is no text, a text no number, and an unknown
field is refused. What is not well-formed refuses the whole request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError

from relay.people.consent_rules import ConsentRefused, check_ip

MOST_IN_BATCH: Final = 500
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _ip(text: str) -> str:
    try:
        found = check_ip(text)
    except ConsentRefused:
        found = ""
    if not found:
        raise ValueError("is no IPv4 or IPv6 address; leave it out if it is not known")
    return found


def read_time(value: Any) -> datetime:
    """RFC 3339 §5.6 and nothing else: pydantic would take numbers and dates too."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError):  # the 31st of June, an offset of days
            return datetime.fromisoformat(value.upper())
    raise ValueError("is no time such as 2026-01-31T12:00:00Z (RFC 3339, with its offset)")


Email = Annotated[
    str, Field(min_length=3, max_length=320, examples=["mary@example.com"], json_schema_extra={"format": "email"})
]
TopicField = Annotated[
    str,
    Field(max_length=100, description="Printable, not `*`.", examples=["newsletter"]),
]
SourceField = Annotated[str, Field(max_length=500, examples=["sign-up form on example.com"])]
WordingField = Annotated[
    str,
    Field(
        max_length=20_000,
        description="The exact text shown to the person.",
        examples=["Yes, send me the newsletter by e-mail. I can unsubscribe at any time."],
    ),
]
Ip = Annotated[
    str,
    Field(max_length=64, description="Address the person gave it from.", examples=["203.0.113.7"]),
    AfterValidator(_ip),
]
PageField = Annotated[
    str, Field(max_length=2_000, description="Page it was given on.", examples=["https://example.com/join"])
]
Moment = Annotated[
    datetime,
    BeforeValidator(read_time),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00Z"]}),
]


def said(found: Mapping[str, Any]) -> str:
    """What is wrong with a field, in words of JSON and of people, not of the library that looked."""
    kind, bounds = found.get("type", ""), found.get("ctx", {})
    if kind in _KINDS:
        return _KINDS[kind]
    if kind in _LONG:
        counted = bounds.get("actual_length")
        return (
            f"is too long: {'' if counted is None else f'it has {counted}, '}at most {bounds['max_length']} are allowed"
        )
    if kind in _SHORT:
        return "is empty" if bounds["min_length"] == 1 else f"is too short: at least {bounds['min_length']} are needed"
    return str(found["msg"]).removeprefix("Value error, ")


_LONG: Final = ("too_long", "string_too_long")
_SHORT: Final = ("too_short", "string_too_short")
_KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "must be an object"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "string_type": "must be a string",
    "list_type": "must be a list",
    "missing": "is missing",
    "extra_forbidden": "is no field of this request",
}


class Given(BaseModel):
    """What comes in. A field that is null is one that is left out: many client libraries write all they know of."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, given: Any) -> Any:
        """A name that isn't known stays, and is refused, whatever its value."""
        if not isinstance(given, dict) or None not in given.values():
            return given
        known = {one.alias or name for name, one in cls.model_fields.items()}
        return {name: value for name, value in given.items() if value is not None or name not in known}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        found = handler(core_schema)
        shape = handler.resolve_ref_schema(found)
        needed = shape.get("required", ())
        for name, one in shape.get("properties", {}).items():
            if name not in needed:
                shape["properties"][name] = _nullable(one)
        return found


def raise_each(wrong: Sequence[tuple[str, str]], before: ValidationError | None = None) -> None:
    """One error that tells all of it, each by its field: what was found ``before``, too. None: nothing happens."""
    if not wrong:
        return
    lines: list[InitErrorDetails] = []
    if before is not None:
        for one in before.errors(include_url=False, include_input=False):
            text = PydanticCustomError("told", "{text}", {"text": said(one)})
            lines.append(InitErrorDetails(type=text, loc=one["loc"], input=None))
    told = {".".join(map(str, line["loc"])) for line in lines}
    lines += [
        InitErrorDetails(type=PydanticCustomError("told", "{text}", {"text": text}), loc=(name,), input=None)
        for name, text in wrong
        if name not in told
    ]
    raise ValidationError.from_exception_data("request", lines)


def without_null(given: Any) -> Any:
    """An object without the names whose value is null; all else as it is."""
    if isinstance(given, dict) and None in given.values():
        return {name: value for name, value in given.items() if value is not None}
    return given


_OF_FIELD: Final = ("title", "description", "default", "examples")


def _nullable(shape: dict[str, Any]) -> dict[str, Any]:
    """The same field, which may be null too; what is said of it stays at its head."""
    either = shape.get("anyOf") or [{name: one for name, one in shape.items() if name not in _OF_FIELD}]
    if not all(either) or {"type": "null"} in either:
        return shape
    head = {name: one for name, one in shape.items() if name in _OF_FIELD}
    return {"anyOf": [*either, {"type": "null"}], **head}


class ConsentIn(Given):
    """A person's consent to one topic, with what proves it."""

    email: Email
    topic: TopicField
    source: SourceField
    wording: WordingField
    ip: Ip | None = None
    page: PageField = ""
    at: Annotated[Moment | None, Field(description="When it was given (RFC 3339); default: now.")] = None


class ConsentOfMany(ConsentIn):
    """One of a batch: what its address lacks is said in its own result, so the schema leaves the form open."""

    email: Annotated[str, Field(min_length=3, max_length=320, examples=["mary@example.com"])]


class BatchIn(Given):
    """Consents to be recorded together."""

    consents: Annotated[list[ConsentOfMany], Field(min_length=1, max_length=MOST_IN_BATCH)]


class WithdrawIn(Given):
    """Which consent ends; without a topic all do."""

    email: Email
    topic: TopicField | None = None


class OptInIn(Given):
    """A wish to be subscribed, told to the tenant's own site or application."""

    email: Email
    form: Annotated[str, Field(min_length=1, max_length=63, description="Name of the form.", examples=["footer"])]
    topics: Annotated[
        list[TopicField], Field(min_length=1, max_length=20, description="What the person chose, of the form's topics.")
    ]
    ip: Ip | None = None
    page: PageField = ""
    language: Annotated[
        str,
        Field(pattern=r"^([a-z]{2})?$", description="Of the mail and its pages; default: the form's.", examples=["de"]),
    ] = ""
    old_enough: Annotated[
        bool, Field(description="The person said to be 16 or older; needed where the form asks.", examples=[True])
    ] = False
    tracking: Annotated[
        bool,
        Field(description="The person ticked the box for tracking, which stood apart, where the form asks for it."),
    ] = False


class ConsentOut(BaseModel):
    """A consent as recorded. Times are RFC 3339 in UTC."""

    email: str = Field(description="Canonical: lower case, domain as A-labels.")
    topic: str
    channel: str
    live: bool
    given_at: datetime = Field(description="When the person agreed; when it was recorded, where `dated` is false.")
    withdrawn_at: datetime | None
    recorded_at: datetime
    source: str
    wording: str
    means: str
    ip: str
    page: str
    dated: bool = Field(description="False: nobody stated when the person agreed.")
    on_list_since: str = Field(description="A day, where that is all that is known of the time; else empty.")
    grade: str = Field(
        description="How well it is proved: A double opt-in, B time and IP address, C the tenant's word."
    )


class ConsentList(BaseModel):
    """One page of consents, by address and topic."""

    consents: list[ConsentOut]
    next: str | None = Field(description="Cursor of the next page; null at the end.")


class ProblemOut(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[dict[str, str]] = Field(default=[], description="Fields and what is wrong with them.")
    refused: list[dict[str, str]] = Field(default=[], description="Of a message: who was refused, and why.")


class BatchItem(BaseModel):
    """What became of one consent: it, or the problem."""

    status: int = Field(description="What a request of its own would have been answered with.")
    consent: ConsentOut | None = None
    problem: ProblemOut | None = None


class BatchOut(BaseModel):
    """One result for each consent, in the order given."""

    recorded: int
    refused: int
    results: list[BatchItem]


class Withdrawn(BaseModel):
    """What a withdrawal did."""

    email: str
    topic: str | None
    changed: bool = Field(description="false if it had been withdrawn before.")


class OptInOut(BaseModel):
    """A confirmation mail is on its way; only the person's click subscribes."""

    email: str
    form: str
    topics: list[str]
    expires_at: datetime = Field(description="When the link in the mail ends.")


class SuppressionOut(BaseModel):
    """Why nothing (more) goes to the person."""

    reason: str
    topic: str | None = Field(description="null: everything of the tenant.")
    since_at: datetime


class HistoryItem(BaseModel):
    """One giving or withdrawing, with its evidence."""

    at: datetime
    action: str
    topic: str | None = Field(description="null: everything of the tenant.")
    recorded_at: datetime
    wording: str | None = Field(description="What was agreed to.")
    evidence: dict[str, Any]


class HistoryOut(BaseModel):
    """A person's history with the tenant, the oldest first."""

    email: str
    known_since_at: datetime
    suppressions: list[SuppressionOut]
    history: list[HistoryItem]
    next: str | None = Field(description="Cursor of the next page; null at the end.")
