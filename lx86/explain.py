"""What the translator made of a piece of a program, for reading.

First the region, which is what the translator works on (`region.py`), each instruction with the
pieces of the flags that are wanted behind it; then what each pass did (`study/forms.py`), if that
is asked for; then the code, each x86 instruction above what it became.  An instruction with nothing
below it costs nothing: its value waits until somebody needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import ByteOrder
from emu.disassembler import disassemble

from .block import Why

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .block import Block
    from .study.forms import Stage
    from .study.profile import BlockCounts

_REASONS = {
    Why.LINK: "to {target:#x}, once that is translated",
    Why.INDIRECT: "to where R3 says",
    Why.SYSTEM_CALL: "system call",
    Why.SYSCALL: "system call",
    Why.HOST: "the host carries it out",
    Why.ILLEGAL: "invalid opcode",
    Why.PRIVILEGED: "general protection",
    Why.BREAKPOINT: "breakpoint",
    Why.FETCH: "no code there",
    Why.OFTEN: "entered often: translate all of it",
}


def explain(
    block: Block,
    name: str = "",
    stages: Sequence[Stage] = (),
    counts: BlockCounts | None = None,
    *,
    whole: bool = False,
) -> str:
    """A translated block, as lines of text; `name` is what its start is called.

    `stages` are shown where they changed something, or, if `whole`, all and in full.
    """
    words = len(block.code) // 4
    called = f" ({name})" if name else ""
    lines = [
        f"Block {block.start:#x}{called}: {block.instructions} x86 instructions,"
        f" {words} of POWER at {block.address:#x}"
        f" ({words / max(block.instructions, 1):.2f} for one)",
        *(_executed(counts) if counts else ()),
        "",
        *(f"  {line}" for line in str(block.region).splitlines()),
        "",
        *_passes(stages, whole),
        *_code(block),
    ]
    return "\n".join(lines) + "\n"


def _executed(counts: BlockCounts) -> Iterator[str]:
    ratio = f" ({counts.power / counts.x86:.2f} for one)" if counts.x86 else ""
    yield (
        f"Executed {counts.executions} times: {counts.x86} x86 instructions,"
        f" {counts.power} of POWER{ratio}"
    )
    for node in counts.nodes:
        yield f"  {node.node}: {node.executions} times, {node.power} of POWER"


def _passes(stages: Sequence[Stage], whole: bool) -> Iterator[str]:
    for n, stage in enumerate(stages):
        if not n:
            yield f"  Without its passes: {stage.words} of POWER"
            yield from (f"    {line}" for line in stage.lines)
            yield ""
            continue
        before = stages[n - 1]
        changed = stage.lines != before.lines
        if not changed and not whole:
            continue
        saved = before.words - stage.words
        yield f"  Pass {stage.name}: {stage.words} of POWER, {saved} saved"
        for line in stage.lines if whole else stage.changes(before):
            yield f"    {line}"
        yield ""


def _code(block: Block) -> Iterator[str]:
    above: dict[int, list[str]] = {}
    for eip, index in block.entries.items():
        above.setdefault(index, []).append(f"  {eip:#x}: (entry)")
    for index, i, _ in block.marks:
        above.setdefault(index, []).append(f"  {i.address:#x}  {i}")
    for index, power in enumerate(disassemble(block.code, block.address, ByteOrder.LITTLE)):
        yield from above.get(index, ())
        note = ""
        if out := block.details.outs.get(index):
            note = "    ; " + _REASONS[out.why].format(target=out.target)
        elif index in block.details.assists:
            note = "    ; the host carries it out"
        yield f"      {power.address:08x}  {power.text}{note}"
    yield from above.get(len(block.code) // 4, ())
