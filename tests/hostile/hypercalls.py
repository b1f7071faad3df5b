"""Random hypercalls with biased arguments against everything a partition may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import MSR
from emu.memory import MIB
from hypervisor import performance
from hypervisor.processor import Standing
from hypervisor.xics import IPI_SOURCE
from hypervisor.xive_pages import PAGE_SHIFT, QUEUE_PAGES, SOURCE_PAGES, USER_PAGE

from .rounds import STORAGE, Driver, Tally, hostile_partition, run
from .words import encode

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition
    from hypervisor.processor import VirtualProcessor

ROUND = 4000
"""Calls through the table; those that guest code makes come on top."""
PROCESSORS = 4
MASK = (1 << 64) - 1
CODE = 0x8000
AREAS = 4 * MIB
"""Where areas that can be registered lie, with lengths that are right."""
RUN_EVERY, TICKS = 50, 500
"""The guest runs now and then, and makes the same call over and over."""
PREPARE_EVERY = 500
CALL_AND_LOOP = (0x7DA36B78, 0x44000022, 0x4BFFFFF8)  # mr r3,r13; sc 1; b .-8


def likely_argument(rng: random.Random) -> int:
    """What a call may well accept."""
    match rng.randrange(7):
        case 0 | 1:
            return 0
        case 2:
            return rng.choice((1, 2, 3, 4, 8, 0x1C, 0x8000, 0x4000))
        case 3:
            return rng.randrange(1, 8) << 45
        case 4:
            return rng.choice((0x30000000, 0x1001, IPI_SOURCE))
        case 5:
            return rng.randrange(STORAGE) & ~0xFFF
        case _:
            return AREAS + 0x1000 * rng.randrange(16)


def unlikely_argument(rng: random.Random) -> int:
    """What a call had better look at twice."""
    match rng.randrange(9):
        case 0:
            return rng.randrange(64)
        case 1:
            return 1 << rng.randrange(64)
        case 2:
            return rng.getrandbits(64)
        case 3:
            return -rng.randrange(1, 300) & MASK
        case 4:
            return STORAGE - rng.randrange(300)
        case 5:
            return (STORAGE - rng.choice((64, 128, 640, 4096, 65536))) & ~127
        case 6:
            return rng.randrange(STORAGE)
        case 7:
            return 0x71000000 | rng.getrandbits(16)
        case _:
            return rng.randrange(8) << 45 | 1 << rng.randrange(64)


PAGE_TABLE_CALLS = frozenset((0x04, 0x08, 0x0C, 0x10, 0x14, 0x18, 0x124, 0x328))
"""H_REMOVE, H_ENTER, H_READ, H_CLEAR_MOD, H_CLEAR_REF, H_PROTECT, H_BULK_REMOVE, H_BLOCK_REMOVE."""
SHOOTDOWN, COUNTERS = 0x448, 0xF080
DEVICE_PAGES = (USER_PAGE, SOURCE_PAGES, SOURCE_PAGES + (0x10 << PAGE_SHIFT), QUEUE_PAGES)
INTERRUPT_CALLS = range(0x3A8, 0x3D4, 4)


def page_table_arguments(rng: random.Random, number: int) -> list[int]:
    """Few entries, so that calls meet what others left there; mostly right flags and pages."""
    places = rng.randrange(16), rng.randrange(16)
    if number == 0x124:
        return [word for place in places for word in (1 << 62 | place, rng.getrandbits(3) << 7)]
    if number == 0x328:
        by_avpn = rng.choice((0, 0, 1 << 56))
        specifiers = [1 << 62 | by_avpn | rng.randrange(16) for _ in range(rng.randrange(9))]
        return [rng.getrandbits(2) << 7, *specifiers, 3 << 62][:9]
    high = rng.getrandbits(2) << 7 | rng.choice((0, 0, 4, 2)) | 1
    page = rng.choice((rng.randrange(STORAGE), rng.randrange(STORAGE), *DEVICE_PAGES)) & ~0xFFF
    low = page | rng.choice((0x10, 0x10, 0x10, 0x28, 0)) | 2
    flags = rng.choice((0, 0, 1 << 39, 1 << 37, 1 << 31, 1 << 15, rng.getrandbits(3)))
    return [flags, places[0], high, low]


def interrupt_arguments(rng: random.Random) -> list[int]:
    """Sources, servers, priorities and queues of XIVE, most of which there are."""
    first = rng.choice((0x10 + rng.randrange(32), 0x1001, 0x10F0, rng.randrange(PROCESSORS)))
    queue = rng.randrange(STORAGE) & ~0xFFFF
    second = rng.choice((rng.randrange(PROCESSORS), rng.randrange(8), 0xFF, queue))
    third = rng.choice((rng.randrange(8), queue, 0xFF, 16))
    return [rng.choice((0, 0, 0, 1 << 63, 1 << 62)), first, second, third, rng.choice((12, 16, 5))]


def likely_arguments(rng: random.Random, number: int) -> list[int]:
    """What calls of these families may well accept; nothing for the others."""
    if number in PAGE_TABLE_CALLS:
        return page_table_arguments(rng, number)
    if number == SHOOTDOWN:
        pid, targets, kinds, sizes = (rng.getrandbits(bits) for bits in (8, 3, 4, 4))
        return [pid, targets, kinds, sizes, 0, rng.choice((MASK, 0, 1 << 40))]
    if number == COUNTERS:
        return [AREAS + 0x1000 * rng.randrange(16), rng.choice((4096, 64, 32, 80))]
    return interrupt_arguments(rng) if number in INTERRUPT_CALLS else []


def random_number(rng: random.Random, numbers: list[int]) -> int:
    if rng.random() < 0.9:
        return rng.choice(numbers)
    return rng.choice((rng.getrandbits(64), rng.getrandbits(16), 4 * rng.randrange(512)))


def prepare(rng: random.Random, partition: Partition) -> None:
    """Areas with lengths that registering accepts, blocks that look like RTAS calls, counters."""
    memory = partition.memory
    memory.write(CODE, encode(CALL_AND_LOOP, False))
    for page in range(16):
        address = AREAS + 0x1000 * page
        memory.write(address, rng.randbytes(0x1000))
        memory.write_u32(address, rng.choice(tuple(performance.ANSWERED)))
        memory.write_u32(address + 4, rng.choice((640, 1024, 48, 4096, 640 << 16, 8, 0)))


def revive(rng: random.Random, partition: Partition) -> None:
    """Let the first processor run again, the others stand anyhow; forget that the run ended."""
    partition.outcome = None
    first, *others = partition.processors
    first.standing = Standing.READY
    for processor in others:
        processor.standing = rng.choice(list(Standing))
    registers = first.registers
    registers.msr = MSR(0).replace(SF=1, ME=1)
    registers.nip = CODE
    partition.dispatcher.confer(first)


def set_arguments(rng: random.Random, processor: VirtualProcessor, number: int) -> None:
    """Arguments for hypercall `number`, of which some are left from the last."""
    odd = rng.choice((0, 0.1, 0.3, 1))
    for register in range(4, 13):
        if rng.random() < 0.8:
            argument = unlikely_argument if rng.random() < odd else likely_argument
            processor.set_gpr(register, argument(rng))
    if rng.random() < 0.7:
        for register, value in enumerate(likely_arguments(rng, number), start=4):
            processor.set_gpr(register, value)


def call(rng: random.Random, partition: Partition, numbers: list[int]) -> None:
    """One hypercall by some processor."""
    processor = rng.choice(partition.processors) if rng.random() < 0.1 else partition.processors[0]
    number = random_number(rng, numbers)
    set_arguments(rng, processor, number)
    processor.set_gpr(3, number)
    partition.hcalls.dispatch(processor)


def play(rng: random.Random, tally: Tally) -> int:
    with hostile_partition(rng, tally, processors=PROCESSORS) as composition:
        partition = composition.partition
        numbers = [call.number for call in partition.hcalls]
        for done in range(ROUND):
            if done % PREPARE_EVERY == 0:
                prepare(rng, partition)
            call(rng, partition, numbers)
            if done % RUN_EVERY == 0:
                revive(rng, partition)
                number = random_number(rng, numbers)
                set_arguments(rng, partition.processors[0], number)
                partition.processors[0].set_gpr(13, number)
                run(partition, TICKS)
        return partition.hcalls.counts.total()


driver = Driver("hypercalls", "hypercalls", play)
drive = driver.drive
