"""Debian under the dispatcher: what that costs, and what a second processor of the host gives."""

from __future__ import annotations

import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from hypervisor.system.definition import DistributionLinux
from pyphyp import Machine
from pyphyp.guest_starts import start_of
from pyphyp.lanes import Lanes
from pyphyp.machine_file import parse
from pyphyp.managed import ManagedMachine

from .figure import Figure, Measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pyphyp.console import Console

    from .session import Session

_MACHINE = '[machine]\ncores = {}\nmemory = "2G"\nepoch = 0\n'
_PARTITION = '[[partition]]\nname = "{}"\nguest = "linux"\nmemory = "512M"\nunits = {}\n'
_SECONDS = 2.0
"""Of the guest's time that one measurement takes."""
_UNITS = {"dispatched": "1", "dispatched-half": "0.5"}

COSTS = tuple(
    Figure(
        name,
        f"a busy Debian with {units} units under the dispatcher, for the same work alone",
        "x",
        1.03,
        1.01,
    )
    for name, units in _UNITS.items()
)
TWO = Figure(
    "two-threads",
    "two busy Debians: their throughput on two processors of the host, to that on one (host time)",
    "x",
    1.8,
    1.95,
)
FIGURES = (*COSTS, TWO)


def measure(wanted: Sequence[Figure], session: Session) -> Iterator[Measured]:
    for figure in COSTS:
        if figure in wanted:
            with _alone() as alone, _managed(1, {"one": _UNITS[figure.name]}) as managed:
                work = (figure.name, lambda: _cost(alone, managed, session))
                yield Measured(figure, *session.in_turn([work]))
    if TWO in wanted:
        with _managed(2, {"one": "1", "two": "1"}) as managed:
            yield Measured(TWO, *session.in_turn([(TWO.name, lambda: _gain(managed))]))


def _busy(console: Console) -> None:
    console.wait_for("# ", seconds=120)
    console.send("while :; do :; done\n")


@contextmanager
def _alone() -> Iterator[Machine]:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="512M")
        partition.start(start_of(DistributionLinux()))
        _busy(partition.console)
        yield machine


@contextmanager
def _managed(cores: int, units: dict[str, str]) -> Iterator[ManagedMachine]:
    text = _MACHINE.format(cores) + "".join(_PARTITION.format(*its) for its in units.items())
    with ManagedMachine(parse(text).system, epoch=0, host_threads=1) as machine:
        machine.power_on()
        for name in units:
            _busy(machine.partitions[name].console)
        yield machine


def _cost(alone: Machine, managed: ManagedMachine, session: Session) -> float:
    """Time for each instruction, to that of a partition alone."""
    begin, (partition,) = session.now(), alone.partitions
    before = partition.stats().instructions
    partition.run(seconds=_SECONDS)
    for_each = (session.now() - begin) / (partition.stats().instructions - before)
    begin, its = session.now(), managed.partitions["one"]
    before = its.stats().instructions
    managed.run(seconds=_SECONDS)
    return (session.now() - begin) / (its.stats().instructions - before) / for_each


def _gain(machine: ManagedMachine) -> float:
    """Both have one processor each: so long on one thread, to so long on two."""
    passed = []
    for threads in (1, 2):
        with closing(Lanes(threads)) as lanes:
            machine.dispatcher.carry_out = lanes.carry_out
            machine.run(windows=1)
            begin = time.perf_counter()
            machine.run(seconds=_SECONDS)
            passed.append(time.perf_counter() - begin)
    return passed[0] / passed[1]
