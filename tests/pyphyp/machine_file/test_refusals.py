"""What is said of machine files that cannot be."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyphyp.machine_file import FileProblem, MachineFileError, parse, read

from .texts import MACHINE, PARTITION, wrong

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = ", "machine.toml:1: no TOML: Invalid value"),
        ("a = 1\na = 2\n", "machine.toml:2: no TOML: Cannot overwrite a value"),
        ("[machine", "machine.toml:1: no TOML: Expected ']' at the end of a table declaration"),
    ],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, said: str) -> None:
    assert wrong(text) == [said]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("unit = 1", 'partition[lpar1].unit = 1: there is no such key; did you mean units?'),
        ("weight = 256", "partition[lpar1].weight = 256: a whole number, 0 to 255"),
        ("weight = true", "partition[lpar1].weight = true: a whole number, 0 to 255"),
        ("pool = 3", "partition[lpar1].pool = 3: one of the pools: 0"),
        ("little = 1", "partition[lpar1].little = 1: true or false"),
        ("command = 'x'", 'partition[lpar1].command = "x": nothing: what boots is a toy kernel'),
        ("kernel = 'x'", 'partition[lpar1].guest = "hello": one of guest and kernel'),
        ("cpu_mode = 'power6'", 'partition[lpar1].cpu_mode = "power6": one of "power7", '
         '"power8", "power9", "power10"'),
        ("cpu_mode = 'power10'", 'partition[lpar1].cpu_mode = "power10": newer than the '
         "system's processors, power9"),
        ("dedicated = 1", "partition[lpar1].units = 0.5: nothing: the processors are dedicated"),
        ("sharing = 'keep_idle_procs'", 'partition[lpar1].sharing = "keep_idle_procs": nothing: '
         "the processors are shared"),
        ("virtual_processors = 33", "partition[lpar1].virtual_processors = 33: "
         "a whole number, 1 to 32"),
        ("virtual_processors = 11", "partition[lpar1].units = 0.5: "
         "at least 0.55: 0.05 for each of 11 virtual processors"),
        ("number = 0", "partition[lpar1].number = 0: a whole number, 1 to 1000"),
        ("default_profile = 'x'", 'partition[lpar1].default_profile = "x": '
         "one of the partition's profiles: normal"),
        ("capped = true\nweight = 1", "partition[lpar1].weight = 1: nothing: "
         "a capped partition has no weight"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_told_with_its_line_its_value_and_what_would_be_right(
    line: str, said: str
) -> None:
    problems = wrong(MACHINE + PARTITION + line + "\n")
    assert [text.partition(": ")[2] for text in problems] == [said]
    at = (MACHINE + PARTITION + line).split("\n")
    key = said.partition(" = ")[0].rpartition(".")[2]
    number = int(problems[0].partition(": ")[0].rpartition(":")[2])
    assert at[number - 1].startswith(f"{key} = ")


@pytest.mark.parametrize("size", ['"64"', '"1.00001M"', "64", '"big"', '"-64M"'])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION.replace('"64M"', size))
    assert f"memory = {size}: a " in problem


@pytest.mark.parametrize("units", ["0.505", '"0.5"', "nan", "-1", "inf", "true"])
def test_units_that_are_none_are_refused(units: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION.replace("0.5", units))
    assert "processing units, in steps of 0.01: 0.5, for example" in problem


@pytest.mark.parametrize(
    ("bounds", "said"),
    [
        ("{ minimum = 0.1 }", "desired and, unless they are the same, minimum and maximum"),
        ("{ desired = 0.1, most = 1 }", "desired and, unless they are the same"),
        ("{ desired = 0.1, maximum = 0.001 }", "maximum is processing units"),
        ("{ desired = 0.1, minimum = 0.2 }", "minimum = 0.2: up to what is desired, 0.10"),
        ("{ desired = 0.1, maximum = 0.05 }", "maximum = 0.05: at least what is desired, 0.10"),
    ],
)
def test_bounds_that_are_none_are_refused(bounds: str, said: str) -> None:
    (problem,) = wrong(MACHINE + PARTITION.replace("units = 0.5", f"units = {bounds}"))
    assert said in problem


def test_all_that_is_wrong_is_told_in_the_order_of_the_file() -> None:
    text = (
        '[machine]\ncore = 1\nmemory = "1Q"\n[[pool]]\nnumber = 0\n'
        "[[partition]]\nguest = 'hullo'\nmemory = '100M'\nunits = 0.01\n[mashine]\n"
    )
    assert wrong(text) == [
        "machine.toml:1: machine.cores: is missing: a whole number, 1 or more; "
        "or { installed, activated } of such",
        "machine.toml:2: machine.core = 1: there is no such key; did you mean cores?",
        'machine.toml:3: machine.memory = "1Q": a size: "512M", "1.5G"',
        "machine.toml:4: pool[0].maximum: is missing: processing units, in steps of 0.01",
        "machine.toml:5: pool[0].number = 0: 1 to 63; pool 0 is there of itself and has no limits",
        "machine.toml:6: partition[0].name: is missing: text",
        'machine.toml:7: partition[0].guest = "hullo": there is no such guest; did you mean hello?',
        'machine.toml:8: partition[0].memory = "100M": a multiple of the LMB, 64 MiB',
        "machine.toml:9: partition[0].units = 0.01: at least 0.05: "
        "0.05 for each of 1 virtual processors",
        "machine.toml:10: mashine = {  }: there is no such key; did you mean machine?",
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = MACHINE + PARTITION.replace('guest = "hello"', 'kernel = "vmlinux"')
    with pytest.raises(MachineFileError, match=r"there is no file .*vmlinux"):
        parse(text, directory=tmp_path)


def test_an_empty_file_lacks_all_there_must_be() -> None:
    assert wrong("") == [
        "machine.toml: machine.cores: is missing: a whole number, 1 or more; "
        "or { installed, activated } of such",
        'machine.toml: machine.memory: is missing: a size: "512M", "1.5G"; '
        "or { installed, activated } of such",
        "machine.toml: partition = 0 defined: 1 to 1000 partitions in the enterprise edition",
    ]


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "m.toml").write_bytes(b"# one\n# \xff\n")
    with pytest.raises(MachineFileError, match=r"m\.toml:2: a machine file is text in UTF-8"):
        read(tmp_path / "m.toml")


toml_values = st.recursive(
    st.sampled_from(
        ["1", "0", "-1", "0.5", "nan", "true", '""', '"64M"', '"linux"', "1970-01-01", "12:00:00"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(["minimum", "desired", "installed", "name"]), inner, max_size=2
        ).map(lambda d: "{" + ", ".join(f"{k} = {v}" for k, v in d.items()) + "}"),
    ),
    max_leaves=4,
)
KEYS = """
name number guest kernel little memory units dedicated sharing weight pool profile cores lmb edition
epoch seed maximum reserved partitions machine partition default_profile x
"""
toml_keys = st.sampled_from(KEYS.split())
headers = st.sampled_from(
    ["[machine]", "[[partition]]", "[[pool]]", "[[partition.profile]]", "[[system_profile]]"]
)
statements = st.one_of(headers, st.builds("{} = {}".format, toml_keys, toml_values))


@given(st.lists(statements, max_size=25))
def test_any_toml_is_a_machine_or_is_told_what_is_wrong(parts: list[str]) -> None:
    text = "\n".join(parts)
    problems = _problems(text)
    assert all(problem.why for problem in problems)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = [problem.line for problem in problems if problem.line is not None]
    assert lines == sorted(lines)
    assert all(1 <= line <= len(parts) for line in lines)


def _problems(text: str) -> tuple[FileProblem, ...]:
    try:
        parse(text)
    except MachineFileError as wrong:
        return wrong.problems
    return ()


@given(st.text(max_size=200))
def test_any_text_is_a_machine_or_is_told_what_is_wrong(text: str) -> None:
    with pytest.raises(MachineFileError):
        parse(text)
