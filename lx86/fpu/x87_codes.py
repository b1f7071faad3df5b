"""The x87's instructions by their codes, and its constants."""

from __future__ import annotations

from .number import EXTENDED, Kind, Number, Rounding, pack

ADD, MULTIPLY, COMPARE, COMPARE_POP, SUBTRACT, SUBTRACT_R, DIVIDE, DIVIDE_R = range(8)
"""The reg field of ModRM in D8, DA, DC and DE."""

_CONSTANTS = (
    (1 << 63, 1, 0),
    (0xD49A784BCD1B8AFE492BF6FF4DAFDB4C, -126, 0),  # log2 10
    (0xB8AA3B295C17F0BBBE87FED0691D3E88, -127, 0),  # log2 e
    (0xC90FDAA22168C234C4C6628B80DC1CD1, -126, 0),  # pi
    (0x9A209A84FBCFF798F8959AC0B7C91780, -129, 0),  # log10 2
    (0xB17217F7D1CF79ABC9E3B39803F2F6AF, -128, 0),  # ln 2
)
"""Significand and exponent of FLD1 to FLDLN2; the first is exact."""


def constant(which: int, rounding: Rounding) -> int:
    """FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ."""
    if which == 6:
        return 0
    if which == 0:
        return 0x3FFF << 64 | 1 << 63
    significand, exponent, _ = _CONSTANTS[which]
    return pack(Number(Kind.FINITE, False, significand, exponent), EXTENDED, rounding).bits


def waits(opcode: int, modrm: int) -> bool:
    """Whether the instruction first has a pending exception of an earlier one."""
    if modrm < 0xC0:
        reg = modrm >> 3 & 7
        return not ((opcode == 0xD9 and reg in (6, 7)) or (opcode == 0xDD and reg in (6, 7)))
    return not ((opcode == 0xDB and 0xE0 <= modrm <= 0xE4) or (opcode == 0xDF and modrm == 0xE0))


def sets_c1(opcode: int, modrm: int) -> bool:
    """Whether the instruction certainly sets C1 without telling what it was."""
    what = modrm >> 3 & 7
    if modrm < 0xC0:
        return not (opcode == 0xD9 and what >= 4) and (opcode, what) not in _STATES
    match opcode:
        case 0xD8 | 0xDC | 0xDE:
            return True
        case 0xD9:
            return modrm != 0xD0
        case 0xDD:
            return what < 6
        case _:
            return (opcode, modrm) == (0xDA, 0xE9)


_STATES = {(0xDD, 4), (0xDD, 6), (0xDD, 7)}
"""FRSTOR, FNSAVE and FNSTSW."""
_UNDEFINED = {
    **dict.fromkeys((0xD9,), (*range(0xD1, 0xD8), 0xE2, 0xE3, 0xE6, 0xE7, 0xEF)),
    0xDA: (*range(0xE0, 0xE9), *range(0xEA, 0x100)),
    0xDB: (*range(0xE5, 0xE8), *range(0xF8, 0x100)),
    0xDD: tuple(range(0xF0, 0x100)),
    0xDE: (*range(0xD8, 0xD9), *range(0xDA, 0xE0)),
    0xDF: (*range(0xE1, 0xE8), *range(0xF8, 0x100)),
}
_UNDEFINED_IN_STORAGE = {
    (0xD9, 1),
    (0xDB, 4),
    (0xDB, 6),
    (0xDD, 5),
}
FISTTP = {(0xDB, 1): 4, (0xDD, 1): 8, (0xDF, 1): 2}
"""Of SSE3: bytes that are stored."""


def is_defined(opcode: int, modrm: int, *, sse3: bool = True) -> bool:
    if modrm < 0xC0:
        key = opcode, modrm >> 3 & 7
        return key not in _UNDEFINED_IN_STORAGE and (sse3 or key not in FISTTP)
    return modrm not in _UNDEFINED.get(opcode, ())
