"""What the translator made of a piece of a program, for reading.

Three parts: the region, which is what the translator works on (`region.py`), each instruction with
the pieces of the flags that are wanted behind it; the code, each x86 instruction above what it
became; and the counts.  An instruction with nothing below it costs nothing: its value waits until
somebody needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble

from .block import Why

if TYPE_CHECKING:
    from .block import Block

_REASONS = {
    Why.LINK: "to {target:#x}, once that is translated",
    Why.INDIRECT: "to where R3 says",
    Why.SYSTEM_CALL: "system call",
    Why.HOST: "the host carries it out",
    Why.ILLEGAL: "invalid opcode",
    Why.PRIVILEGED: "general protection",
    Why.BREAKPOINT: "breakpoint",
    Why.FETCH: "no code there",
    Why.OFTEN: "entered often: translate all of it",
}


def explain(block: Block) -> str:
    """A translated block, as lines of text."""
    lines = [
        f"Block {block.start:#x}: {block.instructions} x86 instructions,"
        f" {len(block.code) // 4} of POWER at {block.address:#x}",
        "",
        *(f"  {line}" for line in str(block.region).splitlines()),
        "",
    ]
    above: dict[int, list[str]] = {}
    for eip, index in block.entries.items():
        above.setdefault(index, []).append(f"  {eip:#x}: (entry)")
    for index, i in block.marks:
        above.setdefault(index, []).append(f"  {i.address:#x}  {i}")
    for index, power in enumerate(disassemble(block.code, block.address, ByteOrder.LITTLE)):
        lines += above.get(index, ())
        note = ""
        if out := block.details.outs.get(index):
            note = "    ; " + _REASONS[out.why].format(target=out.target)
        elif index in block.details.assists:
            note = "    ; the host carries it out"
        lines.append(f"      {power.address:08x}  {power.text}{note}")
    lines += above.get(len(block.code) // 4, ())
    return "\n".join(lines) + "\n"
