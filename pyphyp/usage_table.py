"""A machine's usage as plain lines, for `ps`, for `top` without a terminal, and side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from hypervisor.system.units import WHOLE, ProcUnits

from .usage import CoreState, PartitionState, ProcessorMode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .usage import IoServerUsage, MachineUsage, PartitionUsage, ProcessorTimes

HEADINGS = (
    *("NO", "PARTITION", "STATE", "PROFILE", "MODE", "WEIGHT", "POOL"),
    *("UNITS", "VP", "CONSUMED", "MEMORY"),
)
_TO_THE_RIGHT = frozenset({"NO", "WEIGHT", "POOL", "UNITS", "VP", "CONSUMED", "MEMORY"})
NOTHING = "-"
IO_SERVER = "vioserver"
"""What stands for the mode of a Virtual I/O Server's processors."""


def processors(ticks: int, elapsed: int) -> str:
    """Ticks of an interval as processing units."""
    return f"{ticks / elapsed:.2f}" if elapsed else NOTHING


def share_of(times: ProcessorTimes, ticks: int) -> str:
    return processors(ticks, times.elapsed)


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[str]) -> str:
    """Columns as wide as they must be; those in `right` are set to the right."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    to_the_right = set(right)
    return "\n".join(
        "  ".join(
            cell.rjust(width) if heading in to_the_right else cell.ljust(width)
            for heading, cell, width in zip(headings, line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


def side_by_side(
    first: str,
    names: Sequence[str],
    headings: Sequence[str],
    groups: Mapping[str, Sequence[Sequence[str]]],
) -> str:
    """Tables with the same lines and headings beside each other, each below its title."""
    lines = table((first,), [(name,) for name in names], ()).splitlines()
    width = max(map(len, lines))
    shown = ["".ljust(width), *(line.ljust(width) for line in lines)]
    for title, rows in groups.items():
        block = table(headings, rows, headings).splitlines()
        wide = max(len(title), *map(len, block))
        shown = [
            f"{line}  | {part.ljust(wide)}"
            for line, part in zip(shown, (title, *block), strict=True)
        ]
    return "\n".join(line.rstrip() for line in shown)


def machine_line(usage: MachineUsage) -> str:
    """The machine in a line."""
    active = [core for core in usage.cores if core.state is CoreState.ACTIVE]
    used = sum(core.used for core in usage.cores)
    elapsed = max((core.elapsed for core in active), default=0)
    failed = sum(core.state is CoreState.FAILED for core in usage.cores)
    return (
        f"{usage.name}: {usage.now / TIME_BASE_HZ:.2f} s, "
        f"{processors(used, elapsed)} of {len(active)} processor{'s' * (len(active) != 1)} used"
        + (f", {failed} failed" if failed else "")
    )


def partitions_table(usage: MachineUsage) -> str:
    """What its partitions have and, in the last second, consumed; its Virtual I/O Servers."""
    rows = [(partition.number, _row(partition)) for partition in usage.partitions]
    rows += [(server.number, _server_row(server)) for server in usage.io_servers]
    return table(HEADINGS, [row for _, row in sorted(rows)], _TO_THE_RIGHT)


def _server_row(server: IoServerUsage) -> tuple[str, ...]:
    """A server is the hypervisor's: it has no processors and no memory of its own."""
    said = (str(server.number), server.name, server.state.value, NOTHING, IO_SERVER)
    return (*said, *[NOTHING] * (len(HEADINGS) - len(said)))


def _row(partition: PartitionUsage) -> tuple[str, ...]:
    dedicated = partition.mode is ProcessorMode.DEDICATED
    times = partition.last_second
    return (
        str(partition.number),
        partition.name,
        state(partition),
        partition.profile or NOTHING,
        partition.mode.value,
        NOTHING if partition.weight is None else str(partition.weight),
        NOTHING if partition.pool is None else str(partition.pool),
        str(partition.units // WHOLE) if dedicated else str(ProcUnits(partition.units)),
        str(partition.virtual_processors),
        share_of(times, times.consumed) if runs(partition) else NOTHING,
        f"{partition.memory_mib}M",
    )


def runs(partition: PartitionUsage) -> bool:
    return partition.state in (PartitionState.RUNNING, PartitionState.SHUTTING_DOWN)


def state(partition: PartitionUsage) -> str:
    return partition.state.value


def reasons(usage: MachineUsage) -> list[str]:
    """Why partitions crashed."""
    return [
        f"{partition.name}: {partition.reason}"
        for partition in usage.partitions
        if partition.state is PartitionState.ERROR and partition.reason
    ]
