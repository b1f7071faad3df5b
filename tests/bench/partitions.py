"""What partitions of a managed machine cost in one process: their start, and the host's memory.

They are toy kernels of 16 MiB, ten a core, in a process of their own for each number of them.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from .figure import Figure, Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .session import Session

SIZES = (10, 100)
_PROGRAM = """
import sys, time
from hypervisor.system.definition import ToyKernel
from pyphyp.guest_starts import start_of
from tests.bench.memory import resident_mib
from tests.pyphyp.managed import machine, shared

def cost(count):
    memory, begin = resident_mib(), CLOCK()
    with machine(-(-count // 10), [shared(10)] * count, start_of(ToyKernel("ticks"))) as its:
        passed = CLOCK() - begin
        its.run(windows=20)
        return passed / count * 1000, (resident_mib() - memory) / count

cost(1)
print(*cost(int(sys.argv[1])))
"""

STARTS = tuple(
    Figure(f"start-{size}", f"starting {size} toy partitions, for each", "ms", 50, 15)
    for size in SIZES
)
MEMORY = tuple(
    Figure(f"memory-{size}", f"host memory of {size} toy partitions, for each", "MiB", 8, 6)
    for size in SIZES
)
FIGURES = (*STARTS, *MEMORY)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    sizes = [
        size
        for size, start, memory in zip(SIZES, STARTS, MEMORY, strict=True)
        if start in wanted or memory in wanted
    ]
    works = [(f"{size} partitions", lambda size=size: _cost(size, session)) for size in sizes]
    for size, runs in zip(sizes, session.in_turn(works), strict=True):
        at = SIZES.index(size)
        for figure, values in zip((STARTS[at], MEMORY[at]), zip(*runs, strict=True), strict=True):
            if figure in wanted:
                yield Measured(figure, values)


def _cost(size: int, session: Session) -> tuple[float, float]:
    """Milliseconds and MiB, for each."""
    clock = "time.process_time" if session.processor_time else "time.perf_counter"
    program = _PROGRAM.replace("CLOCK", clock)
    command = [sys.executable, "-c", program, str(size)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    milliseconds, mib = map(float, said.split())
    return milliseconds, mib
