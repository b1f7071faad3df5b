"""Random traffic on a virtual Ethernet adapter: descriptors, queues, buffers, frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.memory import MIB
from hypervisor.network.frame import BROADCAST, MacAddress
from hypervisor.network.switch import PortSettings, VirtualSwitch
from hypervisor.vio import adapter, lan_calls, tce
from hypervisor.vio.adapter import Slot
from hypervisor.vio.lan import Attribute
from hypervisor.vio.lan_buffers import Mark
from hypervisor.vio.tce import WINDOW_BYTES

from .rounds import STORAGE, Driver, PromiseBrokenError, Tally, hostile_partition

if TYPE_CHECKING:
    import random

    from hypervisor.network.frame import Frame
    from hypervisor.partition import Partition

ROUND = 2000
SLOT = Slot(3)
OWN = MacAddress(bytes.fromhex("0a0000000001"))
PEER = MacAddress(bytes.fromhex("0a0000000002"))
BASE = 4 * MIB
MAPPED = 64
"""Pages of the window that are mapped, to storage from `BASE` on."""
GROUPS = (adapter.hcalls, tce.hcalls, lan_calls.hcalls)
CALLS = {call.name: call.number for group in GROUPS for call in group}
OFTEN = ("H_SEND_LOGICAL_LAN",) * 40 + ("H_ADD_LOGICAL_LAN_BUFFER",) * 40
FRAMES_HELD = 64


class Peer:
    """The other partition's adapter: takes all and answers at times."""

    address = PEER

    def __init__(self) -> None:
        self.got = 0
        self.last: list[Frame] = []

    def wants(self, group: MacAddress) -> bool:
        return True

    def receive(self, frame: Frame) -> None:
        self.got += 1
        self.last = [*self.last[-FRAMES_HELD:], frame]


def random_descriptor(rng: random.Random) -> int:
    marks = rng.choice((*(int(Mark.VALID),) * 12, 0, rng.getrandbits(8) << 24))
    for mark in (Mark.LARGE_SEND, Mark.NO_CHECKSUM, Mark.CHECKSUM_GOOD):
        marks |= mark if rng.random() < 0.2 else 0
    length = rng.choice((16, 60, 64, 512, 1514, 2048, 4096, 65536, 0, 13, rng.getrandbits(24)))
    ioba = 4096 * rng.randrange(MAPPED)
    match rng.randrange(20):
        case 0:
            ioba = rng.getrandbits(32)
        case 1:
            ioba = WINDOW_BYTES - rng.randrange(64)
        case 2:
            ioba += rng.randrange(4096)
    return marks << 32 | length << 32 | ioba


def random_frame(rng: random.Random) -> bytes:
    """The start of a frame, often one of IP."""
    to = rng.choice((PEER, BROADCAST, OWN, rng.randbytes(6)))
    tag = rng.choice((b"", b"", b"\x81\x00" + rng.randbytes(2), b"\x81\x00\x00\x0a"))
    kind = rng.choice((b"\x08\x00", b"\x86\xdd", b"\x08\x06", rng.randbytes(2)))
    head = bytearray(rng.randbytes(60))
    head[0] = rng.choice((0x45, 0x60, 0x4F, rng.getrandbits(8)))
    head[2:4] = rng.choice((40, 1500, 4000, 0)).to_bytes(2, "big")
    head[6] = rng.choice((0, 6, 17, 0x20))
    head[9] = rng.choice((6, 17, 1))
    return to + OWN + tag + kind + bytes(head)


def random_call(rng: random.Random) -> tuple[int, list[int]]:
    name = rng.choice(OFTEN + tuple(CALLS))
    unit = SLOT.unit if rng.random() < 0.97 else rng.getrandbits(32)
    words = [random_descriptor(rng) for _ in range(2)]
    match name:
        case "H_REGISTER_LOGICAL_LAN":
            ring = rng.choice((16, 64, 4096, 24, 0)) << 32 | 4096 * rng.randrange(MAPPED)
            pages = [4096 * rng.randrange(MAPPED + 1) for _ in range(2)]
            return CALLS[name], [unit, pages[0], int(Mark.VALID) << 32 | ring, pages[1], 0]
        case "H_SEND_LOGICAL_LAN":
            count = rng.choice((1, 1, 1, 2, 6))
            six = [random_descriptor(rng) for _ in range(count)] + [0] * (6 - count)
            return CALLS[name], [unit, *six, 0, rng.choice((0, 1, 536, 1460, rng.getrandbits(16)))]
        case "H_MULTICAST_CTRL":
            return CALLS[name], [unit, rng.getrandbits(20), rng.getrandbits(64)]
        case "H_ILLAN_ATTRIBUTES":
            return CALLS[name], [unit, rng.getrandbits(20), rng.choice((6, 0x10006, 1 << 63))]
        case "H_STUFF_TCE" | "H_PUT_TCE" | "H_GET_TCE" | "H_PUT_TCE_INDIRECT":
            page = 4096 * rng.randrange(MAPPED * 2)
            real = 4096 * rng.randrange(STORAGE // 4096 + 8) | rng.choice((0, 1, 2, 3, 3, 3))
            return CALLS[name], [SLOT.liobn, page, real, rng.choice((1, 2, 1 << 40))]
    return CALLS[name], [unit, *words, 0]


def call(partition: Partition, number: int, arguments: list[int]) -> None:
    processor = partition.processors[0]
    processor.set_gpr(3, number)
    processor.set_gprs(4, arguments)
    partition.hcalls.dispatch(processor)


def prepare(partition: Partition) -> None:
    """What a well-meant driver does: map, open, post buffers."""
    for n in range(MAPPED):
        call(partition, CALLS["H_PUT_TCE"], [SLOT.liobn, 4096 * n, BASE + 4096 * n | 3])
    call(partition, CALLS["H_FREE_LOGICAL_LAN"], [SLOT.unit])
    ring = int(Mark.VALID) << 32 | 256 << 32 | 0x2000
    number = int.from_bytes(OWN, "big")
    call(partition, CALLS["H_REGISTER_LOGICAL_LAN"], [SLOT.unit, 0, ring, 0x1000, number])
    call(partition, CALLS["H_ILLAN_ATTRIBUTES"], [SLOT.unit, 0, int(Attribute.IPV4_CHECKSUM)])


def play(rng: random.Random, tally: Tally) -> int:
    with hostile_partition(rng, tally) as composition:
        partition = composition.partition
        switch, peer = VirtualSwitch(), Peer()
        its = partition.virtual_io.add_lan(SLOT, OWN)
        its.port = switch.attach(its, PortSettings(1, frozenset({10})))
        answers = switch.attach(peer, PortSettings(1, frozenset({10})))
        for done in range(ROUND):
            if done % 100 == 0:
                prepare(partition)
            page = BASE + 4096 * rng.randrange(MAPPED)
            partition.memory.write(page, random_frame(rng))
            call(partition, *random_call(rng))
            if done % 5 == 0:
                for frame in peer.last[-2:]:
                    answers.send(type(frame)(OWN + frame.data[6:], 0, frame.unfinished, frame.mss))
                switch.deliver()
        if not peer.got:
            raise PromiseBrokenError("not one frame got through: the driver is no good")
    return ROUND


driver = Driver("virtual-lan", "hypercalls", play)
drive = driver.drive
