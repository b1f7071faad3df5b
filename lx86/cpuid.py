"""What CPUID says: the surface of instructions that programs believe in (SDM volume 2, CPUID).

Libraries choose their code by it, so an instruction that is hidden here is seldom met.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntFlag

VENDOR = b"GenuineIntel"
BRAND = b"Lx86 on POWER (pyphyp)".ljust(48, b"\0")


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


class More(IntFlag):
    """ECX of leaf 1: what came after SSE2, none of which is there unless a model has it."""

    SSE3 = 1 << 0
    PCLMULQDQ = 1 << 1
    SSSE3 = 1 << 9
    CX16 = 1 << 13
    SSE41 = 1 << 19
    SSE42 = 1 << 20
    MOVBE = 1 << 22
    POPCNT = 1 << 23
    AES = 1 << 25


NO_MORE = More(0)


@dataclass(frozen=True, slots=True)
class Model:
    """A processor as its makers and compilers call it; `signature` is EAX of leaf 1."""

    name: str
    signature: int
    more: More = NO_MORE
    features: Feature = ALL


DEFAULT = Model("pentium-m", 0x0_06D8)
"""Family 6, model 13: the first of this family with SSE2."""
_CORE2 = More.SSE3 | More.SSSE3 | More.CX16
_V2 = _CORE2 | More.SSE41 | More.SSE42 | More.POPCNT
MODELS = {
    model.name: model
    for model in (
        DEFAULT,
        Model("pentium4", 0x0_0F29),
        Model("prescott", 0x0_0F41, More.SSE3 | More.CX16),
        Model("core2", 0x0_06FB, _CORE2),
        Model("bonnell", 0x1_06C2, _CORE2 | More.MOVBE),
        Model("penryn", 0x1_0676, _CORE2 | More.SSE41),
        Model("nehalem", 0x1_06A5, _V2),
        Model("westmere", 0x2_06C2, _V2 | More.AES | More.PCLMULQDQ),
        Model("x86-64", DEFAULT.signature),
        Model("x86-64-v2", 0x1_06A5, _V2),
    )
}
"""As GCC and Clang name them (`-march`); the last two are levels of the x86-64 psABI."""

_FLAGS = (
    "pni", "pclmulqdq", "ssse3", "cx16", "sse4_1", "sse4_2", "movbe", "popcnt", "aes",
)  # fmt: skip
"""Linux's names for `More`."""


def description(model: Model, *, long: bool) -> str:
    """What Linux's /proc/cpuinfo says of it (one processor)."""
    signature = model.signature
    family, number = signature >> 8 & 15, signature >> 4 & 15 | signature >> 12 & 0xF0
    flags = ["fpu tsc cx8 cmov mmx fxsr sse sse2"]
    if long:
        flags.append("clflush syscall nx lm")
    flags += [name for name, one in zip(_FLAGS, More, strict=True) if model.more & one]
    return (
        "processor\t: 0\n"
        f"vendor_id\t: {VENDOR.decode()}\n"
        f"cpu family\t: {family}\n"
        f"model\t\t: {number}\n"
        f"model name\t: {BRAND.rstrip(bytes(1)).decode()}\n"
        f"stepping\t: {signature & 15}\n"
        "cpu MHz\t\t: 1000.000\n"
        "fpu\t\t: yes\n"
        f"flags\t\t: {' '.join(flags)}\n"
        "bogomips\t: 2000.00\n\n"
    )


_LONG_C, _LONG_D = 1 << 0, 1 << 11 | 1 << 20 | 1 << 29
"""Leaf 8000_0001 in a 64-bit program: LAHF; SYSCALL, NX and 64-bit mode."""
_ADDRESS_BITS = 48 << 8 | 40
_CLFLUSH, _LINES = 1 << 19, 8 << 8
"""CLFLUSH in EDX of leaf 1, and in EBX that a line has 64 bytes: Java asks for it."""


def cpuid(leaf: int, model: Model = DEFAULT, *, long: bool = False) -> tuple[int, int, int, int]:
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
            lines, flushes = (_LINES, _CLFLUSH) if long else (0, 0)
            return model.signature, lines, int(model.more), int(model.features) | flushes
