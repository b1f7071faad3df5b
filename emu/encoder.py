"""From a command and its arguments to instruction words."""

from __future__ import annotations

from functools import cache
from typing import Protocol

from . import isa
from .bits import low_bits, shift_right
from .diagnostics import Mistake
from .expressions import (
    Binary,
    Conditional,
    Expression,
    Part,
    Register,
    Scope,
    Symbol,
    Unary,
    Value,
    low_half_as_signed,
)
from .isa import Extended, Instruction, Kind, Operand
from .syntax import Argument, Command, parse_expression

_PREFIXES = {
    Kind.GPR: ("r",),
    Kind.FPR: ("f",),
    Kind.VR: ("v",),
    Kind.VSR: ("vs", "f"),
    Kind.ACC: ("a",),
    Kind.CR_FIELD: ("cr",),
    Kind.CR_BIT: (),
    Kind.SPR: (),
}
_UPDATING_LOADS = frozenset(
    ("lbzu", "lhzu", "lhau", "lwzu", "ldu", "lbzux", "lhzux", "lhaux", "lwzux", "lwaux", "ldux")
)


class Numbers(Scope, Protocol):
    """A scope in which every address is known."""

    def cia(self) -> int:
        """The address of the instruction."""


class _Parameters:
    """The scope of an extended mnemonic's right side: its operands by name."""

    def __init__(self, values: dict[str, int]) -> None:
        self._values = values

    def symbol(self, name: str) -> Value:
        return self._values[name]

    def local(self, number: int, direction: str) -> Value:
        raise AssertionError("no table row has a numeric label")

    def location(self) -> Value:
        raise AssertionError("no table row asks for the location")


@cache
def instruction_count(mnemonic: str, arguments: int) -> int | None:
    """How many words a command makes; None if there is no such instruction."""
    if (instruction := isa.find(mnemonic)) is not None:
        return 2 if instruction.prefixed else 1
    choices = isa.find_extended(mnemonic)
    if not choices:
        return None
    fitting = [choice for choice in choices if len(choice.parameters) == arguments]
    steps = (fitting or choices)[0].steps
    return sum(instruction_count(step.mnemonic, 0) or 0 for step in steps)


def encode(command: Command, scope: Numbers) -> list[int]:
    """The instruction words of `command`; raises `Mistake`."""
    arguments = command.arguments
    instruction = isa.find(command.name)
    if instruction is not None and _fits(instruction, arguments):
        given = zip(instruction.operands, arguments, strict=False)
        values = [_value(operand, argument.expression, scope) for operand, argument in given]
        columns = [argument.column for argument in arguments]
        _check_place(instruction, command, scope.cia())
        return _words(_assemble(instruction, values, columns, scope.cia()))
    for extended in isa.find_extended(command.name):
        if len(extended.parameters) == len(arguments) and (
            not extended.in_parentheses or arguments[-1].in_parentheses
        ):
            return _expand(extended, command, scope)
    raise _wrong_operands(command, instruction)


def _words(word: int) -> list[int]:
    """The words of an instruction; a prefix comes first."""
    return [word] if word < 2**32 else [shift_right(word, 32), low_bits(word, 32)]


def _check_place(instruction: Instruction, command: Command, cia: int) -> None:
    if instruction.prefixed and cia % 64 == 60:
        message = f"{command.name} would cross a 64-byte boundary; a nop before it helps"
        raise Mistake(message, command.column)


def _fits(instruction: Instruction, arguments: tuple[Argument, ...]) -> bool:
    if not instruction.required <= len(arguments) <= len(instruction.operands):
        return False
    return all(
        operand.in_parentheses == argument.in_parentheses
        for operand, argument in zip(instruction.operands, arguments, strict=False)
    )


def _wrong_operands(command: Command, instruction: Instruction | None) -> Mistake:
    forms = [] if instruction is None else [f"{command.name} {instruction.syntax}".strip()]
    for extended in isa.find_extended(command.name):
        names = ", ".join(extended.parameters)
        if extended.in_parentheses:
            names = "({})".join(names.rsplit(", ", 1)).replace("({})", "(") + ")"
        forms.append(f"{command.name} {names}".strip())
    if not forms:
        close = isa.close_mnemonics(command.name)
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        return Mistake(f"no instruction '{command.name}'{hint}", command.column)
    return Mistake(f"wrong operands; right would be: {' or '.join(forms)}", command.column)


def _value(operand: Operand, expression: Expression, scope: Scope) -> int:
    """The value of an operand as it was written, its kind checked."""
    if operand.kind is Kind.SPR and isinstance(expression, Symbol):
        spr = isa.SPRS.get(expression.name.lower())
        if spr is not None:
            return spr
    value = expression.evaluate(scope)
    assert isinstance(value, int), "every address is known when instructions are encoded"
    if isinstance(value, Register):
        _check_register(operand, value, expression.column)
    return value


def _check_register(operand: Operand, register: Register, column: int) -> None:
    kind = operand.kind
    if register.prefix in _PREFIXES.get(kind, ()):
        return
    hint = ""
    if kind is Kind.VSR and register.prefix == "v":
        hint = f" ({register.name} is vs{register + 32} there)"
    elif kind in (Kind.FPR, Kind.VR) and register.prefix == "vs":
        hint = " (of the VSX registers, vs0-vs31 are f0-f31 and vs32-vs63 are v0-v31)"
    elif kind is Kind.CR_BIT and register.prefix == "cr":
        hint = f"; its bits are 4*{register.name}+lt, gt, eq, so"
    raise Mistake(f"{register.name} stands where {kind.value} is wanted{hint}", column)


def _assemble(instruction: Instruction, values: list[int], columns: list[int], cia: int) -> int:
    word = instruction.word
    for operand, value, column in zip(instruction.operands, values, columns, strict=False):
        word |= operand.place(_checked(operand, value, column, cia))
    if instruction.mnemonic in _UPDATING_LOADS:
        updated = [operand.name for operand in instruction.operands].index("rau")
        if values[0] == values[updated]:
            message = f"{instruction.mnemonic} cannot load r{values[0]} and update it as well"
            raise Mistake(message, columns[updated])
    return word


def _checked(operand: Operand, value: int, column: int, cia: int) -> int:
    if operand.kind is Kind.RELATIVE:
        # Addresses wrap, so a target just below 2**64 is near address 0.
        distance = low_bits(value - cia + 2**63, 64) - 2**63
        if distance not in operand.range:
            raise Mistake(_out_of_reach(operand, value, distance), column)
        return distance
    if operand.kind in (Kind.SIGNED, Kind.ABSOLUTE):
        value = low_half_as_signed(value)
    if operand.kind is Kind.ABSOLUTE and value >= 2**63:
        value -= 2**64  # the topmost addresses are reached as negative ones
    if value not in operand.range:
        raise Mistake(_out_of_range(operand, value), column)
    return value


def _out_of_reach(operand: Operand, target: int, distance: int) -> str:
    if distance % 4:
        return f"a branch to {target:#x}: instructions lie at multiples of 4"
    farthest = -operand.range.start
    return f"branch out of range: {target:#x} is {abs(distance)} bytes away, {farthest} can be"


def _out_of_range(operand: Operand, value: int) -> str:
    allowed = operand.range
    limits = f"{allowed.start} to {allowed[-1]}" if len(allowed) > 1 else str(allowed.start)
    if allowed.step > 1:
        limits += f" in steps of {allowed.step}"
    shown = f"{value} ({value:#x})" if abs(value) > 255 else str(value)
    what = operand.name.removesuffix("u") if operand.kind is Kind.GPR else operand.name
    return f"{shown} does not fit operand {what}: {limits} would"


def _expand(extended: Extended, command: Command, scope: Numbers) -> list[int]:
    """The words of an extended mnemonic: its right side over what its operands are."""
    values: dict[str, int] = {}
    columns: dict[str, int] = {}
    for name, argument in zip(extended.parameters, command.arguments, strict=True):
        values[name] = _parameter(name, argument, scope)
        columns[name] = argument.column
    inner = _Parameters(values)
    words = []
    for position, step in enumerate(extended.steps):
        instruction = isa.find(step.mnemonic)
        assert instruction is not None, f"{extended.mnemonic} stands for an instruction"
        _check_place(instruction, command, scope.cia() + 4 * position)
        evaluated, where = [], []
        for expression, parameter in map(_right_side, step.operands if step.operands[0] else ()):
            value = expression.evaluate(inner)
            assert isinstance(value, int), "parameters are numbers"
            evaluated.append(value)
            where.append(columns.get(parameter, command.column))
        words += _words(_assemble(instruction, evaluated, where, scope.cia() + 4 * position))
    return words


def _parameter(name: str, argument: Argument, scope: Scope) -> int:
    """The value of one operand of an extended mnemonic; its kind is told by its name."""
    operand = isa.OPERANDS.get(name)
    if operand is None:
        value = argument.expression.evaluate(scope)
        if isinstance(value, Register):
            raise Mistake(f"{value.name} stands where a value is wanted", argument.column)
        assert isinstance(value, int), "every address is known when instructions are encoded"
        return value
    value = _value(operand, argument.expression, scope)
    if operand.kind in isa.REGISTER_KINDS or operand.kind is Kind.UNSIGNED:
        _checked(operand, value, argument.column, 0)
    return value


@cache
def _right_side(text: str) -> tuple[Expression, str]:
    """An operand of a table row, and the parameter it is made of, for messages."""
    expression = parse_expression(text)
    return expression, next(iter(_names(expression)), "")


def _names(expression: Expression) -> list[str]:
    match expression:
        case Symbol(name=name):
            return [name]
        case Binary(left=left, right=right):
            return _names(left) + _names(right)
        case Unary(operand=operand) | Part(operand=operand):
            return _names(operand)
        case Conditional(condition=condition, if_true=yes, if_false=no):
            return _names(condition) + _names(yes) + _names(no)
    return []
