"""Firmware of one partition, and how it starts a kernel.

Two ways: as a client program of the firmware, which finds everything through the client interface
(what machines do); or directly, with a flattened tree (no firmware code runs at all).  Either way
the kernel is entered big-endian and in real mode; a little-endian one changes over by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from emu.bits import MSR
from emu.memory import MIB
from emu.values import frozen
from hypervisor.abi import H, HcallError

from . import boot_devices, cas, client_services, elf, platform_tree, services, stubs
from .block_devices import block_devices
from .claims import ClaimError, Claims
from .client_interface import ClientInterface, ServiceTable
from .compatibility import modes_up_to
from .device_tree import cells, cells64, flatten, number_nodes, string
from .error_logs import ErrorLogs
from .firmware_state import ClientState, FirmwareState, rebuild_tree, tree_state
from .injection import InjectionFacility
from .instances import Instances
from .lamps import Lamps
from .machine_check import as_registers
from .network_devices import network_devices
from .nvram import Nvram
from .rtas import RtasTable
from .vio_nodes import adapter_node

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.nonmaskable import MachineCheck
    from hypervisor.partition import Partition
    from hypervisor.processor import VirtualProcessor
    from hypervisor.vio.adapter import Slot

    from .boot_devices import BootDevice
    from .device_tree import Node
    from .machine_check import Fault

BootError = elf.BootError
T = TypeVar("T")

FIRMWARE_BYTES = 64 * 1024
"""Storage from 0 on that firmware keeps while a client program runs."""
CLIENT_ENTRY = 0x8000
STACK_TOP = FIRMWARE_BYTES
FRAME_BYTES = 128
CLIENT_BASE = 4 * MIB + 64 * 1024
"""Where a kernel linked at 0 is loaded as a client program.

It copies itself down to 0 later, page by page; at a distance that is no power of two, source and
destination do not compete for the same entries of the engine's translation cache.
"""
PAGE_BYTES = 64 * 1024
ENDS_BELOW = 1 << 32


@frozen
class BootImage:
    """What to boot: an ELF kernel, an initial file system, arguments; and which way."""

    kernel: bytes
    initrd: bytes | None = None
    bootargs: str = ""
    direct: bool = False


class PlatformFirmware:
    """The firmware of `partition`; becomes its `firmware`.  `nvram` outlives partitions."""

    hcalls = stubs.hcalls

    def __init__(self, partition: Partition, *, nvram: Nvram | None = None) -> None:
        self.partition = partition
        self.nvram = Nvram() if nvram is None else nvram
        self.error_logs = ErrorLogs(partition.interrupts, self._time_of_day)
        self.lamps = Lamps.of(partition.configuration)
        self.injection = InjectionFacility()
        self.rtas = RtasTable(*services.ALL)
        self.services = ServiceTable(*client_services.ALL)
        function_sets = partition.hcalls.function_sets()
        self.offer = cas.Offer(
            memory_mib=partition.configuration.memory_bytes // MIB,
            processors=len(partition.processors),
            shared_processors="hcall-splpar" in function_sets,
            modes=modes_up_to(partition.configuration.isa_level),
            mmu=partition.configuration.mmu,
            interrupts=partition.interrupts.offer,
            shootdown_by_hcall="hcall-rpt-invalidate" in function_sets,
        )
        partition.engine.set_isa_level(partition.configuration.isa_level)
        self.block_devices = block_devices(partition)
        self.network_devices = network_devices(partition)
        self.tree = self._build_tree()
        self._client: ClientInterface | None = None
        partition.firmware = self

    def _time_of_day(self) -> float:
        return self.partition.time_of_day.now(self.partition.time_base)

    # -- what the hypervisor calls -----------------------------------------------------------

    def call_rtas(self, processor: VirtualProcessor, block: int) -> None:
        self.rtas.dispatch(processor, self, block)

    def call_client_interface(self, processor: VirtualProcessor, block: int) -> None:
        if self._client is None:
            raise HcallError(H.FUNCTION, "no client program was booted")
        self.services.dispatch(processor, self._client, block)

    # -- what the platform finds -------------------------------------------------------------

    def machine_check(self, fault: Fault, processor: int, address: int, *, recovered: bool) -> None:
        """A processor finds a fault at an effective address; `recovered`: nothing was lost."""
        found = self._found(fault, processor, address, recovered=recovered)
        self.partition.nonmaskable.machine_check(self.partition.processors[processor], found)

    def defer_machine_check(
        self, fault: Fault, processor: int, address: int, *, recovered: bool
    ) -> bool:
        """The caller finds a fault once it has gone on; False where it waits for one already."""
        found = self._found(fault, processor, address, recovered=recovered)
        return self.partition.nonmaskable.defer(self.partition.processors[processor], found)

    def _found(
        self, fault: Fault, processor: int, address: int, *, recovered: bool
    ) -> MachineCheck:
        log = self.error_logs.machine_check(fault, processor, address, recovered=recovered)
        return as_registers(fault, address, log)

    # -- adapters that come and go -----------------------------------------------------------

    def adapter_comes(self, slot: Slot) -> None:
        """Have a node for what is in a virtual slot, if there is none yet."""
        adapter = self.partition.virtual_io.bus.adapter(slot.unit)
        if self.adapter_node(slot) is None:
            self.tree.at("/vdevice").add(adapter_node(adapter, self.partition))
            number_nodes(self.tree, platform_tree.FIRST_HANDLE)

    def adapter_leaves(self, slot: Slot) -> None:
        """Its node goes."""
        if (node := self.adapter_node(slot)) is not None:
            node.remove()
            if self._client is not None:
                self._client.instances.forget(node)

    def adapter_node(self, slot: Slot) -> Node | None:
        """The node of what is in a virtual slot."""
        unit = f"{slot.unit:x}"
        children = self.tree.at("/vdevice").children
        return next((node for node in children if node.unit == unit), None)

    def list_devices(self) -> None:
        """Look again which disks, drives and networks there are."""
        partition = self.partition
        _follow(self.block_devices, block_devices(partition))
        _follow(self.network_devices, network_devices(partition))

    # -- state -------------------------------------------------------------------------------

    def state(self) -> FirmwareState:
        client = self._client
        return FirmwareState(
            tree=tree_state(self.tree),
            nvram=self.nvram.state(),
            error_logs=self.error_logs.state(),
            lamps=self.lamps.state(),
            injection=self.injection.state(),
            client=None
            if client is None
            else ClientState(
                client.claims.state(),
                client.instances.state(self.tree),
                client.property_bytes_left,
                client.report_area,
                client.answered_at,
            ),
            rtas=dict(self.rtas.counts),
            services=dict(self.services.counts),
        )

    def restore(self, state: FirmwareState) -> None:
        """Become what `state` says; raises `StateError` or `ClaimError`."""
        self.nvram.restore(state.nvram)
        self.error_logs.restore(state.error_logs)
        self.lamps.restore(state.lamps)
        self.injection.restore(state.injection)
        self.tree = rebuild_tree(state.tree)
        self._client = None
        self._reset_networks()
        if (its := state.client) is not None:
            client = self._client = self._new_client(Claims(self.partition.memory.size))
            client.claims.restore(its.claims)
            client.instances.restore(its.instances, self.tree)
            for instance in client.instances:
                if (network := client.network_device(instance.node)) is not None:
                    network.open()
            client.property_bytes_left = its.property_bytes_left
            client.report_area = its.report_area
            client.answered_at = its.answered_at
        for counts, saved in (
            (self.rtas.counts, state.rtas),
            (self.services.counts, state.services),
        ):
            counts.clear()
            counts.update(saved)

    # -- booting -----------------------------------------------------------------------------

    def boot(self, image: BootImage) -> None:
        """Load `image` and set the processor to its entry; `BootError` if it cannot be."""
        self._client = None
        self._reset_networks()
        self.tree = self._build_tree()
        self.tree.at("/chosen").properties["bootargs"] = string(image.bootargs)
        kernel = elf.parse(image.kernel)
        if image.direct:
            self._boot_direct(kernel, image)
        else:
            self._boot_as_client(kernel, image.initrd or b"")

    def boot_from_device(self, specifiers: str = "", bootargs: str | None = None) -> None:
        """Boot the program that a disk or disc holds or a server gives; `BootError` if none does.

        `specifiers`, apart by blanks, are tried in their order (see `boot_devices`); without any,
        boot-device in NVRAM says which.  `bootargs` come from boot-file there, if not given.
        """
        self._client = None
        self._reset_networks()
        self.tree = self._build_tree()
        settings = self.nvram.variables()
        wanted = specifiers or settings.get("boot-device", "")
        devices: dict[str, BootDevice] = {**self.block_devices, **self.network_devices}
        program = boot_devices.search(devices, self.tree, wanted)
        chosen = self.tree.at("/chosen").properties
        chosen["bootpath"] = string(program.path)
        if program.bootp_reply:
            chosen["bootp-response"] = program.bootp_reply
        chosen["bootargs"] = string(settings.get("boot-file", "") if bootargs is None else bootargs)
        self._boot_as_client(elf.parse(program.image), b"")

    def _build_tree(self) -> Node:
        root = platform_tree.build(self.partition, self.rtas, self.offer, len(self.nvram))
        names = root.at("/aliases").properties
        devices: dict[str, BootDevice] = {**self.block_devices, **self.network_devices}
        names |= {name: string(path) for name, path in boot_devices.aliases(devices)}
        return root

    def _reset_networks(self) -> None:
        for device in self.network_devices.values():
            device.reset()

    def _boot_as_client(self, kernel: elf.Executable, initrd: bytes) -> None:
        memory = self.partition.memory
        base = 0 if kernel.start >= FIRMWARE_BYTES else CLIENT_BASE
        kernel.load(memory, base)
        at = self._place(initrd, base + kernel.end, "the initial file system") if initrd else 0
        kept = ((base + kernel.start, kernel.end - kernel.start), (at, len(initrd)))
        self.serve_client(CLIENT_ENTRY, ((0, FIRMWARE_BYTES), *kept))
        self._enter(
            base + kernel.entry,
            r1=STACK_TOP - FRAME_BYTES,
            r3=at,
            r4=len(initrd),
            r5=CLIENT_ENTRY,
            wide=kernel.bits == 64,
        )

    def serve_client(self, entry: int, kept: Iterable[tuple[int, int]]) -> None:
        """Offer the client interface, its entry point at `entry`, to the program to be started.

        `kept` names the storage, as (address, length), that its claims must leave alone;
        `BootError` where two pieces overlap.
        """
        memory = self.partition.memory
        memory.write(entry, stubs.entry(stubs.CLIENT_INTERFACE_CALL))
        claims = Claims(memory.size)
        try:
            for address, length in kept:
                if length:
                    claims.claim_at(address, length)
        except ClaimError as taken:
            raise BootError(
                f"{taken}: a kernel must lie below 4 GiB, apart from firmware"
            ) from None
        self._client = self._new_client(claims)
        client_services.publish_available(self._client)
        self._open_console(self._client)

    def _new_client(self, claims: Claims) -> ClientInterface:
        return ClientInterface(
            self.partition,
            self.tree,
            claims,
            Instances(),
            self.services,
            self.offer,
            self.block_devices,
            self.network_devices,
        )

    def _boot_direct(self, kernel: elf.Executable, image: BootImage) -> None:
        kernel.load(self.partition.memory, 0)
        chosen, rtas = self.tree.at("/chosen").properties, self.tree.at("/rtas").properties
        chosen["ibm,architecture-vec-5"] = self.offer.vector_5()
        end = kernel.end
        if image.initrd:
            start = self._place(image.initrd, end, "the initial file system")
            end = start + len(image.initrd)
            chosen["linux,initrd-start"] = cells64(start)
            chosen["linux,initrd-end"] = cells64(end)
        entry = stubs.entry(stubs.RTAS_CALL).ljust(platform_tree.RTAS_BYTES, b"\0")
        at = self._place(entry, end, "RTAS")
        self.partition.nonmaskable.area = at + stubs.RTAS_SAVE_AREA
        rtas["linux,rtas-base"] = rtas["linux,rtas-entry"] = cells(at)
        blob = flatten(self.tree, reservations=((at, len(entry)),))
        self._enter(kernel.entry, r3=self._place(blob, at + len(entry), "the device tree"))

    def _place(self, data: bytes, above: int, what: str) -> int:
        """Write `data` to the next page boundary at or above `above`; gives the address."""
        address = -(-above // PAGE_BYTES) * PAGE_BYTES
        end = address + len(data)
        if end > ENDS_BELOW or not self.partition.memory.contains(address, len(data)):
            raise BootError(
                f"{what} ({len(data):#x} bytes) does not fit at {address:#x}, behind the kernel, "
                f"in {self.partition.memory.size:#x} bytes of storage: more memory is needed"
            )
        self.partition.memory.write(address, data)
        return address

    def _open_console(self, client: ClientInterface) -> None:
        """The instances a client program finds open, by their handles in /chosen."""
        console, memory = self.tree.find("/vdevice/vty"), self.tree.at("/memory@0")
        processor = self.tree.at("/cpus").children[0]
        devices = {
            "stdin": console,
            "stdout": console,
            "memory": memory,
            "mmu": processor,
            "cpu": processor,
        }
        chosen = self.tree.at("/chosen").properties
        for name, node in devices.items():
            if node and (instance := client.instances.open(node)):
                chosen[name] = cells(instance.handle)

    def _enter(
        self, address: int, *, r3: int, r1: int = 0, r4: int = 0, r5: int = 0, wide: bool = True
    ) -> None:
        """`wide`: with 64-bit addresses."""
        registers = self.partition.processors[0].registers
        for number in range(32):
            registers.set_gpr(number, 0)
        for number, value in ((1, r1), (3, r3), (4, r4), (5, r5)):
            registers.set_gpr(number, value)
        registers.msr = MSR(0).replace(SF=int(wide), ME=1)
        registers.nip = address


def _follow(known: dict[str, T], found: dict[str, T]) -> None:
    """Keep of the `known` those that are still found, and know the others, too."""
    for path in known.keys() - found.keys():
        del known[path]
    for path, device in found.items():
        known.setdefault(path, device)
