"""Random calls of a server adapter and of its client: queues, windows, copies between storage.

The client gives its server some pages: what it does not give is never written, and nothing of what
the server may not read comes to the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.memory import MIB
from hypervisor.configuration import PartitionConfiguration
from hypervisor.vio import adapter, crq, rdma, tce
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.pairs import Pair, Place
from hypervisor.vio.rdma import LONGEST_COPY
from hypervisor.vio.tce import READ, WINDOW_BYTES, WRITE
from pyphyp.compose import compose

from .rounds import STORAGE, Driver, PromiseBrokenError, Tally, hostile_partition

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition

ROUND = 2000
SERVER, CLIENT = Slot(10), Slot(20)
PAGE = 4096
BASE = 4 * MIB
"""Where the server's window begins in its storage."""
MAPPED = 64
SECRET = b"not for the server"
CLIENT_BYTES = MIB
GROUPS = (adapter.hcalls, tce.hcalls, crq.hcalls, rdma.hcalls)
CALLS = {call.name: call.number for group in GROUPS for call in group}
OFTEN = ("H_COPY_RDMA",) * 60 + ("H_WRITE_RDMA", "H_READ_RDMA") * 5 + ("H_SEND_CRQ",) * 20


def random_address(rng: random.Random) -> int:
    match rng.randrange(16):
        case 0:
            return rng.getrandbits(rng.choice((20, 32, 64)))
        case 1:
            return WINDOW_BYTES - rng.randrange(PAGE)
        case 2:
            return MAPPED * PAGE - rng.randrange(32)
    return PAGE * rng.randrange(MAPPED) + rng.choice((0, 0, 8, 4080))


def random_call(rng: random.Random, slot: Slot) -> tuple[int, list[int]]:
    name = rng.choice(OFTEN + tuple(CALLS))
    unit = slot.unit if rng.random() < 0.95 else rng.getrandbits(32)
    windows = (SERVER.liobn, SERVER.remote_liobn, CLIENT.liobn, CLIENT.remote_liobn)
    liobns = [rng.choice(windows) if rng.random() < 0.95 else rng.getrandbits(32) for _ in range(2)]
    length = rng.choice((0, 8, 16, 256, PAGE, 65536, LONGEST_COPY, LONGEST_COPY + 1, 1 << 63))
    match name:
        case "H_COPY_RDMA":
            there = [liobns[0], random_address(rng), liobns[1], random_address(rng)]
            return CALLS[name], [length, *there]
        case "H_WRITE_RDMA" | "H_READ_RDMA":
            data = [rng.getrandbits(64) for _ in range(6)]
            return CALLS[name], [
                rng.choice((0, 7, 48, 72, 73)),
                liobns[0],
                random_address(rng),
                *data,
            ]
        case "H_SEND_CRQ":
            head = rng.choice((0x80, 0x80, 0xC0, 0xFF, rng.getrandbits(8)))
            return CALLS[name], [unit, head << 56 | rng.getrandbits(56), rng.getrandbits(64)]
        case "H_REG_CRQ":
            size = rng.choice((PAGE, PAGE, 2 * PAGE, 0, 1 << 40))
            return CALLS[name], [unit, random_address(rng), size]
        case "H_VIOCTL":
            one = rng.choice((0, 30_000, 64 << 32 | random_address(rng) & 0xFFFF_FFFF))
            return CALLS[name], [unit, rng.choice((8, 0x1D, 0x1E, rng.getrandbits(8))), one, 0, 0]
    return CALLS[name], [unit, rng.choice((0, 1, rng.getrandbits(64))), random_address(rng), 0]


def call(partition: Partition, number: int, *arguments: int) -> None:
    processor = partition.processors[0]
    io = partition.virtual_io
    processor.set_gprs(3, (number, *arguments))
    partition.hcalls.dispatch(processor)
    io.others_stand_still = True
    processor.answer(1)
    io.others_stand_still = False


def open_client(partition: Partition, given: dict[int, int]) -> None:
    """The client maps what it gives, page by page with its access, and registers a queue."""
    for page, access in given.items():
        call(partition, CALLS["H_PUT_TCE"], CLIENT.liobn, page, page | access)
    call(partition, CALLS["H_FREE_CRQ"], CLIENT.unit)
    call(partition, CALLS["H_REG_CRQ"], CLIENT.unit, 0, PAGE)


def open_server(partition: Partition) -> None:
    for n in range(MAPPED):
        call(partition, CALLS["H_PUT_TCE"], SERVER.liobn, PAGE * n, BASE + PAGE * n | 3)
    call(partition, CALLS["H_FREE_CRQ"], SERVER.unit)
    call(partition, CALLS["H_REG_CRQ"], SERVER.unit, 0, PAGE)


def storage_of_client(given: dict[int, int]) -> bytearray:
    """Pages that the server may not read are full of what it must not see."""
    content = bytearray(SECRET * (CLIENT_BYTES // len(SECRET) + 1))[:CLIENT_BYTES]
    for page, access in given.items():
        if access & READ:
            content[page : page + PAGE] = bytes(PAGE)
    return content


def play(rng: random.Random, tally: Tally) -> int:
    given = {PAGE * n: rng.choice((0, READ, WRITE, READ | WRITE)) for n in range(1, MAPPED)}
    given[0] = READ | WRITE
    pair = Pair(Place(1, SERVER, "server"), Place(2, CLIENT, "client"))
    client_configuration = PartitionConfiguration(
        name="client", number=2, memory_bytes=CLIENT_BYTES
    )
    client = compose(client_configuration, epoch=0, seed=1)
    try:
        with hostile_partition(rng, tally) as composition:
            server = composition.partition
            for its in (server, client.partition):
                registers = its.processors[0].registers
                registers.msr = registers.msr.replace(PR=0, HV=0)
            server.virtual_io.add_paired(AdapterKind.SCSI_SERVER, SERVER, pair.server)
            client.partition.virtual_io.add_paired(AdapterKind.CLIENT_SCSI, CLIENT, pair.client)
            before = storage_of_client(given)
            client.partition.memory.write(0, bytes(before))
            for done in range(ROUND):
                if done % 100 == 0:
                    open_server(server)
                    open_client(client.partition, given)
                    pair.exchange()
                call(server, *_flat(random_call(rng, SERVER)))
                if rng.random() < 0.2:
                    for _ in range(rng.choice((1, 300))):
                        call(client.partition, CALLS["H_SEND_CRQ"], CLIENT.unit, 0x80 << 56, done)
                if rng.random() < 0.2:
                    pair.exchange()
                if rng.random() < 0.1:
                    client.partition.memory.write(0, bytes(PAGE))
            if not _check(client.partition, server, given, before):
                tally.was_fruitless("not one copy got through")
    finally:
        client.close()
    return ROUND


def _flat(what: tuple[int, list[int]]) -> tuple[int, ...]:
    number, arguments = what
    return number, *arguments


def _check(client: Partition, server: Partition, given: dict[int, int], before: bytearray) -> bool:
    """Whether a copy got through; raises if one did that may not."""
    after = client.memory.read(0, CLIENT_BYTES)
    written = False
    for page in range(0, CLIENT_BYTES, PAGE):
        same = after[page : page + PAGE] == before[page : page + PAGE]
        if not same and not given.get(page, 0) & WRITE:
            raise PromiseBrokenError(f"page {page:#x} was not given to the server, and changed")
        written = written or (not same and page > 0)
    if SECRET in server.memory.read(0, STORAGE):
        raise PromiseBrokenError("the server has read what it may not")
    return written


driver = Driver("virtual-pairs", "hypercalls", play)
drive = driver.drive
