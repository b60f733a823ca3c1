"""``/v1/docs``: the description as a page to read, with examples; no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from relay.events.types import MEANINGS
from relay.web.api.examples import LANGUAGES, example

_ORDER: Final = ("messages", "templates", "events", "webhooks", "suppressions", "consents", "topics", "forms")
_ERRORS: Final = ("400", "401", "403", "408", "413", "415", "429", "431", "503")
"""Told once for all requests."""


@dataclass(frozen=True, slots=True)
class DocField:
    """A parameter, or a field of a body or answer."""

    name: str
    type: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class DocCall:
    """One request, ready to be shown."""

    anchor: str
    method: str
    path: str
    title: str
    text: str
    parameters: Sequence[DocField]
    body: Sequence[DocField]
    answer: Sequence[DocField]
    answers: Sequence[tuple[str, str]]
    examples: Sequence[tuple[str, str]]


def page(document: Mapping[str, Any]) -> Response:
    """The whole page."""
    html, digest = _page(_Document(document))
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    return HTMLResponse(html, 200, {"Content-Security-Policy": policy, "Content-Language": "en"})


class _Document:
    """The description, which is made once: so is its page."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def __hash__(self) -> int:
        return id(self.document)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Document) and other.document is self.document


@lru_cache(maxsize=4)
def _page(given: _Document) -> tuple[str, str]:
    document = given.document
    style = resources.files("relay.web").joinpath("templates", "docs.css").read_text("utf-8")
    environment = Environment(
        loader=PackageLoader("relay.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    html = environment.get_template("docs.html").render(
        style=Markup(style),
        groups=_groups(document),
        base=document["servers"][0]["url"],
        events=MEANINGS,
        marked=_marked,
        version=document["info"]["version"],
    )
    return html, base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _groups(document: Mapping[str, Any]) -> list[tuple[str, list[DocCall]]]:
    groups: dict[str, list[DocCall]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault((operation.get("tags") or ["more"])[0], []).append(_call(document, path, method))
    place = {name: number for number, name in enumerate(_ORDER)}
    return sorted(groups.items(), key=lambda item: (place.get(item[0], len(place)), item[0]))


def _call(document: Mapping[str, Any], path: str, method: str) -> DocCall:
    operation = document["paths"][path][method]
    made = example(document, method, path)
    title, _, rest = str(operation.get("description", operation.get("summary", ""))).partition("\n\n")
    good: Mapping[str, Any] = next((one for status, one in operation["responses"].items() if status < "300"), {})
    answers = [(status, str(one.get("description", ""))) for status, one in sorted(operation["responses"].items())]
    return DocCall(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        title=title,
        text=rest,
        parameters=[_parameter(document, one) for one in operation.get("parameters", ())],
        body=_fields(document, operation.get("requestBody", {})),
        answer=_fields(document, good),
        answers=[(status, text) for status, text in answers if status not in _ERRORS],
        examples=[(language, made.code(language)) for language in LANGUAGES],
    )


def _parameter(document: Mapping[str, Any], one: Mapping[str, Any]) -> DocField:
    schema = one.get("schema", {})
    text = one.get("description") or schema.get("description", "")
    where = "" if one["in"] == "query" else f" ({one['in']})"
    return DocField(f"{one['name']}{where}", _type(document, schema), bool(one.get("required")), str(text))


def _fields(document: Mapping[str, Any], part: Mapping[str, Any]) -> list[DocField]:
    schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    found = _resolved(document, schema)
    required = set(found.get("required", ()))
    return [
        DocField(name, _type(document, one), name in required, str(_resolved(document, one).get("description", "")))
        for name, one in found.get("properties", {}).items()
    ]


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        found: Mapping[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return {**found, **{name: value for name, value in schema.items() if name != "$ref"}}
    return schema


def _type(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    found = _resolved(document, schema)
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(_type(document, one) for one in found["anyOf"]))
    if found.get("enum"):
        words = [str(one) for one in found["enum"]]
        return "one of the types" if len(words) > 8 else " | ".join(words)
    if found.get("type") == "array":
        return f"list of {_type(document, found.get('items', {}))}"
    form = {"date-time": "time", "date": "day", "email": "address"}.get(str(found.get("format")), "")
    return form or str(found.get("type", "any"))


def _marked(text: str) -> Markup:
    """Paragraphs, lists and `code` of our own descriptions."""
    parts = []
    for block in text.split("\n\n"):
        lines = block.split("\n")
        items = [line[2:] for line in lines if line.startswith("- ")]
        head = " ".join(line for line in lines if not line.startswith("- "))
        parts.append(Markup("<p>{}</p>").format(_code(head)) if head else Markup())
        if items:
            parts.append(
                Markup("<ul>{}</ul>").format(Markup().join(Markup("<li>{}</li>").format(_code(i)) for i in items))
            )
    return Markup().join(parts)


def _code(text: str) -> Markup:
    pieces = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces)
    )
