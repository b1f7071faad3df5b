"""Random RTAS and client-interface blocks, some over the call's own code, stack and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import MSR
from emu.memory import MIB
from firmware import client_services, services, stubs
from firmware.boot import BootImage
from firmware.client_interface import ServiceTable
from firmware.injection import Injection
from firmware.lamps import Lamp
from firmware.loading import CLIENT_ENTRY, STACK_TOP
from firmware.rtas import RtasTable
from hypervisor.vio.adapter import FIRST_UNIT
from hypervisor.vio.connectors import HOST_BRIDGE
from tests.firmware.guest import elf_image

from .rounds import STORAGE, Driver, Tally, hostile_partition, run

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition

ROUND = 1000
RUN_EVERY, TICKS = 25, 200
TEXTS = 6 * MIB
TEXT_BYTES = 64
BLOCKS = 7 * MIB
TOKENS = [token for token, _ in RtasTable(lambda: services.ALL).tokens()]
SERVICES = [service.name for service in ServiceTable(lambda: client_services.ALL)]
NAMES = (
    *SERVICES,
    *("", "/", "/chosen", "/cpus", "/rtas", "/memory@0", "/vdevice/vty@30000000", "name", "reg"),
    *("available", "bootargs", "device_type", "translate", "instantiate-rtas", "#address-cells"),
    "ibm,client-architecture-support",
    *("Upyphyp.PYP0001", "Upyphyp.PYP0001-P1-C2"),
    "\0\0\0\x10Upyphyp.PYP0001",
)


def text_at(name: str) -> int:
    return TEXTS + TEXT_BYTES * NAMES.index(name)


def random_cell(rng: random.Random) -> int:
    match rng.randrange(8):
        case 0:
            odd = (0, 1, 2, 4, 16, 255, 4096, 65536, MIB, 0x7FFFFFFF, 0xFFFFFFFF)
            connectors = (9001, 9003, FIRST_UNIT + rng.randrange(4), HOST_BRIDGE)
            return rng.choice((*odd, *Lamp, *Injection, *connectors))
        case 1:
            return 0x1000 + rng.randrange(40)
        case 2:
            return 0x80000001 + rng.randrange(8)
        case 3:
            return rng.choice((CLIENT_ENTRY, STACK_TOP - 128, BLOCKS, BLOCKS + 12, 0, 0x100))
        case 4:
            return STORAGE - rng.randrange(70)
        case 5:
            return rng.getrandbits(32)
        case _:
            return TEXTS + TEXT_BYTES * rng.randrange(len(NAMES))


def random_place(rng: random.Random) -> int:
    """Where a block lies: by itself, or over something that the call needs."""
    match rng.randrange(10):
        case 0:
            return CLIENT_ENTRY + 4 * rng.randrange(-8, 8)
        case 1:
            return STACK_TOP - 4 * rng.randrange(64)
        case 2:
            return TEXTS + 4 * rng.randrange(64)
        case 3:
            return STORAGE - 4 * rng.randrange(40)
        case 4:
            return rng.getrandbits(rng.choice((4, 24, 32, 33, 64)))
        case _:
            return BLOCKS


def random_block(rng: random.Random, number: int) -> list[int]:
    head = rng.choice(TOKENS) if number == stubs.RTAS_CALL else text_at(rng.choice(SERVICES))
    if rng.random() < 0.1:
        head = random_cell(rng)
    arguments = rng.randrange(10) if rng.random() < 0.95 else rng.getrandbits(32)
    returns = rng.randrange(1, 10) if rng.random() < 0.95 else rng.getrandbits(32)
    return [head, arguments, returns, *(random_cell(rng) for _ in range(rng.randrange(12)))]


def prepare(rng: random.Random, partition: Partition) -> None:
    for name in NAMES:
        partition.memory.write(text_at(name), name.encode().ljust(TEXT_BYTES, b"\0"))
    partition.memory.write(CLIENT_ENTRY, stubs.entry(stubs.CLIENT_INTERFACE_CALL))
    partition.memory.write(BLOCKS - 4096, rng.randbytes(4096))


def play(rng: random.Random, tally: Tally) -> int:
    with hostile_partition(rng, tally, processors=2) as composition:
        partition = composition.partition
        composition.firmware.boot(BootImage(elf_image()))
        processor = partition.processors[0]
        for done in range(ROUND):
            if done % 100 == 0:
                prepare(rng, partition)
            number = rng.choice((stubs.RTAS_CALL, stubs.CLIENT_INTERFACE_CALL))
            place = random_place(rng)
            cells = random_block(rng, number)
            if place % 4 == 0 and partition.memory.contains(place, 4 * len(cells)):
                partition.memory.write_words(place, *cells)
            if done % RUN_EVERY:
                processor.set_gpr(3, number)
                processor.set_gpr(4, place)
                partition.hcalls.dispatch(processor)
            else:
                enter(partition, place)
    return ROUND


def enter(partition: Partition, block: int) -> None:
    """Call firmware as a client does: r3 is the block, and the link register leads back."""
    partition.outcome = None
    registers = partition.processors[0].registers
    registers.msr = MSR(0).replace(SF=1, ME=1)
    registers.set_gpr(1, STACK_TOP - 128)
    registers.set_gpr(3, block)
    registers.set_spr("lr", CLIENT_ENTRY)
    registers.nip = CLIENT_ENTRY
    run(partition, TICKS)


driver = Driver("firmware-calls", "firmware calls", play)
drive = driver.drive
