"""Random traffic on a virtual Fibre Channel adapter: queues, datagrams, commands, its fabric."""

from __future__ import annotations

import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hypervisor.san.definition import FabricDefinition, Zone
from hypervisor.san.fabric import FabricError
from hypervisor.san.san import San
from hypervisor.scsi.backing import Blank
from hypervisor.scsi.changer import LibraryError, MediumChanger
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.elements import Elements
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.tape_medium import BlankTape
from hypervisor.scsi.unit import Identity
from hypervisor.vfc.formats import Opcode
from hypervisor.vfc.server import VfcServer
from hypervisor.vfc.waiting import MOST_COMMANDS
from hypervisor.vio import adapter, crq, sub_crq, tce
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.sub_crq import MOST_QUEUES

from .rounds import STORAGE, Driver, PromiseBrokenError, Tally, hostile_partition
from .virtual_scsi import (
    DATA,
    DISK_BYTES,
    MAPPED,
    QUEUE,
    UNITS,
    call,
    descriptors,
    random_address,
    random_cdb,
    random_length,
)

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition
    from hypervisor.san.fabric import AdapterPort

ROUND = 2000
SLOT = Slot(56)
CALLS = {
    its.name: its.number
    for group in (adapter.hcalls, tce.hcalls, crq.hcalls, sub_crq.hcalls)
    for its in group
}
MAD, COMMAND = 4, 1
LOGIN_PAGE, SETUP_PAGE, SUB_PAGE = 33, 34, 40
"""Pages of the window that a well-meant driver uses for these."""
PORTS = (0xFFFFFC, 0xFFFFFA, 0x010000, 0x010100, 0x010200, 0x020000, 0x01F001)
HANDLES = tuple(range(0x100, 0x109))


def random_port(rng: random.Random) -> int:
    return rng.choice(PORTS) if rng.random() < 0.95 else rng.getrandbits(64)


def datagram(rng: random.Random, opcode: int, names: list[int]) -> bytes:
    """One that a driver could have meant."""
    head = struct.pack(">I4xIHH", 1, opcode, 0xFFFF, rng.choice((0, 48, 592))) + rng.randbytes(8)
    where = random_address(rng) if rng.random() < 0.3 else 4096 * LOGIN_PAGE
    length = rng.choice((4096, 4096, 4096, random_length(rng)))
    match opcode:
        case Opcode.CHANNEL_SETUP:
            where = where if rng.random() < 0.2 else 4096 * SETUP_PAGE
            body = struct.pack(">QII", where, rng.getrandbits(32), length)
        case Opcode.NPIV_LOGIN | Opcode.DISCOVER_TARGETS | Opcode.PASSTHRU:
            body = struct.pack(">QII", where, rng.getrandbits(32), length)
            body = body.ljust(24, b"\0") + struct.pack(">I", rng.choice((0, 16, 160, length)))
        case Opcode.QUERY_TARGET:
            body = struct.pack(">Q", rng.choice((*names, rng.getrandbits(64))))
        case Opcode.MOVE_LOGIN:
            one, other = random_port(rng), random_port(rng)
            body = struct.pack(">QQQ", one, other, rng.choice(names))
        case Opcode.PROCESS_LOGIN:
            kind = rng.choice((8, 8, 8, 0, 0x28))
            body = struct.pack(">QBBH", random_port(rng), kind, 0, rng.choice((0x2000, 0, 0xFFFF)))
        case Opcode.TASK_MANAGEMENT:
            flags = rng.choice((0, 0x40, 0x60, rng.getrandbits(32)))
            key = rng.choice((0, 1, 2, rng.getrandbits(32)))
            body = struct.pack(">QQII", random_port(rng), rng.getrandbits(64), flags, key)
        case _:
            body = struct.pack(">Q", random_port(rng))
    return (head + body).ljust(640, b"\0") if rng.random() < 0.97 else head + rng.randbytes(616)


def command(rng: random.Random, *, named: bool) -> bytes:
    """A command's information unit."""
    flags = rng.choice((2, *(4,) * 6, *(8,) * 3, 5, 9, 0x82, 0x82, 12, rng.getrandbits(16)))
    data, size = random_address(rng), random_length(rng)
    place = 136 if named else 128
    unit = bytearray(640)
    struct.pack_into(">HHHHI", unit, 24, 0xFFFF, 0xFFFF, flags, 0, rng.choice((0, 1, 2)))
    response = random_address(rng) if rng.random() < 0.2 else 4096 * rng.randrange(1, 32)
    room = rng.choice((128, 128, 24, 0, random_length(rng)))
    struct.pack_into(">QIIQII", unit, 56, data, 0, size, response, 0, room)
    struct.pack_into(">Q8s", unit, 96, random_port(rng), rng.randbytes(8))
    lun = rng.choice((0, 0, 1, 2, 2, 3, 4, 0x4001, 0x4100, rng.getrandbits(16)))
    management = rng.choice((2, 4, 0x10, 0x20, 0x40, 0)) if flags == 0x82 else rng.choice((0, 0, 8))
    extra = rng.choice((*(0,) * 9, 4, 0xFF))
    length = rng.choice((size, size, random_length(rng)))
    cdb = random_cdb(rng)
    struct.pack_into(">H6x2xBB16sI", unit, place, lun, management, extra, cdb, length)
    return bytes(unit) if rng.random() < 0.95 else rng.randbytes(640)


def login(rng: random.Random) -> bytes:
    request = bytearray(856)
    struct.pack_into(">I", request, 36, rng.choice((0, 1, 113, 1 << 31)))
    struct.pack_into(">Q", request, 40, rng.choice((0, 0x10, 0x18, rng.getrandbits(64))))
    events = random_address(rng) if rng.random() < 0.3 else 4096 * 35
    struct.pack_into(">QII", request, 56, events, 0, rng.choice((4096, 4096, 48, 47, 0, 1 << 31)))
    return bytes(request)


def set_up(rng: random.Random) -> bytes:
    """A block that names queues for channels."""
    block = bytearray(4096)
    struct.pack_into(">I4xI", block, 0, rng.choice((0, 0, 0, 1)), rng.choice((1, 4, 8, 9, 1 << 31)))
    first = rng.choice((1, 1, 1, 0, 9))
    struct.pack_into(">32Q", block, 80, *range(first, first + 32))
    return bytes(block)


def random_call(rng: random.Random, page: int, form: int) -> tuple[int, list[int]]:
    """A hypercall's number and arguments; an element mostly names the unit in `page`."""
    name = rng.choice(("H_SEND_CRQ",) * 100 + ("H_SEND_SUB_CRQ",) * 40 + tuple(CALLS) * 2)
    unit = SLOT.unit if rng.random() < 0.97 else rng.getrandbits(32)
    head = rng.choice((*(0x80,) * 40, 0xC0, 0xFF, rng.getrandbits(8)))
    form = form if rng.random() < 0.98 else rng.getrandbits(8)
    low = 0x1000 * page if rng.random() < 0.95 else random_address(rng)
    element = head << 56 | form << 48 | rng.choice((0, 0, rng.getrandbits(48)))
    handle = rng.choice(HANDLES) if rng.random() < 0.95 else rng.getrandbits(64)
    number = CALLS[name]
    match name:
        case "H_SEND_CRQ":
            return number, [unit, element, low]
        case "H_SEND_SUB_CRQ":
            return number, [unit, handle, element, low, 0, 0]
        case "H_SEND_SUB_CRQ_INDIRECT":
            count = rng.choice((1, 2, 16, 17, 0, 1 << 40))
            return number, [unit, handle, random_address(rng), count]
        case "H_REG_CRQ" | "H_REG_SUB_CRQ":
            size = rng.choice((0x1000, 0x1000, 0x2000, 0x10000, 0, 1 << 40))
            place = 4096 * rng.randrange(SUB_PAGE, MAPPED)
            return number, [unit, place if rng.random() < 0.6 else random_address(rng), size]
        case "H_FREE_SUB_CRQ":
            return number, [unit, rng.choice((*range(1, MOST_QUEUES + 2), rng.getrandbits(64)))]
        case "H_VIOCTL":
            what = rng.choice((0xA, 0xB, 0xC, rng.getrandbits(8)))
            source = sub_crq.FIRST_SUB_INTERRUPT + rng.randrange(20)
            return number, [unit, what, source, 0, 0]
        case "H_PUT_TCE" | "H_STUFF_TCE" | "H_GET_TCE":
            real = 4096 * rng.randrange(STORAGE // 4096 + 8) | rng.choice((0, 1, 2, 3))
            count = rng.choice((1, 4, 512, 1 << 32))
            return number, [SLOT.liobn, random_address(rng) & ~0xFFF, real, count]
        case "H_PUT_TCE_INDIRECT":
            count = rng.choice((1, 512, 513))
            return number, [SLOT.liobn, random_address(rng) & ~0xFFF, UNITS, count]
    return number, [unit, rng.choice((0, 1, 2, rng.getrandbits(64))), random_address(rng), 0]


def prepare(rng: random.Random, partition: Partition, san: San, port: int) -> None:
    """Map the window's first pages, log in, and have channels, as a driver does."""
    memory = partition.memory
    for n in range(MAPPED):
        real = (QUEUE if n == 0 else UNITS if n < 32 else DATA) + 4096 * n
        call(partition, CALLS["H_PUT_TCE"], [SLOT.liobn, 4096 * n, real | 3])
    call(partition, CALLS["H_FREE_CRQ"], [SLOT.unit])
    call(partition, CALLS["H_REG_CRQ"], [SLOT.unit, 0, 4096])
    memory.write(QUEUE, bytes(4096))
    for n in range(4):
        call(partition, CALLS["H_REG_SUB_CRQ"], [SLOT.unit, 4096 * (SUB_PAGE + n), 4096])
    call(partition, CALLS["H_SEND_CRQ"], [SLOT.unit, 0xC001 << 48, 0])
    memory.write(DATA + 4096 * LOGIN_PAGE, login(rng))
    memory.write(DATA + 4096 * SETUP_PAGE, set_up(rng))
    place = struct.pack(">Q", port)
    for opcode, body in (
        (Opcode.NPIV_LOGIN, struct.pack(">QII", 4096 * LOGIN_PAGE, 0, 1360)),
        (Opcode.PORT_LOGIN, place),
        (Opcode.PROCESS_LOGIN, place + bytes([8, 0, 0x20, 0])),
        (Opcode.CHANNEL_SETUP, struct.pack(">QII", 4096 * SETUP_PAGE, 0, 4096)),
    ):
        head = struct.pack(">I4xIHHQ", 1, opcode, 0xFFFF, opcode.size, 7)
        memory.write(UNITS + 4096, (head + body).ljust(640, b"\0"))
        call(partition, CALLS["H_SEND_CRQ"], [SLOT.unit, 0x80 << 56 | MAD << 48, 4096])
        san.settle()  # where another partition sees the storage, it waits for that


def change(rng: random.Random, san: San, server: VfcServer, ways: list[AdapterPort]) -> None:
    """What operators do meanwhile, and what happens between slices; some of it is refused.

    `ways` are the physical ports of a Virtual I/O Server.
    """
    port = server.port
    match rng.randrange(11):
        case 0:
            san.set_link(rng.choice(("web", "store/0", "web/56")), up=rng.random() < 0.7)
        case 1:
            san.zone("a", "web", rng.choice((("store",), ("web",), ("other", "store/0"))))
        case 2:
            san.unzone("a", "web", rng.choice((("store",), ("store/0",))))
        case 3:
            san.reset("store")
        case 4:
            san.freeze("store")
        case 5:
            san.thaw("store")
        case 6:
            if server.adapter.server is not None:
                san.carry(port, rng.choice((*ways, *ways, None)))
        case 7:
            if server.adapter.server is None:
                appear(san, server, ways)
            else:
                server.server_left()
                san.unplug(port)
        case 8:
            (san.log_in if rng.random() < 0.5 else san.log_out)("web")
        case _:
            san.settle()


def appear(san: San, server: VfcServer, ways: list[AdapterPort]) -> None:
    """The server runs, and carries the client."""
    if server.port.fabric is None:
        san.carry(server.port, ways[0])
    if server.adapter.server is None:
        server.server_came()


def play(rng: random.Random, tally: Tally) -> int:
    san = San(exclusive=rng.random() < 0.5)
    san.add_fabric(FabricDefinition("a", (Zone("web", ("web", "other", "store")),)))
    storage = san.add_storage("store", ("a",))
    storage.add(0, Disk(Blank(DISK_BYTES), "disk"))
    storage.add(1, Disk(Blank(DISK_BYTES), "second"))
    tape = TapeDrive("tape")
    tape.load(BlankTape(DISK_BYTES))
    storage.add(2, tape)
    shelf = Shelf()
    for lun, unit in enumerate((shelf.changer, shelf.drive), start=3):
        storage.add(lun, unit)
    with hostile_partition(rng, tally) as composition:
        partition = composition.partition
        registers = partition.processors[0].registers
        registers.msr = registers.msr.replace(PR=0, HV=0)
        client = partition.virtual_io.add_channel_adapter(AdapterKind.CLIENT_FC, SLOT)
        ports = [san.client("web", 1, SLOT.number), san.client("other", 2, SLOT.number)]
        for port in ports:
            san.plug(port, "a")
        ways = [san.add_adapter(f"vios/fcs{n}", "a") for n in range(2)]
        server = VfcServer(client, ports[0])
        target = storage.ports[0]
        names, logged_in = [target.wwpn, ports[0].wwpn], 0
        for done in range(ROUND):
            if done % 50 == 0:
                appear(san, server, ways)
                prepare(rng, partition, san, target.port_id)
                logged_in += len(list(server.logins))
            page = rng.randrange(1, 32)
            form = COMMAND if rng.random() < 0.8 else MAD
            if form == MAD:
                unit = datagram(rng, rng.choice((*Opcode, rng.getrandbits(16))), names)
            else:
                unit = command(rng, named=server.npiv.named)
            partition.memory.write(UNITS + 4096 * page, unit)
            if rng.random() < 0.1:
                partition.memory.write(DATA + 4096 * 36, descriptors(rng, 2))
            if rng.random() < 0.9:
                partition.memory.write(QUEUE, bytes(4096))  # all read: there is room for more
                partition.memory.write(DATA + 4096 * SUB_PAGE, bytes(4 * 4096))
            call(partition, *random_call(rng, page, form))
            if rng.random() < 0.05:
                with suppress(FabricError):
                    change(rng, san, server, ways)
                shelf.use(rng)
            _check(server)
            shelf.check()
        if not logged_in:
            raise PromiseBrokenError("not one login got through: the driver is no good")
    return ROUND


class Shelf:
    """A tape library of one drive, whose operator uses it, too."""

    _LABELS = ("A1", "A2")

    def __init__(self) -> None:
        self.drive = TapeDrive("in-library")
        elements = Elements.of([self.drive], 3, 1)
        self.changer = MediumChanger(Identity("3573-TL", "library"), elements, self)
        self.changer.restore({1025: Labelled("A1"), 1026: Labelled("A2")})

    def keep(self, layout: object) -> None:
        """Nothing outlives the round."""

    def use(self, rng: random.Random) -> None:
        with suppress(LibraryError):
            self.changer.export(rng.choice(self._LABELS))
        with suppress(LibraryError):
            self.changer.insert(Labelled(rng.choice(self._LABELS)))

    def check(self) -> None:
        layout = self.changer.elements.layout()
        if len(set(layout.values())) != len(layout) or (257 in layout) != self.drive.loaded:
            raise PromiseBrokenError("a cartridge is in two places, or a tape in none")


@dataclass(frozen=True)
class Labelled:
    barcode: str

    def open(self) -> BlankTape:
        return BlankTape(DISK_BYTES)


def _check(server: VfcServer) -> None:
    """Nothing grows beyond what a client may have."""
    state = server.state()
    if len(state.waiting) > MOST_COMMANDS or len(state.logins) > len(PORTS):
        raise PromiseBrokenError("more is under way than may be")
    if len(server.adapter.queues) > MOST_QUEUES:
        raise PromiseBrokenError("more queues than there may be")


driver = Driver("virtual-fc", "hypercalls", play)
drive = driver.drive
