"""What is not equal where translated code and Unicorn's x86 have come to the same instruction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..flags import AF, CF, OF, PF, SF, ZF, A, C, G, L, N, O, P, S, X, Z
from ..host_segments import SEGMENT_REGISTERS

if TYPE_CHECKING:
    from ..architecture import Architecture
    from ..cpu import FloatingState, X86State
    from ..storage import Storage

_NEEDS = {
    Z: ZF, L: SF | OF, G: ZF | SF | OF, C: CF, A: CF | ZF, S: SF, O: OF, P: PF, N: AF, X: CF
}  # fmt: skip
"""The flags that a piece is made of."""
_FLAGS = {"CF": CF, "PF": PF, "AF": AF, "ZF": ZF, "SF": SF, "OF": OF}
ARITHMETIC, DF = CF | PF | AF | ZF | SF | OF, 0x400
_STATUS, _MXCSR = 0x7D00, 0xFFC0
"""Of the words: not exceptions and C1, of which CAVEATS.md tells what translated code leaves."""
_NAN = 0x7FFF << 64 | 3 << 62


def integer(
    ours: X86State, other: X86State, live: int, undefined: int, architecture: Architecture
) -> list[str]:
    """Names of registers and flags; `live`: the pieces of the flags that ours holds."""
    names = [
        name for name in (*architecture.registers, *SEGMENT_REGISTERS, "eip", "fs_base", "gs_base")
        if getattr(ours, name) != getattr(other, name)
    ]  # fmt: skip
    a, b = _pieces(ours.eflags), _pieces(other.eflags)
    wrong = 0
    for piece, needs in _NEEDS.items():
        if live & piece and (a ^ b) & piece and not needs & undefined:
            wrong |= needs
    names += [name for name, bit in _FLAGS.items() if wrong & bit & (ours.eflags ^ other.eflags)]
    if (ours.eflags ^ other.eflags) & DF:
        names.append("DF")
    return names


def _pieces(eflags: int) -> int:
    zero, carry = bool(eflags & ZF), bool(eflags & CF)
    sign, overflow = bool(eflags & SF), bool(eflags & OF)
    less = sign != overflow
    pieces = Z * zero | L * less | G * (not zero and not less) | (C | X) * carry
    pieces |= A * (not carry and not zero) | S * sign | O * overflow
    return pieces | P * bool(eflags & PF) | N * bool(eflags & AF)


def known_flags(live: int) -> int:
    """The flags that pieces say by themselves."""
    known = {needs for piece, needs in _NEEDS.items() if live & piece}
    return sum(needs for needs in known if needs.bit_count() == 1)


def floating(ours: FloatingState, other: FloatingState) -> list[str]:
    """Names of what differs of x87, MMX and SSE, but for exceptions and NaNs' significands."""
    names = []
    if ours.control != other.control:
        names.append("control")
    if (ours.status ^ other.status) & _STATUS:
        names.append("status")
    if (ours.mxcsr ^ other.mxcsr) & _MXCSR:
        names.append("mxcsr")
    for n in range(8):
        empty = ours.tags >> 2 * n & 3 == 3
        if empty != (other.tags >> 2 * n & 3 == 3):
            names.append(f"tag of r{n}")
        elif not empty and _one_nan(ours.registers[n]) != _one_nan(other.registers[n]):
            names.append(f"r{n}")
    names += [f"xmm{n}" for n in range(len(ours.xmm)) if ours.xmm[n] != other.xmm[n]]
    return names


def same(ours: FloatingState, other: FloatingState) -> bool:
    """But for where the last x87 instruction was, and the kinds of full registers."""
    return ours == replace(
        other, tags=ours.tags, opcode=ours.opcode, instruction=ours.instruction,
        operand=ours.operand,
    )  # fmt: skip


def _one_nan(register: int) -> int:
    return _NAN if register & _NAN == _NAN else register


def stored(ours: Storage, other: Storage, stores: list[tuple[int, int]]) -> list[str]:
    """The addresses of what was stored and differs, and both contents."""
    found = []
    for at, size in stores:
        a, b = bytes(ours.raw(at, size)), bytes(other.raw(at, size))
        if a != b:
            found.append(f"[{at:#x}] {a[::-1].hex()} {b[::-1].hex()}")
    return found


def value_of(state: X86State, floating: FloatingState | None, name: str, digits: int) -> str:
    """How a register or flag of that name is printed; `digits`: of an address."""
    if name in _FLAGS:
        return str(int(bool(state.eflags & _FLAGS[name])))
    if name == "DF":
        return str(int(bool(state.eflags & DF)))
    if floating is None or hasattr(state, name):
        return f"{getattr(state, name):0{digits}x}"
    if name.startswith("tag of r"):
        return str(floating.tags >> 2 * int(name[-1]) & 3)
    if name.startswith("xmm"):
        return f"{floating.xmm[int(name[3:])]:032x}"
    if name[0] == "r":
        return f"{floating.registers[int(name[1:])]:020x}"
    words = {"control": floating.control, "status": floating.status, "mxcsr": floating.mxcsr}
    return f"{words[name]:04x}"
