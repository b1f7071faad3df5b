"""The form the translator works on, as text, with what each pass makes of it.

The translator goes once over a region (`region.py`), and its passes are decisions on the way.  So
what a pass does is seen by leaving it out: `stages` begins with all of them left out, and takes
them in one by one.  Of each stage there are

    08048005  add eax, 0x5            ZC       | eax: ebx+4, ecx: 7
        addi r14,r17,9

the x86 instruction, the pieces of the flags that are computed for those behind it (`flags.py`), the
registers whose values are elsewhere than in their own POWER registers before it (`state.py`), and
what becomes of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from difflib import unified_diff
from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble

from .. import lower
from ..code import Code
from ..convention import FIRST
from ..emitter import TooFarError, signed
from ..instruction import CS
from ..options import without
from ..region import build, names
from ..registers import NoTemporary
from ..translate import translate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..block import Block, Mark, Piece
    from ..foresight import Expression
    from ..options import Options
    from ..storage import Storage

IN_ORDER = (
    "inline-calls", "foresee-calls", "switch-tables", "split-returns", "wanted-flags", "dead-flags",
    "pin-constants", "lazy-values", "lazy-halves", "known-widths", "lent-registers",
    "forward-words", "reuse-sums", "loop-constants", "look-ahead", "string-blocks", "slots",
)  # fmt: skip
"""Passes over a region, as they are taken in.  Those behind build on those before."""
_TARGET = re.compile(r"0x[0-9a-f]+$")
_BRANCHES = {16, 18}


@dataclass(frozen=True, slots=True)
class Stage:
    """A region when some passes have been taken in."""

    name: str
    """The last of them; the first stage has none."""
    words: int
    """Of POWER."""
    lines: tuple[str, ...]

    def changes(self, before: Stage) -> list[str]:
        """Lines that went and came."""
        lines = unified_diff(before.lines, self.lines, n=1, lineterm="")
        return ["..." if line.startswith("@@") else line for line in lines][2:]


def stages(block: Block, storage: Storage, options: Options, stack_key: int) -> list[Stage]:
    """What it became on the way, first without any pass; `options` are those it was made with.

    `storage` holds the program as it was then.
    """
    region = block.region
    assert region is not None
    code = Code(storage, long=options.architecture.long)
    code.use_segment(options.bases[CS], options.code_16)
    lowerings = lower.table()
    options = replace(options, base=block.base, constants=block.constants)
    on = [name for name in IN_ORDER if without(options, [name]) != options]

    def foresee(asked: Expression) -> int:
        return region.foreseen.get(asked, 0)

    found = []
    for n in range(len(on) + 1):
        some = replace(without(options, on[n:]), longest_region=region.longest)
        if not some.pin_constants:
            some = replace(some, base=0, constants=())
        try:
            again = build(
                code, region.start, some, down=region.down, first=region.small, foresee=foresee
            )
            made = translate(again, some, lowerings, region.down, stack_key)
        except (NoTemporary, TooFarError):
            continue  # a large region cannot do without what comes
        name = on[n - 1] if n else ""
        found.append(
            Stage(name, len(made.code) // 4, tuple(form(made, options.architecture.registers)))
        )
    return found


def form(block: Block, registers: Sequence[str]) -> Iterator[str]:
    """Node after node, each with what branches out of it take along; x86 `registers` by name."""
    power = _power(block)
    marks = iter(block.marks)
    mark = next(marks, None)
    for n, piece in enumerate(block.pieces):
        end = block.pieces[n + 1].at if n + 1 < len(block.pieces) else len(power)
        yield f"{piece.node}:" if piece.head else f"on the way out of {piece.node.eip:#x}:"
        at = piece.at
        for position in range(len(piece.node.instructions) if piece.head else 0):
            if mark is None or mark.instruction is not piece.node.instructions[position]:
                break
            for line in power[at : mark.at]:
                yield f"        {line}"
            at = max(at, mark.at)
            yield f"    {_described(mark, piece, position, registers)}"
            mark = next(marks, None)
        for line in power[at:end]:
            yield f"        {line}"


def _described(mark: Mark, piece: Piece, position: int, registers: Sequence[str]) -> str:
    wanted = names(piece.node.live[position + 1])
    places = [
        f"{name}: {_value(value, registers)}"
        for n, (name, value) in enumerate(zip(registers, mark.values, strict=True))
        if value != (FIRST + n, 0)
    ]
    text = f"{mark.instruction.address:08x}  {mark.instruction!s:36} {wanted:10}"
    return (f"{text} | {', '.join(places)}" if places else text).rstrip()


def _value(value: tuple[int, int], registers: Sequence[str]) -> str:
    base, offset = value[0], signed(value[1])
    if base < 0:
        return f"{offset:#x}"
    name = registers[base - FIRST] if FIRST <= base < FIRST + len(registers) else f"r{base}"
    return f"{name}{offset:+#x}" if offset else name


def _power(block: Block) -> list[str]:
    """The code, wherever it may lie: branches name the node they go to."""
    heads = {piece.at: piece.node.eip for piece in block.pieces if piece.head}
    ways = {piece.at for piece in block.pieces if not piece.head}
    lines = []
    for index, power in enumerate(disassemble(block.code, 0, ByteOrder.LITTLE)):
        text = power.text
        word = int.from_bytes(block.code[4 * index : 4 * index + 4], "little")
        if word >> 26 in _BRANCHES and (found := _TARGET.search(text)):
            target = int(found[0], 16) // 4
            place = f"{heads[target]:#x}" if target in heads else f"{target - index:+}"
            text = _TARGET.sub("out" if target in ways else place, text)
        lines.append(text)
    return lines
