"""What CPUID says: the surface of instructions that programs believe in (SDM volume 2, CPUID).

Libraries choose their code by it, so an instruction that is hidden here is seldom met.
"""

from __future__ import annotations

from enum import IntFlag

VENDOR = b"GenuineIntel"
BRAND = b"Lx86 on POWER (pyphyp)".ljust(48, b"\0")
SIGNATURE = 0x0000_06D8
"""Family 6, model 13: the first of this family with SSE2."""


class Feature(IntFlag):
    """EDX of leaf 1."""

    FPU = 1 << 0
    TSC = 1 << 4
    CX8 = 1 << 8
    CMOV = 1 << 15
    MMX = 1 << 23
    FXSR = 1 << 24
    SSE = 1 << 25
    SSE2 = 1 << 26


I686 = Feature.FPU | Feature.TSC | Feature.CX8 | Feature.CMOV
ALL = I686 | Feature.MMX | Feature.FXSR | Feature.SSE | Feature.SSE2


_LONG_C, _LONG_D = 1 << 0, 1 << 11 | 1 << 20 | 1 << 29
"""Leaf 8000_0001 in a 64-bit program: LAHF; SYSCALL, NX and 64-bit mode."""
_ADDRESS_BITS = 48 << 8 | 40


def cpuid(leaf: int, features: Feature = ALL, *, long: bool = False) -> tuple[int, int, int, int]:
    """EAX, EBX, ECX and EDX for the leaf in EAX; a leaf that is not there gives the last basic."""
    match leaf:
        case 0:
            words = [int.from_bytes(VENDOR[n : n + 4], "little") for n in (0, 4, 8)]
            return 1, words[0], words[2], words[1]
        case 0x8000_0000:
            return 0x8000_0008 if long else 0x8000_0004, 0, 0, 0
        case 0x8000_0001:
            return (0, 0, _LONG_C, _LONG_D) if long else (0, 0, 0, 0)
        case 0x8000_0005 | 0x8000_0006 | 0x8000_0007 if long:
            return 0, 0, 0, 0
        case 0x8000_0008 if long:
            return _ADDRESS_BITS, 0, 0, 0
        case 0x8000_0002 | 0x8000_0003 | 0x8000_0004:
            part = BRAND[(leaf & 7) * 16 - 32 :]
            a, b, c, d = (int.from_bytes(part[n : n + 4], "little") for n in (0, 4, 8, 12))
            return a, b, c, d
        case _:
            return SIGNATURE, 0, 0, int(features)
