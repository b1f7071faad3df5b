"""A hypercall's round trip through its Python handler, in a loop of three instructions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.assembler import assemble
from pyphyp import Machine

from .figure import Figure, Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .session import Session

CALLS = 100_000
LOOP = f"""
        load64  r10, {CALLS}
        mtctr   r10
1:      li      r3, 0x300       # H_RANDOM
        sc      1
        bdnz    1b
        b       .
"""


FIGURE = Figure("hypercall", "a hypercall answered by a Python handler", "us", 4, 2)
FIGURES = (FIGURE,)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    work = (FIGURE.name, lambda: _microseconds_a_call(session))
    yield Measured(FIGURE, *session.in_turn([work]))


def _microseconds_a_call(session: Session) -> float:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")
        partition.load(assemble(LOOP))
        begin = session.now()
        partition.run(instructions=3 * CALLS + 100)  # and a few at its end
        passed = session.now() - begin
        assert partition.stats().hcalls["H_RANDOM"] == CALLS
    return passed / CALLS * 1e6
