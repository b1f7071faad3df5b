"""What a partition is built of: the one list of hcall groups, adapters and firmware.

Importing a module registers nothing; what stands here is what a partition may call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.values import frozen
from firmware import stubs
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
from hypervisor.partition import Partition
from hypervisor.vio import adapter, crq, lan_calls, rdma, sub_crq, tce, vterm, vty

from .adapters import Adapters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.capacity import CapacityManager
    from hypervisor.configuration import PartitionConfiguration
    from hypervisor.vfc.server import VfcServer
    from hypervisor.vio.vscsi import VscsiServer
    from hypervisor.vio.vty import ClientTerminal

    from .media import Media
    from .network import Network
    from .pairs import Pairs
    from .storage_network import StorageNetwork

PAGE_TABLE_GROUPS = (
    page_table_calls.hcalls,
    page_table_resize.hcalls,
    page_table_block.hcalls,
)
"""What only a partition with a hashed page table has."""
HCALL_GROUPS = (
    vty.hcalls,
    vterm.hcalls,
    adapter.hcalls,
    tce.hcalls,
    crq.hcalls,
    rdma.hcalls,
    sub_crq.hcalls,
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
    adapters: Adapters

    @property
    def consoles(self) -> tuple[ClientTerminal, ...]:
        """By slot; the first is the one that firmware uses."""
        terminals = self.adapters.terminals
        return tuple(terminals[slot] for slot in sorted(terminals))

    @property
    def console(self) -> ClientTerminal:
        return self.consoles[0]

    @property
    def scsi_servers(self) -> tuple[VscsiServer, ...]:
        """By slot."""
        servers = self.adapters.servers
        return tuple(servers[slot] for slot in sorted(servers))

    @property
    def fc_servers(self) -> tuple[VfcServer, ...]:
        """By slot."""
        servers = self.adapters.fc_servers
        return tuple(servers[slot] for slot in sorted(servers))

    def unplug(self) -> None:
        """Nothing is sent to other partitions or received from them any more."""
        self.adapters.leave()

    def close(self) -> None:
        self.unplug()
        self.partition.close()


def call_names() -> frozenset[str]:
    """The names of everything a partition's guest may call."""
    from firmware import client_services, services

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
    pairs: Pairs | None = None,
    storage_network: StorageNetwork | None = None,
    unowned: Iterable[int] = (),
) -> Composition:
    """A partition as it stands before its first instruction.

    `before` is the firmware of its last boot: it leaves the NVRAM and what it had to report.
    `media` are the logical units of its configuration's adapters, `pairs` lead to other partitions'
    adapters, `network` has its switches, `storage_network` its fabrics, `capacity` gives it its
    processors; without one it has one of its own.  `unowned` are the slots whose adapter its guest
    does not have yet.
    """
    partition = Partition(
        configuration, hcalls_of(configuration), epoch=epoch, seed=seed, capacity=capacity
    )
    adapters = Adapters(partition, media, network, pairs, storage_network)
    for its in sorted(configuration.adapters, key=lambda its: its.slot):
        adapters.assign(its)
        if its.slot not in unowned:
            adapters.plug(its.slot)
    firmware = PlatformFirmware(partition, nvram=None if before is None else before.nvram)
    if before is not None:
        firmware.error_logs.continue_from(before.error_logs)
    return Composition(partition, firmware, adapters)
