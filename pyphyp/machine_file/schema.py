"""The JSON schema of machine files, and the tables of their keys in docs/machine.md."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .keys import PARTITION, PROFILE, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .kinds import Schema
    from .tables import Table

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REQUIRED = ["machine", "partition"]
# Of what boots, and of processors, there is one or the other.
_WHAT_BOOTS = [{"required": ["guest"]}, {"required": ["kernel"]}]
_PROCESSORS = [{"required": ["units"]}, {"required": ["dedicated"]}]
_PROFILES = [{"required": ["profile"]}, {"required": ["memory"], "oneOf": _PROCESSORS}]


def schema() -> Schema:
    """The JSON schema of a machine file."""
    whole = _table(ROOT)
    tables = whole["properties"]
    tables[PARTITION.name]["minItems"] = 1
    partition = tables[PARTITION.name]["items"]
    partition["allOf"] = [{"oneOf": _WHAT_BOOTS}, {"oneOf": _PROFILES}]
    partition["properties"][PROFILE.name]["items"]["oneOf"] = _PROCESSORS
    return {
        "$schema": DIALECT,
        "title": "pyphyp machine file",
        **whole,
        "required": _REQUIRED,
    }


def schema_text() -> str:
    return json.dumps(schema(), indent=2) + "\n"


def _table(table: Table) -> Schema:
    properties = {key.name: {"description": key.words, **key.kind.schema()} for key in table.keys}
    for inner in table.inner:
        its = _table(inner)
        properties[inner.name] = {"type": "array", "items": its} if inner.array else its
    required = [key.name for key in table.keys if key.required]
    return {
        "description": table.words,
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def key_tables() -> str:
    """All keys, in Markdown."""
    return "\n".join(_described(ROOT, ""))


def _described(table: Table, path: str) -> Iterator[str]:
    if table.keys:
        yield f"### `{f'[[{path}]]' if table.array else f'[{path}]'}`\n"
        yield f"{table.words}\n"
        yield "| key | what it may be | if left out | what it is for |"
        yield "|---|---|---|---|"
        for key in table.keys:
            default = key.default or ("**required**" if key.required else "")
            yield f"| `{key.name}` | {key.kind.words} | {default} | {key.words} |"
        yield ""
    for inner in table.inner:
        yield from _described(inner, f"{path}.{inner.name}".removeprefix("."))
