"""Makes relay.toml.example and docs/SETTINGS.md from the settings' own definitions.

``python -m config.example`` writes both; ``--check`` only compares, and exits
with 1 if a file on disk differs.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.conduct import Policies
from config.kinds import ValueKind
from config.plans import PLANS, Plan
from config.settings import Settings

ROOT = Path(__file__).parent.parent
EXAMPLE, REFERENCE = Path("relay.toml.example"), Path("docs/SETTINGS.md")

_PLAIN = {int: "whole number", float: "number", bool: "true or false", str: "text"}

_EXAMPLE_HEAD = """\
# Settings of the relay, complete, each with its default: what you leave out stays as it is here.
# Copy what you change to relay.toml, or let `relay init` write a short one.
# Durations are seconds or text like "90s", "30m", "6h", "5d"; sizes are octets or text like "256KiB", "25MiB".
# Relative paths start at this file's directory. `relay check` finds what is wrong."""

_REFERENCE_HEAD = """\
# Settings

Made from the definitions in `config/` by `python -m config.example`; don't edit.

The relay reads the file named with `-c`, else `relay.toml` in the working directory, else `/etc/relay/relay.toml`. It
is [TOML](https://toml.io). Unknown keys, wrong types and contradictions are errors that name the key, all at once;
`relay check` shows them. `relay.toml.example` has every key with its default.

- **Durations** are seconds (`90`, `0.5`) or text: `"90s"`, `"30m"`, `"1h30m"`, `"5d"` (units `ms s m h d w`).
- **Sizes** are octets (`4096`) or text: `"256KiB"`, `"25MiB"`, `"25MB"`.
- **address:port** is `"*:587"` (every address, IPv4 and IPv6), `"0.0.0.0:587"`, `"[::]:587"` or `"localhost:10587"`.
- **Relative paths** start at the directory of the settings file.
"""

_POLICY_NOTE = """\
The table of one policy, such as `[policy.quota]`. The policy itself checks it when it is built, and a fault is told as
`policy.NAME.KEY`.
"""


def example() -> str:
    """The text of relay.toml.example: parses, validates, and says the defaults."""
    lines = [_EXAMPLE_HEAD]
    for name, model in tables():
        lines.append(f"\n# {_first_line(model)}\n[{name}]")
        for key, field in model.model_fields.items():
            kept_back = isinstance(field.default, Mapping)
            lines += [] if kept_back else [_comment(field), f"{key} = {_toml(_default(field))}"]
        for key, field in model.model_fields.items():
            if isinstance(field.default, Mapping):
                lines += [f"\n{_comment(field)}", f"[{name}.{key}]"]
        if model is Policies:
            lines.append("\n# Settings of one policy stand in a table of its name: [policy.NAME]")
    for number, plan in enumerate(PLANS):
        lines.append(f"\n# {_first_line(Plan)}\n[plans.{plan}]" if not number else f"\n[plans.{plan}]")
        for key, field in Plan.model_fields.items():
            lines += [] if number else [_comment(field)]
            lines.append(f"{key} = {_toml(PLANS[plan].get(key, field.default))}")
    return "\n".join(lines) + "\n"


def reference() -> str:
    """The text of docs/SETTINGS.md."""
    parts = [_REFERENCE_HEAD]
    for name, model in tables():
        parts.append(_section(name, model))
        if model is Policies:
            parts.append(f"## `[policy.NAME]`\n\n{_POLICY_NOTE}")
    parts.append(_section("plans.NAME", Plan))
    rows = "".join(f"| `{name}` | {_amount(name, 'messages')} | {_amount(name, 'subscribers')} |\n" for name in PLANS)
    parts.append(
        "Built in, each key changeable by a table of the plan's name:\n\n"
        f"| plan | messages | subscribers |\n|---|---|---|\n{rows}"
    )
    return "\n".join(parts)


def described() -> Iterator[tuple[str, str, list[tuple[str, str, str, str]]]]:
    """Each table with its sentence and its keys: name, kind of value, default, meaning."""
    models: list[tuple[str, type[BaseModel]]] = [*tables(), ("plans.NAME", Plan)]
    for name, model in models:
        keys = [
            (key, _label(field) + _range(field), _default_text(field), _meaning(field))
            for key, field in model.model_fields.items()
        ]
        yield f"[{name}]", _first_line(model), keys


def introduction() -> list[str]:
    """The reference's first paragraphs."""
    texts = _REFERENCE_HEAD.replace("\n- **", "\n\n").replace("**", "").replace("[TOML](https://toml.io)", "TOML")
    return [" ".join(text.split()) for text in texts.split("\n\n")[2:] if text.strip()]


def tables() -> Iterator[tuple[str, type[BaseModel]]]:
    """The tables with fixed keys, in the file's order."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield name, field.annotation


def _section(name: str, model: type[BaseModel]) -> str:
    rows = [f"## `[{name}]`\n\n{_first_line(model)}\n\n| key | value | default | meaning |\n|---|---|---|---|"]
    for key, field in model.model_fields.items():
        rows.append(f"| `{key}` | {_label(field)}{_range(field)} | {_default_text(field)} | {_meaning(field)} |")
    return "\n".join(rows) + "\n"


def _default_text(field: FieldInfo) -> str:
    return "required" if field.is_required() else f"`{_toml(_written(field, field.default))}`"


def _meaning(field: FieldInfo) -> str:
    text = _sentence(field)
    return f"{text} Example: `{_toml(_example(field))}`" if _example(field) is not None else text


def _comment(field: FieldInfo) -> str:
    shown = _example(field) is not None and not field.is_required()
    table = isinstance(_example(field), Mapping)
    what = "; ".join(f"{json.dumps(k)} = {_toml(v)}" for k, v in _example(field).items()) if table else ""
    return f"# {_sentence(field)}" + (f" For example {what or _toml(_example(field))}" if shown else "")


def _sentence(field: FieldInfo) -> str:
    assert field.description, "every setting has its sentence"
    return field.description


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n", 1)[0]


def _example(field: FieldInfo) -> Any:
    extra = field.json_schema_extra
    return extra.get("example") if isinstance(extra, dict) else None


def _default(field: FieldInfo) -> object:
    return _example(field) if field.is_required() else _written(field, field.default)


def _kind(field: FieldInfo) -> ValueKind | None:
    return next((item for item in field.metadata if isinstance(item, ValueKind)), None)


def _written(field: FieldInfo, value: object) -> object:
    kind = _kind(field)
    return kind.write(value) if kind else value


def _label(field: FieldInfo) -> str:
    if kind := _kind(field):
        return kind.label
    if isinstance(field.annotation, type):
        return _PLAIN[field.annotation]
    return ", ".join(f'`"{choice}"`' for choice in getattr(field.annotation, "__args__", ()))


def _range(field: FieldInfo) -> str:
    limits = []
    for item in field.metadata:
        if isinstance(item, Gt):
            limits.append(f"more than {item.gt}")
        elif isinstance(item, Ge) and item.ge:
            limits.append(f"{_written(field, item.ge)} or more")
        elif isinstance(item, Le) and isinstance(item.le, int) and item.le < 10**9:
            limits.append(f"up to {item.le}")
    return f" ({', '.join(limits)})" if limits else ""


def _amount(plan: str, key: str) -> str:
    amount = PLANS[plan].get(key, 0)
    return str(amount) if amount else "unlimited"


def _toml(value: object) -> str:
    """A value as TOML writes it; JSON's text, number, list and boolean forms are TOML's too."""
    if isinstance(value, Mapping):
        pairs = ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items())
        return f"{{ {pairs} }}" if pairs else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write the files, or with ``--check`` compare; the exit status."""
    if arguments not in ([], ["--check"]):
        print("usage: python -m config.example [--check]", file=sys.stderr)
        return 2
    stale = []
    for path, text in ((EXAMPLE, example()), (REFERENCE, reference())):
        file = root / path
        if not file.exists() or file.read_text("utf-8") != text:
            stale.append(path)
            if not arguments:
                file.write_text(text, "utf-8")
    if arguments and stale:
        print(f"out of date: {', '.join(map(str, stale))}; run `python -m config.example`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
