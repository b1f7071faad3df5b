"""What the dispatcher itself costs: windows of virtual processors that have no guest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.dispatching.records import WINDOW
from hypervisor.system.share import SharedShare
from hypervisor.system.units import ProcUnits
from tests.hypervisor.synthetic import BUSY, Demand, Synthetic, dispatch

from .figure import Figure, Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .session import Session

SIZES = (1, 10, 100, 1000)
"""Partitions of 0.10 units with one virtual processor each, ten a core."""
_RUNS = 2_000
"""Windows of virtual processors that one measurement is made of."""
_NOW_AND_THEN: Demand = ((WINDOW // 20, WINDOW // 3), (WINDOW // 50, WINDOW))

FIGURES = tuple(
    Figure(
        f"dispatcher-{size}",
        f"a 10 ms window of {size} virtual processors, half of them busy, for each of them",
        "us",
        150,
        50,
    )
    for size in SIZES
)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    sizes = {figure: size for figure, size in zip(FIGURES, SIZES, strict=True) if figure in wanted}
    works = [(f.name, lambda size=size: _microseconds(size, session)) for f, size in sizes.items()]
    for figure, runs in zip(sizes, session.in_turn(works), strict=True):
        yield Measured(figure, runs)


def _microseconds(size: int, session: Session) -> float:
    share = SharedShare(ProcUnits(10), 1, capped=False, weight=128)
    demands = [_NOW_AND_THEN if number % 2 else BUSY for number in range(size)]
    dispatcher = dispatch(-(-size // 10), [(share, [Synthetic(demand)]) for demand in demands])
    windows = max(_RUNS // size, 5)
    begin = session.now()
    for _ in range(windows):
        dispatcher.run_window()
    passed = session.now() - begin
    assert dispatcher.now == windows * WINDOW
    return passed / (windows * size) * 1e6
