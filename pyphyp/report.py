"""Where a partition stands, for people: registers, code, callers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.backtrace import backtrace

if TYPE_CHECKING:
    from .partition import Partition

_BEFORE = 4 * 4
_SHOWN = 8


def crash_report(partition: Partition) -> str:
    """The registers, the instructions around the one that would be next, and who called."""
    nip = partition.registers.nip
    code = partition.disassemble(max(0, nip - _BEFORE), count=_SHOWN)
    marked = (("=> " if line.startswith(f"{nip:016x}") else "   ") + line for line in code)
    return "\n".join((partition.registers.dump(), *marked, trace_stack(partition)))


def trace_stack(partition: Partition) -> str:
    """A line for each caller; the link register in brackets may be one already returned from."""
    hypervisor = partition.composition.partition
    lines = ["backtrace:"]
    for frame in backtrace(hypervisor.engine, hypervisor.memory):
        where = " " * 18 if frame.stack is None else f"[{frame.stack:016x}]"
        name = partition.symbols.name(frame.address)
        shown = f"{frame.address:016x}  {name}".rstrip()
        lines.append(f"   {where} {shown if frame.certain else f'({shown})'}")
    return "\n".join(lines)
