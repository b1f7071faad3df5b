"""A managed machine: one system of processors and memory, many partitions on it.

    with ManagedMachine(system, epoch=0) as machine:
        machine.power_on()
        machine.partitions["lpar1"].console.wait_for("~# ")
        machine.perform(ShutdownPartition("lpar1"))
        machine.run(seconds=5)

All partitions live in the machine's time: dispatch windows of 10 ms of one time base.  What an
operator asks and what is typed takes effect between windows, so the same requests at the same
windows give the same run, on however many threads of the host.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from firmware.elf import BootError
from hypervisor.dispatching.dispatcher import CapacityError, ProcessorDispatcher
from hypervisor.dispatching.records import WINDOW
from hypervisor.partition import Ending
from hypervisor.system.allocation import Allocation
from hypervisor.system.errors import ManagementError

from . import actions
from .closing import Closing
from .console_ends import ConsoleError
from .guest_starts import start_of
from .lanes import Lanes
from .managed_activation import Activation
from .managed_capacity import SharedTimes
from .managed_changes import Changes
from .managed_media import change_tape
from .managed_partition import ManagedPartition, configuration_of
from .managed_servers import servers_of
from .managed_slots import change_slots
from .managed_storage import change_storage_network
from .media import MediaLibrary
from .network import Network
from .pacing import Pace, Unattended, host_epoch
from .pairs import Pairs
from .partition import ClosedError
from .raw_file import MediaError
from .usage import PartitionState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from hypervisor.dispatching.schedule import Schedule
    from hypervisor.system.allocation import PartitionResources
    from hypervisor.system.definition import ManagedSystem, PartitionDefinition
    from hypervisor.system.share import SharedShare

    from .actions import Action
    from .compose import Composition
    from .pacing import Attendant
    from .partition import Partition
    from .starts import Start
    from .trace import Tracer


_NS = 1_000_000_000
_AHEAD = 0.02
"""Seconds by which a machine may be ahead of the host for the sake of what comes from outside."""


class ManagedMachine(Closing):
    """`system` switched on, with nothing activated yet; `close` it, or use it in `with`.

    `epoch` is the time of day at power-on (without it, the host's); `seed` feeds everything
    random.  `host_threads` at most run partitions at the same time (without it, one for each
    processor of the host); the run is the same with any number.  `starts` are what partitions boot
    by their names, instead of what their definitions say.  A partition that crashes, or in which an
    error of ours comes up, is dumped to a file of its name in `dumps`.  Without `outside` its
    Shared Ethernet Adapters are not there.
    """

    def __init__(
        self,
        system: ManagedSystem,
        *,
        epoch: int | None = None,
        seed: int = 0,
        host_threads: int | None = None,
        tracers: tuple[Tracer, ...] = (),
        starts: Mapping[str, Start] | None = None,
        dumps: Path | None = None,
        outside: bool = True,
    ) -> None:
        self._dumps, self._outside = dumps, outside
        self.epoch = host_epoch() if epoch is None else epoch
        self.seed = seed
        self.partitions: dict[str, ManagedPartition] = {}
        """By name, those that were activated since power-on."""
        self.allocation = Allocation(system)
        threads = host_threads or os.cpu_count() or 1
        self._lanes = Lanes(threads)
        self.dispatcher = ProcessorDispatcher(
            system.cores.activated, system.pools, self._lanes.carry_out
        )
        self.shared_times = SharedTimes(self.dispatcher)
        self.dispatcher.between_slices += [self._settle_capacity, self._look_after, self._carry]
        self.activation = Activation(self.allocation, self.dispatcher)
        self._changes = Changes(self.allocation, self.dispatcher)
        self._tracers, self._starts = tracers, dict(starts or {})
        self._library = MediaLibrary(exclusive=True)
        self.network, self.pairs = Network(lan.switch for lan in system.lans), Pairs(system)
        self.io_servers, self.storage_network = servers_of(
            system, lambda: self.epoch + self.now // TIME_BASE_HZ, self._library, self.network
        )
        self._pace: Pace | None = None
        self._stopped = self._closed = False
        self.wake_listeners: list[Callable[[], None]] = []
        """Called, in any thread, when something was typed at a console's socket."""

    @property
    def system(self) -> ManagedSystem:
        """As it was defined, with the pools as they are now."""
        return self.allocation.system

    # -- time ------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Ticks of the time base since power-on."""
        return self.dispatcher.now

    @property
    def seconds(self) -> float:
        return self.now / TIME_BASE_HZ

    @property
    def schedule(self) -> Schedule:
        """Who had which core."""
        return self.dispatcher.schedule

    # -- running ---------------------------------------------------------------------------

    def power_on(self) -> None:
        """`come_up`; ManagementError of the first that cannot be: the others are there."""
        for refused in self.come_up(self.activate):
            raise refused

    def come_up(self, activate: Callable[[str], object]) -> list[ManagementError]:
        """Build its network and `activate` what starts with it, by number; what could not be."""
        whys = self.network.open(self.system, outside=self._outside)
        refused = [ManagementError(why) for why in whys]
        for definition in sorted(self.system.partitions, key=lambda its: its.number):
            if definition.start:
                try:
                    activate(definition.name)
                except ManagementError as error:
                    refused.append(error)
        return refused

    def run(
        self,
        *,
        windows: int | None = None,
        seconds: float | None = None,
        until: Callable[[], bool] | None = None,
        attendant: Attendant | None = None,
    ) -> None:
        """Run whole windows: so many, or until the machine's time has moved by `seconds`.

        Comes back earlier once `until` says so, no partition runs any more, or it is stopped.
        Windows in which all wait are skipped, or waited for by the `attendant`.
        """
        if self._closed:
            raise ClosedError(f"machine {self.system.name} is closed")
        attendant = attendant or Unattended()
        ends = [] if windows is None else [self.now + windows * WINDOW]
        if seconds is not None:
            ends.append(self.now + round(seconds * TIME_BASE_HZ))
        end = min(ends, default=None)
        self._stopped = False
        while attendant.look() and not self._stopped:
            if (until is not None and until()) or (end is not None and self.now >= end):
                break
            if not any(partition.runs for partition in self.partitions.values()):
                break
            self._skip_idle(end, attendant)
            if doorbells := self.network.doorbells:
                self._keep_pace(attendant, doorbells)
            if end is None or self.now < end:
                self._run_window()

    def stop(self) -> None:
        """Make `run` come back after its window; callable from any thread and signal handlers."""
        self._stopped = True

    def _skip_idle(self, end: int | None, attendant: Attendant) -> None:
        wake = self.dispatcher.next_wake()
        if end is not None:
            wake = min(wake, -(-end // WINDOW) * WINDOW)
        if (idle := (wake - self.now) // WINDOW) > 0:
            passed = attendant.wait(idle * WINDOW, self.network.doorbells)
            self.dispatcher.skip(passed // WINDOW)

    def _keep_pace(self, attendant: Attendant, doorbells: tuple[int, ...]) -> None:
        """What comes from outside keeps the host's time: the machine is not to run ahead of it."""
        if self._pace is None:
            self._pace = Pace(self.now)
        if (ahead := self._pace.ahead(self.now)) > 0:
            attendant.rest(ahead, doorbells if ahead < _AHEAD else ())
        self._carry()

    def _run_window(self) -> None:
        self.activation.settle(self.now)
        running = [partition for partition in self.partitions.values() if partition.runs]
        for partition in running:
            partition.begin_window()
        self.dispatcher.run_window()
        for partition in running:
            partition.end_window()
        for tracer in self._tracers:
            tracer.settle()

    def _settle_capacity(self) -> None:
        """Between slices: what guests are told of processors, and what they asked for."""
        self.shared_times.settle()
        for partition in self.partitions.values():
            if partition.runs and partition.answer_postponed():
                self.dispatcher.talking_until = self.now + 2 * WINDOW

    def _look_after(self) -> None:
        """Between slices: partitions whose run has ended boot again, or are switched off."""
        for partition in self.partitions.values():
            if partition.runs and partition.look_after():
                if partition.runs:
                    self.dispatcher.replace(partition.configuration.number, partition.runnables)
                else:
                    self._switch_off(partition)

    def _carry(self) -> None:
        """Between slices: what partitions have sent reaches others, or storage they share."""
        calendar = self.epoch * _NS + self.now * _NS // TIME_BASE_HZ
        talked = self.pairs.exchange() | self.network.exchange(calendar)
        if (self.storage_network is not None and self.storage_network.san.settle()) or talked:
            self.dispatcher.talking_until = self.now + 2 * WINDOW

    # -- operating -------------------------------------------------------------------------

    def perform(self, action: Action) -> None:
        """Carry out a request, between two windows; ManagementError where it is refused."""
        self.activation.settle(self.now)
        if self.io_servers.perform(action):
            return
        match action:
            case _ if isinstance(action, actions.SlotAction):
                change_slots(self._running(action.partition), action)
            case _ if isinstance(action, actions.SanAction):
                change_storage_network(self.storage_network, action)
            case actions.ActivatePartition(name, profile):
                self.activate(name, profile)
            case actions.ActivateSystemProfile(name):
                for partition, profile in self.allocation.system_profile(name).partitions:
                    self.activate(partition, profile)
            case actions.ShutdownPartition(name, immediate):
                self._shut_down(self._running(name), immediate=immediate)
            case actions.ResetPartition(name):
                self._reset(self._running(name))
            case actions.CrashPartition(name):
                self._running(name).system_reset()
            case actions.ChangeProcessors(name):
                self._changes.processors(self._running(name), action)
            case actions.ChangePool():
                self._changes.pool(action)
            case actions.FailCore(number):
                self._changes.fail_core(number)
            case actions.TypeAtConsole(name, text, slot):
                self._running(name).type_at_console(text, slot)
            case actions.LoadTape(name) | actions.UnloadTape(name):
                drives = self.io_servers.tape_drives(name)
                change_tape(drives or self._running(name).media.tape_drives, action)
            case actions.EnterActivationCode(code):
                self.activation.enter(code, self.now)

    def activate(self, name: str, profile: str | None = None) -> ManagedPartition:
        """Give partition `name` its resources and boot its guest.

        ManagementError where they are not free, or there is nothing to boot.
        """
        resources = self.allocation.activate(name, profile)
        with ExitStack() as undo:
            undo.callback(self.allocation.release, name)
            made = self._make(resources)
            undo.callback(made.close)
            self._admit(made)
            undo.pop_all()
        if (before := self.partitions.pop(name, None)) is not None:
            before.close()
        self.partitions[name] = made
        return made

    def _admit(self, made: ManagedPartition) -> None:
        number, share = made.resources.number, made.resources.share
        try:
            self.dispatcher.add(number, share, made.runnables)
        except CapacityError as error:
            raise ManagementError(str(error), "shut down another partition") from None

    def _make(self, resources: PartitionResources) -> ManagedPartition:
        definition = resources.definition
        start = self._start(definition)
        epoch = self.epoch
        if definition.epoch is not None:
            epoch = definition.epoch - self.now // TIME_BASE_HZ
        try:
            made = ManagedPartition(
                self,
                resources,
                configuration_of(self.system, resources),
                epoch=epoch,
                seed=self.seed,
                prepare=self._prepare,
                library=self._library,
                network=self.network,
                pairs=self.pairs,
                storage_network=self.storage_network,
            )
        except (ConsoleError, MediaError) as wrong:
            raise ManagementError(str(wrong)) from None
        made.wake_listeners = self.wake_listeners
        with ExitStack() as undo:
            undo.callback(made.close)
            if definition.nvram is not None:
                made.keep_nvram_in(definition.nvram)
            if self._dumps is not None:
                made.crash_listeners.append(partial(made.leave_dump, self._dumps))
            try:
                made.start(start)
            except BootError as wrong:
                raise ManagementError(f"{definition.name}: {wrong}") from None
            undo.pop_all()
        return made

    def _start(self, definition: PartitionDefinition) -> Start:
        if (start := self._starts.get(definition.name)) is None:
            start = self._starts[definition.name] = start_of(definition.guest)
        return start

    def _prepare(self, partition: Partition, composition: Composition) -> None:
        for tracer in self._tracers:
            tracer.attach(partition, composition)

    def _running(self, name: str) -> ManagedPartition:
        partition = self.partitions.get(name)
        if partition is None or not partition.runs:
            names = ", ".join(p.name for p in self.partitions.values() if p.runs)
            raise ManagementError(f"partition {name} does not run", f"running: {names or 'none'}")
        return partition

    def _shut_down(self, partition: ManagedPartition, *, immediate: bool) -> None:
        if immediate:
            partition.composition.partition.end(Ending.POWER_OFF, "shut down by the operator")
            self._look_after()
        else:
            partition.request_shutdown()
            partition.state = PartitionState.SHUTTING_DOWN

    def _switch_off(self, partition: ManagedPartition) -> None:
        self.dispatcher.remove(partition.configuration.number)
        self.allocation.release(partition.name)
        partition.media.close()  # for others to use
        partition.consoles.close()
        partition.composition.unplug()

    def _reset(self, partition: ManagedPartition) -> None:
        partition.restart()
        self.dispatcher.replace(partition.configuration.number, partition.runnables)

    def change_share(self, name: str, share: SharedShare) -> None:
        """Give a running partition another share; ManagementError where it cannot have that."""
        self._changes.share(self._running(name), share)

    # -- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Release what the partitions hold of the host."""
        self._closed = True
        self._lanes.close()
        with ExitStack() as each:
            each.callback(self.network.close)
            each.callback(self.io_servers.close)
            if self.storage_network is not None:
                each.callback(self.storage_network.close)
            for partition in self.partitions.values():
                each.callback(partition.close)
