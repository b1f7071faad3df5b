"""A partition in the hands of a script or of the command line: boot it, run it, look into it.

The object stays while the guest reboots; what it is built of (storage, engine, firmware) is then
built anew, as the real machine's is.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from emu.clock import Clock, not_counted
from emu.engine import TIME_BASE_HZ
from emu.state import StateError, check
from hypervisor.configuration import PartitionConfiguration
from hypervisor.partition import Ending, Outcome, Progress

from .booting import Bootable
from .compose import Composition, compose
from .console_ends import ConsoleError
from .dialogue import Console, Consoles
from .inspection import Inspected
from .media import Media, MediaLibrary
from .network import Network
from .pacing import WINDOW_TICKS, Unattended, Verdict, let_pass
from .range_traces import RangeTraces
from .service import Service
from .slots import Reconfigured
from .starts import Start, described
from .stats import Stats, collect

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypervisor.capacity import CapacityManager
    from hypervisor.partition import Partition as BuiltPartition

    from .debugger import GdbServer
    from .pacing import Attendant
    from .pairs import Pairs
    from .saving import RunState, Saved
    from .storage_network import StorageNetwork
    from .symbols import Symbols

_NS = 1_000_000_000
_DEBUGGED_WAIT = TIME_BASE_HZ // 10
"""Ticks of idle time after which a debugger is looked after."""


class ClosedError(Exception):
    """The machine of this partition is closed."""


class Partition(Bootable, Inspected, Reconfigured, Service):
    """One partition; made by `Machine.add_partition`."""

    def __init__(
        self,
        configuration: PartitionConfiguration,
        *,
        epoch: int,
        seed: int,
        reboot: bool,
        prepare: Callable[[Partition, Composition], None],
        settle: Callable[[], None],
        saved: Saved | None = None,
        library: MediaLibrary | None = None,
        network: Network | None = None,
        storage_network: StorageNetwork | None = None,
        capacity: CapacityManager | None = None,
        pairs: Pairs | None = None,
    ) -> None:
        Service.__init__(self)
        self.wake_listeners.append(self.pause)
        self._library, self.network = library or MediaLibrary(), network or Network()
        self._capacity, self._pairs, self._storage_network = capacity, pairs, storage_network
        self.range_traces = RangeTraces(self)
        self.configuration = configuration
        self.consoles = Consoles(self)
        self.boots = 0
        self.reboot = reboot
        self._epoch, self._seed, self._prepare = epoch, seed, prepare
        self._settle = settle
        self._start: Start | None = None
        self._symbols: Symbols | None = None
        self._debugger: GdbServer | None = None
        self._past = Stats()
        self._host_seconds = 0.0
        self._stopped = False
        # `stop` and `pause` come from signal handlers and other threads while engines are replaced.
        self._replacing = threading.RLock()
        self._woken = threading.Event()
        """A partition that rests is to look around."""
        self._composition: Composition | None = None
        self._running = False
        self.media = Media(PartitionConfiguration(), self._library)
        if saved is None:
            self.media = Media(configuration, self._library)
            with ExitStack() as undo:
                undo.callback(self.media.close)
                self.consoles.define(configuration)
                undo.callback(self.consoles.close)
                self._build()
                undo.pop_all()
        else:
            self._take_over(saved)

    # -- building and booting --------------------------------------------------------------

    def _build(self) -> None:
        before = None
        if self._composition is not None:
            old = self._composition.partition
            self._epoch = self._next_epoch(old)
            self._past = self.stats()
            self._host_seconds = 0.0
            before = self._composition.firmware
            self._settle_leaving()
            self._release()
        seed = self._seed + (self.configuration.number - 1 << 32) + (self.boots << 48)
        self._connect(
            compose(
                self.configuration,
                before=before,
                media=self.media,
                network=self.network,
                pairs=self._pairs,
                storage_network=self._storage_network,
                capacity=self._capacity,
                epoch=self._epoch,
                seed=seed,
            )
        )

    def _next_epoch(self, old: BuiltPartition) -> int:
        """The time of day goes on, the time base begins anew."""
        return round(old.time_of_day.now(old.time_base))

    def _connect(self, composition: Composition) -> None:
        self._composition = composition
        self.range_traces.renew()
        self._prepare(self, composition)
        composition.adapters.on_terminal = self.consoles.connect
        for terminal in composition.consoles:
            self.consoles.connect(terminal)

    @property
    def console(self) -> Console:
        """The first of its consoles."""
        return self.consoles.first

    @property
    def composition(self) -> Composition:
        """What the partition is built of at the moment: hypervisor's state, firmware, console."""
        if self._composition is None:
            raise ClosedError(f"{self.name} belongs to a machine that is closed")
        return self._composition

    def start(self, start: Start) -> None:
        """Boot `start`, in a partition built anew if something ran in this one."""
        if self.boots or self.ticks:
            self._build()
        self._start, self._symbols = start, None
        self._boot_again()

    def _boot_again(self) -> None:
        assert self._start is not None
        self.boots += 1
        self._start.start(self.composition)

    # -- state -----------------------------------------------------------------------------

    def run_state(self) -> tuple[RunState, dict[str, bytes]]:
        """What is kept across boots, and what was booted."""
        from .saving import RunState

        check(not self._running, "a partition can be saved between its windows, not within a call")
        start, files = described(self._start)
        consoles = self.consoles.state()
        state = RunState(
            self.boots, self._epoch, self._seed, self.reboot, self._past, consoles, start
        )
        return state, files

    def _take_over(self, saved: Saved) -> None:
        """Become what was saved; what there was before goes only when that has worked."""
        check(not self._running, "a partition cannot be restored within a call of its guest")
        run, media = saved.state.run, saved.media(self._library)
        with ExitStack() as undo:
            undo.callback(media.close)
            composition = saved.composed(media, self.network, self._storage_network)
            undo.callback(composition.close)
            try:
                self.consoles.define(saved.state.configuration)
            except ConsoleError as wrong:
                raise StateError(str(wrong)) from None
            undo.pop_all()
        self._release()
        for server in composition.fc_servers:
            server.logins.resume()  # the port that was released had the same name
        self.media.close()
        self.media = media
        self.configuration = saved.state.configuration
        self.boots, self._epoch, self._seed = run.boots, run.epoch, run.seed
        self.reboot, self._past, self._start = run.reboot, run.past, saved.start
        self._host_seconds = 0.0
        self._connect(composition)
        self._follow_nvram()
        self.consoles.restore(run.consoles)
        if self._debugger is not None:
            self._debugger.renewed()

    def close(self) -> None:
        if self._debugger is not None:
            self._debugger.close()
            self._debugger = None
        if self._composition is not None:
            self._past = self.stats()
            self._release()
        self.media.close()
        self.consoles.close()
        self._save_nvram()

    def _release(self) -> None:
        with self._replacing:
            composition, self._composition = self._composition, None
            if composition is not None:
                composition.close()

    # -- running ---------------------------------------------------------------------------

    def run(
        self,
        *,
        instructions: int | None = None,
        seconds: float | None = None,
        attendant: Attendant | None = None,
    ) -> Outcome | None:
        """Run until the partition ends, or for so many instructions or seconds of its time.

        Gives how it ended, None if it did not.  Whatever a script's function raises comes out
        here; its hypercall stays unanswered.  So do `DumpError` and `NvramFileError`.
        """
        if instructions is not None and self.configuration.clock is Clock.HOST:
            raise not_counted(f"a run of {instructions} instructions")
        attendant = attendant or Unattended(self._woken)
        limit = None if seconds is None else self.ticks + round(seconds * TIME_BASE_HZ)
        target = None if instructions is None else self._instructions + instructions
        self._stopped = False
        try:
            return self._run_windows(limit, target, attendant)
        finally:
            self._hold_clock()

    def _hold_clock(self) -> None:
        """The guest's time stands still while nobody runs it, where it is the host's."""
        if self._composition is not None:
            self._composition.partition.engine.hold_clock()

    def _run_windows(
        self, limit: int | None, target: int | None, attendant: Attendant
    ) -> Outcome | None:
        while attendant.look() and not self._stopped:
            match self._debugger_says():
                case Verdict.HOLD:
                    self._hold_clock()
                    continue
                case Verdict.END:
                    break
            if target is not None and self._instructions >= target:
                break
            if limit is not None and self.ticks >= limit:
                break
            progress = self._run_window(limit, target, attendant)
            if progress is Progress.STOPPED:
                if self._debugger is None:
                    break
                self._debugger.stopped()
            elif progress is Progress.ENDED:
                outcome = self.composition.partition.outcome
                assert outcome is not None
                self._leave_behind(outcome)
                if not (outcome.ending is Ending.REBOOT and self.reboot and self._start):
                    self._show_end(outcome, attendant)
                    return outcome
                self._build()
                self._boot_again()
                if self._debugger is not None:
                    self._debugger.renewed()
        return None

    def _debugger_says(self) -> Verdict:
        return Verdict.RUN if self._debugger is None else self._debugger.attend()

    def _show_end(self, outcome: Outcome, attendant: Attendant) -> None:
        """A debugger may look at a crash before it is over."""
        while self._debugger is not None and self._debugger.ended(outcome):
            if not attendant.look() or self._stopped:
                break

    def _run_window(self, limit: int | None, target: int | None, attendant: Attendant) -> Progress:
        """Up to the next point of the window grid; an idle partition is moved on."""
        partition = self.composition.partition
        self.range_traces.arm()
        self.consoles.feed()
        end = None if limit is None else limit - self._past.time_base
        until = (partition.time_base // WINDOW_TICKS + 1) * WINDOW_TICKS
        if target is not None:
            until = min(until, partition.time_base + target - self._instructions)
        if end is not None:
            until = min(until, end)
        begin = time.perf_counter()
        self._running = True
        try:
            progress = partition.run(until)
        finally:
            self._running = False
            self._host_seconds += time.perf_counter() - begin
            self._settle()
            self.range_traces.settle()
            self._save_nvram(if_due=True)
            self.settle_adapters()
        if not self.network.exchange(self._calendar) and progress is Progress.IDLE:
            due = partition.next_event if end is None else min(partition.next_event, end)
            ticks = due - partition.time_base
            if self._debugger is not None:  # which may interrupt the wait
                ticks = min(ticks, _DEBUGGED_WAIT)
            let_pass(partition, ticks, attendant, self.network.doorbells)
        return progress

    @property
    def _calendar(self) -> int:
        """The time of day it booted at and its time base since, in nanoseconds since 1970."""
        built = self.composition.partition
        return self._epoch * _NS + built.time_base * _NS // TIME_BASE_HZ

    def stop(self) -> None:
        """Make `run` come back before the guest's next instruction."""
        self._stopped = True
        self.pause()

    def pause(self) -> None:
        """End the current window early, so that `run` asks its attendant; safe in any thread."""
        self._woken.set()
        with self._replacing:
            if self._composition is not None:
                self._composition.partition.engine.stop()

    # -- debugging -------------------------------------------------------------------------

    def gdb_server(self, host: str | None = None, port: int = 0, *, wait: bool = True) -> GdbServer:
        """Let gdb debug this partition while it runs; `wait`: from its first instruction on.

        It listens on `host`, which is this machine alone if nothing is said.
        Port 0 is any free one; the server's `command` says how to get there.  Whoever can connect
        to it has the guest in hand.  Raises `OSError` where the address cannot be listened on.
        """
        from .debugger import GdbServer  # loads much that most runs need not

        if self._debugger is not None:
            self._debugger.close()
        self._debugger = GdbServer(self, host, port, wait=wait)
        return self._debugger

    # -- what was counted ------------------------------------------------------------------

    @property
    def ticks(self) -> int:
        """Guest time since the first boot, in ticks of the time base."""
        return self._past.time_base + self.composition.partition.time_base

    @property
    def seconds(self) -> float:
        """Guest time since the first boot."""
        return self.ticks / TIME_BASE_HZ

    @property
    def _instructions(self) -> int:
        engine = self.composition.partition.engine
        return self._past.instructions + engine.counts().instructions

    def stats(self) -> Stats:
        """What was counted since the first boot."""
        if self._composition is None:
            return self._past
        return self._past + collect(self._composition, self._host_seconds)
