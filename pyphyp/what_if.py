"""The same partitions run twice, in a machine as it is and in one that was changed.

Idle time is skipped, and nobody types: both runs depend on the machines alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from emu.values import frozen
from hypervisor.system.units import ProcUnits

from .managed import ManagedMachine
from .metering import Meter
from .refusals import refused
from .usage import CoreState
from .usage_table import NOTHING, processors, side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .machine_file import MachineFile
    from .starts import Start
    from .usage import MachineUsage, PartitionUsage

    Progress = Callable[[float], None]
    """Is told which part of the run is over."""

_HEADINGS = ("UNITS", "WEIGHT", "CONSUMED", "SPARE", "WAITED", "ENDED")


@frozen
class Run:
    """What became of a machine; `ended` has the ticks at which partitions ended."""

    usage: MachineUsage
    ended: Mapping[str, int]


def run(
    described: MachineFile,
    starts: Mapping[str, Start],
    seconds: float,
    *,
    host_threads: int | None = None,
    progress: Progress = lambda fraction: None,
) -> Run:
    """Power it on and run it for so long, or until all partitions have ended.

    Raises `ManagementError` where a partition cannot be booted.
    """
    ended: dict[str, int] = {}
    with ManagedMachine(
        described.system,
        epoch=described.epoch,
        seed=described.seed,
        host_threads=host_threads,
        starts=starts,
        outside=False,
    ) as machine:
        meter = Meter(machine)
        with refused():
            machine.power_on()

        def look() -> bool:
            for name, partition in machine.partitions.items():
                if not partition.runs:
                    ended.setdefault(name, machine.now)
            progress(machine.seconds / seconds)
            return False

        machine.run(seconds=seconds, until=look)
        look()
        return Run(meter.usage(), ended)


def compare(before: Run, after: Run) -> str:
    """Tables of both, side by side, a partition a line; then both machines."""
    names = [partition.name for partition in before.usage.partitions]
    groups = {"AS IT IS": _rows(before), "CHANGED": _rows(after)}
    lines = side_by_side("PARTITION", names, _HEADINGS, groups)
    machines = [
        f"{words}: {_machine(its)}" for words, its in (("as it is", before), ("changed", after))
    ]
    return "\n".join((lines, *machines))


def _rows(of: Run) -> list[tuple[str, ...]]:
    now = of.usage.now
    return [_row(partition, now, of.ended.get(partition.name)) for partition in of.usage.partitions]


def _row(partition: PartitionUsage, now: int, ended: int | None) -> tuple[str, ...]:
    """In processors, on the average of the time it was activated; in seconds, when it ended."""
    times = partition.since_start
    elapsed = times.elapsed - (0 if ended is None else now - ended)
    return (
        str(ProcUnits(partition.units)),
        NOTHING if partition.weight is None else str(partition.weight),
        *(processors(ticks, elapsed) for ticks in (times.consumed, times.spare, times.waited)),
        NOTHING if ended is None else f"{ended / TIME_BASE_HZ:.2f} s",
    )


def _machine(of: Run) -> str:
    """How much of the processors was used, on the average of the whole run."""
    consumed = sum(partition.since_start.consumed for partition in of.usage.partitions)
    seconds = of.usage.now / TIME_BASE_HZ
    count = sum(core.state is CoreState.ACTIVE for core in of.usage.cores)
    used = processors(consumed, of.usage.now)
    return f"{seconds:.2f} s, {used} of {count} processor{'s' * (count != 1)} used"
