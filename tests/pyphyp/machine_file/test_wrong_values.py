"""A wrong value of any key is told with file, key and value, and what would be right.

The published schema says which keys there are and what they may be, so a new key is tried of
itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pyphyp.machine_file import FileProblem, MachineFileError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "docs" / "machine.schema.json").read_text(encoding="utf-8")
)
FILE = "office.toml"
Path_ = tuple[str, ...]
Wrong = tuple[object, tuple[str, ...]]
"""A value, and what the refusal says would be right."""


def toml(value: object) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{k} = {toml(v)}" for k, v in value.items()) + " }"
        case list():
            return "[" + ", ".join(map(toml, value)) + "]"
        case _:
            return json.dumps(value)


def wrong_values(schema: Any) -> Iterator[Wrong]:
    """Values that the schema does not take."""
    if "enum" in schema:
        return ((value, tuple(schema["enum"])) for value in ("gold plated", 7, True))
    if "anyOf" in schema:
        return wrong_alternatives(*schema["anyOf"])
    match schema["type"]:
        case "boolean":
            return ((value, ("true or false",)) for value in ("yes", 1))
        case "string" if "pattern" in schema:
            return ((value, ("512M",)) for value in ("much", "", "-1G", 512, True))
        case "string":
            return ((value, ("in quotes",)) for value in (7, True, ["x"]))
        case "integer":
            return wrong_numbers(schema)
        case "number":
            right = ("processing units", "0.01", "0.5")
            return ((value, right) for value in (-0.01, 0.005, "0.5", True))
        case "array":
            return wrong_items(schema["items"])
        case "object":
            return ((value, ("a table of names",)) for value in (7, "x", {"lpar1": 7}))
    raise AssertionError(f"a new type: {schema}")


def wrong_numbers(schema: Any) -> Iterator[Wrong]:
    least, most = schema["minimum"], schema.get("maximum")
    right = ("a whole number", str(least), "or more" if most is None else str(most))
    yield from ((value, right) for value in (least - 1, least + 0.5, "1", True))
    if most is not None:
        yield most + 1, right


def wrong_items(items: Any) -> Iterator[Wrong]:
    yield 7, ("a list of",)
    for value, right in wrong_values(items):
        yield [value], right


def wrong_alternatives(first: Any, second: Any) -> Iterator[Wrong]:
    """One value or a table of several, or a time of day as a number or a date."""
    if "properties" not in second:
        yield from ((value, ("seconds since 1970", "date")) for value in ("noon", 1.5, True))
        return
    for value, right in wrong_values(first):
        yield value, right
        yield {name: value for name in second["properties"]}, right
    (needed,) = second["required"]
    for table in ({}, {name: 1 for name in second["properties"] if name != needed}):
        yield table, (needed,)
    yield {needed: 1, "most": 1}, ("nothing else",)


def tables(schema: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Every table with its path; those that come several times are arrays."""
    schema = schema.get("items", schema)
    if "properties" in schema:
        yield path, schema
        for name, its in schema["properties"].items():
            yield from tables(its, (*path, name))


def refused(path: Path_, content: object) -> tuple[list[FileProblem], str]:
    """What is said of a machine with `content` at `path`, and how the path is written."""
    system: dict[str, Any] = {
        "machine": {"cores": 2, "memory": "4G"},
        "partition": [{"name": "lpar1", "guest": "hello", "memory": "64M", "units": 0.5}],
    }
    at, schema, shown = system, SCHEMA, ""
    for name in path[:-1]:
        schema = schema["properties"][name]
        shown += f".{name}" if shown else name
        inner = at.setdefault(name, [{}] if "items" in schema else {})
        if "items" in schema:
            schema, (inner,) = schema["items"], inner
            shown += f"[{inner.get('name', 0)}]"
        at = inner
    at[path[-1]] = content
    shown += f".{path[-1]}" if shown else path[-1]
    if path == ("partition", "name"):  # by which it cannot be called then
        shown = shown.replace("lpar1", "0")
    text = "\n".join(f"{name} = {toml(value)}" for name, value in system.items())
    with pytest.raises(MachineFileError) as caught:
        parse(text, FILE)
    return list(caught.value.problems), shown


TABLES = list(tables(SCHEMA))
KEYS = [
    ((*path, name), schema)
    for path, table in TABLES
    for name, schema in table["properties"].items()
    if "properties" not in schema.get("items", schema)
]


def named(parts: list[tuple[Path_, Any]]) -> list[Any]:
    """Parameters that go by their paths."""
    return [pytest.param(path, its, id=".".join(path) or "the file") for path, its in parts]


@pytest.mark.parametrize(("path", "schema"), named(KEYS))
def test_a_wrong_value_of_any_key_is_told_with_what_would_be_right(
    path: Path_, schema: Any
) -> None:
    for value, right in wrong_values(schema):
        problems, key = refused(path, value)
        there = [problem for problem in problems if problem.key == key]
        told = [its for its in there if all(word in its.why for word in right)]
        assert told, (value, there)
        problem = told[0]
        shown = problem.value.removesuffix("...")
        assert shown == toml(value)[: len(shown)]
        assert str(problem) == f"{FILE}:{problem.line}: {key} = {problem.value}: {problem.why}"


@pytest.mark.parametrize(("path", "schema"), named(TABLES))
def test_a_key_that_no_table_has_is_told_with_those_there_are(path: Path_, schema: Any) -> None:
    problems, key = refused((*path, "colour"), "red")
    (problem,) = [problem for problem in problems if problem.key == key]
    assert problem.value == '"red"'
    assert "there is no such key" in problem.why
    assert all(name in problem.why for name in schema["properties"])


@pytest.mark.parametrize(("path", "schema"), named(TABLES[1:]))
def test_what_is_no_table_and_a_key_that_must_be_there_are_told(path: Path_, schema: Any) -> None:
    problems, key = refused(path, 7)
    assert any(problem.key == key and f"[{path[-1]}]" in problem.why for problem in problems)
    needed = schema.get("required", [])
    if path == ("machine",) or not needed:
        content: Any = {}
    else:
        content = [{}]
    problems, key = refused(path, content) if needed else ([], key)
    for name in needed:
        where = f"{key}.{name}" if path == ("machine",) else f"{key}[0].{name}"
        assert any(p.key == where and p.why.startswith("is missing") for p in problems), name
