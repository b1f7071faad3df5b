"""Where the keys of a TOML text stand."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyphyp.machine_file.lines import key_lines

TEXT = '''\
# a comment
[machine]
name = "x"  # and another
cores = { installed = 2,  activated = 1 }

notes = """
[not.a.table]
key = 1
"""
list = [
  1,
  { a = 2 },
]
a."b c".d = 5

[[partition]]
units = 0.5
  [[partition.profile]]
  name = "one"
  [[partition.profile]]
  [partition.profile.inner]
  x = 1

[[partition]]
units = 1
  [[partition.profile]]
'''


def test_every_key_has_the_line_it_stands_in() -> None:
    lines = key_lines(TEXT)
    assert lines["machine",] == 2
    assert lines["machine", "name"] == 3
    assert lines["machine", "cores", "activated"] == 4
    assert lines["machine", "notes"] == 6
    assert lines["machine", "list", 1, "a"] == 10
    assert lines["machine", "a", "b c", "d"] == 14
    assert lines["partition", 0] == 16
    assert lines["partition", 0, "profile", 0, "name"] == 19
    assert lines["partition", 0, "profile", 1, "inner", "x"] == 22
    assert lines["partition", 1, "units"] == 25
    assert lines["partition", 1, "profile", 0] == 26
    assert ("machine", "not") not in lines


names = st.text("abc-_1", min_size=1, max_size=4)
values = st.sampled_from(
    ("1", '"[x]"', "'''\n[y]\n'''", "[1,\n[2]]", "{ z = { w = 1 } }", "2026-01-31T12:00:00Z")
)
statements = st.one_of(
    st.builds("{} = {}".format, names, values),
    st.builds("{}.{} = {}".format, names, names, values),
    st.builds("[{}]".format, names),
    st.builds("[[{}]]".format, names),
    st.builds("[{}.{}]".format, names, names),
    st.builds("[[{}.{}]]".format, names, names),
    st.just("# comment"),
    st.just(""),
)


def paths(value: Any, path: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    inner: Any = {}
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
    return {path}.union(*(paths(item, (*path, key)) for key, item in inner))


@given(st.lists(statements, max_size=12))
def test_the_keys_found_are_those_there_are(parts: list[str]) -> None:
    text = "\n".join(parts)
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    found = key_lines(text)
    assert set(found) <= paths(content)
    tables = {path for path in paths(content) if path and not isinstance(path[-1], int)}
    leaves = {path for path in tables if not _is_table(content, path)}
    assert leaves <= set(found)
    for path in leaves:
        key = path[-1]
        if isinstance(key, str):
            assert key in text.split("\n")[found[path] - 1]


def _is_table(content: Any, path: tuple[str | int, ...]) -> bool:
    for part in path:
        content = content[part]
    return isinstance(content, dict | list)
