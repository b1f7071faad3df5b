"""Random instructions, in every state a guest may put its processor into.

A batch of words lies between handlers that skip whatever interrupts.  The process table maps the
same storage read-write-execute for both privilege states, so relocated code runs as real code does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import MSR
from emu.memory import MIB
from hypervisor.xive_pages import PAGE_SHIFT, QUEUE_PAGES, SOURCE_PAGES, USER_PAGE

from .rounds import Driver, Tally, hostile_partition, run
from .words import encode, random_program

if TYPE_CHECKING:
    import random

    from hypervisor.partition import Partition

ROUND = 16384
BATCH = 256
STRIDE = 16
"""Words from one entry into a batch to the next: what branches away is soon fetched back."""
TICKS = 112
CODE = 0x8000
PROCESS_TABLE = 0x100000
PAGE_DIRECTORY = 0x110000
DATA = 2 * MIB

DEVICE_PAGES = (USER_PAGE, SOURCE_PAGES, SOURCE_PAGES + (0x10 << PAGE_SHIFT), QUEUE_PAGES)
"""XIVE's, which are there in every other round; real mode reaches them."""

VECTORS = range(0x100, 0x1000, 0x20)
TOP_LEVEL_BITS = 13
LEAVES_BITS = 9
LARGE_PAGE = 1 << 30
KERNEL_SPACE = 0xC000_0000_0000_0000
# The four words of a handler: step over what interrupted.
SKIP = (
    0x7FFA02A6,  # mfsrr0 r31
    0x3BFF0004,  # addi r31,r31,4
    0x7FFA03A6,  # mtsrr0 r31
    0x4C000024,  # rfid
)
LEAF = 0xC000_0000_0000_0187
"""Valid, a leaf, referenced and changed; read, write and execute in both states."""


def set_up(partition: Partition, little_endian: bool) -> None:
    """Handlers, and a radix tree that maps effective addresses to themselves."""
    memory = partition.memory
    handler = encode(SKIP, little_endian)
    for vector in VECTORS:
        memory.write(vector, handler)
    # 52 bits: a root of 13, a directory of 9 whose entries are pages of 1 GiB.
    root_size = (52 - 31 & 7) << 5 | (52 - 31 >> 3) << 61
    for process in range(16):
        memory.write_u64(PROCESS_TABLE + 16 * process, root_size | PAGE_DIRECTORY | TOP_LEVEL_BITS)
    next_level = PAGE_DIRECTORY + (8 << TOP_LEVEL_BITS)
    memory.write_u64(PAGE_DIRECTORY, 1 << 63 | next_level | LEAVES_BITS)
    memory.write_u64(next_level, LEAF)
    partition.engine.set_process_table(PROCESS_TABLE, 0x1000)
    partition.engine.set_interrupts_little_endian(little_endian)


def random_value(rng: random.Random) -> int:
    """A register's content: often an address in storage, or near one of the borders."""
    match rng.randrange(9):
        case 0:
            return rng.getrandbits(64)
        case 8:
            return rng.choice(DEVICE_PAGES) + rng.randrange(3 << PAGE_SHIFT)
        case 1:
            return 1 << rng.randrange(64)
        case 2:
            return (
                rng.choice((0, 1, (1 << 64) - 1, 1 << 63, 0xFFFF_FFFF)) - rng.randrange(9)
                & (1 << 64) - 1
            )
        case 3:
            return 16 * MIB - rng.randrange(300)
        case 4:
            return DATA - rng.randrange(300)
        case 5:
            return KERNEL_SPACE + DATA + rng.randrange(MIB)
        case _:
            return DATA + rng.randrange(8 * MIB)


def random_registers(rng: random.Random, partition: Partition) -> None:
    registers = partition.processors[0].registers
    for number in range(32):
        registers.set_gpr(number, random_value(rng))
    for number in range(64):
        if rng.random() < 0.1:
            registers.set_vsr(number, rng.getrandbits(128))
    registers.set_spr("ctr", random_value(rng))
    registers.set_spr("lr", CODE + 4 * rng.randrange(BATCH))
    registers.set_spr("xer", rng.getrandbits(32))
    registers.cr = rng.getrandbits(32)
    registers.set_spr("pidr", rng.randrange(16))


def enter(rng: random.Random, partition: Partition, address: int, little_endian: bool) -> None:
    """Make the processor go on at `address`, in some state in which it can fetch from there."""
    registers = partition.processors[0].registers
    registers.set_gpr(rng.randrange(32), random_value(rng))
    relocated = rng.random() < 0.5
    facilities = int(rng.random() < 0.8)
    traps = int(rng.random() < 0.1)
    registers.msr = MSR(0).replace(
        SF=int(rng.random() < 0.8),
        PR=int(relocated and rng.random() < 0.5),
        EE=int(rng.random() < 0.3),
        IR=int(relocated),
        DR=int(relocated),
        LE=int(little_endian),
        FP=facilities,
        VEC=facilities,
        VSX=facilities,
        FE0=traps,
        FE1=traps,
        SE=int(rng.random() < 0.05),
        BE=int(rng.random() < 0.05),
        ME=1,
        RI=1,
    )
    high = KERNEL_SPACE if relocated and registers.msr.SF and rng.random() < 0.5 else 0
    registers.nip = address | high


def play(rng: random.Random, tally: Tally) -> int:
    done = 0
    with hostile_partition(rng, tally) as composition:
        partition = composition.partition
        handlers_little_endian = rng.random() < 0.3
        while done < ROUND and partition.outcome is None:
            if done % (4 * BATCH) == 0:
                set_up(partition, handlers_little_endian)
            little_endian = rng.random() < 0.4
            partition.memory.write(CODE, encode(random_program(rng, BATCH), little_endian))
            random_registers(rng, partition)
            for address in range(CODE, CODE + 4 * BATCH, 4 * STRIDE):
                enter(rng, partition, address, little_endian)
                run(partition, TICKS)
            done += BATCH
    return done


driver = Driver("instructions", "instructions", play)
drive = driver.drive
