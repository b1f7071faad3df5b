"""SSE4.2's comparisons of strings (SDM volume 2, 4.1) and CRC32."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lanes import join, signed, split

if TYPE_CHECKING:
    from .simd import Registers

_CF, _ZF, _SF, _OF = 1, 0x40, 0x80, 0x800
_POLYNOMIAL = 0x82F6_3B78
"""11EDC6F41, its bits reflected."""


def crc32(crc: int, data: bytes) -> int:
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
    return crc


def execute(r: Registers) -> None:
    """PCMPESTRM, PCMPESTRI, PCMPISTRM, PCMPISTRI."""
    order, opcode = r.immediate, r.op.instruction.opcode
    width = 16 if order & 1 else 8
    count = 128 // width
    second = split(r.op.load(16) if r.in_storage else r.xmm(r.rm), width, count)
    first = split(r.xmm(r.reg), width, count)
    if opcode < 0xF3A62:
        lengths = _length(r, 0, count), _length(r, 2, count)
    else:
        lengths = _until_zero(first), _until_zero(second)
    if order & 2:
        first, second = ([signed(lane, width) for lane in lanes] for lanes in (first, second))
    found = _compared(order >> 2 & 3, first[: lengths[0]], second[: lengths[1]], count)
    if order & 0x10:
        found ^= (1 << (lengths[1] if order & 0x20 else count)) - 1
    if opcode & 1:
        index = count
        if found:
            index = found.bit_length() - 1 if order & 0x40 else (found & -found).bit_length() - 1
        r.op.set_general(1, index)
    elif order & 0x40:
        r.set_xmm(0, join((-(found >> n & 1) for n in range(count)), width))
    else:
        r.set_xmm(0, found)
    flags = (_CF if found else 0) | (_OF if found & 1 else 0)
    flags |= (_ZF if lengths[1] < count else 0) | (_SF if lengths[0] < count else 0)
    r.op.set_compared(flags)


def _length(r: Registers, register: int, count: int) -> int:
    """What EAX or EDX says; with REX.W all 64 bits of it."""
    bits = 64 if r.long else 32
    return min(abs(signed(r.op.general[register] & (1 << bits) - 1, bits)), count)


def _until_zero(lanes: list[int]) -> int:
    return lanes.index(0) if 0 in lanes else len(lanes)


def _compared(how: int, first: list[int], second: list[int], count: int) -> int:
    """A bit for each element of the second string, or of the place where it might be."""
    match how:
        case 0:
            holds = [lane in first for lane in second]
        case 1:
            ranges = list(zip(first[::2], first[1::2], strict=False))
            holds = [any(low <= lane <= high for low, high in ranges) for lane in second]
        case 2:
            both = min(len(first), len(second))
            holds = [first[n] == second[n] for n in range(both)]
            holds += [False] * (max(len(first), len(second)) - both)
            holds += [True] * (count - len(holds))
        case _:
            holds = [_begins(first[: count - n], second[n:]) for n in range(count)]
    return sum(one << n for n, one in enumerate(holds))


def _begins(first: list[int], second: list[int]) -> bool:
    return second[: len(first)] == first
