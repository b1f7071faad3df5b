"""A machine of partitions that run one after the other: enough for a daemon to manage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.assembler import assemble
from emu.engine import TIME_BASE_HZ
from hypervisor.system.errors import ManagementError
from pyphyp import Machine
from pyphyp.actions import (
    Action,
    ActivatePartition,
    CrashPartition,
    FailCore,
    ResetPartition,
    ShutdownPartition,
    TypeAtConsole,
)
from pyphyp.activated import Activated, Amount
from pyphyp.daemon.service import Standing
from pyphyp.pacing import WINDOW_TICKS
from pyphyp.slots import PartitionSlots
from pyphyp.timeline import Timeline
from pyphyp.usage import MachineUsage, PartitionState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pyphyp.pacing import Attendant
    from pyphyp.partition import Partition
    from pyphyp.transcript import Transcript
    from pyphyp.vios.shell import Answer


class _OneWindow:
    """Lets a partition run on for `ticks` of the machine's time."""

    def __init__(self) -> None:
        self.idle = 0

    def look(self) -> bool:
        return True

    def wait(self, ticks: int, doorbells: Sequence[int] = ()) -> int:
        self.idle += ticks
        return ticks

    def rest(self, seconds: float, doorbells: Sequence[int] = ()) -> None:
        raise AssertionError("time is counted")


class SimpleMachine:
    """`sources` are the guests of its partitions, by name; assembler text."""

    def __init__(self, sources: dict[str, str]) -> None:
        self._machine = Machine(epoch=0)
        self._programs = {name: assemble(text) for name, text in sources.items()}
        self._partitions = {
            name: self._machine.add_partition(name, memory="16M") for name in sources
        }
        self._standings = dict.fromkeys(sources, Standing(PartitionState.NOT_ACTIVATED))
        self.now = 0
        self.performed: list[tuple[int, Action]] = []

    @property
    def name(self) -> str:
        return "simple"

    def perform(self, action: Action) -> str:
        self.performed.append((self.now, action))
        match action:
            case FailCore(0):
                raise RuntimeError("an error of the machine's own")
            case FailCore(core):
                raise ManagementError(f"there is no core {core}", "there is core 0")
            case ActivatePartition(name):
                self._partition(name).load(self._programs[name])
                self._stand(name, PartitionState.RUNNING)
                return f"{name} is activated"
            case ShutdownPartition(name, immediate):
                self._partition(name)
                state = PartitionState.NOT_ACTIVATED if immediate else PartitionState.SHUTTING_DOWN
                self._stand(name, state)
                return f"{name} is asked to power off"
            case ResetPartition(name):
                self._partition(name).load(self._programs[name])
                return f"{name} is booted again"
            case CrashPartition(name):
                self._partition(name).system_reset()
                return f"{name} gets a system reset"
            case TypeAtConsole(name, text):
                self._partition(name).console.send(text)
                return f"{len(text)} bytes"
        raise ManagementError("this machine cannot do that")

    def _partition(self, name: str) -> Partition:
        if name not in self._partitions:
            raise ManagementError(f"there is no partition {name!r}")
        return self._partitions[name]

    def _stand(self, name: str, state: PartitionState, reason: str = "") -> None:
        self._standings[name] = Standing(state, reason)

    def run(self, *, attendant: Attendant) -> object:
        while attendant.look():
            until = (self.now // WINDOW_TICKS + 1) * WINDOW_TICKS
            busy = False
            for name, partition in self._partitions.items():
                if self._standings[name].state is not PartitionState.NOT_ACTIVATED:
                    busy |= self._run_partition(name, partition)
            self.now = until if busy else self.now + attendant.wait(until - self.now)
        return None

    def pass_idle(self, attendant: Attendant) -> None:
        raise AssertionError("it always runs")

    def _run_partition(self, name: str, partition: Partition) -> bool:
        if partition.composition.partition.outcome is not None:
            return False
        idle = _OneWindow()
        outcome = partition.run(seconds=WINDOW_TICKS / TIME_BASE_HZ, attendant=idle)
        if outcome is not None:
            crashed = PartitionState.ERROR if outcome.crashed else PartitionState.POWERED_OFF
            self._stand(name, crashed, outcome.reason)
        return idle.idle < WINDOW_TICKS // 2

    def usage(self) -> MachineUsage:
        return MachineUsage("simple", self.now, self.now // WINDOW_TICKS, (), (), ())

    def activation(self) -> Activated:
        none = Amount(1, 1)
        return Activated(
            "simple", "S", self.now, "express", 3, False, False, False, none, none, (), ()
        )

    def run_vios(self, server: str, command: str) -> Answer:
        raise ManagementError("this machine has no Virtual I/O Server")

    def vios_words(self, server: str, line: str) -> list[str]:
        raise ManagementError("this machine has no Virtual I/O Server")

    def schedule(self, first: int | None, last: int | None, most: int) -> Timeline:
        return Timeline("simple", 0, 0, 1, (), ())

    def standings(self) -> dict[str, Standing]:
        return dict(self._standings)

    def transcripts(self) -> dict[tuple[str, int], Transcript]:
        return {(name, 0): p.console.transcript for name, p in self._partitions.items()}

    def slots(self, partition: str) -> PartitionSlots:
        return PartitionSlots(False, tuple(self._partition(partition).slots()))

    def on_input(self, wake: Callable[[], None]) -> None:
        """Its consoles have no sockets."""

    def close(self) -> None:
        self._machine.close()
