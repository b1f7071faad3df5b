"""Who had which core in some dispatch windows: for `pyphyp schedule` and its drawing.

`recorded` takes it from a machine's schedule; `lines` shows it as text, `timeline_svg` draws it.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING

from emu.state import Ticks, record
from hypervisor.dispatching.records import WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.dispatching.members import Core
    from hypervisor.dispatching.schedule import Dispatch

    from .managed import ManagedMachine

_STEPS = 20
"""Characters of a window: half a millisecond each."""
_IDLE = "."
MOST_TURNS = 20_000
_LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits


@record
class Turn:
    """Virtual processor `processor` of partition `partition` had `core`."""

    core: int
    partition: int
    processor: int
    start: Ticks
    end: Ticks
    reason: str
    """Why it was dispatched."""
    preemption: str
    """Why it lost the core; empty if it has it still."""


@record
class PartitionName:
    number: int
    name: str


@record
class Timeline:
    """The turns in windows `first` to `last`; more than that is not kept, or was not asked for."""

    machine: str
    first: Ticks
    last: Ticks
    cores: int
    partitions: tuple[PartitionName, ...]
    turns: tuple[Turn, ...]

    @property
    def begin(self) -> int:
        return self.first * WINDOW

    @property
    def end(self) -> int:
        return (self.last + 1) * WINDOW


def recorded(machine: ManagedMachine, first: int | None, last: int | None, most: int) -> Timeline:
    """What `machine` has kept of its windows `first` to `last`; without them of the last ones.

    Fewer windows where there would be too many turns.
    """
    newest = max(machine.now // WINDOW - 1, 0)
    last = newest if last is None else min(last, newest)
    first = max(0, last - most + 1 if first is None else first)
    last = max(min(last, first + most - 1), first)
    begin, end = first * WINDOW, (last + 1) * WINDOW
    definitions = sorted(machine.system.partitions, key=lambda its: its.number)
    found = [d for d in machine.schedule if d.start < end and d.end > begin]
    if len(found) > MOST_TURNS:
        found = sorted(found, key=lambda d: d.start)[:MOST_TURNS]
        last = max(found[-1].start // WINDOW - 1, first)
        end = (last + 1) * WINDOW
    turns = [_turn(d) for d in found if d.start < end]
    running = filter(None, map(_running, machine.dispatcher.cores))
    turns += [turn for turn in running if turn.start < end and turn.end > begin]
    return Timeline(
        machine.system.name,
        first,
        last,
        len(machine.dispatcher.cores),
        tuple(PartitionName(its.number, its.name) for its in definitions),
        tuple(sorted(turns, key=lambda turn: (turn.start, turn.core))),
    )


def _turn(of: Dispatch) -> Turn:
    reason, preemption = of.reason, of.preemption
    return Turn(
        *(of.core, of.partition, of.processor, of.start, of.end),
        reason.name.lower().replace("_", " "),
        preemption.name.lower().replace("_", " "),
    )


def _running(core: Core) -> Turn | None:
    """The turn that is not over."""
    its = core.holder
    if its is None:
        return None
    reason = core.reason.name.lower().replace("_", " ")
    return Turn(core.number, its.member.number, its.number, core.since, its.ended_at, reason, "")


# -- lines -----------------------------------------------------------------------------------


def lines(timeline: Timeline) -> Iterator[str]:
    """A line for each window: who had each core, in steps of half a millisecond."""
    letters = {its.number: _letter(n) for n, its in enumerate(timeline.partitions)}
    there = {turn.partition for turn in timeline.turns}
    for its in timeline.partitions:
        if its.number in there:
            yield f"{letters[its.number]}  {its.name}"
    yield f"{_IDLE}  idle"
    cores = range(timeline.cores)
    steps = [_steps(timeline, core, letters) for core in cores]
    heading = "  ".join(f"core {core}".ljust(_STEPS) for core in cores)
    yield f"{'window':>8}  {heading}".rstrip()
    for window in range(timeline.first, timeline.last + 1):
        at = (window - timeline.first) * _STEPS
        row = "  ".join(steps[core][at : at + _STEPS] for core in cores)
        yield f"{window:8}  {row}"


def _letter(order: int) -> str:
    return _LETTERS[order] if order < len(_LETTERS) else "#"


def _steps(timeline: Timeline, core: int, letters: dict[int, str]) -> str:
    """Who had most of each step."""
    count = (timeline.last - timeline.first + 1) * _STEPS
    length = WINDOW // _STEPS
    had: list[dict[str, int]] = [{} for _ in range(count)]
    for turn in timeline.turns:
        if turn.core != core:
            continue
        start, end = turn.start - timeline.begin, turn.end - timeline.begin
        for step in range(max(start // length, 0), min(-(-end // length), count)):
            part = min(end, (step + 1) * length) - max(start, step * length)
            letter = letters[turn.partition]
            had[step][letter] = had[step].get(letter, 0) + part
    return "".join(_most(step, length) for step in had)


def _most(had: dict[str, int], length: int) -> str:
    shares = had | {_IDLE: length - sum(had.values())}
    return max(shares, key=lambda letter: shares[letter])
