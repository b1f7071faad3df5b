"""A difference between translated code and Unicorn's x86, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble

from ..host_segments import REGISTERS
from .difference import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..cpu import FloatingState, X86State
    from ..instruction import Instruction
    from .stepped import Stepped

_MOST_LINES, _MOST_NAMES = 200, 20


def describe(
    found: list[str], before: X86State, ours: tuple[X86State, FloatingState],
    other: tuple[X86State, FloatingState], instructions: list[Instruction], translated: Stepped,
) -> str:  # fmt: skip
    """What differs, the x86 instructions and the POWER code that led there, and both states."""
    named = [name for name in found if " " not in name or name.startswith("tag ")]
    more = [f"and {len(found) - _MOST_NAMES} more"] if len(found) > _MOST_NAMES else []
    lines = [
        f"Translated code and Unicorn's x86 differ at {ours[0].eip:#x}, equal last at"
        f" {before.eip:#x}: {'; '.join(found[:_MOST_NAMES] + more)}",
        "",
        "x86 instructions since:",
        *_cut([f"  {i.address:08x}  {i}" for i in instructions]),
        "",
        "POWER instructions since:",
        *_cut(list(_power(translated))),
        "",
        f"{'':10}{'before':>10}{'translated':>12}{'Unicorn':>10}",
    ]
    for name in (*REGISTERS, "eip", "eflags"):
        values = (f"{getattr(state, name):08x}" for state in (before, ours[0], other[0]))
        mark = "  <" if name in named else ""
        lines.append("{:10}{:>10}{:>12}{:>10}".format(name, *values) + mark)
    lines += [
        f"{name}: {value_of(*ours, name)} translated, {value_of(*other, name)}"
        for name in named if name not in (*REGISTERS, "eip")
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _power(translated: Stepped) -> Iterator[str]:
    cache = translated.cache
    for at, count in translated.executed:
        block = cache.block_at(at)
        if block is None:
            yield f"  {at:08x}  (a slot)"
            continue
        first = block.index_of(at)
        above = {index: i for index, i, _ in block.marks}
        code = block.code[4 * first : 4 * (first + count)]
        for n, power in enumerate(disassemble(code, at, ByteOrder.LITTLE)):
            i = above.get(first + n)
            note = f"    ; {i.address:#x}" if i else ""
            yield f"  {power.address:08x}  {power.text}{note}"


def _cut(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_LINES:
        return lines
    return [*lines[:_MOST_LINES], f"  and {len(lines) - _MOST_LINES} more"]
