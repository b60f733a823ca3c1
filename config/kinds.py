"""The types of settings: a plain type, its check, and how the documents name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo

from config import credentials, names, units

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ValueKind:
    """How a value is called and written in the reference and the example file."""

    label: str
    write: Callable[[Any], object] = lambda value: value


class Table(BaseModel):
    """One TOML table: frozen, unknown keys and wrong types refused, defaults checked like the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


def key(default: T, text: str, *, ge: float | None = None, le: float | None = None, example: Any = None) -> T:
    """A key with its default, its sentence and, if the default is empty, an example."""
    made: T = Field(
        default, description=text, ge=ge, le=le, json_schema_extra=None if example is None else {"example": example}
    )
    return made


def required(text: str, *, example: str) -> Any:
    return Field(description=text, json_schema_extra={"example": example})


def _text(check: Callable[[str], str], *, or_empty: bool = False) -> AfterValidator:
    return AfterValidator(lambda value: value if or_empty and not value else check(value))


def _unique(values: tuple[T, ...]) -> tuple[T, ...]:
    for index, value in enumerate(values):
        if value in values[:index]:
            raise ValueError(f'"{value}" is there twice')
    return values


def _not_empty(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values:
        raise ValueError("must not be empty")
    return values


def _path(value: object, info: ValidationInfo) -> Path:
    """Relative to the settings file's directory, which the context carries."""
    if not isinstance(value, str | Path) or "\0" in str(value):
        raise ValueError("should be a path in quotes")
    base = info.context["base"] if info.context else Path()
    return Path(base, value).absolute()


def _optional_path(value: object, info: ValidationInfo) -> Path | None:
    if isinstance(value, str) and value.startswith(credentials.PREFIX):
        return credentials.credential(value)
    return None if value is None or value == "" else _path(value, info)


def _route(value: object) -> object:
    if isinstance(value, dict):
        raise ValueError('should be text; a domain with dots stands in quotes: "example.com" = "127.0.0.1:2600"')
    return value


# TOML arrays arrive as lists; strict mode alone would refuse to make tuples of them.
_LIST = Field(strict=False)

Count = Annotated[int, Field(le=10**9)]
Seconds = Annotated[float, BeforeValidator(units.parse_duration), ValueKind("duration", units.format_duration)]
Wait = Annotated[Seconds, Field(gt=0)]
Octets = Annotated[int, BeforeValidator(units.parse_octets), ValueKind("size", units.format_octets)]
Waits = Annotated[
    tuple[Wait, ...],
    _LIST,
    AfterValidator(_not_empty),
    ValueKind("list of durations", lambda values: [units.format_duration(v) for v in values]),
]
Domain = Annotated[str, _text(names.domain_name), ValueKind("domain name")]
RouteName = Annotated[str, _text(names.route_name), ValueKind("domain name")]
DomainNames = Annotated[
    tuple[Annotated[str, _text(names.domain_name)], ...],
    _LIST,
    AfterValidator(_unique),
    ValueKind("list of domain names", list),
]
OptionalDomain = Annotated[str, _text(names.domain_name, or_empty=True), ValueKind("domain name")]
StoreUrl = Annotated[str, _text(names.store_url, or_empty=True), ValueKind("URL")]
Url = Annotated[str, _text(names.base_url, or_empty=True), ValueKind("URL")]
ListenAddress = Annotated[str, _text(names.listen_endpoint)]
OptionalListenAddress = Annotated[str, _text(names.listen_endpoint, or_empty=True), ValueKind("address:port")]
Listens = Annotated[tuple[ListenAddress, ...], _LIST, ValueKind("list of address:port", list)]
OptionalTarget = Annotated[str, _text(names.target_endpoint, or_empty=True), ValueKind("host:port")]
RouteTarget = Annotated[str, BeforeValidator(_route), _text(names.target_endpoint)]
Nameservers = Annotated[
    tuple[Annotated[str, _text(names.nameserver)], ...],
    _LIST,
    AfterValidator(_unique),
    ValueKind("list of address:port", list),
]
Addresses = Annotated[
    tuple[Annotated[str, _text(names.ip_address)], ...],
    _LIST,
    AfterValidator(_unique),
    ValueKind("list of IP addresses", list),
]
Networks = Annotated[
    tuple[Annotated[str, _text(names.ip_network)], ...],
    _LIST,
    AfterValidator(_unique),
    ValueKind("list of networks", list),
]
NetworkName = Annotated[str, _text(names.ip_network), ValueKind("network")]
MachineWord = Annotated[str, _text(names.machine_word), ValueKind("class")]
OptionalMail = Annotated[str, _text(names.mail_address, or_empty=True), ValueKind("mail address")]
Mails = Annotated[
    tuple[Annotated[str, _text(names.mail_address)], ...],
    _LIST,
    AfterValidator(_unique),
    ValueKind("list of mail addresses", list),
]
Texts = Annotated[
    tuple[Annotated[str, _text(names.contact_text)], ...],
    _LIST,
    AfterValidator(_unique),
    ValueKind("list of texts", list),
]
Names = Annotated[tuple[str, ...], _LIST, AfterValidator(_unique), ValueKind("list of names", list)]
Directory = Annotated[Path, BeforeValidator(_path), ValueKind("path", str)]
OptionalFile = Annotated[Path | None, BeforeValidator(_optional_path), ValueKind("path", lambda path: str(path or ""))]
