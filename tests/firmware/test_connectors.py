"""Connectors of virtual slots: sensors, indicators, configuring (LoPAR 13.5, 13.7)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from firmware.boot import BootImage
from firmware.device_tree import Node, cells
from firmware.services.connectors import Next
from hypervisor.abi import H
from hypervisor.configuration import PartitionConfiguration
from hypervisor.vio.adapter import FIRST_UNIT, Slot
from hypervisor.vio.configuration import (
    ConsoleAdapter,
    EthernetAdapter,
    Medium,
    ScsiAdapter,
    ScsiUnit,
)
from hypervisor.vio.connectors import HOST_BRIDGE, LEAST_SLOTS
from pyphyp.compose import compose
from pyphyp.media import Media, MediaLibrary
from tests.firmware.guest import MIB, Guest, elf_image

if TYPE_CHECKING:
    from collections.abc import Iterator

ISOLATION, INDICATOR, ALLOCATION, SENSE = 9001, 9002, 9003, 9003
DISK, LAN = 2, 3
CONFIGURATION = PartitionConfiguration(
    memory_bytes=16 * MIB,
    consoles=(ConsoleAdapter(0), ConsoleAdapter(1)),
    scsi_adapters=(ScsiAdapter(DISK, (ScsiUnit(Medium.OPTICAL), ScsiUnit(Medium.OPTICAL, lun=1))),),
    ethernet_adapters=(EthernetAdapter(LAN),),
)
WORK_AREA = 0xA0_0000


def drc(slot: int) -> int:
    return FIRST_UNIT + slot


@pytest.fixture
def guest() -> Iterator[Guest]:
    """It has its consoles, and neither disk nor Ethernet yet."""
    media = Media(CONFIGURATION, MediaLibrary())
    composition = compose(CONFIGURATION, epoch=0, seed=0, media=media, unowned={DISK, LAN})
    composition.firmware.boot(BootImage(elf_image()))
    yield Guest(composition.partition, composition.firmware)
    composition.close()
    media.close()


def indicate(guest: Guest, kind: int, slot: int, state: int) -> int:
    return guest.rtas("set-indicator", kind, drc(slot), state)[0]


def sense(guest: Guest, slot: int) -> tuple[int, ...]:
    return guest.rtas("get-sensor-state", SENSE, drc(slot), returns=2)


def take(guest: Guest, slot: int) -> None:
    assert indicate(guest, ALLOCATION, slot, 1) == 0
    assert indicate(guest, ISOLATION, slot, 1) == 0


def configure(guest: Guest, slot: int) -> int:
    return guest.rtas("ibm,configure-connector", WORK_AREA, 0)[0]


def text(guest: Guest, offset: int) -> str:
    return guest.memory.read_string(WORK_AREA + offset, 256).decode()


def configured(guest: Guest, slot: int) -> Node:
    """The node a guest builds by calling until it is complete."""
    guest.memory.write(WORK_AREA, struct.pack(">II", drc(slot), 0))
    top = here = Node("")
    for _ in range(200):
        status = configure(guest, slot)
        _, _, name, length, value = guest.memory.words(WORK_AREA, 5)
        match status:
            case Next.COMPLETE:
                assert here.parent is top
                return here
            case Next.CHILD | Next.SIBLING:
                parent = here if status == Next.CHILD else here.parent
                assert parent is not None
                kind, _, unit = text(guest, name).partition("@")
                here = parent.add(Node(kind, unit))
            case Next.PROPERTY:
                content = guest.memory.read(WORK_AREA + value, length)
                here.properties[text(guest, name)] = content
            case Next.PARENT:
                assert here.parent is not None
                here = here.parent
            case _:
                raise AssertionError(status)
    raise AssertionError("no end")


def test_the_bus_names_a_connector_for_each_slot(guest: Guest) -> None:
    properties = guest.firmware.tree.at("/vdevice").properties
    count = cells(LEAST_SLOTS)
    indexes = struct.unpack(f">{LEAST_SLOTS}I", properties["ibm,drc-indexes"].removeprefix(count))
    assert indexes == tuple(drc(slot) for slot in range(LEAST_SLOTS))
    names = properties["ibm,drc-names"].removeprefix(count).split(b"\0")[:-1]
    assert names[DISK] == b"Upyphyp.PYP0001-V1-C2"
    assert properties["ibm,drc-types"] == count + b"SLOT\0" * LEAST_SLOTS
    assert properties["ibm,drc-power-domains"] == count + b"\xff" * 4 * LEAST_SLOTS


def test_the_sensor_says_what_the_partition_has(guest: Guest) -> None:
    assert sense(guest, 0) == (0, 1)
    assert sense(guest, DISK) == (0, 2)
    assert sense(guest, 9) == (0, 2)
    assert guest.rtas("get-sensor-state", SENSE, HOST_BRIDGE, returns=2)[:2] == (0, 2)
    for other in (0, 0x20000002, FIRST_UNIT - 1, FIRST_UNIT + 1000, 0xFFFFFFFF):
        assert guest.rtas("get-sensor-state", SENSE, other, returns=2)[0] == -3


def test_what_is_assigned_is_taken_and_unknown_to_hypercalls_before(guest: Guest) -> None:
    hcalls, processor = guest.partition.hcalls, guest.processor

    def signal() -> int:
        processor.set_gpr(3, 0x104)  # H_VIO_SIGNAL
        processor.set_gpr(4, drc(DISK))
        processor.set_gpr(5, 0)
        return int(hcalls.dispatch(processor))

    assert signal() == H.PARAMETER
    take(guest, DISK)
    assert sense(guest, DISK) == (0, 1)
    assert signal() == H.SUCCESS
    assert indicate(guest, ISOLATION, DISK, 0) == 0
    assert indicate(guest, ALLOCATION, DISK, 0) == 0
    assert sense(guest, DISK) == (0, 2)
    assert signal() == H.PARAMETER
    take(guest, DISK)
    assert signal() == H.SUCCESS


def test_nothing_is_taken_of_an_empty_slot_nor_given_back(guest: Guest) -> None:
    for kind, state in ((ALLOCATION, 1), (ALLOCATION, 0), (ISOLATION, 1), (ISOLATION, 0)):
        assert indicate(guest, kind, 9, state) == -3
        assert guest.rtas("set-indicator", kind, HOST_BRIDGE, state) == (-3,)


@pytest.mark.parametrize(
    ("kind", "state"),
    [(INDICATOR, 0), (INDICATOR, 1), (ALLOCATION, 2), (ALLOCATION, 3), (ISOLATION, 2), (9004, 0)],
)
def test_other_indicators_and_states_are_not_there(guest: Guest, kind: int, state: int) -> None:
    assert indicate(guest, kind, 0, state) == -3


def test_states_that_hold_already_are_set_again(guest: Guest) -> None:
    take(guest, DISK)
    take(guest, DISK)
    assert indicate(guest, ALLOCATION, DISK, 0) == -3  # not isolated yet
    for _ in range(2):
        assert indicate(guest, ISOLATION, DISK, 0) == 0


def test_the_nodes_are_those_that_would_have_been_there_at_boot(guest: Guest) -> None:
    with_all = compose(CONFIGURATION, epoch=0, seed=0, media=Media(CONFIGURATION, MediaLibrary()))
    for slot in (DISK, LAN):
        take(guest, slot)
        told = configured(guest, slot)
        at_boot = with_all.firmware.adapter_node(Slot(slot))
        assert at_boot is not None
        pairs = list(zip(told.walk(), at_boot.walk(), strict=True))
        assert len(pairs) == (3 if slot == DISK else 1)
        for here, there in pairs:
            assert here.full_name == there.full_name
            its = dict(here.properties)
            assert its.pop("name") == there.name.encode() + b"\0"
            phandle = int.from_bytes(its.pop("ibm,phandle"), "big")
            found = guest.firmware.tree.by_phandle(phandle)
            assert found is not None
            assert found.full_name == there.full_name
            assert its == there.properties
    with_all.close()


def test_what_is_not_there_cannot_be_configured(guest: Guest) -> None:
    for index, status in ((drc(DISK), -9003), (HOST_BRIDGE, -9003), (FIRST_UNIT + 1000, -3)):
        guest.memory.write(WORK_AREA, struct.pack(">II", index, 0))
        assert configure(guest, DISK) == status


def test_an_isolated_connector_is_complete_at_once(guest: Guest) -> None:
    assert indicate(guest, ALLOCATION, DISK, 1) == 0
    guest.memory.write(WORK_AREA, struct.pack(">II", drc(DISK), 0))
    assert configure(guest, DISK) == Next.COMPLETE


def test_two_connectors_are_configured_at_a_time(guest: Guest) -> None:
    take(guest, DISK)
    take(guest, LAN)
    areas = (WORK_AREA, WORK_AREA + 0x1000)
    names: dict[int, list[str]] = {}
    for area, slot in zip(areas, (DISK, LAN), strict=True):
        guest.memory.write(area, struct.pack(">II", drc(slot), 0))
    for _ in range(8):
        for area in areas:
            assert guest.rtas("ibm,configure-connector", area, 0)[0] in (Next.CHILD, Next.PROPERTY)
            at = guest.memory.words(area, 3)[2]
            name = guest.memory.read_string(area + at, 64).decode()
            names.setdefault(area, []).append(name)
    assert names[areas[0]][0] == "v-scsi@30000002"
    assert names[areas[1]][0] == "l-lan@30000003"
    assert names[areas[0]][2] == names[areas[1]][2] == "device_type"


@pytest.mark.parametrize("area", [WORK_AREA + 4, 16 * MIB, 16 * MIB - 2048, 0xFFFF_F000])
def test_a_work_area_is_a_page_of_storage(guest: Guest, area: int) -> None:
    assert guest.rtas("ibm,configure-connector", area, 0) == (-3,)


def test_whatever_stands_in_a_work_area_it_is_answered(guest: Guest) -> None:
    take(guest, DISK)
    for given in (1, 17, 1000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF):
        guest.memory.write(WORK_AREA, struct.pack(">II", drc(DISK), given) + b"\xff" * 4088)
        assert configure(guest, DISK) in tuple(Next)


def test_an_adapter_in_use_is_not_isolated(guest: Guest) -> None:
    io = guest.partition.virtual_io
    take(guest, DISK)
    io.tce_tables.table(Slot(DISK).liobn).put(0, [3])  # type: ignore[arg-type]
    assert indicate(guest, ISOLATION, DISK, 0) == -9001
    assert "translations" in io.connectors.refused[DISK]
    assert sense(guest, DISK) == (0, 1)
    io.tce_tables.table(Slot(DISK).liobn).clear()
    assert indicate(guest, ISOLATION, DISK, 0) == 0


def test_an_instance_of_a_node_that_goes_is_closed_and_the_tree_can_be_saved(guest: Guest) -> None:
    instance = guest.call("open", "/vdevice/vty@30000001")
    assert guest.call("instance-to-package", instance) != 0xFFFF_FFFF
    assert indicate(guest, ISOLATION, 1, 0) == 0
    assert guest.call("instance-to-package", instance) == 0xFFFF_FFFF
    assert guest.call("finddevice", "/vdevice/vty@30000001") == 0xFFFF_FFFF
    state = guest.firmware.state()
    guest.firmware.restore(state)
    assert guest.firmware.state() == state


def test_a_source_of_a_slot_is_masked_and_quiet_once_its_adapter_is_gone(guest: Guest) -> None:
    take(guest, DISK)
    interrupts = guest.partition.interrupts
    assert interrupts.xics.set_source(Slot(DISK).interrupt, 0, 5)
    interrupts.raise_source(Slot(DISK).interrupt)
    guest.partition.interrupts.xics.server(0).cppr = 0xFF
    assert interrupts.pending(0)
    assert indicate(guest, ISOLATION, DISK, 0) == 0
    assert indicate(guest, ALLOCATION, DISK, 0) == 0
    assert not interrupts.pending(0)
    assert interrupts.masked(Slot(DISK).interrupt)
