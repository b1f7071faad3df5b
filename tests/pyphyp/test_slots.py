"""Adapters that come to a running partition and leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.error_log import EventClass
from firmware.error_logs import HOT_PLUG_INTERRUPT, MOST_WAITING
from hypervisor.network.frame import MacAddress
from hypervisor.vio.adapter import FIRST_UNIT
from hypervisor.vio.configuration import ConsoleAdapter, EthernetAdapter, ScsiAdapter
from hypervisor.vio.connectors import LEAST_SLOTS
from hypervisor.vio.lan import LanAdapter
from pyphyp.api import Machine
from pyphyp.raw_file import MediaError
from pyphyp.slots import SlotError, SlotState
from tests.firmware.guest import Guest
from tests.pyphyp.guests import FOREVER, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyphyp.partition import Partition

ISOLATION, ALLOCATION, SENSE = 9001, 9003, 9003


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(epoch=0) as made:
        yield made


@pytest.fixture
def partition(machine: Machine) -> Partition:
    made = machine.add_partition(memory="64M")
    made.load(program(FOREVER))
    return made


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(bytes(1 << 20))
    return path


def guest(partition: Partition) -> Guest:
    return Guest(partition.composition.partition, partition.composition.firmware)


def take(partition: Partition, slot: int) -> None:
    for indicator in (ALLOCATION, ISOLATION):
        assert guest(partition).rtas("set-indicator", indicator, FIRST_UNIT + slot, 1) == (0,)


def give_back(partition: Partition, slot: int) -> None:
    for indicator in (ISOLATION, ALLOCATION):
        assert guest(partition).rtas("set-indicator", indicator, FIRST_UNIT + slot, 0) == (0,)


def states(partition: Partition) -> dict[int, SlotState]:
    return {its.slot: its.state for its in partition.slots()}


def listen(partition: Partition) -> None:
    """The guest wants to hear of hot plug."""
    assert partition.composition.partition.interrupts.xics.set_source(HOT_PLUG_INTERRUPT, 0, 5)


def event(partition: Partition) -> bytes:
    log = partition.composition.firmware.error_logs.check(EventClass.HOT_PLUG)
    return b"" if log is None else log.encode()


def test_a_disk_is_offered_taken_and_given_back_for_good(partition: Partition, image: Path) -> None:
    slot = partition.add_disk(image)
    assert slot == 2
    assert states(partition) == {0: SlotState.OWNED, 2: SlotState.OFFERED}
    take(partition, slot)
    assert states(partition)[slot] is SlotState.OWNED
    partition.remove_adapter(slot)
    assert states(partition)[slot] is SlotState.LEAVING
    give_back(partition, slot)
    partition.run(instructions=10)
    assert states(partition) == {0: SlotState.OWNED}
    assert partition.media.targets == {}
    assert guest(partition).rtas("set-indicator", ALLOCATION, FIRST_UNIT + slot, 1) == (-3,)
    with Machine(epoch=0) as other:  # the file is nobody's any more
        other.add_partition(memory="64M").add_disk(image)


def test_what_a_guest_gives_back_unasked_waits_for_it(partition: Partition, image: Path) -> None:
    slot = partition.add_disk(image)
    take(partition, slot)
    give_back(partition, slot)
    partition.run(instructions=10)
    assert states(partition)[slot] is SlotState.OFFERED
    take(partition, slot)
    assert states(partition)[slot] is SlotState.OWNED


def test_what_was_never_taken_is_removed_at_once(partition: Partition, image: Path) -> None:
    partition.remove_adapter(partition.add_disk(image))
    assert states(partition) == {0: SlotState.OWNED}


def test_a_guest_that_listens_hears_of_both(partition: Partition) -> None:
    assert not partition.hears_hot_plug
    partition.add_cdrom()
    assert event(partition) == b""
    listen(partition)
    slot = partition.add_cdrom()
    take(partition, slot)
    section = event(partition)[-16:]
    assert section[:4] == b"HP\0\x10"
    assert section[8:] == bytes((3, 1, 2, 0)) + (FIRST_UNIT + slot).to_bytes(4, "big")
    partition.remove_adapter(slot)
    assert event(partition)[-8:-4] == bytes((3, 2, 2, 0))


def test_events_that_nobody_reads_are_bounded_and_slots_are_offered_all_the_same(
    partition: Partition,
) -> None:
    listen(partition)
    for _ in range(MOST_WAITING + 5):
        partition.remove_adapter(partition.add_cdrom())
    assert len(partition.composition.firmware.error_logs) == MOST_WAITING
    for _ in range(LEAST_SLOTS - 2):
        partition.add_cdrom()
    with pytest.raises(SlotError, match="all 64 virtual slots"):
        partition.add_cdrom()


def test_an_adapter_in_use_stays_and_it_is_said_why(partition: Partition, image: Path) -> None:
    slot = partition.add_disk(image)
    take(partition, slot)
    partition.remove_adapter(slot)
    composed = partition.composition.partition
    composed.virtual_io.tce_tables.table(0x10000000 + slot).put(0, [3])  # type: ignore[arg-type]
    refused = guest(partition).rtas("set-indicator", ISOLATION, FIRST_UNIT + slot, 0)
    assert refused == (-9001,)
    usage = partition.slots()[-1]
    assert usage.state is SlotState.LEAVING
    assert usage.refused == "translations of its DMA window are valid"
    partition.remove_adapter(slot, force=True)
    assert states(partition) == {0: SlotState.OWNED}
    assert guest(partition).rtas("get-sensor-state", SENSE, FIRST_UNIT + slot, returns=2) == (0, 2)


def test_an_ethernet_adapter_is_in_its_switch_while_the_guest_has_it(
    machine: Machine, partition: Partition
) -> None:
    slot = partition.add_adapter(EthernetAdapter(partition.free_slot(), vlan=7))
    (port,) = machine.network.switch("ETHERNET0")
    assert port.station.address is None
    assert not port.station.wants(MacAddress(b"\xff" * 6))
    take(partition, slot)
    assert isinstance(port.station, LanAdapter)
    assert port.settings.vlan == 7
    partition.remove_adapter(slot)
    give_back(partition, slot)
    partition.run(instructions=10)
    assert list(machine.network.switch("ETHERNET0")) == []


def test_a_console_comes_and_goes(partition: Partition) -> None:
    slot = partition.add_adapter(ConsoleAdapter(partition.free_slot()))
    take(partition, slot)
    hcalls, processor = partition.composition.partition.hcalls, guest(partition).processor
    for n, value in enumerate((0x58, FIRST_UNIT + slot, 2, int.from_bytes(b"ok" + bytes(6)), 0), 3):
        processor.set_gpr(n, value)
    assert hcalls.dispatch(processor) == 0
    assert partition.consoles[slot].output == "ok"
    partition.remove_adapter(slot)
    give_back(partition, slot)
    partition.run(instructions=10)
    assert slot not in partition.consoles
    assert hcalls.dispatch(processor) != 0


def test_the_first_console_and_what_is_not_there_stay(partition: Partition, image: Path) -> None:
    for slot, why in ((0, "first console"), (5, "slot 5 is empty; there are adapters in 0")):
        with pytest.raises(SlotError, match=why):
            partition.remove_adapter(slot)
    with pytest.raises(SlotError, match="slot 0 is taken"):
        partition.add_disk(image, slot=0)
    with pytest.raises(SlotError, match="the guest knows those below 64"):
        partition.add_disk(image, slot=64)
    with pytest.raises(MediaError):
        partition.add_disk(image.with_name("nothing"))
    partition.add_disk(image)
    with pytest.raises(MediaError, match="read-only by one and writable"):
        partition.add_disk(image, read_only=True)
    assert sorted(states(partition)) == [0, 2]


def test_a_reboot_brings_what_was_added_and_not_what_was_to_leave(
    partition: Partition, tmp_path: Path
) -> None:
    kept, leaving = partition.add_cdrom(), partition.add_cdrom()
    take(partition, leaving)
    partition.remove_adapter(leaving)
    partition.load(program(FOREVER))
    assert states(partition) == {0: SlotState.OWNED, kept: SlotState.OWNED}
    assert partition.composition.firmware.tree.find(f"/vdevice/v-scsi@{FIRST_UNIT + kept:x}")


def test_all_of_it_is_saved(partition: Partition, image: Path, tmp_path: Path) -> None:
    partition.add_disk(image, slot=9)
    partition.add_adapter(EthernetAdapter(4))
    partition.add_adapter(ConsoleAdapter(3))
    partition.add_adapter(ScsiAdapter(8))
    for slot in (8, 3, 9):
        take(partition, slot)
    partition.remove_adapter(3)
    give_back(partition, 8)
    assert guest(partition).rtas("set-indicator", ISOLATION, FIRST_UNIT + 9, 0) == (0,)
    before = partition.slots()
    partition.save(tmp_path / "state")
    partition.restore(tmp_path / "state")
    assert partition.slots() == before
    partition.close()
    with Machine(epoch=0) as other:
        restored = other.restore(tmp_path / "state")
        assert restored.slots() == before
        assert [its.state for its in before] == [
            SlotState.OWNED,
            SlotState.LEAVING,
            SlotState.OFFERED,
            SlotState.OFFERED,
            SlotState.OWNED,
        ]
        assert restored.composition.partition.virtual_io.connectors.isolated(9)
        give_back(restored, 3)
        take(restored, 4)
        restored.run(instructions=10)
        assert sorted(states(restored)) == [0, 4, 8, 9]


def test_before_anything_is_booted_an_adapter_is_there_at_once(machine: Machine) -> None:
    partition = machine.add_partition(memory="64M")
    slot = partition.add_cdrom()
    assert states(partition)[slot] is SlotState.OWNED
    partition.load(program(FOREVER))
    assert partition.composition.firmware.tree.find(f"/vdevice/v-scsi@{FIRST_UNIT + slot:x}")
