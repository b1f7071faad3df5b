"""A partition with firmware, and a client program in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.boot import BootImage, PlatformFirmware
from hypervisor import splpar, xics
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallTable
from hypervisor.partition import Partition
from hypervisor.vio import vty
from hypervisor.vio.adapter import Slot
from tests.firmware.guest import MIB, Guest, elf_image

if TYPE_CHECKING:
    from collections.abc import Iterator

CONSOLE_SLOT = Slot(0)
CONSOLE, CONSOLE_INTERRUPT = CONSOLE_SLOT.unit, CONSOLE_SLOT.interrupt


@pytest.fixture
def partition() -> Iterator[Partition]:
    hcalls = HcallTable(vty.hcalls, xics.hcalls, splpar.hcalls, PlatformFirmware.hcalls)
    configuration = PartitionConfiguration(name="lpar1", number=3, memory_bytes=16 * MIB)
    partition = Partition(configuration, hcalls, epoch=1_700_000_000)
    partition.virtual_io.add_terminal(CONSOLE_SLOT)
    yield partition
    partition.close()


@pytest.fixture
def firmware(partition: Partition) -> PlatformFirmware:
    return PlatformFirmware(partition)


@pytest.fixture
def guest(partition: Partition, firmware: PlatformFirmware) -> Guest:
    """A client program that firmware has booted."""
    firmware.boot(BootImage(elf_image()))
    return Guest(partition, firmware)


@pytest.fixture
def screen(partition: Partition) -> bytearray:
    """What the console shows."""
    shown = bytearray()
    partition.virtual_io.terminals.terminal(CONSOLE).listeners.append(shown.extend)
    return shown
