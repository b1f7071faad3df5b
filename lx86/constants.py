"""Constants worth a register of their own: table addresses and masks that loops use.

There are few such registers, for all of a program's code, and they keep what they were given first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .convention import PINNED
from .emitter import WORD, fits, signed
from .instruction import Imm, Mem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .instruction import Instruction
    from .options import Options
    from .region import Region

_LONGEST_LOOP = 256
"""In bytes of code."""
_OPERATIONS = frozenset({"add", "sub", "and", "or", "xor", "cmp", "test", "imul", "mov", "push"})


def length_of_constant(value: int, *, long: bool) -> int:
    """How many instructions `Emitter.li` takes, or with `long` `li_doubleword`."""
    if not long or -0x8000_0000 <= value < 0x8000_0000:
        return 1 if fits(signed(value)) or not value & 0xFFFF else 2
    if 0 <= value <= WORD:
        return length_of_constant(value, long=False) + 1
    high = length_of_constant(value >> 32, long=False)
    return high + 1 + bool(value >> 16 & 0xFFFF) + bool(value & 0xFFFF)


def is_high(value: int) -> bool:
    """An address, as a signed number, that only a 64-bit program has and no ADDIS reaches."""
    return 0x7FFF_8000 <= value < 1 << 47


def pin(region: Region, options: Options) -> Options:
    """What to translate a region with, once its constants have what is left of the registers."""
    if options.architecture.long:
        return options  # no register is left
    known = options.constants
    if not options.pin_constants or len(known) == len(PINNED):
        return options
    base = options.base or (region.start & ~0x7FFF) + 0x8000
    if region.first:
        return options if options.base else replace(options, base=base)
    new = [value for value in _candidates(region, base) if value not in known]
    return replace(options, base=base, constants=(*known, *new)[: len(PINNED)])


def _candidates(region: Region, base: int) -> list[int]:
    """Of its tightest loops first; `base` is what R27 holds."""
    found: dict[int, int] = {}
    for low, high in sorted(_loops(region), key=lambda loop: loop[1] - loop[0]):
        for node in region.nodes.values():
            if low <= node.eip <= high:
                for i in node.instructions:
                    for value in _constants(i, base):
                        found.setdefault(value, len(found))
    return sorted(found, key=lambda value: found[value])


def _loops(region: Region) -> set[tuple[int, int]]:
    return {
        (eip, node.eip)
        for node in region.nodes.values()
        for eip, context in node.successors
        if context == node.key[1] and eip <= node.eip <= eip + _LONGEST_LOOP
    }


def _constants(i: Instruction, base: int) -> Iterator[int]:
    for operand in i.operands:
        if isinstance(operand, Mem):
            value = operand.displacement
            if not fits(value) and (operand.base >= 0 or operand.index >= 0):
                yield signed(value)
        elif isinstance(operand, Imm) and i.name in _OPERATIONS and i.size == 4:
            value = signed(operand.value)
            if not fits(value) and value & 0xFFFF and not fits(value - base):
                yield value
