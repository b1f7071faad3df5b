"""A difference between translated code and Unicorn's x86, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble

from .difference import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..cpu import FloatingState, X86State
    from ..instruction import Instruction
    from .stepped import Stepped

_MOST_LINES, _MOST_NAMES = 200, 20
_STATES = "before", "translated", "Unicorn"


def describe(
    found: list[str], before: X86State, ours: tuple[X86State, FloatingState],
    other: tuple[X86State, FloatingState], instructions: list[Instruction], translated: Stepped,
) -> str:  # fmt: skip
    """What differs, the x86 instructions and the POWER code that led there, and both states."""
    architecture = translated.architecture
    registers, digits = architecture.registers, 2 * architecture.word
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
        f"{'':10}"
        + "".join(f"{head:>{digits + 4}}" for head in ("before", "translated", "Unicorn")),
    ]
    for name in (*registers, "eip", "eflags"):
        values = (getattr(state, name) for state in (before, ours[0], other[0]))
        shown = "".join(f"    {value:0{digits}x}" for value in values)
        mark = "  <" if name in named else ""
        lines.append(f"{name:10}{shown}{mark}")
    lines += [
        f"{name}: {value_of(*ours, name, digits)} translated, {value_of(*other, name, digits)}"
        for name in named if name not in (*registers, "eip")
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
