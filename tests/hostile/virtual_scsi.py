"""Random traffic on a virtual SCSI adapter: TCEs, queues, elements, information units, commands."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from emu.memory import MIB
from hypervisor.abi import HcallError
from hypervisor.scsi.backing import Blank
from hypervisor.scsi.changer import MediumChanger
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.optical import OpticalDrive
from hypervisor.scsi.tape import TapeDrive
from hypervisor.scsi.tape_medium import BlankTape
from hypervisor.scsi.target import Targets
from hypervisor.vio import adapter, crq, tce
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.tce import WINDOW_BYTES
from hypervisor.vio.vscsi import VscsiServer

from .rounds import STORAGE, Driver, PromiseBrokenError, Tally, hostile_partition

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition

ROUND = 2000
SLOT = Slot(2)
QUEUE, UNITS, DATA = 4 * MIB, 5 * MIB, 6 * MIB
MAPPED = 64
"""Pages of the window that are mapped where a well-meant driver would."""
DISK_BYTES = 256 * 1024
CALLS = {
    call.name: call.number for group in (adapter.hcalls, tce.hcalls, crq.hcalls) for call in group
}
KINDS = (Disk, OpticalDrive, TapeDrive, MediumChanger)
MOVES, ELEMENTS = (0xA5, 0xA6), (257, 257, 769, 1025, 1026, 1027)
"""Commands that move cartridges of a library, and where to."""
OPCODES = sorted({command.opcode for kind in KINDS for command in kind.commands})


def random_address(rng: random.Random) -> int:
    """An I/O bus address: well-meant, at an edge of what is mapped or of the window, or any."""
    match rng.randrange(24):
        case 0:
            return (
                rng.choice((0, MAPPED * 4096, WINDOW_BYTES)) + rng.randrange(-16, 16)
                & (1 << 64) - 1
            )
        case 1:
            return rng.getrandbits(rng.choice((12, 20, 32, 64)))
        case 2:
            return 4096 * rng.randrange(MAPPED) + rng.choice((0, 1, 4080, 4095))
        case _:
            return 4096 * rng.randrange(MAPPED)


def random_length(rng: random.Random) -> int:
    if rng.random() < 0.7:
        return rng.choice((8, 24, 36, 512, 1024, 4096))
    return rng.choice((0, 1, 15, 16, 48, 65536, 1 << 20, (1 << 32) - 1))


def descriptors(rng: random.Random, form: int) -> bytes:
    direct = struct.pack(">QII", random_address(rng), rng.getrandbits(32), random_length(rng))
    if form != 2:
        return direct
    count = rng.choice((0, 1, 2, 255))
    table = struct.pack(">QIII", random_address(rng), 0, 16 * count, random_length(rng))
    more = [(random_address(rng), 0, random_length(rng)) for _ in range(rng.randrange(4))]
    return table + b"".join(struct.pack(">QII", *one) for one in more)


def random_cdb(rng: random.Random) -> bytes:
    """A command whose addresses and counts are often within the disk."""
    opcode = rng.choice(OPCODES) if rng.random() < 0.95 else rng.getrandbits(8)
    cdb = bytearray(rng.choice((bytes(15), rng.randbytes(15))))
    if rng.random() < 0.7:
        cdb[1 : 1 + 2] = bytes(2)
        cdb[4] = rng.getrandbits(8)
        cdb[7] = rng.choice((0, 1, 8))
    cdb[0] = rng.choice((0, 1, 8, 0x10, rng.getrandbits(8)))
    if opcode in MOVES:
        struct.pack_into(">HHH", cdb, 1, 1, rng.choice(ELEMENTS), rng.choice(ELEMENTS))
        cdb[9] = 0
    return bytes([opcode]) + bytes(cdb)


def random_unit(rng: random.Random, form: int) -> bytes:
    """An information unit of SRP (form 1), or a management datagram (2)."""
    if form == 2:
        kind = rng.choice((1, 2, 3, 5, 8, rng.getrandbits(32)))
        length = rng.choice((0, 80, 92, 136, 4096, 65535))
        return struct.pack(">IHHQQ", kind, 0, length, 7, random_address(rng)) + rng.randbytes(64)
    opcode = rng.choice((0, 1, *(2,) * 90, 3, 0x41, rng.getrandbits(8)))
    out, into = rng.choice((*(0,) * 6, *(1,) * 3, 2, 3)), rng.choice((0, 0, *(1,) * 6, 2, 15))
    lun = rng.choice((0x8000, 0x8100, 0x8101, 0x8200, 0x8200, 0, 0xC101, rng.getrandbits(16)))
    head = struct.pack(
        ">B4xBBBQ",
        opcode,
        out << 4 | into,
        rng.choice((0, 1, 2, 255)),
        rng.choice((0, 1, 2, 255)),
        rng.getrandbits(64),
    )
    extra = rng.choice((0, 0, 0, 4, 63)) << 2
    body = struct.pack(">HHIBBBB", lun, 0, 0, 0, 0, rng.choice((1, 2, 4, 8, 16)), extra)
    unit = head.ljust(20, b"\0") + body.ljust(12, b"\0") + random_cdb(rng)
    if out:
        unit += descriptors(rng, out)
    if into:
        unit += descriptors(rng, into)
    return unit.ljust(256, b"\0") if rng.random() < 0.9 else rng.randbytes(256)


def random_call(rng: random.Random, page: int, form: int) -> tuple[int, list[int]]:
    """A hypercall's number and arguments; an element mostly names the unit in `page`."""
    name = rng.choice(("H_SEND_CRQ",) * 150 + tuple(CALLS))
    unit = SLOT.unit if rng.random() < 0.95 else rng.getrandbits(32)
    liobn = SLOT.liobn if rng.random() < 0.95 else rng.getrandbits(32)
    match name:
        case "H_SEND_CRQ":
            head = rng.choice((*(0x80,) * 40, 0xC0, 0xFF, rng.getrandbits(8)))
            form = form if rng.random() < 0.98 else rng.getrandbits(8)
            low = 0x1000 * page if rng.random() < 0.9 else random_address(rng)
            high = head << 56 | form << 48 | rng.choice((256, 256, 64, 0, 65535))
            return CALLS[name], [unit, high, low]
        case "H_REG_CRQ":
            size = rng.choice((0x1000, 0x1000, 0x2000, 0x10000, 0, 1 << 40))
            return CALLS[name], [unit, random_address(rng), size]
        case "H_PUT_TCE" | "H_STUFF_TCE" | "H_GET_TCE":
            real = 4096 * rng.randrange(STORAGE // 4096 + 8) | rng.choice((0, 1, 2, 3))
            count = rng.choice((1, 4, 512, 1 << 32))
            return CALLS[name], [liobn, random_address(rng) & ~0xFFF, real, count]
        case "H_PUT_TCE_INDIRECT":
            return CALLS[name], [
                liobn,
                random_address(rng) & ~0xFFF,
                UNITS,
                rng.choice((1, 512, 513)),
            ]
    return CALLS[name], [unit, rng.choice((0, 1, 2, rng.getrandbits(64))), random_address(rng), 0]


def prepare(rng: random.Random, partition: Partition) -> None:
    """Map the window's first pages and register a queue, as a driver does."""
    for n in range(MAPPED):
        real = (QUEUE if n == 0 else UNITS if n < 32 else DATA) + 4096 * n
        call(partition, CALLS["H_PUT_TCE"], [SLOT.liobn, 4096 * n, real | 3])
    call(partition, CALLS["H_FREE_CRQ"], [SLOT.unit])
    call(partition, CALLS["H_REG_CRQ"], [SLOT.unit, 0, 4096])
    call(partition, CALLS["H_SEND_CRQ"], [SLOT.unit, 0xC001 << 48, 0])
    login = bytes([0]) + bytes(255)
    partition.memory.write(UNITS + 4096, login)
    call(partition, CALLS["H_SEND_CRQ"], [SLOT.unit, 0x8001 << 48 | 256, 4096])


def call(partition: Partition, number: int, arguments: list[int]) -> None:
    processor = partition.processors[0]
    processor.set_gpr(3, number)
    processor.set_gprs(4, arguments)
    try:
        partition.hcalls.dispatch(processor)
    except HcallError as refused:  # which dispatch turns into a return code
        raise PromiseBrokenError(f"a refusal came out: {refused}") from refused


def play(rng: random.Random, tally: Tally) -> int:
    with hostile_partition(rng, tally) as composition:
        partition = composition.partition
        partition.processors[0].registers.msr = partition.processors[0].registers.msr.replace(
            PR=0, HV=0
        )
        targets, drive = Targets(), OpticalDrive("drive")
        targets.add(Disk(Blank(DISK_BYTES), "disk"), 0)
        targets.add(drive, 1)
        targets.add(Disk(Blank(DISK_BYTES), "other"), 1, 1)
        tape = TapeDrive("tape")
        targets.add(tape, 2)
        tape.load(BlankTape(DISK_BYTES))
        client = partition.virtual_io.add_crq_adapter(AdapterKind.CLIENT_SCSI, SLOT)
        VscsiServer(client, targets, Nexus("1:2"))
        for done in range(ROUND):
            if done % 50 == 0:
                prepare(rng, partition)
                if rng.random() < 0.5 and not drive.locked:
                    drive.unload()
                    drive.load(Blank(DISK_BYTES))
            page = rng.randrange(1, 32)
            form = 1 if rng.random() < 0.9 else 2
            partition.memory.write(UNITS + 4096 * page, random_unit(rng, form))
            if rng.random() < 0.9:
                partition.memory.write(QUEUE, bytes(4096))  # all read: there is room for more
            call(partition, *random_call(rng, page, form))
    return ROUND


driver = Driver("virtual-scsi", "hypercalls", play)
drive = driver.drive
