"""State as plain data: what saving, restoring and copying a machine act on.

A class with state offers `state()`, which gives a record of it, and `restore(record)`, which takes
one over or raises `StateError`.  Records are dataclasses of numbers, text, bytes, enums, tuples,
dictionaries and other records; their annotations say what is valid.  `plain` turns a record into
what JSON can hold, `rebuild` turns that back and checks it: whatever the input, it gives a valid
record or raises `StateError`.
"""

from __future__ import annotations

import binascii
import dataclasses
import types
import typing
from collections import Counter
from enum import Enum
from functools import cache
from typing import Annotated, Any, Protocol, TypeVar, dataclass_transform

from .values import sparing

T = TypeVar("T")
RecordT = TypeVar("RecordT")
Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

U8 = Annotated[int, range(1 << 8)]
U32 = Annotated[int, range(1 << 32)]
U64 = Annotated[int, range(1 << 64)]
U128 = Annotated[int, range(1 << 128)]
Ticks = Annotated[int, range(1 << 60)]
"""A time base, and counts that move with it: far from where they would wrap."""
_ANY_INT = range(-(1 << 63), 1 << 64)


class StateError(Exception):
    """A state that cannot be taken over; the message says where and why."""


class Stateful(Protocol[RecordT]):
    """What can be saved: `restore(state())` changes nothing."""

    def state(self) -> RecordT: ...
    def restore(self, state: RecordT) -> None: ...


@dataclasses.dataclass(frozen=True, slots=True)
class Length:
    """As an annotation: how long a sequence must be."""

    least: int
    most: int

    def __contains__(self, value: typing.Sized) -> bool:
        return self.least <= len(value) <= self.most


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """A frozen dataclass whose annotations are looked at when it is rebuilt."""
    return sparing(cls)


def plain(value: Any) -> Plain:
    """A record, or anything it may hold, as JSON has it."""
    match value:
        case Enum():
            return value.name
        case None | bool() | str() | float():
            return value
        case int():
            return int(value)
        case bytes() | bytearray():
            return binascii.b2a_base64(value, newline=False).decode()
        case tuple() | list():
            return [plain(item) for item in value]
        case dict():
            return {str(plain(key)): plain(item) for key, item in value.items()}
    assert dataclasses.is_dataclass(value), f"{value!r} is no state"
    return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}


def rebuild(kind: type[T], value: object, where: str = "state") -> T:
    """What `plain` made `value` of; `StateError` unless it is a valid `kind`."""
    rebuilt: T = _rebuild(kind, value, where)
    return rebuilt


def check(holds: bool, why: str) -> None:
    """Raise `StateError` with `why` unless `holds`."""
    if not holds:
        raise StateError(why)


def _rebuild(kind: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        rebuilt = _rebuild_annotated(arguments[0], value, where)
        for constraint in arguments[1:]:
            check(rebuilt in constraint, f"{where}: {_shown(value)} is out of {constraint}")
        return rebuilt
    if origin in (types.UnionType, typing.Union):
        kinds = [k for k in arguments if k is not types.NoneType]
        return None if value is None else _rebuild(kinds[0], value, where)
    if origin is tuple:
        return _rebuild_tuple(arguments, value, where)
    if origin in (dict, Counter):
        return _rebuild_dict(origin, arguments, value, where)
    if dataclasses.is_dataclass(kind):
        return _rebuild_record(kind, value, where)
    rebuilt = _rebuild_value(kind, value, where)
    if kind is int:
        check(rebuilt in _ANY_INT, f"{where}: {_shown(value)} is out of range")
    return rebuilt


def _rebuild_annotated(kind: Any, value: Any, where: str) -> Any:
    return _rebuild_value(int, value, where) if kind is int else _rebuild(kind, value, where)


def _rebuild_value(kind: Any, value: Any, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        check(isinstance(value, str) and value in kind.__members__, f"{where}: {_shown(value)}")
        return kind[value]
    if kind is bytes:
        try:
            return binascii.a2b_base64(value, strict_mode=True)
        except (TypeError, ValueError, binascii.Error):
            raise StateError(f"{where}: no bytes in base 64") from None
    check(type(value) is kind, f"{where}: {_shown(value)} is no {kind.__name__}")
    return value


def _rebuild_tuple(kinds: tuple[Any, ...], value: Any, where: str) -> tuple[Any, ...]:
    check(isinstance(value, list), f"{where}: {_shown(value)} is no list")
    if kinds[1:] == (...,):
        return tuple([_rebuild(kinds[0], v, f"{where}[{n}]") for n, v in enumerate(value)])
    check(len(value) == len(kinds), f"{where}: {len(value)} values, not {len(kinds)}")
    pairs = zip(kinds, value, strict=True)
    return tuple([_rebuild(k, v, f"{where}[{n}]") for n, (k, v) in enumerate(pairs)])


def _rebuild_dict(origin: Any, arguments: tuple[Any, ...], value: Any, where: str) -> Any:
    check(isinstance(value, dict), f"{where}: {_shown(value)} is no dictionary")
    key_kind, item_kind = (*arguments, int)[:2]
    rebuilt = origin()
    for key, item in value.items():
        rebuilt[_key(key_kind, key, where)] = _rebuild(item_kind, item, f"{where}[{key}]")
    return rebuilt


def _key(kind: Any, key: str, where: str) -> Any:
    if kind is str:
        return key
    try:
        number = int(key)
    except ValueError:
        raise StateError(f"{where}: {_shown(key)} is no number") from None
    return _rebuild(kind, number, where)


def _rebuild_record(kind: Any, value: Any, where: str) -> Any:
    hints = _hints(kind)
    check(isinstance(value, dict), f"{where}: {_shown(value)} is no record")
    strange = set(value) ^ set(hints)
    check(not strange, f"{where}: {', '.join(sorted(strange))[:80]} missing or unknown")
    fields = {n: _rebuild(hint, value[n], f"{where}.{n}") for n, hint in hints.items()}
    try:
        return kind(**fields)
    except ValueError as wrong:  # what the record itself refuses
        raise StateError(f"{where}: {wrong}") from None


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {f.name: hints[f.name] for f in dataclasses.fields(kind)}


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 1 << 128 else "a number"
    return text if len(text) < 40 else text[:40] + "..."
