"""What the instructions of binary floating point leave behind, by the exact model.

An instruction is found by its mnemonic: an operation on lanes of registers.  Doubleword 1 of a
scalar result is 0, as POWER9 has it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from emu import isa

from . import model as m
from .block import code_address
from .model_operations import CURRENT, Operation, operation_of

if TYPE_CHECKING:
    from .block import State

SIGFPE = 8
_NEGATED = {0x4000: 0x8000, 0x2000: 0x12000, 0x14000: 0x18000, 0x5000: 0x9000}
_NEGATED |= {negative: positive for positive, negative in _NEGATED.items()}


class UndefinedError(Exception):
    """Not even a scaled result fits."""


# ---- lanes ------------------------------------------------------------------------------------


def _compute(
    op: Operation, bits: tuple[int, int, int], rounding: int, fpscr: int
) -> tuple[int, int]:
    """A lane's result, and causes, FR, FI and FPRF (0: no class)."""
    if op.what.startswith("to "):
        return _to_integer(op, bits[1], rounding)
    if op.what.startswith("from "):
        width = op.source.bits
        negative = op.what == "from s" and bits[1] >> width - 1
        value = bits[1] - (1 << width) if negative else bits[1]
        return _rounded(m.Number(value < 0, m.Fraction(abs(value))), op, rounding, fpscr)
    f = op.source.format
    assert f is not None
    a, b, c = (m.decode(operand, f) for operand in bits)
    match op.what:
        case "eq" | "gt" | "ge":
            return _mask(op, a, b, fpscr)
        case "rint" | "rintx":
            return _rint(op, b, rounding, fpscr)
    if "max" in op.what or "min" in op.what:
        return _extreme(op, a, b)
    n, told = _unrounded(op, a, b, c, rounding)
    result, more = _rounded(n, op, rounding, fpscr)
    if op.what.startswith("nm") and not n.nan:
        result ^= 1 << op.target.bits - 1
        more = more & ~m.FPRF | _NEGATED[more & m.FPRF]
    return result, told | more


def _unrounded(
    op: Operation, a: m.Number, b: m.Number, c: m.Number, rounding: int
) -> tuple[m.Number, int]:
    if op.what.endswith(("madd", "msub")):
        addend = b.negate() if op.what.endswith("sub") and not b.nan else b
        return m.multiply_add(a, c, addend, rounding)
    unary = op.what in ("sqrt", "convert")
    found, told = m.first_nan(b) if unary else m.first_nan(a, b)
    if found is not None:
        return found, told
    match op.what:
        case "add":
            return m.add(a, b, rounding)
        case "sub":
            return m.add(a, b.negate(), rounding)
        case "mul":
            return m.multiply(a, b)
        case "div":
            return m.divide(a, b)
        case "sqrt":
            return m.square_root(b)
        case _:
            return b, 0


def _rounded(n: m.Number, op: Operation, rounding: int, fpscr: int) -> tuple[int, int]:
    told, f, lane = 0, op.target.rounded, op.target.format
    assert lane is not None
    if n.nan:
        return m.encode(m.decode(m.encode(n, f), f), lane), m.class_of(n, f)
    if n.value:
        n, told = m.round_number(n, f, rounding, fpscr)
    if not m.enabled(fpscr, told) & (m.OX | m.UX):
        return m.encode(n, lane), told | m.class_of(n, f)
    if not m.power(lane.least) <= n.value <= lane.largest:
        raise UndefinedError
    return m.encode(n, lane), told | (0x8000 if n.negative else 0x4000)


def _rint(op: Operation, b: m.Number, rounding: int, fpscr: int) -> tuple[int, int]:
    found, told = m.first_nan(b)
    if found is None and not b.infinite:
        integer, inexact = m.to_integer(b, rounding)
        b = m.Number(b.negative, m.Fraction(abs(integer)))
        told |= inexact if op.what == "rintx" else 0
    result, more = _rounded(found or b, op, rounding, fpscr)
    return result, told | more


def _to_integer(op: Operation, bits: int, rounding: int) -> tuple[int, int]:
    f = op.source.format
    assert f is not None
    n, signed = m.decode(bits, f), op.what == "to s"
    least = -(1 << op.width - 1) if signed else 0
    most = (1 << op.width - int(signed)) - 1
    if n.nan:
        return least, m.VXCVI | 0x11000 | (m.VXSNAN if n.signaling else 0)
    if n.infinite:
        return (least if n.negative else most), m.VXCVI | 0x11000
    value, told = m.to_integer(n, rounding)
    if not least <= value <= most:
        return (least if value < 0 else most), m.VXCVI | 0x11000
    return value, told


def _relation(a: m.Number, b: m.Number) -> int:
    """LT, GT, EQ or unordered, as in a field of CR."""
    if a.nan or b.nan:
        return 1

    def key(n: m.Number) -> tuple[int, m.Fraction]:
        return ((-1 if n.negative else 1) if n.infinite else 0, n.signed)

    return 2 if key(a) == key(b) else 8 if key(a) < key(b) else 4


def _invalid_comparison(a: m.Number, b: m.Number, ordering: bool, fpscr: int) -> int:
    told = m.VXSNAN if a.signaling or b.signaling else 0
    if ordering and (a.nan or b.nan) and not (told and fpscr & m.VE):
        told |= m.VXVC
    return told


def _mask(op: Operation, a: m.Number, b: m.Number, fpscr: int) -> tuple[int, int]:
    wanted = {"eq": 2, "gt": 4, "ge": 6}[op.what]
    told = _invalid_comparison(a, b, op.what != "eq", fpscr)
    return (-1 if _relation(a, b) & wanted else 0), told


def _extreme(op: Operation, a: m.Number, b: m.Number) -> tuple[int, int]:
    greatest, kind = op.what[:3] == "max", op.what[3:]
    told = m.VXSNAN if a.signaling or b.signaling else 0
    if kind == "c":
        chosen = a if _relation(a, b) == (4 if greatest else 8) else b
    elif kind == "j" and (a.nan or b.nan):
        chosen = a if a.nan else b
    elif a.nan or b.nan:
        if a.signaling or (a.nan and b.nan):
            chosen = a.quiet()
        else:
            chosen = b.quiet() if b.signaling else b if a.nan else a
    elif a.zero and b.zero:
        chosen = a if a.negative != greatest else b
    else:
        chosen = a if _relation(a, b) == (4 if greatest else 8) else b
    f = op.source.format
    assert f is not None
    return m.encode(chosen, f), told


# ---- instructions -----------------------------------------------------------------------------


def _registers(instruction: isa.Instruction, word: int) -> dict[str, int]:
    base = {isa.Kind.VR: 32}
    return {o.name: o.field.extract(word) + base.get(o.kind, 0) for o in instruction.operands}


def _operands(instruction: isa.Instruction, word: int) -> tuple[int | None, int, int, int]:
    """The registers of the target and of a, b, c; t = a * c + b, and of one operand it is b."""
    found, name = _registers(instruction, word), instruction.mnemonic

    def get(*names: str) -> int:
        return next((found[n] for n in names if n in found), 0)

    target = next((found[n] for n in ("frt", "xt", "vrt") if n in found), None)
    a, b, c = get("fra", "xa", "vra"), get("frb", "xb", "vrb"), get("frc")
    if re.match("fmuls?\\.?$", name):
        b = c
    elif target is not None and (found_form := re.match("x[sv]n?m(?:add|sub)([amq])", name)):
        c, b = (target, b) if found_form[1] == "m" else (b, target)
    return target, a, b, c


def predict(word: int, before: State, slot: int) -> State | None:
    """The state behind the instruction; None: it is none of these, or its result undefined."""
    instruction = isa.instruction_of(word)
    op = instruction and operation_of(instruction.mnemonic, word)
    if instruction is None or op is None:
        return None
    state, fpscr = before.copy(), before.fpscr
    target, a, b, c = _operands(instruction, word)
    rounding = fpscr & 3 if op.rounding == CURRENT else op.rounding
    told = result = 0
    for n in range(op.lanes):
        bits = (
            op.source.read(before.vsr[a], n),
            op.source.read(before.vsr[b], n),
            op.source.read(before.vsr[c], n),
        )
        if op.what.startswith("cmp"):
            relation, told = _compare(op, bits, fpscr)
            shift = 28 - 4 * (word >> 23 & 7)
            state.cr = state.cr & ~(0xF << shift) | relation << shift
            fpscr = fpscr & ~m.FPCC | relation << 12
            continue
        try:
            lane, more = _compute(op, bits, rounding, fpscr)
        except UndefinedError:
            return None
        told |= more
        result |= op.target.place(lane, n)
    causes = told & m.CAUSES
    interrupting = m.enabled(fpscr, causes)
    withheld = bool(interrupting if op.vector else interrupting & (m.INVALID | m.ZX))
    if not op.vector and not re.match("cmp|eq|gt|ge|max|min", op.what):
        fpscr &= ~(m.FR | m.FI)
        if not withheld:
            if told & m.FPRF:
                fpscr &= ~m.FPRF
            fpscr |= told & m.FPRF
            if not causes & m.INVALID:
                fpscr |= told & (m.FR | m.FI)
    state.fpscr = m.summed(fpscr, causes)
    if not withheld and target is not None:
        state.vsr[target] = result
    _record(instruction.mnemonic, op, state, result, withheld)
    if interrupting:
        state.outcome, state.nip = SIGFPE, code_address(slot)
    return state


def _compare(op: Operation, bits: tuple[int, int, int], fpscr: int) -> tuple[int, int]:
    f = op.source.format
    assert f is not None
    a, b = m.decode(bits[0], f), m.decode(bits[1], f)
    if op.what != "cmpexp":
        return _relation(a, b), _invalid_comparison(a, b, op.what == "cmpo", fpscr)
    if a.nan or b.nan:
        return 1, 0
    x, y = (operand >> f.precision - 1 & (1 << f.exponent_bits) - 1 for operand in bits[:2])
    return (2 if x == y else 8 if x < y else 4), 0


def _record(name: str, op: Operation, state: State, result: int, withheld: bool) -> None:
    if not name.endswith("."):
        return
    if not op.vector:
        state.cr = state.cr & ~0x0F00_0000 | (state.fpscr >> 28 & 0xF) << 24
    elif not withheld:
        field = (8 if result == (1 << 128) - 1 else 0) | (0 if result else 2)
        state.cr = state.cr & ~0xF0 | field << 4
