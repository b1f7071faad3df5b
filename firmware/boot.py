"""Firmware of one partition.

What only a program that starts needs (`loading`, the client interface) and the RTAS calls are
loaded with the first that asks for them: a restored partition that runs may never.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from emu.memory import MIB
from emu.values import frozen
from hypervisor.abi import H, HcallError

from . import cas, stubs
from .claims import Claims
from .client_interface import ServiceTable
from .compatibility import modes_up_to
from .device_tree import number_nodes
from .error_logs import ErrorLogs
from .firmware_state import ClientState, FirmwareState, rebuild_tree, tree_state
from .injection import InjectionFacility
from .instances import Instances
from .lamps import Lamps
from .machine_check import as_registers
from .nvram import Nvram
from .rtas import RtasTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.nonmaskable import MachineCheck
    from hypervisor.partition import Partition
    from hypervisor.processor import VirtualProcessor
    from hypervisor.vio.adapter import Slot

    from .block_devices import BlockDevice
    from .client_interface import ClientInterface, ServiceGroup
    from .device_tree import Node
    from .machine_check import Fault
    from .network_devices import NetworkDevice
    from .rtas import RtasGroup

T = TypeVar("T")


def _client_services() -> Iterable[ServiceGroup]:
    from .client_services import ALL

    return ALL


def _rtas_calls() -> Iterable[RtasGroup]:
    from .services import ALL

    return ALL


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
        self.rtas = RtasTable(_rtas_calls)
        self.services = ServiceTable(_client_services)
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
        self._tree: Node | None = None
        self.client: ClientInterface | None = None
        """What firmware keeps for a program that uses the client interface, if one does."""
        partition.firmware = self

    @property
    def tree(self) -> Node:
        """The device tree."""
        if self._tree is None:
            from .loading import build_tree

            self._tree = build_tree(self)
        return self._tree

    @cached_property
    def block_devices(self) -> dict[str, BlockDevice]:
        """The disks and drives there are, by the path of their node."""
        return self._find_block_devices()

    @cached_property
    def network_devices(self) -> dict[str, NetworkDevice]:
        """The Ethernet adapters there are, by the path of their node."""
        return self._find_network_devices()

    def _find_block_devices(self) -> dict[str, BlockDevice]:
        from .block_devices import block_devices

        return block_devices(self.partition)

    def _find_network_devices(self) -> dict[str, NetworkDevice]:
        from .network_devices import network_devices

        return network_devices(self.partition)

    def _time_of_day(self) -> float:
        return self.partition.time_of_day.now(self.partition.time_base)

    # -- what the hypervisor calls -----------------------------------------------------------

    def call_rtas(self, processor: VirtualProcessor, block: int) -> None:
        self.rtas.dispatch(processor, self, block)

    def call_client_interface(self, processor: VirtualProcessor, block: int) -> None:
        if self.client is None:
            raise HcallError(H.FUNCTION, "no client program was booted")
        self.services.dispatch(processor, self.client, block)

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
        from . import platform_tree
        from .vio_nodes import adapter_node

        adapter = self.partition.virtual_io.bus.adapter(slot.unit)
        if self.adapter_node(slot) is None:
            self.tree.at("/vdevice").add(adapter_node(adapter, self.partition))
            number_nodes(self.tree, platform_tree.FIRST_HANDLE)

    def adapter_leaves(self, slot: Slot) -> None:
        """Its node goes."""
        if (node := self.adapter_node(slot)) is not None:
            node.remove()
            if self.client is not None:
                self.client.instances.forget(node)

    def adapter_node(self, slot: Slot) -> Node | None:
        """The node of what is in a virtual slot."""
        unit = f"{slot.unit:x}"
        children = self.tree.at("/vdevice").children
        return next((node for node in children if node.unit == unit), None)

    def list_devices(self) -> None:
        """Look again which disks, drives and networks there are."""
        if "block_devices" in vars(self):
            _follow(self.block_devices, self._find_block_devices())
        if "network_devices" in vars(self):
            _follow(self.network_devices, self._find_network_devices())

    # -- state -------------------------------------------------------------------------------

    def state(self) -> FirmwareState:
        client = self.client
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
        self._tree = rebuild_tree(state.tree)
        self.client = None
        self._reset_networks()
        if (its := state.client) is not None:
            client = self.serve(Claims(self.partition.memory.size))
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
        from .loading import load_image

        self._begin_anew()
        load_image(self, image)

    def boot_from_device(self, specifiers: str = "", bootargs: str | None = None) -> None:
        """Boot the program that a disk or disc holds or a server gives; `BootError` if none does.

        `specifiers`, apart by blanks, are tried in their order (see `boot_devices`); without any,
        boot-device in NVRAM says which.  `bootargs` come from boot-file there, if not given.
        """
        from .loading import load_from_device

        self._begin_anew()
        load_from_device(self, specifiers, bootargs)

    def _begin_anew(self) -> None:
        self.client = self._tree = None
        self._reset_networks()

    def _reset_networks(self) -> None:
        """Nobody has any open; nobody had where they were not even looked for."""
        for device in vars(self).get("network_devices", {}).values():
            device.reset()

    def serve(self, claims: Claims) -> ClientInterface:
        """Have a client program, which finds this storage claimed."""
        from .client_interface import ClientInterface

        self.client = ClientInterface(
            self.partition,
            self.tree,
            claims,
            Instances(),
            self.services,
            self.offer,
            self.block_devices,
            self.network_devices,
        )
        return self.client


def _follow(known: dict[str, T], found: dict[str, T]) -> None:
    """Keep of the `known` those that are still found, and know the others, too."""
    for path in known.keys() - found.keys():
        del known[path]
    for path, device in found.items():
        known.setdefault(path, device)
