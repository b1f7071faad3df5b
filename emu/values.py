"""Frozen dataclasses that are quick to define, for those of which a program makes few.

`dataclass` compiles six methods for each class, which for the hundreds of them was a quarter of
the time a command took to start.  Here they share all but `__init__`.  An object takes longer to
make and to compare: what is made for each exit, hypercall or packet stays a `dataclass`.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """What `dataclass(frozen=True, slots=True)` makes of `cls`."""
    made = dataclasses.dataclass(slots=True, repr=False, eq=False)(cls)
    for method in (_repr, _eq, _hash, _setattr, _delattr):
        name = f"__{method.__name__[1:]}__"
        if name not in vars(cls):
            setattr(made, name, method)
    return made


def _values(made: Any) -> tuple[Any, ...]:
    return tuple([getattr(made, name) for name in made.__match_args__])


def _repr(self: Any) -> str:
    shown = zip(self.__match_args__, _values(self), strict=True)
    return f"{type(self).__qualname__}({', '.join([f'{name}={value!r}' for name, value in shown])})"


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _setattr(self: Any, name: str, value: object) -> None:
    """`__init__` may set each field, once."""
    if hasattr(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _delattr(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
