"""Which flags an instruction leaves undefined (SDM volume 2, at each of them)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..flags import AF, CF, OF, PF, SF, ZF
from ..instruction import Imm
from ..three_bytes import FLAGS, THREE_BYTES

if TYPE_CHECKING:
    from ..instruction import Instruction

_ALL = CF | PF | AF | ZF | SF | OF
_LEAVES = {
    "and": AF, "or": AF, "xor": AF, "test": AF,
    "add": 0, "sub": 0, "cmp": 0, "neg": 0, "adc": 0, "sbb": 0, "xadd": 0, "cmpxchg": 0, "popf": 0,
    "mul": SF | ZF | AF | PF, "imul": SF | ZF | AF | PF, "div": _ALL, "idiv": _ALL,
    "daa": OF, "das": OF, "aaa": OF | SF | ZF | PF, "aas": OF | SF | ZF | PF,
    "aam": OF | AF | CF, "aad": OF | AF | CF,
    "popcnt": 0, "bsf": _ALL & ~ZF, "bsr": _ALL & ~ZF,
}  # fmt: skip
"""Of those that replace all flags: which of them by nothing in particular."""
_DEFINES = {
    "inc": _ALL & ~CF, "dec": _ALL & ~CF, "clc": CF, "stc": CF, "cmc": CF, "sahf": _ALL & ~OF,
    "cmpxchg8b": ZF, "cmpxchg16b": ZF, "lar": ZF, "lsl": ZF, "verr": ZF, "verw": ZF, "arpl": ZF,
}  # fmt: skip
_SHIFTS = frozenset(["shl", "shr", "sar", "shld", "shrd"])
_ROTATES = frozenset(["rol", "ror", "rcl", "rcr"])
_BIT_TESTS = frozenset(["bt", "bts", "btr", "btc"])


def undefined_after(i: Instruction, before: int) -> int:
    """The flags that are undefined behind an instruction, by those that are so before it."""
    name = i.name
    if name in _LEAVES:
        return _LEAVES[name]
    if name in _DEFINES:
        return before & ~_DEFINES[name]
    if name == THREE_BYTES:
        return 0 if i.opcode in FLAGS else before
    if name in _BIT_TESTS:
        return before & ZF | OF | SF | AF | PF
    if name in _ROTATES or name in _SHIFTS:
        return _shift(i, before)
    return before


def _shift(i: Instruction, before: int) -> int:
    count, rotates = i.operands[-1], i.name in _ROTATES
    if not isinstance(count, Imm):  # perhaps 0: what was undefined may be so still
        short = CF if i.size < 4 and not rotates else 0
        return before | OF | (0 if rotates else AF) | short
    steps = count.value & (63 if i.size == 8 else 31)
    if not steps:
        return before
    overflow = OF if steps > 1 else 0
    if rotates:
        return before & ~(CF | OF) | overflow
    if i.name in ("shld", "shrd") and steps > 8 * i.size:
        return _ALL
    lost = CF if steps >= 8 * i.size and i.name != "sar" else 0
    return AF | overflow | lost
