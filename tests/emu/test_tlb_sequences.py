"""Whatever a guest maps, stores and runs, each change with its tlbie: it sees what came last."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest

from emu.assembler import assemble
from emu.engine import Engine
from emu.exits import Hypercall
from emu.memory import MIB, Memory

from .machine import PROBLEM, REAL
from .test_tlb import (
    CODE,
    EVERYTHING,
    KERNEL,
    OF_PROCESS,
    OTHER,
    PAGE,
    SIZE_64K,
    Processes,
)

PRIVILEGED = REAL.replace(IR=1, DR=1)
FRAMES = range(0xA0000, 0xA3000, 0x1000)
PAGES = (PAGE, OTHER)
STEPS = 3000
LAST_PROCESS = 10
"""More than have tables of their own."""
PROGRAMS = (
    "ld r3,0(r4)\n sc 1",
    "stw r5,0(r4)\n dcbst 0,r4\n sync\n icbi 0,r4\n isync\n sc 1",
    "mtctr r4\n bctrl\n sc 1",
    "mtspr 48,r5\n isync\n sc 1",
    "ptesync\n tlbie r5,r6,0,1,1\n eieio\n tlbsync\n ptesync\n sc 1",
    "ptesync\n tlbie r5,r6,2,1,1\n eieio\n tlbsync\n ptesync\n sc 1",
    "ptesync\n tlbiel r5,r6,0,1,1\n ptesync\n sc 1",
)
"""Each stays where it is, so that what is known of its code stays, too."""
LOAD, STORE, CALL, SELECT, FLUSH, FLUSH_ALL, FLUSH_LOCALLY = range(CODE, CODE + 0x700, 0x100)
FORMS = (
    (FLUSH, 0, True),
    (FLUSH_LOCALLY, 0, True),
    (FLUSH, SIZE_64K, True),
    (FLUSH, OF_PROCESS, False),
    (FLUSH_ALL, OF_PROCESS, False),
    (FLUSH_ALL, EVERYTHING, False),
)


def function(value: int) -> bytes:
    return assemble(f"li r3,{value}\n blr").image()


@dataclass(slots=True)
class Model:
    """What each page of each process shows, and the processor that is held to it."""

    cpu: Processes
    process: int = 1
    values: dict[int, int] = field(default_factory=dict)
    mapped: dict[tuple[int, int], int] = field(default_factory=dict)

    def prepare(self) -> None:
        for address, program in zip(range(CODE, CODE + 0x700, 0x100), PROGRAMS, strict=True):
            self.cpu.load(program, address)
        for frame in FRAMES:
            self.values[frame] = frame >> 12
            self.cpu.memory.write(frame, function(frame >> 12))
        for process in range(LAST_PROCESS + 1):
            for page in PAGES:
                frame = FRAMES[(process + page // 0x1000) % 2]
                self.cpu.map(process, page, frame)
                self.mapped[process, page] = frame
        self.select(1)

    def run(self, program: int, msr: int = REAL, **gprs: int) -> int:
        assert isinstance(self.cpu.enter(program, msr, **gprs), Hypercall)
        return self.cpu.registers.gpr(3)

    def frame(self, address: int) -> int:
        process = 0 if address & KERNEL else self.process
        return self.mapped[process, address & ~KERNEL]

    def select(self, process: int) -> None:
        self.run(SELECT, r5=process)
        self.process = process

    def map(self, process: int, page: int, frame: int, form: tuple[int, int, bool]) -> None:
        program, bits, of_page = form
        self.cpu.map(process, page, frame)
        self.mapped[process, page] = frame
        address = page if process else KERNEL | page
        self.run(program, r5=address | bits if of_page else bits, r6=process << 32)

    def load(self, address: int, msr: int) -> None:
        expected = int.from_bytes(function(self.values[self.frame(address)]), "big")
        assert self.run(LOAD, msr, r4=address) == expected

    def call(self, address: int, msr: int) -> None:
        assert self.run(CALL, msr, r4=address) == self.values[self.frame(address)]

    def store(self, address: int, msr: int, value: int) -> None:
        self.run(STORE, msr, r4=address, r5=int.from_bytes(function(value)[:4], "big"))
        self.values[self.frame(address)] = value


def step(model: Model, random: Random) -> None:
    page, frame = random.choice(PAGES), random.choice(FRAMES)
    address = page | random.choice([0, 0, KERNEL])
    msr = random.choice([PRIVILEGED, PROBLEM])
    process = random.choice([1, 2, random.randint(1, LAST_PROCESS)])
    match random.choices(["select", "load", "call", "map", "store"], [30, 15, 40, 10, 5])[0]:
        case "select":
            model.select(process)
        case "load":
            model.load(address, msr)
        case "call":
            model.call(address, msr)
        case "map":
            model.map(random.choice([0, process]), page, frame, random.choice(FORMS))
        case "store":
            model.store(address, msr, random.randint(0, 999))


@pytest.mark.parametrize("seed", range(4))
def test_a_guest_sees_what_it_mapped_last_and_stored_last(seed: int) -> None:
    random = Random(seed)
    with Memory(MIB) as memory:
        engine = Engine(memory)
        try:
            model = Model(Processes(memory, engine))
            model.prepare()
            for _ in range(STEPS):
                step(model, random)
        finally:
            engine.close()
