"""One example of each request, in curl, Python, JavaScript and PHP, made from the description; a test runs them all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

LANGUAGES: Final = ("curl", "Python", "JavaScript", "PHP")
_MOST_DEEP: Final = 6
_MESSAGE: Final = """\
From: Shop <news@shop.example>
To: mary@example.com
Subject: Your order

It is on its way.
"""


@dataclass(frozen=True, slots=True)
class CallExample:
    """A request as one would make it."""

    method: str
    path: str
    """With its parameters filled in, and the query."""
    body: object | None
    raw: str = ""
    """Instead of a body: a whole message (`message/rfc822`)."""

    @property
    def _kind(self) -> str:
        return "message/rfc822" if self.raw else "application/json"

    @property
    def _sent(self) -> bool:
        return self.body is not None or bool(self.raw)

    def code(self, language: str) -> str:
        return {"curl": self._curl, "Python": self._python, "JavaScript": self._javascript, "PHP": self._php}[
            language
        ]()

    def _curl(self) -> str:
        lines = [f'curl -s -X {self.method} -H "Authorization: Bearer $TOKEN"', f'"$RELAY/v1{self.path}"']
        if self._sent:
            text = (self.raw or _json(self.body)).replace("'", "'\\''")
            lines[0] += f" -H 'Content-Type: {self._kind}'"
            lines.append(f"--data-binary '{text}'")
        return " \\\n  ".join(lines)

    def _python(self) -> str:
        body = repr(self.raw.encode()) if self.raw else f"json.dumps({self.body!r}).encode()"
        return "\n".join(
            [
                "import json, os, urllib.request",
                "",
                f'url = os.environ["RELAY"] + {json.dumps("/v1" + self.path)}',
                "headers = {",
                '    "Authorization": "Bearer " + os.environ["TOKEN"],',
                f'    "Content-Type": "{self._kind}",',
                "}",
                *([f"body = {body}"] if self._sent else []),
                f'request = urllib.request.Request(url, headers=headers, method="{self.method}"'
                + (", data=body)" if self._sent else ")"),
                "with urllib.request.urlopen(request) as answer:",
                "    print(answer.status, answer.read().decode())",
            ]
        )

    def _javascript(self) -> str:
        body = _json(self.raw) if self.raw else f"JSON.stringify({_json(self.body)})"
        return "\n".join(
            [
                f"const url = process.env.RELAY + {json.dumps('/v1' + self.path)};",
                "const answer = await fetch(url, {",
                f'  method: "{self.method}",',
                "  headers: {",
                "    Authorization: `Bearer ${process.env.TOKEN}`,",
                f'    "Content-Type": "{self._kind}",',
                "  },",
                *([f"  body: {body},"] if self._sent else []),
                "});",
                "console.log(answer.status, await answer.text());",
            ]
        )

    def _php(self) -> str:
        text = (self.raw or _json(self.body)).replace("\\", "\\\\").replace("'", "\\'")
        return "\n".join(
            [
                "<?php",
                "$context = stream_context_create(['http' => [",
                f"    'method' => '{self.method}',",
                f"    'header' => ['Authorization: Bearer ' . getenv('TOKEN'), 'Content-Type: {self._kind}'],",
                *([f"    'content' => '{text}',"] if self._sent else []),
                "    'ignore_errors' => true,",
                "]]);",
                f"$answer = file_get_contents(getenv('RELAY') . '/v1{self.path}', false, $context);",
                "echo $http_response_header[0], ' ', $answer, PHP_EOL;",
            ]
        )


def example(document: Mapping[str, Any], method: str, path: str) -> CallExample:
    """Of one request of the description (OpenAPI)."""
    operation = document["paths"][path][method]
    query: list[tuple[str, str]] = []
    for parameter in operation.get("parameters", ()):
        value = _value(document, parameter.get("schema", {}), parameter["name"], 0)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(value), safe=""))
        elif parameter["in"] == "query" and parameter.get("required"):
            query.append((parameter["name"], str(value)))
    content = operation.get("requestBody", {}).get("content", {})
    body = None
    if "application/json" in content and method != "delete":
        body = _value(document, content["application/json"]["schema"], "", 0)
    if method == "delete" and "application/json" in content and not query:
        query.append(("email", "mary@example.com"))
    raw = _MESSAGE if "message/rfc822" in content else ""
    return CallExample(method.upper(), path + (f"?{urlencode(query)}" if query else ""), body, raw)


_USUAL: Final[Mapping[str, object]] = {
    "id": "1", "name": "news.example.com", "email": "mary@example.com", "why": "asked by phone", "number": 1,
    "word": "cursor", "reason": "wrong price in the subject", "text": "We have corrected it.",
}  # fmt: skip


def _value(document: Mapping[str, Any], schema: Mapping[str, Any], name: str, deep: int) -> Any:
    """What stands in the example: the schema's own, else the usual one of that name, else what its form allows."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("examples"):
        return schema["examples"][0]
    if "anyOf" in schema:
        return _value(document, schema["anyOf"][0], name, deep)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _object(document, schema, deep)
    if kind == "array":
        items = schema.get("items", {})
        return [_value(document, items, name, deep + 1)] if deep < _MOST_DEEP and schema.get("minItems") else []
    if name in _USUAL and kind in ("string", None):
        return str(_USUAL[name])
    if kind in ("integer", "number"):
        return max(1, int(schema.get("minimum", 1)))
    return {"boolean": True, "string": "newsletter"}.get(str(kind), {})


def _object(document: Mapping[str, Any], schema: Mapping[str, Any], deep: int) -> dict[str, Any]:
    """Its required fields; where there are none the first one that has an example."""
    properties = schema.get("properties", {})
    wanted = list(schema.get("required", ())) or [one for one in properties if properties[one].get("examples")][:1]
    return {one: _value(document, properties[one], one, deep + 1) for one in wanted}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
