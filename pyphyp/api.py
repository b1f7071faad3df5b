"""The front door for scripts, and for the command line: a machine and its partitions.

    with Machine(seed=7) as machine:
        partition = machine.add_partition(memory="512M")
        partition.boot(kernel=Path("vmlinux"), initrd=Path("initramfs"), append="console=hvc0")
        partition.console.wait_for("~ # ")
        partition.console.send("poweroff\\n")
        outcome = partition.run()

Seconds given here are seconds of the guest's time, which moves with its instructions and skips
what it waits idly.  So a run with a fixed `epoch` and `seed` repeats itself to the instruction.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from emu.clock import Clock
from emu.state import StateError
from hypervisor.abi import InterruptOffer, Mmu
from hypervisor.configuration import PartitionConfiguration
from hypervisor.vio.configuration import ConsoleAdapter

from .closing import Closing
from .compose import call_names
from .cpu_modes import CPU_MODES, DEFAULT_CPU_MODE, cpu_mode_level
from .dialogue import Ended, Timeout
from .media import MediaLibrary
from .memory_size import memory_size
from .network import Network
from .nvram_file import NvramFile
from .pacing import host_epoch
from .partition import ClosedError, Partition
from .study import Interceptor, Moment, Study

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypervisor.network.boot_server import BootServer, BootService
    from hypervisor.network.shared_ethernet import SharedEthernet
    from hypervisor.san.definition import SanDefinition
    from hypervisor.vio.configuration import EthernetAdapter, FibreChannelAdapter, ScsiAdapter

    from .compose import Composition
    from .savefile import Opening, Progress
    from .saving import Saved
    from .storage_network import StorageNetwork
    from .study import Hook
    from .trace import Tracer

    HookT = TypeVar("HookT", bound=Hook)

__all__ = ["CPU_MODES", "Ended", "Machine", "Partition", "StateError", "Timeout"]


class Machine(Closing):
    """A machine and its partitions; `close` it, or use it in `with`.

    `epoch` is the time of day the partitions start at, in seconds since 1970 (UTC); without it,
    the host's.  `seed` feeds everything random.  `tracers` watch every partition.
    """

    def __init__(
        self, *, epoch: int | None = None, seed: int = 0, tracers: tuple[Tracer, ...] = ()
    ) -> None:
        self.epoch = host_epoch() if epoch is None else epoch
        self.seed = seed
        self.partitions: list[Partition] = []
        self._tracers = tracers
        self._library = MediaLibrary()
        self.storage_network: StorageNetwork | None = None
        """Once something was connected to it."""
        self.network = Network()
        self._study = Study(call_names)

    def add_partition(
        self,
        name: str = "",
        *,
        memory: str | int = "1G",
        processors: int = 1,
        interleaving: int | None = None,
        cpu_mode: str = DEFAULT_CPU_MODE,
        mmu: str = "auto",
        interrupts: str = "xics",
        clock: str = "counted",
        reboot: bool = True,
        nvram: Path | None = None,
        dump_to: Path | None = None,
        consoles: Sequence[ConsoleAdapter] = (ConsoleAdapter(),),
        scsi: Sequence[ScsiAdapter] = (),
        ethernet: Sequence[EthernetAdapter] = (),
        fibre_channel: Sequence[FibreChannelAdapter] = (),
    ) -> Partition:
        """A new partition, switched on and with nothing booted.

        `memory` is a size such as "512M", or bytes.  `processors` virtual processors (1 to 32)
        take turns; `interleaving` is a seed for other orders than the usual one.  `cpu_mode` is the
        highest processor compatibility mode on offer: one of `CPU_MODES`, "power8" for example.
        `mmu` is "hash" or "radix" to offer only hashed page tables or only radix trees.
        `interrupts` says which interrupt controllers are: "xics", "xive" (from POWER9 on), "auto".
        `clock` "host" lets its time be the host's while it runs, instead of counting instructions:
        it runs faster, and no run repeats another.
        With `reboot` False a guest that reboots ends its run instead.  `nvram` is a file that keeps
        the partition's NVRAM between runs; `NvramFileError` where it cannot.  A guest that crashes
        is dumped to `dump_to`, as `Partition.dump` does it.  `scsi` are virtual SCSI adapters and
        the files behind them, which must not be in use elsewhere: `MediaError`.  `ethernet` are
        virtual Ethernet adapters, each in one of the machine's switches; `fibre_channel` are
        virtual Fibre Channel adapters, each in a fabric of `storage_network`.
        `consoles` are virtual terminals; those at a socket or a file raise `ConsoleError` where
        that cannot be.
        """
        file = None if nvram is None else NvramFile(nvram)
        number = len(self.partitions) + 1
        configuration = PartitionConfiguration(
            name=name or f"partition{number}",
            number=number,
            memory_bytes=memory_size(memory),
            virtual_processors=processors,
            interleaving=interleaving,
            isa_level=cpu_mode_level(cpu_mode),
            mmu=Mmu(mmu),
            interrupts=InterruptOffer(interrupts),
            clock=Clock(clock),
            consoles=tuple(consoles),
            scsi_adapters=tuple(scsi),
            ethernet_adapters=tuple(ethernet),
            fibre_channel_adapters=tuple(fibre_channel),
        )
        partition = Partition(
            configuration,
            epoch=self.epoch,
            seed=self.seed,
            reboot=reboot,
            prepare=self._prepare,
            settle=self._settle,
            library=self._library,
            network=self.network,
            storage_network=self._fabrics() if fibre_channel else self.storage_network,
        )
        if file is not None:
            partition.use_nvram(file)
        if dump_to is not None:
            partition.crash_listeners.append(partial(partition.dump, dump_to))
        self.partitions.append(partition)
        return partition

    def connect(self, adapter: SharedEthernet) -> None:
        """Give a virtual switch a way to the outside; `LinkError` where that cannot be had.

        With one that is nat or a TAP device, idle time takes its real duration, and no run
        repeats another.
        """
        self.network.connect(adapter)

    def connect_storage(self, definition: SanDefinition) -> None:
        """Have fabrics and storage, besides those there are.

        Partitions find what they name when they are added.  Raises `MediaError` where a file
        cannot be used, `FabricError` for a fabric that is not there.
        """
        self._fabrics().build(definition)

    def _rebuild_storage(self, definition: SanDefinition) -> None:
        """Have what a saved partition had; `StateError` where that cannot be."""
        from hypervisor.san.fabric import FabricError

        from .raw_file import MediaError

        try:
            self._fabrics().build(definition)
        except (MediaError, FabricError) as wrong:
            raise StateError(str(wrong)) from None

    def _fabrics(self) -> StorageNetwork:
        if self.storage_network is None:
            from .storage_network import StorageNetwork  # most machines have none

            serial = PartitionConfiguration().serial
            self.storage_network = StorageNetwork(self._library, serial)
        return self.storage_network

    def serve(self, service: BootService) -> BootServer:
        """Have a boot server in a virtual switch give out what is in a directory, by TFTP.

        Partitions find it when they boot from "net"; it is to be there before them.  Raises
        `BootFilesError`.
        """
        return self.network.serve(service)

    def restore(
        self, source: Path | str | Opening, *, progress: Progress = lambda done: None
    ) -> Partition:
        """The partition saved in the file `source`, to run on as it would have.

        It brings its own configuration, time of day and random numbers along.  Raises
        `StateError` where the file is none, is damaged, or is of another version.
        """
        from .saving import SavedPartition

        with SavedPartition(Path(source) if isinstance(source, str) else source, progress) as file:
            return self._add(file.saved, f"{file.path}: ")

    def clone(self, partition: Partition) -> Partition:
        """A second partition that is what `partition` is now, to the last register.

        The two share the pages of storage that neither has changed since.  Even the name and the
        number are the same: the guest knows them.
        """
        from .saving import snapshot

        if partition.media.writable:
            raise StateError("a clone would share the disks of its original: have them read-only")
        if partition.configuration.fibre_channel_adapters:
            raise StateError("a clone would have the port names of its original in the fabric")
        copy = snapshot(partition.composition, *partition.run_state())
        return self._add(copy, "", twin=True)

    def _add(self, saved: Saved, where: str, *, twin: bool = False) -> Partition:
        number, san = saved.state.configuration.number, saved.state.san
        if not twin and any(p.configuration.number == number for p in self.partitions):
            raise StateError(f"{where}this machine has a partition number {number} already")
        rebuilt = self.storage_network is None and bool(san.fabrics)
        try:
            if rebuilt:
                self._rebuild_storage(san)
            partition = Partition(
                saved.state.configuration,
                epoch=self.epoch,
                seed=self.seed,
                reboot=True,
                prepare=self._prepare,
                settle=self._settle,
                saved=saved,
                library=self._library,
                network=self.network,
                storage_network=self.storage_network,
            )
        except StateError as wrong:
            if rebuilt and self.storage_network is not None:
                self.storage_network.close()
                self.storage_network = None
            raise StateError(f"{where}{wrong}") from None
        self.partitions.append(partition)
        return partition

    def _prepare(self, partition: Partition, composition: Composition) -> None:
        """Put scripts and traces between a partition just built and its calls."""
        if self._study.begun:
            self._look_on(partition, composition)
        for tracer in self._tracers:
            tracer.attach(partition, composition)

    def _look_on(self, partition: Partition, composition: Composition) -> None:
        """Let scripts see the partition's calls, before traces do."""
        scripts = Interceptor(self._study, partition)
        composition.partition.hcalls.interceptors.insert(0, scripts)
        composition.firmware.rtas.interceptors.insert(0, scripts)
        composition.firmware.services.interceptors.insert(0, scripts)

    def _settle(self) -> None:
        """A window is over: let traces write out what they hold."""
        for tracer in self._tracers:
            tracer.settle()

    # -- studying calls --------------------------------------------------------------------

    def before(self, call: str | int) -> Callable[[HookT], HookT]:
        """Decorate a function to run before each `call`, with its `Event`.

        It may change the event's arguments, or raise `HcallError` to refuse the call.
        """
        return self._hook(Moment.BEFORE, call)

    def replace(self, call: str | int) -> Callable[[HookT], HookT]:
        """Decorate a function to run instead of `call`; it gives the results."""
        return self._hook(Moment.REPLACE, call)

    def after(self, call: str | int) -> Callable[[HookT], HookT]:
        """Decorate a function to run after each `call`; it may change code and results."""
        return self._hook(Moment.AFTER, call)

    def _hook(self, moment: Moment, call: str | int) -> Callable[[HookT], HookT]:
        self._study.check(call)

        def register(hook: HookT) -> HookT:
            if not self._study.begun:
                for partition in self.partitions:
                    with suppress(ClosedError):
                        self._look_on(partition, partition.composition)
            self._study.add(moment, call, hook)
            return hook

        return register

    # -- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """Release what the partitions hold of the host."""
        with ExitStack() as each:  # one that cannot save its NVRAM does not keep the others open
            each.callback(self.network.close)
            if self.storage_network is not None:
                each.callback(self.storage_network.close)
            for partition in self.partitions:
                each.callback(partition.close)
