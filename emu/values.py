"""Dataclasses that compile their methods when the first of them is needed.

`dataclass` compiles six methods for each class, which for the hundreds of them was a quarter of
the time a command took to start.  A command uses few: here `dataclass` itself completes a class
when its first object is made, compared, shown or looked into.
"""

from __future__ import annotations

import dataclasses
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """What `dataclass(frozen=True, slots=True)` makes of `cls`."""
    made: type[T] = _Unfinished(cls, frozen=True).made
    for method in (_setattr, _delattr, _getstate, _setstate):
        name = f"__{method.__name__[1:]}__"
        if name not in vars(cls):
            setattr(made, name, method)
    return made


@dataclass_transform(frozen_default=True)
def sparing(cls: type[T]) -> type[T]:
    """As `frozen`, for classes of which few objects are made: only `__init__` is compiled.

    An object takes longer to make and to compare.
    """
    unfinished = _Unfinished(cls, init_only=True)
    for method in (_repr, _eq, _hash, _setattr_once, _delattr):
        name = f"__{method.__name__[1:].removesuffix('_once')}__"
        if name not in vars(cls):
            setattr(unfinished.made, name, method)
    made: type[T] = unfinished.made
    return made


@dataclass_transform()
def slotted(cls: type[T]) -> type[T]:
    """What `dataclass(slots=True)` makes of `cls`."""
    unfinished = _Unfinished(cls)
    if "__hash__" not in vars(cls):
        unfinished.made.__hash__ = None
    made: type[T] = unfinished.made
    return made


class _Unfinished:
    """A class `made` with the slots of `cls`; its methods are stubs that complete it."""

    def __init__(self, cls: Any, *, frozen: bool = False, init_only: bool = False) -> None:
        self._cls, self._frozen, self._more = cls, frozen, not init_only
        self._lock, self._done = Lock(), False
        own = {name for name, kind in cls.__annotations__.items() if "ClassVar[" not in str(kind)}
        kept = {name: value for name, value in vars(cls).items() if name not in own}
        kept["__slots__"] = tuple(name for name in cls.__annotations__ if name in own)
        for hidden in ("__dict__", "__weakref__"):
            kept.pop(hidden, None)
        for name, stub in _STUBS.items():
            if name not in kept:
                kept[name] = stub(self)
        self.made: Any = type(cls)(cls.__name__, cls.__bases__, kept)
        self.made.__qualname__ = cls.__qualname__

    def finished(self, name: str) -> Any:
        """What the complete class has by this name."""
        with self._lock:
            if not self._done:
                compiled = dataclasses.dataclass(
                    frozen=self._frozen, repr=self._more, eq=self._more
                )
                whole = compiled(self._cls)
                for found in _STUBS.keys() & vars(whole).keys():
                    setattr(self.made, found, vars(whole)[found])
                self._done = True
        return getattr(self.made, name)


class _LookedInto:
    """An attribute of the class that is there once somebody asks for it."""

    def __init__(self, name: str, class_: _Unfinished) -> None:
        self._name, self._class = name, class_

    def __get__(self, made: object, owner: type) -> Any:
        return self._class.finished(self._name)


def _called(name: str) -> Callable[[_Unfinished], Any]:
    def stub(class_: _Unfinished) -> Callable[..., Any]:
        return lambda *values, **named: class_.finished(name)(*values, **named)

    return stub


def _asked(name: str) -> Callable[[_Unfinished], Any]:
    return lambda class_: _LookedInto(name, class_)


_STUBS = {name: _called(name) for name in ("__init__", "__repr__", "__eq__", "__hash__")} | {
    name: _asked(name)
    for name in ("__dataclass_fields__", "__dataclass_params__", "__match_args__")
}


def _values(made: Any) -> tuple[Any, ...]:
    return tuple([getattr(made, name) for name in made.__match_args__])


def _repr(self: Any) -> str:
    shown = zip(self.__match_args__, _values(self), strict=True)
    return f"{type(self).__qualname__}({', '.join([f'{name}={value!r}' for name, value in shown])})"


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


def _setattr_once(self: Any, name: str, value: object) -> None:
    """`__init__` may set each field, once."""
    if hasattr(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
    object.__setattr__(self, name, value)


def _setattr(self: Any, name: str, value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _delattr(self: Any, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _getstate(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _setstate(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
