"""Single values changed in what a machine file says: `lpar1.weight=200`.

The names are the file's own: a partition's, `machine`, or a pool's (its name, or `pool1`).  What
is changed is read and checked as if the file had it.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from emu.values import frozen

from .keys import PROFILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Content = dict[str, Any]

_EXAMPLE = "lpar1.weight=200, for example, would be right"
_OF_PROFILES = frozenset(key.name for key in PROFILE.keys if key.name != "name")


class ChangeError(Exception):
    """A change that cannot be made: why, and what would be right."""


@frozen
class Change:
    """`key` of the table that is called `name` is to be `value`."""

    name: str
    key: str
    value: Any

    @classmethod
    def parse(cls, text: str) -> Change:
        """Of NAME.KEY=VALUE, VALUE as TOML has it or plain text; raises `ChangeError`."""
        place, equals, value = text.partition("=")
        name, dot, key = place.strip().rpartition(".")
        if not (equals and dot and name and key and value.strip()):
            raise ChangeError(f"{text!r} changes nothing: {_EXAMPLE}")
        return cls(name, key, _value(value.strip()))


def _value(text: str) -> Any:
    try:
        content = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    return content["value"] if len(content) == 1 else text


def change(content: Content, changes: Iterable[Change]) -> None:
    """Make them in `content`, a machine file's; raises `ChangeError`."""
    for each in changes:
        _table(content, each)[each.key] = each.value


def _table(content: Content, wanted: Change) -> Content:
    if wanted.name == "machine" and isinstance(content.get("machine"), dict):
        machine: Content = content["machine"]
        return machine
    names = ["machine"]
    for partition in _tables(content, "partition"):
        if partition.get("name") == wanted.name:
            return _profile(partition) if wanted.key in _OF_PROFILES else partition
        names.append(str(partition.get("name")))
    for pool in _tables(content, "pool"):
        if wanted.name in (pool.get("name"), f"pool{pool.get('number')}"):
            return pool
        names.append(f"pool{pool.get('number')}")
    raise ChangeError(f"nothing is called {wanted.name!r}: there are {', '.join(names)}")


def _profile(partition: Content) -> Content:
    """Where a partition has what it is activated with."""
    profiles = list(_tables(partition, "profile"))
    default = partition.get("default_profile")
    named = [profile for profile in profiles if profile.get("name") == default]
    return next(iter((*named, *profiles)), partition)


def _tables(content: Content, name: str) -> Iterator[Content]:
    array = content.get(name)
    if isinstance(array, list):
        yield from (table for table in array if isinstance(table, dict))
