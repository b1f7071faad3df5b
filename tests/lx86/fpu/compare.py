"""What two ways of carrying out an instruction left: where they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lx86.decoder import decode

from . import native

if TYPE_CHECKING:
    from .native import Case

ESTIMATES = (0x0F52, 0x0F53)
"""RCPPS, RSQRTPS: other processors have other tables."""
INACCURATE = range(0xF0, 0x100)
"""D9 F0 to FF: of the last bit, and so of C1 and inexactness, the SDM promises nothing."""


def _rank(bits: int) -> int:
    """Neighbours among numbers are one apart; what is no number is nobody's neighbour."""
    biased, significand = bits >> 64, bits & (1 << 64) - 1
    if (biased & 0x7FFF != 0) != significand >> 63:
        return bits << 70
    return biased << 63 | significand & (1 << 63) - 1


def differences(
    case: Case, got: Case, wanted: Case, *, status: int = 0xFFFF, mxcsr: int = 0xFFFF
) -> list[str]:  # fmt: skip
    """`status`, `mxcsr`: the bits of those that must be equal."""
    i = decode(case.code, native.CODE, long=case.architecture.long)
    if got.signal != wanted.signal:
        return [f"signal {got.signal}, not {wanted.signal}"]
    a, b = got.floating, wanted.floating
    inaccurate = i.name == "x87" and i.opcode == 0xD9 and i.modrm in INACCURATE
    if inaccurate:
        status &= ~0x82A0
    found = []
    if a.control != b.control:
        found.append(f"control {a.control:#x}, not {b.control:#x}")
    if (a.status ^ b.status) & status:
        found.append(f"status {a.status:#06x}, not {b.status:#06x}")
    if (a.mxcsr ^ b.mxcsr) & mxcsr:
        found.append(f"mxcsr {a.mxcsr:#06x}, not {b.mxcsr:#06x}")
    if [a.tags >> 2 * n & 3 == 3 for n in range(8)] != [b.tags >> 2 * n & 3 == 3 for n in range(8)]:
        found.append(f"tags {a.tags:#06x}, not {b.tags:#06x}")
    found += [
        f"R{n} {a.registers[n]:020x}, not {b.registers[n]:020x}"
        for n in range(8)
        if abs(_rank(a.registers[n]) - _rank(b.registers[n])) > inaccurate
    ]
    if not (i.name == "simd" and i.opcode in ESTIMATES):
        found += [
            f"XMM{n} {a.xmm[n]:032x}, not {b.xmm[n]:032x}"
            for n in range(case.architecture.vectors)
            if a.xmm[n] != b.xmm[n]
        ]
    if not got.signal:
        if got.general != wanted.general:
            found.append(f"general {got.general}, not {wanted.general}")
        if (got.eflags ^ wanted.eflags) & 0x8D5:
            found.append(f"eflags {got.eflags:#x}, not {wanted.eflags:#x}")
        if got.storage != wanted.storage:
            found.append(f"storage {got.storage.hex()}, not {wanted.storage.hex()}")
    return found
