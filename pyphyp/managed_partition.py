"""A partition of a managed machine: what scripts know of one, in the machine's time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote
from uuid import NAMESPACE_OID, uuid5

from emu.memory import MIB
from emu.state import StateError
from firmware.elf import BootError
from hypervisor.configuration import PartitionConfiguration
from hypervisor.dispatching.virtual import DispatchedProcessor
from hypervisor.outcome import STUCK, Ending
from hypervisor.system.editions import Feature
from hypervisor.system.errors import ManagementError
from hypervisor.watchdog import NEVER

from .dump import DumpError
from .managed_capacity import ManagedCapacity, Shares
from .messages import complain, report
from .pacing import Unattended
from .partition import Partition
from .usage import PartitionState

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hypervisor.partition import Outcome
    from hypervisor.partition import Partition as BuiltPartition
    from hypervisor.system.allocation import PartitionResources
    from hypervisor.system.definition import ManagedSystem

    from .compose import Composition
    from .media import MediaLibrary
    from .network import Network
    from .pacing import Attendant
    from .pairs import Pairs
    from .saving import RunState
    from .stats import Stats
    from .storage_network import StorageNetwork


class Machine(Shares, Protocol):
    """The managed machine, as its partitions need it."""

    @property
    def now(self) -> int: ...
    def run(
        self,
        *,
        seconds: float | None = None,
        until: Callable[[], bool] | None = None,
        attendant: Attendant | None = None,
    ) -> None: ...


class ManagedPartition(Partition):
    """An activated partition; its `run` runs the whole machine."""

    def __init__(
        self,
        machine: Machine,
        resources: PartitionResources,
        configuration: PartitionConfiguration,
        *,
        epoch: int,
        seed: int,
        prepare: Callable[[Partition, Composition], None],
        library: MediaLibrary,
        network: Network,
        pairs: Pairs,
        storage_network: StorageNetwork | None,
    ) -> None:
        self.machine = machine
        self.resources = resources
        self.capacity = ManagedCapacity(machine, resources.name)
        self.activated_at = machine.now
        self.state = PartitionState.RUNNING
        self.failure: Exception | None = None
        """An error of ours that ended it."""
        self.runnables: list[DispatchedProcessor] = []
        super().__init__(
            configuration,
            epoch=epoch,
            seed=seed,
            reboot=True,
            prepare=prepare,
            settle=_nothing,
            library=library,
            capacity=self.capacity,
            network=network,
            pairs=pairs,
            storage_network=storage_network,
        )

    @property
    def runs(self) -> bool:
        return self.state in (PartitionState.RUNNING, PartitionState.SHUTTING_DOWN)

    # -- building --------------------------------------------------------------------------

    def _next_epoch(self, old: BuiltPartition) -> int:
        """The machine's time base goes on."""
        return old.time_of_day.epoch

    def _connect(self, composition: Composition) -> None:
        super()._connect(composition)
        composition.partition.engine.set_time_base(self.machine.now)
        self.runnables = [DispatchedProcessor(p) for p in composition.partition.processors]

    def restart(self) -> None:
        """Build it anew and boot again; the dispatcher is to be told."""
        self._build()
        self._boot_again()
        self.state = PartitionState.RUNNING

    def run_state(self) -> tuple[RunState, dict[str, bytes]]:
        """What of it goes on in another machine; ManagementError where the edition moves none."""
        self.machine.allocation.edition.demand(Feature.MOBILITY)
        if self.configuration.paired_adapters:
            raise StateError(f"{self.name}'s adapters have partners in this machine")
        return super().run_state()

    def restore(self, path: Path | str) -> None:
        """It does not go back: the machine's time goes on."""
        raise StateError("a managed machine's partition does not go back: Machine.restore")

    # -- running ---------------------------------------------------------------------------

    def run(
        self,
        *,
        instructions: int | None = None,
        seconds: float | None = None,
        attendant: Attendant | None = None,
    ) -> Outcome | None:
        """Run the machine until this partition ends, or for so many of its instructions."""
        target = None if instructions is None else self._instructions + instructions
        self._stopped = False

        def enough() -> bool:
            reached = target is not None and self._instructions >= target
            return self._stopped or reached or not self.runs

        self.machine.run(seconds=seconds, until=enough, attendant=attendant or Unattended())
        return None if self.runs else self.outcome

    def begin_window(self) -> None:
        """What came for it from outside is there now."""
        self.range_traces.arm()
        self.consoles.feed()

    def end_window(self) -> None:
        self.range_traces.settle()
        self._save_nvram(if_due=True)
        self.settle_adapters()

    def answer_postponed(self) -> bool:
        """Between two slices: do what could not be done within one; whether others wait for it."""
        if any([runnable.postponed for runnable in self.runnables]):
            io = self.composition.partition.virtual_io
            self.capacity.between_slices = io.others_stand_still = True
            for runnable in self.runnables:
                runnable.answer(self.machine.now)
            self.capacity.between_slices = io.others_stand_still = False
        return self.composition.adapters.settle()

    def look_after(self) -> bool:
        """Between two slices: whether it has been built anew, or `runs` no more."""
        built = self.composition.partition
        if built.outcome is None and self._stuck:
            built.end(Ending.CRASH, STUCK)
        if (outcome := built.outcome) is None:
            return False
        self.failure = next((r.failure for r in self.runnables if r.failure), None)
        self._leave_behind(outcome)
        if outcome.ending is Ending.REBOOT and self.reboot and self._start is not None:
            try:
                self.restart()
            except BootError as wrong:  # what it booted from is no more
                self.failure, self.state = wrong, PartitionState.ERROR
            return True
        crashed = outcome.crashed
        self.state = PartitionState.ERROR if crashed else PartitionState.POWERED_OFF
        return True

    def leave_dump(self, directory: Path) -> None:
        """It has crashed: write its state to a file; where that cannot be, say so, no more."""
        path = directory / f"{quote(self.name, safe=' ')}.core"
        try:
            self.dump(path)
        except DumpError as wrong:
            complain(f"{self.name}: {wrong}")
        else:
            report(f"{self.name}: dump written to {path}")

    @property
    def _stuck(self) -> bool:
        now = self.machine.now
        return not any(r.wakes_at(now) < NEVER or r.awaits_interrupt for r in self.runnables)

    # -- what operators ask ----------------------------------------------------------------

    def type_at_console(self, text: bytes, slot: int | None) -> None:
        """Type at its first console, or that of a slot; `ManagementError` where there is none."""
        slot = self.console.slot if slot is None else slot
        if slot not in self.consoles:
            there = ", ".join(str(console.slot) for console in self.consoles)
            why = f"partition {self.name} has no console in slot {slot}"
            raise ManagementError(why, f"there are {there}")
        assert self._pairs is not None
        side = self._pairs.console(self.configuration.number, slot)
        if side is not None and side.server is not None:
            server = side.server.location
            raise ManagementError(
                f"the console of {self.name} is connected to the server terminal {server}",
                "it can be typed at when that has been closed",
            )
        self.consoles[slot].send(text)

    # -- what was counted ------------------------------------------------------------------

    @property
    def ticks(self) -> int:
        """The machine's time since it was activated."""
        return self.machine.now - self.activated_at

    def stats(self) -> Stats:
        return replace(super().stats(), time_base=self.ticks)


def configuration_of(
    system: ManagedSystem, resources: PartitionResources
) -> PartitionConfiguration:
    """What a partition of `system` is made of when it has been given its resources."""
    definition = resources.definition
    return PartitionConfiguration(
        name=definition.name,
        number=definition.number,
        memory_bytes=resources.memory_mib * MIB,
        lmb_bytes=system.lmb_mib * MIB,
        virtual_processors=resources.share.virtual_processors,
        isa_level=definition.isa_level,
        mmu=definition.mmu,
        interrupts=definition.interrupts,
        machine_name=system.name,
        serial=system.serial,
        consoles=definition.consoles,
        scsi_adapters=definition.scsi_adapters,
        uuid=str(uuid5(NAMESPACE_OID, f"{system.serial}/{definition.number}")),
        ethernet_adapters=definition.ethernet_adapters,
        paired_adapters=definition.paired_adapters,
        fibre_channel_adapters=definition.fibre_channel_adapters,
        terminal_servers=definition.terminal_servers,
    )


def _nothing() -> None:
    """Traces are written out when the machine's window is over."""
