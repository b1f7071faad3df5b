"""The names of a source, and the place from which they are seen."""

from __future__ import annotations

import difflib
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from .diagnostics import Mistake, SourceLine, Undefined
from .expressions import CR_BITS, REGISTERS, Address, Expression, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAXIMUM_CHAIN = 64  # of names that are defined by names that are defined later
_MAXIMUM_HINTS = 20  # looking for similar names takes time


class _Pending(NamedTuple):
    """An assignment whose expression had no value when it was met."""

    expression: Expression
    here: Address
    statement: int


class _Numeric(NamedTuple):
    """All `1:` of a source: the statements they stand before, and their addresses."""

    statements: list[int]
    places: list[Address]


class SymbolTable:
    """Labels, assigned names and numeric labels; the `Scope` of both passes.

    In the first pass labels are addresses within sections.  `fix` then says where the sections
    lie, and from there on every value is a number; the second pass repeats the assignments in
    the same order, so that a name assigned twice has the value of the nearest line above.
    `here` is the address of the statement at hand, and `statement` counts statements.
    """

    def __init__(self) -> None:
        self.here = Address("", 0)
        self.statement = 0
        self.labels: dict[str, SourceLine] = {}
        self._values: dict[str, Value] = {}
        self._once: set[str] = set()
        self._pending: dict[str, _Pending] = {}
        self._numeric: dict[int, _Numeric] = {}
        self._bases: Mapping[str, int] | None = None
        self._chain = 0
        self._hints = _MAXIMUM_HINTS

    def fix(self, bases: Mapping[str, int]) -> None:
        """Give the sections their addresses."""
        self._bases = bases
        self._values = {name: self._absolute(value) for name, value in self._values.items()}

    def values(self) -> dict[str, int]:
        """Every name's number; only after `fix`."""
        return {name: value for name, value in self._values.items() if isinstance(value, int)}

    def _absolute(self, value: Value) -> Value:
        if isinstance(value, Address) and self._bases is not None:
            return self._bases[value.section] + value.offset
        return value

    # Definitions

    def define_label(self, name: str, line: SourceLine, column: int) -> None:
        self._refuse_register(name, column)
        if name in self.labels:
            raise Mistake(f"'{name}' is defined already, at {self.labels[name]}", column)
        if name in self._values or name in self._pending:
            raise Mistake(f"'{name}' has been assigned a value; a label may not", column)
        self.labels[name] = line
        self._values[name] = self.here

    def define_numeric(self, number: int) -> None:
        labels = self._numeric.setdefault(number, _Numeric([], []))
        labels.statements.append(self.statement)
        labels.places.append(self.here)

    def assign(self, name: str, expression: Expression, column: int, *, once: bool = False) -> None:
        """`name = expression`; in the first pass the value may still be missing."""
        self._refuse_register(name, column)
        if name in self.labels:
            raise Mistake(f"'{name}' is a label, at {self.labels[name]}", column)
        known = name in self._values or name in self._pending
        if self._bases is None and known and (once or name in self._once):
            raise Mistake(f"'{name}' has a value already", column)
        if once:
            self._once.add(name)
        try:
            self._values[name] = expression.evaluate(self)
            self._pending.pop(name, None)
        except Undefined:
            if self._bases is not None:
                raise
            self._values.pop(name, None)
            self._pending[name] = _Pending(expression, self.here, self.statement)

    def _refuse_register(self, name: str, column: int) -> None:
        if name.lower() in REGISTERS or name.lower() in CR_BITS:
            raise Mistake(f"'{name}' is the name of a register; another is needed", column)

    # What expressions ask

    def defined(self, name: str) -> bool:
        return name in self._values or name in self._pending

    def symbol(self, name: str) -> Value:
        value = self._values.get(name)
        if value is None:
            lower = name.lower()
            value = REGISTERS.get(lower)
            if value is None:
                value = CR_BITS.get(lower)
            if value is None:
                value = self._resolve(name)
        return value

    def _resolve(self, name: str) -> Value:
        """The value of a name that was assigned before its expression had one."""
        pending = None if self._bases is None else self._pending.pop(name, None)
        if pending is None:
            raise Undefined(self._undefined(name))
        if self._chain >= _MAXIMUM_CHAIN:
            raise Mistake(f"'{name}' ends a chain of more than {_MAXIMUM_CHAIN} definitions")
        here, statement = self.here, self.statement
        self._chain += 1
        self.here, self.statement = pending.here, pending.statement
        try:
            value = self._values[name] = self._absolute(pending.expression.evaluate(self))
        finally:
            self._chain -= 1
            self.here, self.statement = here, statement
        return value

    def _undefined(self, name: str) -> str:
        if name in self._pending:
            return f"'{name}' has no value yet"
        close: list[str] = []
        if self._bases is not None and self._hints and len(name) < 40 and len(self._values) < 5000:
            self._hints -= 1
            close = difflib.get_close_matches(name, self._values, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else ""
        return f"'{name}' is not defined{hint}"

    def local(self, number: int, direction: str) -> Value:
        statements, places = self._numeric.get(number, _Numeric([], []))
        index = bisect_right(statements, self.statement) - (direction == "b")
        if not 0 <= index < len(places):
            where = "above" if direction == "b" else "below"
            raise Undefined(f"no label '{number}:' {where} this line")
        return self._absolute(places[index])

    def location(self) -> Value:
        return self._absolute(self.here)

    def cia(self) -> int:
        """The address of the instruction; only after `fix`."""
        value = self.location()
        assert isinstance(value, int), "sections have addresses when instructions are encoded"
        return value
