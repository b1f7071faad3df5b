"""The debugger's `monitor` commands: what the hypervisor knows and a debugger cannot ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.memory import StorageError
from emu.translation import Access

from .network_usage import ports_table, switches_of
from .report import crash_report, trace_stack

if TYPE_CHECKING:
    from collections.abc import Callable

    from .partition import Partition

_LINE = 16
_MOST_LINES = 256


class UsageError(Exception):
    """A command's arguments make no sense."""


def monitor(partition: Partition, command: str) -> str:
    """Carry out one command; its output, or how it is used."""
    name, *arguments = command.split() or ["help"]
    known = [found for found in COMMANDS if found.startswith(name)]
    if name not in COMMANDS and len(known) != 1:
        return f"there is no command {name!r}\n{_help(partition)}"
    chosen = name if name in COMMANDS else known[0]
    try:
        return COMMANDS[chosen](partition, *arguments).rstrip("\n") + "\n"
    except (KeyError, TypeError, ValueError, UsageError):
        return f"usage: monitor {chosen} {_usage(chosen)}\n"
    except StorageError as wrong:
        return f"{wrong}\n"


def _help(partition: Partition) -> str:
    """what there is"""
    return "\n".join(
        f"{name} {_usage(name)}".strip().ljust(28) + (command.__doc__ or "")
        for name, command in COMMANDS.items()
    )


def _usage(name: str) -> str:
    return {
        "tlb": "ADDRESS",
        "memory": "REAL-ADDRESS [BYTES]",
        "machine-check": "slb-multihit|memory-load-store|... [ADDRESS]",
    }.get(name, "")


def _hcalls(partition: Partition) -> str:
    """hypercalls the guest made, by name"""
    counts = partition.stats().hcalls
    return "\n".join(f"{count:>12,}  {name}" for name, count in counts.most_common()) or "none"


def _stats(partition: Partition) -> str:
    """everything counted so far"""
    return partition.stats().json()


def _network(partition: Partition) -> str:
    """ports of its virtual switches, and what they carried"""
    return ports_table(switches_of(partition.network)) or "none"


def _tlb(partition: Partition, address: str) -> str:
    """how the processor translates an effective address"""
    effective = int(address, 0)
    if not 0 <= effective < 2**64:
        raise UsageError
    engine = partition.composition.partition.engine
    lines = []
    for access in Access:
        real = engine.translate(effective, access)
        refusal = engine.refusal(effective, access)
        says = f"{real:#x}" if real is not None else f"refused: {refusal.name}" if refusal else ""
        lines.append(f"{access.name.lower():6s} {says}")
    return "\n".join(lines)


def _dump(partition: Partition) -> str:
    """registers, code and backtrace, as a crash shows them"""
    return crash_report(partition)


def _backtrace(partition: Partition) -> str:
    """callers by the stack's back chain"""
    return trace_stack(partition)


def _processors(partition: Partition) -> str:
    """what the virtual processors wait for"""
    return "\n".join(
        f"{processor.number:>3}  {processor.standing.value}"
        for processor in partition.composition.partition.processors
    )


def _memory(partition: Partition, address: str, length: str = "64") -> str:
    """storage by logical real address"""
    first, size = int(address, 0), int(length, 0)
    if not 0 < size <= _LINE * _MOST_LINES:
        raise UsageError
    data = partition.memory.read(first, size)
    return "\n".join(
        f"{first + at:016x}  {data[at : at + _LINE].hex(' ', 4)}" for at in range(0, size, _LINE)
    )


def _reset(partition: Partition) -> str:
    """interrupt the guest with a system reset"""
    partition.system_reset()
    return "the interrupt comes with the next instruction"


def _machine_check(partition: Partition, fault: str, address: str = "0") -> str:
    """have the first processor find a fault of the machine"""
    from firmware.machine_check import Fault

    partition.machine_check(Fault[fault.replace("-", "_").upper()], int(address, 0))
    return "the interrupt comes with the next instruction"


COMMANDS: dict[str, Callable[..., str]] = {
    "help": _help,
    "hcalls": _hcalls,
    "stats": _stats,
    "processors": _processors,
    "network": _network,
    "tlb": _tlb,
    "memory": _memory,
    "dump": _dump,
    "backtrace": _backtrace,
    "reset": _reset,
    "machine-check": _machine_check,
}
