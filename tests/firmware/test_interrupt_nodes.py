"""The tree and RTAS follow the interrupt controller that client and platform agree on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.boot import BootImage, PlatformFirmware
from firmware.device_tree import cells, cells64, flatten, string
from hypervisor import splpar, xics, xive_hcalls
from hypervisor.abi import InterruptMode, InterruptOffer
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallTable
from hypervisor.partition import Partition
from hypervisor.vio import vty
from hypervisor.xive_pages import OS_PAGE, PAGE, USER_PAGE
from tests.firmware.conftest import CONSOLE_INTERRUPT, CONSOLE_SLOT
from tests.firmware.guest import MIB, Guest, elf_image
from tests.firmware.test_cas import EITHER_BYTE, XICS_BYTE, XIVE_BYTE, client_vectors
from tests.firmware.test_client_methods import architecture_support
from tests.firmware.test_device_tree import dtc, needs_dtc

if TYPE_CHECKING:
    from collections.abc import Iterator

XIVE_UNIT = f"{USER_PAGE:x}"


@pytest.fixture
def partition() -> Iterator[Partition]:
    hcalls = HcallTable(
        *(vty.hcalls, xics.hcalls, xive_hcalls.hcalls, splpar.hcalls, PlatformFirmware.hcalls)
    )
    configuration = PartitionConfiguration(
        name="lpar1", memory_bytes=16 * MIB, interrupts=InterruptOffer.AUTO
    )
    partition = Partition(configuration, hcalls)
    partition.virtual_io.add_terminal(CONSOLE_SLOT)
    yield partition
    partition.close()


@pytest.fixture
def guest(partition: Partition) -> Guest:
    firmware = PlatformFirmware(partition)
    firmware.boot(BootImage(elf_image()))
    return Guest(partition, firmware)


def ask(guest: Guest, interrupts: int) -> None:
    vectors = guest.place(client_vectors(interrupts=interrupts))
    assert architecture_support(guest, vectors) == (0, 0)


def test_before_anybody_asks_there_is_xics(guest: Guest) -> None:
    root = guest.firmware.tree
    assert root.at("/interrupt-controller").properties["compatible"] == string("IBM,ppc-xicp")
    assert "ibm,plat-res-int-priorities" not in root.properties


@pytest.mark.parametrize("asked", [XIVE_BYTE, EITHER_BYTE])
def test_a_client_that_can_gets_xive(guest: Guest, asked: int) -> None:
    ask(guest, asked)
    root = guest.firmware.tree
    node = root.at(f"/interrupt-controller@{XIVE_UNIT}")
    assert guest.partition.interrupts.mode is InterruptMode.XIVE
    assert node.properties["compatible"] == string("ibm,power-ivpe")
    assert node.properties["reg"] == cells64(USER_PAGE, PAGE, OS_PAGE, PAGE)
    assert node.properties["ibm,xive-eq-sizes"] == cells(12, 16, 21, 24)
    assert node.properties["ibm,xive-lisn-ranges"] == cells(0x10, 32)
    assert "ibm,interrupt-server-ranges" not in node.properties
    assert root.properties["ibm,plat-res-int-priorities"] == cells(8, 0xF7)
    assert root.at("/chosen").properties["ibm,architecture-vec-5"][23] == XIVE_BYTE


def test_a_client_that_asks_again_gets_what_it_asks_for(guest: Guest) -> None:
    handle = guest.firmware.tree.at("/interrupt-controller").phandle
    for asked, mode in (
        (XIVE_BYTE, InterruptMode.XIVE),
        (XICS_BYTE, InterruptMode.XICS),
        (XIVE_BYTE, InterruptMode.XIVE),
    ):
        ask(guest, asked)
        assert guest.partition.interrupts.mode is mode
        assert guest.firmware.tree.at("/interrupt-controller").phandle == handle


@needs_dtc
def test_dtc_reads_a_tree_with_xive_without_a_warning(guest: Guest) -> None:
    ask(guest, XIVE_BYTE)
    _, complaints = dtc("dtb", flatten(guest.firmware.tree), "dtb")
    assert complaints == ""


SOURCE_CALLS = [
    ("ibm,get-xive", (CONSOLE_INTERRUPT,), (0, 0)),
    ("ibm,set-xive", (CONSOLE_INTERRUPT, 0, 5), ()),
    ("ibm,int-off", (CONSOLE_INTERRUPT,), ()),
    ("ibm,int-on", (CONSOLE_INTERRUPT,), ()),
]


@pytest.mark.parametrize(("call", "arguments", "rest"), SOURCE_CALLS)
def test_under_xive_rtas_configures_no_source(
    guest: Guest, call: str, arguments: tuple[int, ...], rest: tuple[int, ...]
) -> None:
    ask(guest, XIVE_BYTE)
    assert guest.rtas(call, *arguments, returns=1 + len(rest)) == (-3, *rest)
