"""Virtual Ethernet adapters, by the hypercalls that a driver makes (LoPAR 17.3)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emu.state import StateError
from hypervisor.abi import H
from hypervisor.network.frame import BROADCAST, Frame, MacAddress
from hypervisor.network.switch import PortSettings, VirtualSwitch
from hypervisor.vio.adapter import Slot
from hypervisor.vio.lan import MOST_BUFFERS, Attribute
from hypervisor.vio.lan_buffers import Descriptor, Mark
from hypervisor.vio.lan_groups import MOST_FILTERS

if TYPE_CHECKING:
    from hypervisor.vio.lan import LanAdapter
    from tests.hypervisor.lpar import Lpar

SLOT = Slot(3)
LIST, FILTERS, QUEUE, BUFFERS, OUT = 0x40000, 0x41000, 0x42000, 0x50000, 0x70000
SLOTS = 4
OWN = MacAddress(bytes.fromhex("0a0000000001"))
PEER = MacAddress(bytes.fromhex("0a0000000002"))
NUMBER = int.from_bytes(OWN, "big")
VALID = Mark.VALID << 32


class Peer:
    """The other end of the wire."""

    address = PEER

    def __init__(self) -> None:
        self.got: list[Frame] = []

    def wants(self, group: MacAddress) -> bool:
        return True

    def receive(self, frame: Frame) -> None:
        self.got.append(frame)


class Driver:
    """An adapter, its driver, and a peer in the same switch."""

    def __init__(self, lpar: Lpar) -> None:
        self.lpar, self.memory = lpar, lpar.memory
        self.adapter: LanAdapter = lpar.partition.virtual_io.add_lan(SLOT, OWN)
        self.switch, self.peer = VirtualSwitch(), Peer()
        self.port = self.adapter.port = self.switch.attach(self.adapter)
        self.peers = self.switch.attach(self.peer)
        for page in range(LIST, OUT + 0x11000, 0x1000):
            assert lpar.code("H_PUT_TCE", SLOT.liobn, page, page | 3) == H.SUCCESS
        self.next = 0

    def register(self, queue: int | None = None) -> int:
        ring = VALID | (16 * SLOTS) << 32 | QUEUE if queue is None else queue
        return self.lpar.code("H_REGISTER_LOGICAL_LAN", SLOT.unit, LIST, ring, FILTERS, NUMBER)

    def open(self) -> None:
        assert self.register() == H.SUCCESS
        assert self.lpar.code("H_VIO_SIGNAL", SLOT.unit, 1) == H.SUCCESS

    def post(self, ioba: int, length: int, correlator: int = 7) -> int:
        self.memory.write_u64(ioba, correlator)
        value = VALID | length << 32 | ioba
        return self.lpar.code("H_ADD_LOGICAL_LAN_BUFFER", SLOT.unit, value)

    def arrives(self, data: bytes, **marks: int) -> None:
        self.peers.send(
            Frame.of(data, unfinished=bool(marks.get("unfinished")), mss=marks.get("mss", 0))
        )
        self.switch.deliver()

    def entry(self) -> tuple[int, int, int] | None:
        """Flags, length and correlator of the next entry, by the toggle a driver expects."""
        at = QUEUE + self.next % SLOTS * 16
        expected = 0 if self.next // SLOTS % 2 else 1
        flags = self.memory.u32(at)
        if flags >> 31 != expected:
            return None
        self.next += 1
        return flags & 0x7FFF_FFFF, self.memory.u32(at + 4), self.memory.u64(at + 8)

    def send(self, data: bytes, marks: int = 0, mss: int = 0) -> int:
        self.memory.write(OUT, data)
        first = (Mark.VALID | marks) << 32 | len(data) << 32 | OUT
        answer = self.lpar.partition.hcalls
        processor = self.lpar.processor()
        for n, value in enumerate((0x120, SLOT.unit, first, 0, 0, 0, 0, 0, 0, mss), start=3):
            processor.set_gpr(n, value)
        code = int(answer.dispatch(processor))
        self.switch.deliver()
        return code


@pytest.fixture
def driver(lpar: Lpar) -> Driver:
    return Driver(lpar)


def to_own(payload: bytes = b"hello") -> bytes:
    return OWN + PEER + b"\x12\x34" + payload


def test_a_frame_goes_into_a_buffer_and_the_queue_tells_of_it(driver: Driver) -> None:
    driver.open()
    assert driver.post(BUFFERS, 512, correlator=0xA5) == H.SUCCESS
    driver.arrives(to_own())
    assert driver.entry() == (0x4000_0008, len(to_own()), 0xA5)
    assert driver.memory.read(BUFFERS + 8, len(to_own())) == to_own()
    assert driver.entry() is None


def test_the_smallest_buffer_that_holds_the_frame_is_taken(driver: Driver) -> None:
    driver.open()
    for n, length in enumerate((2048, 512, 1024)):
        driver.post(BUFFERS + 0x1000 * n, length, correlator=length)
    driver.arrives(to_own(bytes(600)))
    entry = driver.entry()
    assert entry is not None
    assert entry[2] == 1024


def test_the_toggle_turns_with_each_round_of_the_queue(driver: Driver) -> None:
    driver.open()
    for n in range(3 * SLOTS):
        driver.post(BUFFERS, 256, correlator=n)
        driver.arrives(to_own(bytes([n])))
        entry = driver.entry()
        assert entry is not None
        assert entry[2] == n


def test_frames_for_which_there_is_no_buffer_are_counted_in_the_list(driver: Driver) -> None:
    driver.open()
    driver.post(BUFFERS, 64)
    driver.arrives(to_own(bytes(100)))
    driver.arrives(to_own(bytes(100)))
    assert driver.entry() is None
    assert driver.memory.u64(LIST + 4088) == 2


def test_what_is_sent_reaches_the_peer(driver: Driver) -> None:
    driver.open()
    assert driver.send(PEER + OWN + b"\x12\x34hi") == H.SUCCESS
    assert [frame.data for frame in driver.peer.got] == [PEER + OWN + b"\x12\x34hi"]


def test_a_frame_in_several_buffers_is_one(driver: Driver) -> None:
    driver.open()
    driver.memory.write(OUT, PEER + OWN + b"\x12\x34abcdef")
    pieces = [VALID | 14 << 32 | OUT, VALID | 2 << 32 | OUT + 14, VALID | 4 << 32 | OUT + 16]
    processor = driver.lpar.processor()
    for n, value in enumerate((0x120, SLOT.unit, *pieces, 0, 0, 0, 0, 0), start=3):
        processor.set_gpr(n, value)
    assert driver.lpar.partition.hcalls.dispatch(processor) == H.SUCCESS
    driver.switch.deliver()
    assert driver.peer.got[0].data[14:] == b"abcdef"


def test_a_large_send_is_left_whole_for_the_switch(driver: Driver) -> None:
    driver.open()
    driver.send(PEER + OWN + bytes(100), Mark.LARGE_SEND | Mark.NO_CHECKSUM, mss=1460)
    (frame,) = driver.peer.got
    assert (frame.mss, frame.unfinished) == (1460, True)


def test_a_guest_that_asked_for_it_gets_large_frames_with_their_segment_size(
    driver: Driver,
) -> None:
    driver.open()
    wanted = Attribute.LARGE_RECEIVE | Attribute.IPV4_CHECKSUM
    answer = driver.lpar.call("H_ILLAN_ATTRIBUTES", SLOT.unit, 0, wanted)
    assert answer.results[0] & wanted == wanted
    driver.post(BUFFERS, 4096)
    driver.arrives(to_own(bytes(3000)), unfinished=1, mss=1460)
    entry = driver.entry()
    assert entry is not None
    assert entry[0] == 0x4000_0000 | Mark.LARGE_SEND | Mark.NO_CHECKSUM | Mark.CHECKSUM_GOOD | 16
    assert driver.memory.u64(BUFFERS + 8) == 1460
    assert driver.memory.read(BUFFERS + 16, 14) == to_own()[:14]


def test_opening_twice_is_refused_and_freeing_allows_it_again(driver: Driver) -> None:
    driver.open()
    assert driver.register() == H.RESOURCE
    assert driver.lpar.code("H_FREE_LOGICAL_LAN", SLOT.unit) == H.SUCCESS
    assert driver.register() == H.SUCCESS
    assert driver.memory.u64(LIST) == VALID | (16 * SLOTS) << 32 | QUEUE


@pytest.mark.parametrize(
    "queue",
    [
        (16 * SLOTS) << 32 | QUEUE,
        VALID | QUEUE,
        VALID | 24 << 32 | QUEUE,
        VALID | 64 << 32 | QUEUE + 8,
        VALID | 64 << 32 | 0x200000,
        VALID | 0xFFFFF0 << 32 | QUEUE,
    ],
)
def test_a_receive_queue_that_cannot_be_is_refused(driver: Driver, queue: int) -> None:
    assert driver.register(queue) == H.PARAMETER
    assert driver.send(PEER + OWN + b"\x12\x34") == H.RESOURCE  # it is not open


def test_a_closed_adapter_takes_and_sends_nothing(driver: Driver) -> None:
    assert driver.post(BUFFERS, 512) == H.RESOURCE
    driver.arrives(to_own())
    assert driver.port.counts.received == 0


@pytest.mark.parametrize(("length", "at"), [(8, BUFFERS), (18, BUFFERS), (64, 0x0FFF_FFF0)])
def test_a_buffer_that_cannot_be_is_refused(driver: Driver, length: int, at: int) -> None:
    driver.open()
    value = VALID | length << 32 | at
    assert driver.lpar.code("H_ADD_LOGICAL_LAN_BUFFER", SLOT.unit, value) == H.PARAMETER


def test_a_guest_posts_only_so_many_buffers(driver: Driver) -> None:
    driver.open()
    for _ in range(MOST_BUFFERS):
        driver.adapter.add_buffer(Descriptor.of(VALID | 512 << 32 | BUFFERS))
    assert driver.post(BUFFERS, 512) == H.RESOURCE


def test_a_buffer_that_may_not_be_written_costs_the_guest_its_frame_only(driver: Driver) -> None:
    driver.open()
    driver.post(BUFFERS, 512)
    assert driver.lpar.code("H_PUT_TCE", SLOT.liobn, BUFFERS, BUFFERS | 1) == H.SUCCESS
    before = driver.memory.read(BUFFERS, 512)
    driver.arrives(to_own())
    assert driver.memory.read(BUFFERS, 512) == before
    assert driver.entry() is None


def test_buffers_are_given_back_by_entries_that_are_not_valid(driver: Driver) -> None:
    driver.open()
    driver.post(BUFFERS, 512, correlator=9)
    assert driver.lpar.code("H_FREE_LOGICAL_LAN_BUFFER", SLOT.unit, 512) == H.SUCCESS
    assert driver.entry() == (0, 0, 9)
    assert driver.lpar.code("H_FREE_LOGICAL_LAN_BUFFER", SLOT.unit, 512) == H.NOT_FOUND


def group(number: int) -> int:
    return 0x0100_5E00_0000 + number


def test_multicasts_are_taken_as_the_guest_says(driver: Driver) -> None:
    driver.open()
    its = MacAddress(group(1).to_bytes(6, "big"))
    assert driver.adapter.wants(BROADCAST)
    assert not driver.adapter.wants(its)
    driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 0x80000 | 0x20000, 0)
    assert driver.adapter.wants(its)
    driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 0x40000 | 0x10000 | 1, group(2))
    assert not driver.adapter.wants(its)
    driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 1, group(1))
    assert driver.adapter.wants(its)
    driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 2, group(1))
    assert not driver.adapter.wants(its)


def test_the_filter_table_has_so_many_entries(driver: Driver) -> None:
    driver.open()
    for n in range(MOST_FILTERS):
        assert driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 1, group(n)).code == H.SUCCESS
    assert driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 1, group(999)).code == H.CONSTRAINED
    assert driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 3, 0).code == H.SUCCESS
    assert driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 1, group(999)).code == H.SUCCESS
    assert driver.lpar.call("H_MULTICAST_CTRL", SLOT.unit, 9, 0).code == H.PARAMETER


def test_an_address_that_is_changed_is_the_one_that_counts(driver: Driver) -> None:
    driver.open()
    assert driver.lpar.code("H_CHANGE_LOGICAL_LAN_MAC", SLOT.unit, NUMBER + 5) == H.SUCCESS
    assert driver.adapter.address == MacAddress((NUMBER + 5).to_bytes(6, "big"))


def test_attributes_that_cannot_be_set_stay_as_they_are(driver: Driver) -> None:
    fixed = Attribute.PADDED_CHECKSUM | Attribute.LARGE_SEND_SUPPORTED
    answer = driver.lpar.call("H_ILLAN_ATTRIBUTES", SLOT.unit, (1 << 64) - 1, 0xF01)
    assert answer.results[0] == fixed
    driver.adapter.port = driver.switch.attach(driver.adapter, PortSettings(trunk_priority=3))
    answer = driver.lpar.call("H_ILLAN_ATTRIBUTES", SLOT.unit, 0, 0)
    assert answer.results[0] == fixed | 0x300 | Attribute.ACTIVE_TRUNK


def test_the_state_goes_on_where_it_was(driver: Driver, lpar: Lpar) -> None:
    driver.open()
    driver.post(BUFFERS, 512, correlator=1)
    driver.post(BUFFERS + 0x1000, 2048, correlator=2)
    driver.arrives(to_own())
    state = driver.adapter.state()
    driver.lpar.code("H_FREE_LOGICAL_LAN", SLOT.unit)
    driver.adapter.restore(state)
    assert driver.adapter.state() == state
    driver.arrives(to_own(bytes(100)))
    assert [entry and entry[2] for entry in (driver.entry(), driver.entry())] == [1, 2]


def test_a_state_that_cannot_be_is_refused(driver: Driver) -> None:
    driver.open()
    state = driver.adapter.state()
    assert state.opened is not None
    for queue in ((0, 0), (0, 24), (-16, 64), (0x0FFF_FFF0, 64)):
        bad = replace(state, opened=replace(state.opened, queue=queue))
        with pytest.raises(StateError):
            driver.adapter.restore(bad)
    with pytest.raises(StateError):
        driver.adapter.restore(replace(state, opened=replace(state.opened, buffers=((8, 0),))))
