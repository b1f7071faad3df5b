"""How each x86 instruction becomes POWER instructions: one function for a family of them.

Instructions that end a node (branches, calls, exits) are in `translate`.  x87, MMX and SSE have
their own files; what stands in no table ends the program with an invalid opcode (SIGILL).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..three_bytes import THREE_BYTES
from . import (
    arithmetic,
    bits,
    carry,
    double_shifts,
    later,
    logic,
    moves,
    multiply,
    rotates,
    shifts,
    simd,
    strings,
    x87,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..context import Context
    from ..instruction import Instruction


def nothing(x: Context, i: Instruction) -> None:
    """NOP, PREFETCH, ENDBR and the like."""


def table() -> dict[str, Callable[[Context, Instruction], None]]:
    """The function for each mnemonic."""
    lowerings: dict[str, Callable[[Context, Instruction], None]] = {
        "add": arithmetic.add,
        "sub": arithmetic.sub,
        "cmp": arithmetic.cmp,
        "adc": carry.adc,
        "sbb": carry.sbb,
        "inc": arithmetic.inc,
        "dec": arithmetic.dec,
        "neg": arithmetic.neg,
        "xadd": arithmetic.xadd,
        "and": logic.bitwise,
        "or": logic.bitwise,
        "xor": logic.bitwise,
        "test": logic.test,
        "not": logic.not_,
        "mov": moves.mov,
        "movnti": moves.mov,
        "movzx": moves.extend,
        "movsx": moves.extend,
        "movsxd": moves.movsxd,
        "lea": moves.lea,
        "xchg": moves.xchg,
        "push": moves.push,
        "pop": moves.pop,
        "pusha": moves.pusha,
        "popa": moves.popa,
        "enter": moves.enter,
        "leave": moves.leave,
        "cmovcc": moves.cmovcc,
        "setcc": moves.setcc,
        "cbw": moves.cbw,
        "cwd": moves.cwd,
        "bswap": moves.bswap,
        "xlat": moves.xlat,
        "mul": multiply.multiply,
        "imul": multiply.imul,
        "div": multiply.divide,
        "idiv": multiply.divide,
        "cmpxchg": bits.cmpxchg,
        "cmpxchg8b": bits.cmpxchg8b,
        "bsf": bits.scan,
        "bsr": bits.scan,
        "sahf": bits.sahf,
        "lahf": bits.lahf,
        "x87": x87.lower,
        "simd": simd.lower,
        THREE_BYTES: simd.lower_three_bytes,
        "popcnt": later.popcnt,
        "cld": nothing,
        "std": nothing,
        "nop": nothing,
        "fwait": x87.fwait,
    }
    lowerings.update(dict.fromkeys(("shl", "shr", "sar"), shifts.shift))
    lowerings.update(dict.fromkeys(("rol", "ror"), rotates.rotate))
    lowerings.update(dict.fromkeys(("rcl", "rcr"), rotates.rotate_through_carry))
    lowerings.update(dict.fromkeys(("shld", "shrd"), double_shifts.double_shift))
    lowerings.update(dict.fromkeys(("bt", "bts", "btr", "btc"), bits.bit_test))
    lowerings.update(dict.fromkeys(("clc", "stc", "cmc"), bits.carry))
    lowerings.update(dict.fromkeys(("movs", "stos", "lods", "scas", "cmps"), strings.string))
    return lowerings
