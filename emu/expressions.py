"""Expressions of the assembler: integers without a width, addresses, C's operators.

Arithmetic is exact up to 128 bits; only where a value is stored must it fit.  Comparisons and
logical operators give 1 or 0, and division truncates, as in C.  Until the sections have their
places a label is an `Address` within its section: the difference of two is a number, their
product is nothing.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Protocol

from .bits import halfword, shift_left, shift_right, signed
from .diagnostics import Mistake, Undefined
from .values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

_LARGEST = 2**128


class Register(int):
    """The number of a register, which remembers what kind of register it is."""

    prefix: str

    @property
    def name(self) -> str:
        return f"{self.prefix}{int(self)}"


@frozen
class Address:
    """A place in a section whose own place is not known yet."""

    section: str
    offset: int


class LowHalf(int):
    """What `@l` gives: 16 bits that a signed operand takes as they are."""


Value = int | Address


class Scope(Protocol):
    """What an expression needs to know of the place where it stands."""

    def symbol(self, name: str) -> Value:
        """The value of a symbol; raises `Undefined`."""

    def local(self, number: int, direction: str) -> Value:
        """The nearest numeric label before (`b`) or after (`f`) the place."""

    def location(self) -> Value:
        """The address of the statement."""


def _register(prefix: str, number: int) -> Register:
    register = Register(number)
    register.prefix = prefix
    return register


REGISTERS = {
    f"{prefix}{n}": _register(prefix, n)
    for prefix, count in (("r", 32), ("f", 32), ("v", 32), ("vs", 64), ("a", 8), ("cr", 8))
    for n in range(count)
}
# The bits of a condition register field, for 4*cr7+eq.
CR_BITS = {"lt": 0, "gt": 1, "eq": 2, "so": 3, "un": 3}


@frozen
class Number:
    column: int
    value: int
    depth: int = 1

    def evaluate(self, scope: Scope) -> Value:
        return self.value


@frozen
class Text:
    """A string, which only some directives take."""

    column: int
    value: bytes
    depth: int = 1

    def evaluate(self, scope: Scope) -> Value:
        raise Mistake("a string stands where a value is wanted", self.column)


@frozen
class Symbol:
    column: int
    name: str
    depth: int = 1

    def evaluate(self, scope: Scope) -> Value:
        try:
            return scope.symbol(self.name)
        except Undefined as undefined:
            raise Undefined(undefined.message, self.column) from None


@frozen
class Local:
    """`1b` or `1f`."""

    column: int
    number: int
    direction: str
    depth: int = 1

    def evaluate(self, scope: Scope) -> Value:
        try:
            return scope.local(self.number, self.direction)
        except Undefined as undefined:
            raise Undefined(undefined.message, self.column) from None


@frozen
class Location:
    """`.`, the address of the statement."""

    column: int
    depth: int = 1

    def evaluate(self, scope: Scope) -> Value:
        return scope.location()


@frozen
class Unary:
    column: int
    operator: str
    operand: Expression
    depth: int

    def evaluate(self, scope: Scope) -> Value:
        return _UNARY[self.operator](number(self.operand, scope))


@frozen
class Binary:
    column: int
    operator: str
    left: Expression
    right: Expression
    depth: int

    def evaluate(self, scope: Scope) -> Value:
        left = self.left.evaluate(scope)
        if self.operator in ("&&", "||") and isinstance(left, int):
            if (left != 0) == (self.operator == "||"):
                return int(left != 0)
            return int(number(self.right, scope) != 0)
        right = self.right.evaluate(scope)
        if isinstance(left, Address) or isinstance(right, Address):
            return self._with_address(left, right)
        try:
            value = int(_BINARY[self.operator](left, right))
        except ZeroDivisionError:
            raise Mistake("division by zero", self.right.column) from None
        except OverflowError:
            raise Mistake(f"a shift by {right}: from 0 to 127 is possible", self.column) from None
        if not -_LARGEST < value < _LARGEST:
            raise Mistake("the result needs more than 128 bits", self.column)
        return value

    def _with_address(self, left: Value, right: Value) -> Value:
        match self.operator, left, right:
            case "+", Address(section, offset), int():
                return Address(section, offset + right)
            case "+", int(), Address(section, offset):
                return Address(section, left + offset)
            case "-", Address(section, offset), int():
                return Address(section, offset - right)
            case "-" | "==" | "!=" | "<" | "<=" | ">" | ">=", Address(), Address() if (
                left.section == right.section
            ):
                return int(_BINARY[self.operator](left.offset, right.offset))
        raise Undefined(
            f"the operand of {self.operator} is an address that is not known yet", self.column
        )


@frozen
class Conditional:
    """`a ? b : c`."""

    column: int
    condition: Expression
    if_true: Expression
    if_false: Expression
    depth: int

    def evaluate(self, scope: Scope) -> Value:
        chosen = self.if_true if number(self.condition, scope) else self.if_false
        return chosen.evaluate(scope)


@frozen
class Part:
    """`symbol@ha` and its like: sixteen bits of a 64-bit value (ELF V2 ABI 3.5.3)."""

    column: int
    part: str
    operand: Expression
    depth: int

    def evaluate(self, scope: Scope) -> Value:
        if self.part not in PARTS:
            raise Mistake(f"no @{self.part}; there are @{' @'.join(PARTS)}", self.column)
        n, adjusted = PARTS[self.part]
        value = number(self.operand, scope)
        half = halfword(value + 0x8000 if adjusted else value, n)
        if self.part == "l":
            return LowHalf(half)
        return half


Expression = Number | Text | Symbol | Local | Location | Unary | Binary | Conditional | Part

# Which halfword, and whether it allows for the halfword below being added as a signed value.
PARTS = {
    "l": (0, False),
    "h": (1, False),
    "ha": (1, True),
    "high": (1, False),
    "higha": (1, True),
    "higher": (2, False),
    "highera": (2, True),
    "highest": (3, False),
    "highesta": (3, True),
}


def number(expression: Expression, scope: Scope) -> int:
    """The value of `expression`, which must not depend on where a section will lie."""
    value = expression.evaluate(scope)
    if isinstance(value, Address):
        raise Undefined("the value depends on an address that is not known yet", expression.column)
    return value


def low_half_as_signed(value: int) -> int:
    """`value` as a signed operand takes it."""
    return signed(value, 16) if isinstance(value, LowHalf) else value


def _divide(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _remainder(left: int, right: int) -> int:
    return left - right * _divide(left, right)


_UNARY: dict[str, Callable[[int], int]] = {
    "-": lambda value: -value,
    "+": lambda value: int(value),
    "~": lambda value: ~value,
    "!": lambda value: int(not value),
}
_BINARY: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "%": _remainder,
    "<<": shift_left,
    ">>": shift_right,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda left, right: int(bool(left and right)),
    "||": lambda left, right: int(bool(left or right)),
}
