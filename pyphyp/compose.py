"""What a partition is built of: the one list of hcall groups, adapters and firmware.

Importing a module registers nothing; what stands here is what a partition may call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.values import frozen
from firmware import client_services, services, stubs
from firmware.boot import PlatformFirmware
from hypervisor import (
    capacity_calls,
    debug_registers,
    energy,
    logical_access,
    page_init,
    page_table_block,
    page_table_calls,
    page_table_resize,
    performance,
    platform,
    process_table,
    processor_mode,
    splpar,
    system_reset,
    watchdog,
    xics,
    xive_hcalls,
)
from hypervisor.abi import Mmu
from hypervisor.hcall import HcallTable
from hypervisor.network.frame import MacAddress
from hypervisor.network.switch import Port, VirtualSwitch
from hypervisor.partition import Partition
from hypervisor.scsi.command import Nexus
from hypervisor.vio import adapter, crq, lan_calls, tce, vty
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.vscsi import VscsiServer

if TYPE_CHECKING:
    from hypervisor.capacity import CapacityManager
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.scsi.target import Targets
    from hypervisor.vio.configuration import EthernetAdapter
    from hypervisor.vio.vty import ClientTerminal

    from .media import Media
    from .network import Network

PAGE_TABLE_GROUPS = (
    page_table_calls.hcalls,
    page_table_resize.hcalls,
    page_table_block.hcalls,
)
"""What only a partition with a hashed page table has."""
HCALL_GROUPS = (
    vty.hcalls,
    adapter.hcalls,
    tce.hcalls,
    crq.hcalls,
    lan_calls.hcalls,
    xics.hcalls,
    xive_hcalls.hcalls,
    splpar.hcalls,
    capacity_calls.hcalls,
    system_reset.hcalls,
    processor_mode.hcalls,
    debug_registers.hcalls,
    logical_access.hcalls,
    process_table.hcalls,
    page_init.hcalls,
    *PAGE_TABLE_GROUPS,
    platform.hcalls,
    performance.hcalls,
    energy.hcalls,
    watchdog.hcalls,
    stubs.hcalls,
)


@frozen
class Composition:
    """A partition with everything that belongs to it; `close` releases the host's resources."""

    partition: Partition
    firmware: PlatformFirmware
    consoles: tuple[ClientTerminal, ...]
    """In the order of the configuration; the first is the one that firmware uses."""
    scsi_servers: tuple[VscsiServer, ...] = ()
    ports: tuple[Port, ...] = ()

    @property
    def console(self) -> ClientTerminal:
        return self.consoles[0]

    def unplug(self) -> None:
        """Leave the switches: no frame is sent or received any more."""
        for port in self.ports:
            port.unplug()

    def close(self) -> None:
        self.unplug()
        self.partition.close()


def call_names() -> frozenset[str]:
    """The names of everything a partition's guest may call."""
    hcalls = (call.name for group in HCALL_GROUPS for call in group)
    rtas = (call.name for group in services.ALL for call in group)
    client = (service.name for group in client_services.ALL for service in group)
    return frozenset((*hcalls, *rtas, *client))


def hcalls_of(configuration: PartitionConfiguration) -> HcallTable:
    """The hcalls that a partition may make."""
    interrupts = configuration.interrupt_offer
    absent = (
        *(PAGE_TABLE_GROUPS if configuration.mmu is Mmu.RADIX else ()),
        *(() if interrupts.includes_xics else (xics.hcalls,)),
        *(() if interrupts.includes_xive else (xive_hcalls.hcalls,)),
    )
    return HcallTable(*(group for group in HCALL_GROUPS if group not in absent))


def compose(
    configuration: PartitionConfiguration,
    *,
    epoch: int,
    seed: int,
    before: PlatformFirmware | None = None,
    media: Media | None = None,
    capacity: CapacityManager | None = None,
    network: Network | None = None,
) -> Composition:
    """A partition as it stands before its first instruction.

    `before` is the firmware of its last boot: it leaves the NVRAM and what it had to report.
    `media` are the logical units of its configuration's adapters, `capacity` gives it its
    processors; without one it has one of its own.
    """
    partition = Partition(
        configuration, hcalls_of(configuration), epoch=epoch, seed=seed, capacity=capacity
    )
    consoles = tuple(
        partition.virtual_io.add_terminal(Slot(its.slot), its.protocol)
        for its in configuration.consoles
    )
    servers = tuple(
        _scsi_server(partition, Slot(its.slot), media.targets[its.slot])
        for its in configuration.scsi_adapters
        if media is not None
    )
    ports = tuple(_plugged_in(partition, its, network) for its in configuration.ethernet_adapters)
    firmware = PlatformFirmware(partition, nvram=None if before is None else before.nvram)
    if before is not None:
        firmware.error_logs.continue_from(before.error_logs)
    return Composition(partition, firmware, consoles, servers, ports)


def _plugged_in(partition: Partition, its: EthernetAdapter, network: Network | None) -> Port:
    """An Ethernet adapter, in its switch."""
    address = MacAddress(partition.configuration.address_of(its))
    adapter = partition.virtual_io.add_lan(Slot(its.slot), address, its.allowed)
    name = f"{partition.configuration.name}/{its.slot}"
    if network is not None:
        return network.plug_in(adapter, its, name)
    adapter.port = VirtualSwitch().attach(adapter, its.settings, name)
    return adapter.port


def _scsi_server(partition: Partition, slot: Slot, targets: Targets) -> VscsiServer:
    """A client adapter, and the hypervisor as its Virtual I/O Server."""
    client = partition.virtual_io.add_crq_adapter(AdapterKind.CLIENT_SCSI, slot)
    nexus = Nexus(f"{partition.configuration.number}:{slot.number}")
    return VscsiServer(client, targets, nexus)
