"""The options that all commands share that run a guest."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emu.clock import Clock
from emu.isa_level import IsaLevel
from emu.values import frozen
from hypervisor.abi import MAXIMUM_PROCESSORS, InterruptOffer, Mmu
from hypervisor.network.switch import DEFAULT_SWITCH
from hypervisor.vio.configuration import (
    FIRST_FREE_SLOT,
    ConsoleAdapter,
    EthernetAdapter,
    Medium,
    ScsiAdapter,
    ScsiUnit,
)
from pyphyp.cpu_modes import CPU_MODES, DEFAULT_CPU_MODE, cpu_mode_level

from .tape_values import TapeFileName
from .values import (
    TRACE_KINDS,
    ConsoleWords,
    DiskFileName,
    Epoch,
    GdbAddress,
    MemorySize,
    Network,
    Traced,
    TraceKinds,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self, TypeVar

    from hypervisor.network.shared_ethernet import SharedEthernet
    from hypervisor.vio.configuration import FibreChannelAdapter
    from pyphyp.api import Machine
    from pyphyp.disk_files import DiskFile
    from pyphyp.partition import Partition
    from pyphyp.tapes import TapeName

    CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@frozen
class MachineOptions:
    """What the options about the machine itself say."""

    memory: int
    processors: int
    interleave: int | None
    cpu_mode: str
    mmu: str
    interrupts: str
    clock: str
    disk: tuple[DiskFile, ...]
    cdrom: tuple[Path, ...]
    console: tuple[ConsoleAdapter, ...]
    net: tuple[SharedEthernet, ...]
    netboot: Path | None
    tape: tuple[TapeName, ...]
    fc: tuple[DiskFile, ...]
    epoch: int | None
    seed: int

    @classmethod
    def take(cls, parameters: dict[str, Any]) -> Self:
        """Take the shared options out of a command's parameters."""
        taken = cls(**{f.name: parameters.pop(f.name) for f in fields(cls)})
        old = cpu_mode_level(taken.cpu_mode) < IsaLevel.V3_0
        if taken.interrupts == "xive" and old:
            raise click.UsageError("--interrupts xive needs --cpu-mode power9 or later")
        return taken

    def add_partition(
        self, machine: Machine, *, reboot: bool = True, nvram: Path | None = None
    ) -> Partition:
        """The partition they describe.

        `LinkError` or `BootFilesError` where its network cannot be had.
        """
        switches = [f"ETHERNET{n}" for n in range(len(self.net))]
        for switch, adapter in zip(switches, self.net, strict=True):
            machine.connect(replace(adapter, switch=switch))
        if self.netboot is not None:
            from hypervisor.network.boot_server import BootService
            from pyphyp.boot_files import directory_and_file

            machine.serve(BootService(*directory_and_file(self.netboot)))
            switches = switches or [DEFAULT_SWITCH]
        fibre_channel: list[FibreChannelAdapter] = []
        if self.fc:
            from .fc_values import fc_adapters, storage_of  # the network costs time to load

            machine.connect_storage(storage_of(self.fc))
            fibre_channel = fc_adapters()
        return machine.add_partition(
            memory=self.memory,
            processors=self.processors,
            interleaving=self.interleave,
            cpu_mode=self.cpu_mode,
            mmu=self.mmu,
            interrupts=self.interrupts,
            clock=self.clock,
            reboot=reboot,
            nvram=nvram,
            consoles=self._consoles(),
            scsi=self._scsi(),
            ethernet=[
                EthernetAdapter(slot, switch)
                for slot, switch in enumerate(switches, start=FIRST_FREE_SLOT + 1)
            ],
            fibre_channel=fibre_channel,
        )

    def _consoles(self) -> tuple[ConsoleAdapter, ...]:
        """Each in its slot; one at the terminal, if none is asked for."""
        return tuple(
            replace(its, slot=ConsoleAdapter.place(n))
            for n, its in enumerate(self.console or (ConsoleAdapter(),))
        )

    def _scsi(self) -> tuple[ScsiAdapter, ...]:
        """One adapter for all disks, drives and tapes, each a target of its own."""
        disks = [disk.unit(n) for n, disk in enumerate(self.disk)]
        drives = [
            ScsiUnit(Medium.OPTICAL, str(path), n, 0, True)
            for n, path in enumerate(self.cdrom, start=len(disks))
        ]
        first = len(disks) + len(drives)
        tapes = [tape.unit(n) for n, tape in enumerate(self.tape, start=first)]
        units = (*disks, *drives, *tapes)
        return (ScsiAdapter(FIRST_FREE_SLOT, units),) if units else ()


@frozen
class WatchOptions:
    """What the options about watching, saving and ending a run say."""

    trace: Traced | None
    trace_file: str | None
    trace_limit: int | None
    stats: bool
    stats_file: str | None
    timeout: float | None
    host_timeout: float | None
    no_reboot: bool
    gdb: tuple[str, int] | None
    symbols: Path | None
    nvram: Path | None
    dump_to: Path | None
    save_to: Path | None
    save_at: float | None
    save_plain: bool
    verbose: bool

    @classmethod
    def take(cls, parameters: dict[str, Any]) -> Self:
        """Take the shared options out of a command's parameters."""
        if parameters["save_at"] is not None and parameters["save_to"] is None:
            raise click.UsageError("--save-at needs --save-to FILE")
        return cls(**{f.name: parameters.pop(f.name) for f in fields(cls)})


@frozen
class RunOptions:
    """Those about the machine, and those about watching it."""

    machine: MachineOptions
    watch: WatchOptions

    @classmethod
    def take(cls, parameters: dict[str, Any]) -> Self:
        return cls(MachineOptions.take(parameters), WatchOptions.take(parameters))


_MACHINE_OPTIONS = (
    click.option(
        "--memory",
        type=MemorySize(),
        default="1G",
        show_default=True,
        help="Storage of the partition: 512M, 2G.",
    ),
    click.option(
        "--processors",
        type=click.IntRange(1, MAXIMUM_PROCESSORS),
        default=1,
        show_default=True,
        help="Virtual processors of the partition.",
    ),
    click.option(
        "--interleave",
        type=int,
        metavar="SEED",
        help="Let the virtual processors take other turns than the usual ones.",
    ),
    click.option(
        "--cpu-mode",
        type=click.Choice(CPU_MODES),
        default=DEFAULT_CPU_MODE,
        show_default=True,
        help="The highest processor compatibility mode the partition is offered.",
    ),
    click.option(
        "--mmu",
        type=click.Choice([mmu.value for mmu in Mmu]),
        default=Mmu.AUTO.value,
        show_default=True,
        help="Address translation that the guest is offered: hashed page tables, radix trees, "
        "or either.",
    ),
    click.option(
        "--interrupts",
        type=click.Choice([offer.value for offer in InterruptOffer]),
        default=InterruptOffer.XICS.value,
        show_default=True,
        help="Interrupt controller; auto: the one of both that the guest asks for.",
    ),
    click.option(
        "--clock",
        type=click.Choice([clock.value for clock in Clock]),
        default=Clock.COUNTED.value,
        show_default=True,
        help="What the guest's time follows: instructions, or the host's clock (faster; no run "
        "repeats another).",
    ),
    click.option(
        "--disk",
        type=DiskFileName(),
        multiple=True,
        metavar="FILE[,ro][,raw|,qcow2]",
        help="A virtual SCSI disk in a file or block device of the host; ro: not written to.  "
        "Names that end in .qcow2 are such images, others raw, unless it is said.",
    ),
    click.option(
        "--cdrom",
        type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
        multiple=True,
        metavar="ISO",
        help="A virtual optical drive with that image in it.",
    ),
    click.option(
        "--net",
        type=Network(),
        multiple=True,
        metavar="nat|tap:NAME|pcap:FILE",
        help="A virtual Ethernet adapter, and where it leads: nat,forward=tcp:2222:22 has the "
        "host's port 2222 be the guest's 22; with ,pcap=FILE all frames are kept.",
    ),
    click.option(
        "--netboot",
        type=click.Path(exists=True, resolve_path=True, path_type=Path),
        metavar="DIR|FILE",
        help="A boot server (BOOTP, TFTP) where the first Ethernet adapter leads: it gives out "
        "DIR, made by grub-mknetdir, or the directory of FILE, the program to boot.",
    ),
    click.option(
        "--console",
        type=ConsoleWords(),
        multiple=True,
        metavar="WORDS",
        help="A console, the first for firmware and Linux's hvc0: raw or hvsi (packets with "
        "modem signals), at the terminal, none, socket=PATH or file=PATH.  Several make hvc1 and "
        "so on; default: raw,terminal.",
    ),
    click.option(
        "--tape",
        type=TapeFileName(),
        multiple=True,
        metavar="FILE[,ro][,SIZE]",
        help="A virtual tape drive with that image in it (an empty file is a blank tape); SIZE: "
        "how much goes on it.",
    ),
    click.option(
        "--fc",
        type=DiskFileName(),
        multiple=True,
        metavar="FILE[,ro][,raw|,qcow2]",
        help="A disk in a storage network, behind a virtual Fibre Channel adapter (NPIV).",
    ),
    click.option(
        "--epoch",
        type=Epoch(),
        help="Time of day at power-on (seconds since 1970, or 2026-01-31T12:00:00); "
        "default: now.  Fixed, it makes runs repeatable.",
    ),
    click.option(
        "--seed", type=int, default=0, show_default=True, help="Seed of all that is random."
    ),
)
_WATCHING_OPTIONS = (
    click.option(
        "--trace",
        type=TraceKinds(),
        metavar="WHAT,...",
        help=f"Trace, decoded, on standard error: any of {','.join(TRACE_KINDS)}; or all.  "
        "At places only: insn:start_kernel, mem:jiffies+8, load: and store: alone, "
        "insn:0x4000-0x4100.",
    ),
    click.option(
        "--trace-file",
        type=click.Path(dir_okay=False),
        help="Write the trace there instead, as JSON lines (default: all but insn).",
    ),
    click.option(
        "--trace-limit",
        type=click.IntRange(min=1),
        metavar="COUNT",
        help="End the trace after so many records.",
    ),
    click.option("--stats", is_flag=True, help="Print what was counted, at the end."),
    click.option(
        "--stats-file",
        type=click.Path(dir_okay=False),
        help="Write the exact counts there, as JSON.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="End after so many seconds of the guest's time.",
    ),
    click.option(
        "--host-timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        help="End after so many seconds of the host's time.",
    ),
    click.option(
        "--gdb",
        type=GdbAddress(),
        metavar="[HOST:]PORT",
        help="Wait there for gdb before the first instruction (host: this one only).",
    ),
    click.option(
        "--symbols",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Names for backtraces: a System.map, or an ELF file with symbols.",
    ),
    click.option(
        "--save-to",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Where --save-at, and Ctrl-] s on a terminal, save the running partition.",
    ),
    click.option(
        "--save-at",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="Save the partition when so many seconds of its time have passed, and go on.",
    ),
    click.option(
        "--save-plain",
        is_flag=True,
        help="Do not compress what is saved: larger, and restored at once.",
    ),
    click.option("--no-reboot", is_flag=True, help="End when the guest reboots."),
    click.option(
        "--nvram",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Keep the partition's NVRAM in FILE, for its next run; made if it is not there.",
    ),
    click.option(
        "--dump-to",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="If the guest crashes, write its storage and registers to FILE, an ELF core.",
    ),
    click.option("-v", "--verbose", is_flag=True, help="Say what is done."),
)


def machine_options(command: CommandT) -> CommandT:
    """The options about the machine itself."""
    for option in reversed(_MACHINE_OPTIONS):
        command = option(command)
    return command


def watch_options(command: CommandT) -> CommandT:
    """The options about watching, saving and ending a run."""
    for option in reversed(_WATCHING_OPTIONS):
        command = option(command)
    return command


def run_options(command: CommandT) -> CommandT:
    """All of them."""
    return machine_options(watch_options(command))
