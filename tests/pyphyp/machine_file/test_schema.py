"""The published schema: what it takes is what a machine file may have."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pyphyp.cli import main
from pyphyp.machine_file import MachineFileError, parse, read
from pyphyp.machine_file.keys import ROOT, Table
from pyphyp.machine_file.schema import schema

jsonschema = pytest.importorskip("jsonschema")
DOCS = Path(__file__).parents[3] / "docs"
EXAMPLES = sorted((DOCS / "examples").glob("*.toml"))
OFFICE = (DOCS / "examples" / "office.toml").read_text(encoding="utf-8")
PARTS = [
    ("cores = { installed = 8, activated = 4 }", "cores = 0"),
    ('memory = { installed = "32G", activated = "16G" }', 'memory = "much"'),
    ('edition = "enterprise"', 'edition = "gold"'),
    ("number = 1\n", ""),
    ("weight = 200", "weight = 256"),
    ("dedicated = { minimum = 1, desired = 2, maximum = 4 }", "dedicated = { minimum = 1 }"),
    ("dedicated = { minimum = 1, desired = 2, maximum = 4 }", ""),
    ('guest = "linux-big-endian"', ""),
    ('name = "old"', 'name = "old"\nsize = 3'),
    ('partitions = { database = "night", web = "normal" }', "partitions = 1"),
]


def validator() -> Any:
    return jsonschema.Draft202012Validator(schema())


def plain(text: str) -> object:
    """A TOML text as JSON has it: times are text there."""
    return json.loads(json.dumps(tomllib.loads(text), default=str))


def test_it_is_a_schema_and_the_published_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    assert json.loads((DOCS / "machine.schema.json").read_text(encoding="utf-8")) == schema()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda file: file.stem)
def test_examples_are_machines(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    validator().validate(plain(example.read_text(encoding="utf-8")))
    assert main(["check", str(example)]) == 0
    said = capsys.readouterr()
    assert not said.err
    assert said.out.splitlines()[-1].startswith(f"{read(example).system.name}: ")


@pytest.mark.parametrize(("right", "wrong"), PARTS)
def test_schema_and_reading_refuse_the_same(right: str, wrong: str) -> None:
    assert right in OFFICE
    text = OFFICE.replace(right, wrong, 1)
    assert not validator().is_valid(plain(text))
    with pytest.raises(MachineFileError):
        parse(text)


def test_the_page_has_every_key_and_the_example_in_it_is_the_file() -> None:
    page = (DOCS / "machine.md").read_text(encoding="utf-8")

    def names(table: Table) -> list[str]:
        inner = [name for its in table.inner for name in names(its)]
        return [key.name for key in table.keys] + inner

    assert all(f"| `{name}` |" in page for name in names(ROOT))
    small = (DOCS / "examples" / "small.toml").read_text(encoding="utf-8")
    assert small.partition("\n")[2] in page


def test_the_schema_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == schema()


def test_check_says_all_that_is_wrong_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "m.toml"
    file.write_text(
        OFFICE.replace("weight = 200", "weight = 256").replace("pool = 1\n", "pool = 2\n")
    )
    assert main(["check", str(file)]) == 1
    said = capsys.readouterr()
    assert not said.out
    assert [line.split(":")[1] for line in said.err.splitlines()] == ["48", "49", "57"]


def test_check_refuses_partitions_that_do_not_fit_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "m.toml"
    file.write_text(OFFICE.replace('"16G"', '"4G"'))
    assert main(["check", "--quiet", str(file)]) == 1
    said = capsys.readouterr()
    assert "partition web needs 1024 MiB of memory at least: 0 are free" in said.err
    assert not said.out


@pytest.mark.parametrize(("right", "wrong"), [("weight = 200", "weight = 256"), ('"16G"', '"4G"')])
def test_up_complains_of_what_check_lists(
    right: str, wrong: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "m.toml"
    file.write_text(OFFICE.replace(right, wrong))
    assert main(["check", "--quiet", str(file)]) == 1
    listed = capsys.readouterr().err.splitlines()
    assert main(["up", str(file)]) == 1
    assert capsys.readouterr().err.splitlines() == [f"pyphyp: {line}" for line in listed]
    assert listed
