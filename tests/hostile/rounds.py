"""Rounds of a driver, and what must hold around each of them.

A round runs one hostile partition.  Meanwhile another partition of the process must keep its
storage bit for bit, time must not run past what was asked for, the host's memory must not grow
from round to round, and no round may take the host longer than `HOST_SECONDS`.
"""

from __future__ import annotations

import faulthandler
import random
import resource
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from emu.isa_level import IsaLevel
from emu.memory import MIB
from hypervisor.abi import InterruptMode, InterruptOffer
from hypervisor.configuration import PartitionConfiguration
from pyphyp.compose import Composition, compose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypervisor.partition import Partition

STORAGE = 16 * MIB
HOST_SECONDS = 60
LONGEST_BLOCK = 4096
"""Ticks by which a run may overshoot: one block of translated code."""
WARM_UP_ROUNDS = 4
GROWTH_LIMIT = 64 * MIB
PAGE = resource.getpagesize()


class PromiseBrokenError(AssertionError):
    """A promise did not hold; the message says which, in which round."""


def resident_bytes() -> int:
    """The host memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


class Bystander:
    """Another partition of the process, with something in its storage."""

    def __init__(self, seed: int) -> None:
        self._composition = compose(
            PartitionConfiguration(name="bystander", number=2, memory_bytes=MIB), epoch=0, seed=seed
        )
        self._content = random.Random(seed).randbytes(MIB)
        self._composition.partition.memory.write(0, self._content)

    def check(self) -> None:
        if self._composition.partition.memory.read(0, MIB) != self._content:
            raise PromiseBrokenError("another partition's storage changed")

    def close(self) -> None:
        self._composition.close()


@dataclass(slots=True)
class Tally:
    """What a drive came to."""

    done: int = 0
    rounds: int = 0
    instructions: int = 0
    endings: dict[str, int] = field(default_factory=dict)
    fruitless: int = 0

    def was_fruitless(self, why: str) -> None:
        """A round reached nothing of what it is to attack: that may be chance in one of ten."""
        self.fruitless += 1
        if 10 * self.fruitless > self.rounds + 10:
            raise PromiseBrokenError(f"{why}: the driver is no good")

    def ended(self, partition: Partition) -> None:
        """Note how a partition's run ended, if it did."""
        if (outcome := partition.outcome) is not None:
            if outcome.reason.startswith("the engine failed"):
                raise PromiseBrokenError(outcome.reason)
            what = f"{outcome.ending.value}: {outcome.reason.split(' at 0x')[0]}"[:80]
            self.endings[what] = self.endings.get(what, 0) + 1

    def __str__(self) -> str:
        endings = "".join(f"\n  {n:6} x {what}" for what, n in sorted(self.endings.items()))
        return (
            f"{self.done} in {self.rounds} rounds, {self.instructions} instructions executed"
            + endings
        )


@dataclass(frozen=True, slots=True)
class Driver:
    """A kind of hostile guest: `play` runs one round and gives how much of `unit` it did."""

    name: str
    unit: str
    play: Callable[[random.Random, Tally], int]

    def generator(self, seed: int, number: int) -> random.Random:
        """The source of all randomness of one round."""
        return random.Random(f"{self.name} {seed} {number}")

    def drive(
        self, seed: int, count: int, progress: Callable[[int, Tally], None] | None = None
    ) -> Tally:
        """Rounds until `count` are done; raises `PromiseBrokenError` if a guest wins."""
        tally = Tally()
        settled = 0
        with bystander(seed) as other:
            while tally.done < count:
                if progress is not None:
                    progress(tally.rounds, tally)
                self._round(seed, tally.rounds, tally)
                other.check()
                if tally.rounds == WARM_UP_ROUNDS:
                    settled = resident_bytes()
                elif settled and resident_bytes() > settled + GROWTH_LIMIT:
                    raise PromiseBrokenError(
                        f"{self.name} {seed}: the process grew by {GROWTH_LIMIT:#x} bytes"
                    )
        return tally

    def _round(self, seed: int, number: int, tally: Tally) -> None:
        faulthandler.dump_traceback_later(HOST_SECONDS, exit=True)
        try:
            tally.done += self.play(self.generator(seed, number), tally)
        except Exception as error:
            raise PromiseBrokenError(
                f"{self.name}, seed {seed}, round {number}: {error!r}"
            ) from error
        finally:
            faulthandler.cancel_dump_traceback_later()
        tally.rounds += 1

    def replay(self, seed: int, number: int) -> Tally:
        """Run one round alone."""
        tally = Tally()
        with bystander(seed) as other:
            self._round(seed, number, tally)
            other.check()
        return tally


@contextmanager
def bystander(seed: int) -> Iterator[Bystander]:
    other = Bystander(seed)
    try:
        yield other
    finally:
        other.close()


@contextmanager
def hostile_partition(
    rng: random.Random, tally: Tally, processors: int = 1, storage: int = STORAGE
) -> Iterator[Composition]:
    """A full composition for one round; counts what became of it."""
    configuration = PartitionConfiguration(
        memory_bytes=storage,
        virtual_processors=processors,
        interrupts=InterruptOffer.AUTO,
        isa_level=rng.choice((IsaLevel.V3_0, IsaLevel.V3_1)),
    )
    composition = compose(configuration, epoch=1_700_000_000, seed=rng.getrandbits(32))
    composition.partition.interrupts.use(rng.choice(list(InterruptMode)))
    try:
        yield composition
        tally.instructions += composition.partition.engine.counts().instructions
        tally.ended(composition.partition)
    finally:
        composition.close()


def run(partition: Partition, ticks: int) -> None:
    """Let the partition run for `ticks`; idle time is skipped as a batch run does."""
    until = partition.time_base + ticks
    partition.run(until)
    if partition.time_base > until + LONGEST_BLOCK:
        raise PromiseBrokenError(f"asked to run until {until}, it ran until {partition.time_base}")
    if partition.outcome is None:
        partition.pass_time(until)
