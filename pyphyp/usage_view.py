"""Who runs, who waits and why: a machine's last second, for `top`.

`TopRow` says it of a partition; `plain` makes lines of a machine, `live` what a terminal shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.bar import Bar
from rich.console import Group
from rich.table import Table
from rich.text import Text

from emu.values import frozen
from hypervisor.system.units import WHOLE, ProcUnits

from .usage import CoreState, PartitionState, ProcessorMode
from .usage_table import machine_line, processors, runs, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from .usage import CoreUsage, MachineUsage, PartitionUsage, PoolUsage

_NOTABLE = 0.01
"""Of a processor: what waits less is not asked why."""
_FULL = 0.98
_IDLE = 0.02
_BAR_WIDTH = 24
_CORES_SHOWN = 16
_OTHER_LINES = 7
"""Of a screen, besides pools, cores and partitions."""
HEADINGS = ("PARTITION", "UNITS", "VP", "CONSUMED", "SPARE", "WAITS", "CEDES", "")
_TO_THE_RIGHT = frozenset(HEADINGS[1:-1])


@frozen
class TopRow:
    """A partition's last second, in processors, and in words what keeps it from running."""

    name: str
    units: float
    virtual_processors: int
    consumed: float
    spare: float
    waited: float
    ceded: float
    why: str

    def cells(self) -> tuple[str, ...]:
        times = (self.consumed, self.spare, self.waited, self.ceded)
        units = f"{self.units:.2f}"
        return (
            self.name,
            units,
            str(self.virtual_processors),
            *(f"{t:.2f}" for t in times),
            self.why,
        )


def rows(usage: MachineUsage) -> list[TopRow]:
    """Of all partitions, by number."""
    full = {pool.number for pool in usage.pools if _at_maximum(pool)}
    return [_row(partition, full) for partition in usage.partitions]


def _row(partition: PartitionUsage, full_pools: set[int]) -> TopRow:
    times = partition.last_second

    def share(ticks: int) -> float:
        return ticks / times.elapsed if times.elapsed and runs(partition) else 0.0

    return TopRow(
        partition.name,
        partition.units / WHOLE,
        partition.virtual_processors,
        share(times.consumed),
        share(times.spare),
        share(times.waited),
        share(times.ceded),
        _why(partition, share(times.waited), share(times.consumed), full_pools),
    )


def _why(partition: PartitionUsage, waited: float, consumed: float, full_pools: set[int]) -> str:
    if partition.state is not PartitionState.RUNNING:
        return str(partition.state.value)
    if waited < _NOTABLE:
        return "idle" if consumed < _IDLE else ""
    if partition.mode is ProcessorMode.DEDICATED:
        return "waits for a core of its own"
    if consumed < partition.units / WHOLE * _FULL:
        return "waits for its turns"
    if partition.mode is ProcessorMode.CAPPED:
        return "waits: capped"
    if partition.pool in full_pools:
        return f"waits: pool {partition.pool} is at its maximum"
    if not partition.weight:
        return "waits: weight 0"
    return "waits: others have as good a claim"


def _at_maximum(pool: PoolUsage) -> bool:
    return pool.elapsed > 0 and pool.used * WHOLE >= pool.maximum * pool.elapsed * _FULL


def _lane(core: CoreUsage, names: dict[int, str]) -> str:
    """Who has a core, and who waits for it."""
    if core.state is not CoreState.ACTIVE:
        return str(core.state.value)
    lane = [f"{names.get(d.partition, d.partition)}/{d.processor}" for d in core.lane]
    owner = "" if core.owner is None else f"{names.get(core.owner, core.owner)}'s; "
    return owner + (" < ".join(lane) or "idle")


def _pool_words(pool: PoolUsage) -> str:
    used = processors(pool.used, pool.elapsed)
    entitled, maximum = ProcUnits(pool.entitled), ProcUnits(pool.maximum)
    return f"{used} used, {entitled} entitled, {maximum} at most"


def _names(usage: MachineUsage) -> dict[int, str]:
    return {partition.number: partition.name for partition in usage.partitions}


# -- lines -----------------------------------------------------------------------------------


def plain(usage: MachineUsage) -> str:
    """The machine in lines, for whatever is no terminal."""
    names = _names(usage)
    pools = [f"pool {pool.number} {pool.name}: {_pool_words(pool)}" for pool in usage.pools]
    cores = [
        f"core {core.number}: {processors(core.used, core.elapsed)} used, {_lane(core, names)}"
        for core in usage.cores
    ]
    partitions = table(HEADINGS, [row.cells() for row in rows(usage)], _TO_THE_RIGHT)
    return "\n".join((machine_line(usage), *pools, *cores, partitions))


# -- a screen --------------------------------------------------------------------------------


def live(usage: MachineUsage, first: int, lines: int) -> RenderableType:
    """The machine as a screen of so many lines: pools and cores as bars, then the partitions.

    Where not all fit, those from the `first` on: see `last_first`.
    """
    room = _room(usage, lines)
    shown = rows(usage)[first : first + room]
    keys = "q quits"
    if len(shown) < len(usage.partitions):
        which = f"{first + 1} to {first + len(shown)} of {len(usage.partitions)} partitions"
        keys = f"{which}; arrows and page keys show others; {keys}"
    return Group(
        Text(machine_line(usage), style="bold"),
        Text(),
        _bars(usage),
        Text(),
        _partitions(shown),
        Text(),
        Text(keys, style="dim"),
    )


def last_first(usage: MachineUsage, lines: int) -> int:
    """The highest partition, from 0, that a screen can begin with and still be full."""
    return max(len(usage.partitions) - _room(usage, lines), 0)


def _room(usage: MachineUsage, lines: int) -> int:
    """For how many partitions a screen has lines."""
    return max(lines - _OTHER_LINES - len(usage.pools) - min(len(usage.cores), _CORES_SHOWN + 1), 1)


def _bars(usage: MachineUsage) -> Table:
    names = _names(usage)
    grid = Table.grid(padding=(0, 1))
    for pool in usage.pools:
        of = pool.maximum * pool.elapsed // WHOLE
        grid.add_row(f"pool {pool.number}", _bar(pool.used, of), _pool_words(pool))
    for core in usage.cores[:_CORES_SHOWN]:
        words = f"{processors(core.used, core.elapsed)} used, {_lane(core, names)}"
        grid.add_row(f"core {core.number}", _bar(core.used, core.elapsed), words)
    if len(usage.cores) > _CORES_SHOWN:
        grid.add_row("", "", f"and {len(usage.cores) - _CORES_SHOWN} more cores")
    return grid


def _bar(used: float, of: float) -> Bar:
    return Bar(
        size=max(of, 1), begin=0, end=used, width=_BAR_WIDTH, color="green", bgcolor="bright_black"
    )


def _partitions(shown: Sequence[TopRow]) -> Table:
    grid = Table(box=None, header_style="bold", padding=(0, 2, 0, 0), pad_edge=False)
    for heading in (*HEADINGS[:-1], "", HEADINGS[-1]):
        grid.add_column(heading, justify="right" if heading in _TO_THE_RIGHT else "left")
    for row in shown:
        *cells, why = row.cells()
        of = max(row.virtual_processors, row.units)
        style = "dim" if row.why == PartitionState.NOT_ACTIVATED.value else ""
        grid.add_row(*cells, _bar(row.consumed, of), Text(why), style=style)
    return grid
