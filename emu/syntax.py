"""Read one line of assembler text into a `Line` (grammar: assembler.lark)."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.exceptions import VisitError
from lark.visitors import v_args

from .diagnostics import Mistake
from .expressions import (
    REGISTERS,
    Binary,
    Conditional,
    Expression,
    Local,
    Location,
    Number,
    Part,
    Symbol,
    Text,
    Unary,
)
from .values import frozen

MAXIMUM_LINE = 4096  # characters
_MAXIMUM_DEPTH = 150  # of an expression: well inside Python's recursion limit


@frozen
class Argument:
    """One operand of a command; of `8(r1)` the 1 is a second one, in parentheses."""

    expression: Expression
    in_parentheses: bool = False

    @property
    def column(self) -> int:
        return first_column(self.expression)


@frozen
class Command:
    """An instruction or a directive."""

    column: int
    name: str
    arguments: tuple[Argument, ...]


@frozen
class Assignment:
    """`name = expression`; with `==` the name may not have a value yet."""

    column: int
    name: str
    expression: Expression
    once: bool


@frozen
class Label:
    """`name:`, or `1:`, whose name is then a number."""

    column: int
    name: str | int


@frozen
class Line:
    labels: tuple[Label, ...]
    statement: Command | Assignment | None


def first_column(expression: Expression) -> int:
    """Where the text of `expression` starts, its parentheses aside."""
    while True:
        match expression:
            case Binary():
                expression = expression.left
            case Conditional():
                expression = expression.condition
            case Part():
                expression = expression.operand
            case _:
                return expression.column


@lru_cache(maxsize=4096)
def parse(text: str) -> Line:
    """One statement and its labels; comments are gone already.  Raises `Mistake`."""
    line: Line = _run(text, "start")
    return line


@lru_cache(maxsize=4096)
def parse_expression(text: str) -> Expression:
    """An expression that stands alone."""
    expression: Expression = _run(text, "expression")
    return expression


def _run(text: str, start: str) -> Any:
    if len(text) > MAXIMUM_LINE:
        raise Mistake(f"the line has {len(text)} characters; up to {MAXIMUM_LINE} are possible")
    try:
        return _parser().parse(text, start)
    except VisitError as error:
        if isinstance(error.orig_exc, Mistake):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        raise _explain(error, text) from None


def _explain(error: UnexpectedInput, text: str) -> Mistake:
    """What is wrong, in the words of the person who wrote the line."""
    expected: set[str] = set()
    if isinstance(error, UnexpectedToken):
        expected = set(error.accepts or error.expected)
    elif isinstance(error, UnexpectedCharacters):
        expected = set(error.allowed or ())
    column = error.column if error.column > 0 else 1
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        column = len(text.rstrip()) + 1
    found = text[column - 1 :].strip()
    if found.startswith('"'):
        return Mistake("a string without its closing quote, or where none may be", column)
    what = f"'{found.split()[0]}' is not expected here" if found else "the line ends too early"
    if {"COMMAND", "LABEL"} & expected:
        hint = "a label, an instruction or a directive would be right"
    elif "NUMBER" in expected:
        hint = "a register, a number, a symbol or another expression would be right"
    elif "COMMA" in expected:
        hint = "an operator, a comma or the end of the line would be right"
    else:
        hint = "an operator or a closing parenthesis would be right"
    return Mistake(f"{what}: {hint}", column)


_ESCAPES = {"n": 10, "t": 9, "r": 13, "b": 8, "f": 12, "v": 11, "a": 7, "e": 27}
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))|([^\\]+)", re.DOTALL)


def unescape(text: str) -> bytes:
    """The bytes a string stands for; letters beyond ASCII are UTF-8."""
    out = bytearray()
    for hexadecimal, octal, escaped, plain in _ESCAPE.findall(text):
        if plain:
            out += plain.encode()
        elif hexadecimal:
            out.append(int(hexadecimal, 16))
        elif octal:
            out.append(int(octal, 8) % 256)
        elif escaped in _ESCAPES:
            out.append(_ESCAPES[escaped])
        else:
            out += escaped.encode()
    return bytes(out)


def _deeper(column: int, *operands: Expression) -> int:
    depth = 1 + max(operand.depth for operand in operands)
    if depth > _MAXIMUM_DEPTH:
        raise Mistake(f"the expression nests more than {_MAXIMUM_DEPTH} deep", column)
    return depth


def _column(token: Token) -> int:
    return token.column or 1


def _part(column: int, part: str, operand: Expression) -> Part:
    return Part(column, part, operand, _deeper(column, operand))


class _Builder(Transformer[Token, Line]):
    """Makes `Line`s and expressions of what the grammar recognises."""

    def start(self, items: list[Label | Command | Assignment]) -> Line:
        if items and not isinstance(items[-1], Label):
            return Line(tuple(items[:-1]), items[-1])  # type: ignore[arg-type]
        return Line(tuple(items), None)  # type: ignore[arg-type]

    def label(self, items: list[Token]) -> Label:
        return Label(_column(items[0]), str(items[0]))

    def local_label(self, items: list[Token]) -> Label:
        return Label(_column(items[0]), int(items[0]))

    def command(self, items: list[Token | tuple[Argument, ...]]) -> Command:
        name, *arguments = items
        assert isinstance(name, Token)
        flat = tuple(argument for group in arguments for argument in group)
        return Command(_column(name), str(name).lower(), flat)  # type: ignore[arg-type]

    @v_args(inline=True)
    def assignment(self, name: Token, sign: Token, expression: Expression) -> Assignment:
        return Assignment(_column(name), str(name), expression, sign == "==")

    def argument(self, items: list[Expression]) -> tuple[Argument, ...]:
        return (Argument(items[0]),)

    def displaced(self, items: list[Expression]) -> tuple[Argument, ...]:
        return (Argument(items[0]), Argument(items[1], in_parentheses=True))

    def string(self, items: list[Token]) -> tuple[Argument, ...]:
        token = items[0]
        return (Argument(Text(_column(token), unescape(token[1:-1]))),)

    def word(self, items: list[Token]) -> tuple[Argument, ...]:
        return (Argument(Text(_column(items[0]), items[0].encode())),)

    @v_args(inline=True)
    def conditional(self, condition: Expression, yes: Expression, no: Expression) -> Conditional:
        depth = _deeper(condition.column, condition, yes, no)
        return Conditional(condition.column, condition, yes, no, depth)

    @v_args(inline=True)
    def binary(self, left: Expression, sign: Token, right: Expression) -> Expression:
        column, name = _column(sign), str(sign)
        if name in "+-" and isinstance(left, Part):  # sym@l+4 is (sym+4)@l, as for GNU as
            return _part(left.column, left.part, self._binary(column, name, left.operand, right))
        if name == "+" and isinstance(right, Part):
            return _part(right.column, right.part, self._binary(column, name, left, right.operand))
        return self._binary(column, name, left, right)

    def _binary(self, column: int, name: str, left: Expression, right: Expression) -> Binary:
        return Binary(column, name, left, right, _deeper(column, left, right))

    @v_args(inline=True)
    def unary(self, sign: Token, operand: Expression) -> Unary:
        column = _column(sign)
        return Unary(column, str(sign), operand, _deeper(column, operand))

    @v_args(inline=True)
    def part(self, operand: Expression, name: Token) -> Part:
        return _part(_column(name), str(name)[1:], operand)

    def group(self, items: list[Expression]) -> Expression:
        return items[0]

    def symbol(self, items: list[Token]) -> Symbol:
        return Symbol(_column(items[0]), str(items[0]))

    def number(self, items: list[Token]) -> Number:
        text = items[0].replace("_", "").lower()
        if text.startswith("0") and text.isdigit() and len(text) > 1:
            if set(text) & {"8", "9"}:
                raise Mistake(f"{items[0]} starts with 0, so it is octal", _column(items[0]))
            text = "0o" + text
        if text in ("0x", "0b"):
            raise Mistake(f"{items[0]} has no digits", _column(items[0]))
        value = int(text, 0)
        if value >= 2**128:
            raise Mistake("the number needs more than 128 bits", _column(items[0]))
        return Number(_column(items[0]), value)

    def local(self, items: list[Token]) -> Local:
        token = items[0]
        return Local(_column(token), int(token[:-1]), token[-1])

    def character(self, items: list[Token]) -> Number:
        token = items[0]
        text = token[1:-1] if token.endswith("'") and len(token) > 2 else token[1:]
        return Number(_column(token), int.from_bytes(unescape(text), "big"))

    def location(self, items: list[Token]) -> Location:
        return Location(_column(items[0]))

    def register(self, items: list[Token]) -> Symbol:
        name = str(items[0])[1:]
        if name not in REGISTERS:
            raise Mistake(f"%{name} is no register", _column(items[0]))
        return Symbol(_column(items[0]), name)


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("assembler.lark").read_text()
    return Lark(
        grammar,
        parser="lalr",
        start=["start", "expression"],
        transformer=_Builder(),
        maybe_placeholders=False,
        propagate_positions=False,
    )
