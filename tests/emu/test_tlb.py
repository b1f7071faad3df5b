"""The TLB of radix processes: what stays when another one runs or an entry goes, and what not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.engine import Engine
from emu.exits import Hypercall
from emu.memory import MIB, Memory

from .machine import PROBLEM, REAL, Bare

if TYPE_CHECKING:
    from collections.abc import Iterator

PROCESS_TABLE, TREES, TREE_SIZE, LEAVES = 0x40000, 0x50000, 0x4000, 0x3000
LEAF = 0xC000_0000_0000_0187
KERNEL = 0xC000_0000_0000_0000
CODE, PAGE, OTHER, LARGE = 0x4000, 0x8000, 0x9000, 0x10000
ONE, TWO = 0xA0000, 0xB0000
"""Storage that pages lie in."""
DATA = REAL.replace(DR=1)
LOAD = "ld r3,0(r4)\n sc 1"
FLUSH = "ptesync\n tlbie{} r5,r6,{},1,1\n eieio\n tlbsync\n ptesync\n sc 1"
TLB, WALKS, ALL, GROUP = range(4)
OF_PROCESS, EVERYTHING = 1 << 10, 3 << 10
SIZE_64K, SIZE_2M = 5 << 5, 1 << 5
PROCESSES = 12
"""More than have tables of their own at a time."""


class Processes(Bare):
    """Each process has a tree of its own for the first 2 MiB."""

    def __init__(self, memory: Memory, engine: Engine) -> None:
        super().__init__(memory, engine)
        for process in range(PROCESSES):
            root = TREES + process * TREE_SIZE
            memory.write_u64(PROCESS_TABLE + 16 * process, 0x2000_0000_0000_00A5 | root)
            for level in range(3):
                below = root + 0x1000 * (level + 1)
                memory.write_u64(root + 0x1000 * level, 1 << 63 | below | 9)
            self.map(process, CODE, CODE)
        memory.write_u64(ONE, 1)
        memory.write_u64(TWO, 2)
        engine.set_process_table(PROCESS_TABLE, 0x1000)

    def map(self, process: int, page: int, real: int) -> None:
        entry = TREES + process * TREE_SIZE + LEAVES + page // 0x1000 * 8
        self.memory.write_u64(entry, LEAF | real)

    def select(self, process: int) -> None:
        self.run("mtspr 48,r3\n sc 1", r3=process)

    def read(self, address: int, msr: int = DATA) -> int:
        """What the guest loads there; its handler of a data storage interrupt gives all ones."""
        self.load("li r3,-1\n sc 1", 0x300)
        self.load("ld r3,0(r4)\n sc 1", CODE)
        assert isinstance(self.enter(CODE, msr, r4=address), Hypercall)
        return self.registers.gpr(3)

    def fills(self, address: int, msr: int = DATA) -> int:
        """How many TLB misses another load makes."""
        before = self.engine.counts().tlb_fills
        self.read(address, msr)
        return self.engine.counts().tlb_fills - before

    def flush(self, rb: int, process: int, kind: int = TLB, local: str = "") -> None:
        self.run(FLUSH.format(local, kind), at=CODE, r5=rb, r6=process << 32)


@pytest.fixture
def cpu() -> Iterator[Processes]:
    with Memory(MIB) as memory:
        engine = Engine(memory)
        try:
            yield Processes(memory, engine)
        finally:
            engine.close()


@pytest.mark.parametrize("msr", [DATA, PROBLEM])
def test_each_process_reads_its_own_page_at_the_same_address(cpu: Processes, msr: int) -> None:
    for process in range(1, PROCESSES):
        cpu.map(process, PAGE, ONE + process * 0x1000)
        cpu.memory.write_u64(ONE + process * 0x1000, process)
    for _ in range(2):
        for process in range(1, PROCESSES):
            cpu.select(process)
            assert cpu.read(PAGE, msr) == process


def test_translations_of_problem_state_stay_while_another_process_runs(cpu: Processes) -> None:
    cpu.map(1, PAGE, ONE)
    cpu.select(1)
    cpu.read(PAGE, PROBLEM)
    cpu.select(2)
    assert cpu.read(PAGE, PROBLEM) == (1 << 64) - 1
    cpu.select(1)
    assert cpu.fills(PAGE, PROBLEM) == 0
    assert cpu.read(PAGE, PROBLEM) == 1


def test_the_kernels_translations_stay_when_the_process_changes(cpu: Processes) -> None:
    cpu.map(0, PAGE, ONE)
    cpu.select(1)
    assert cpu.read(KERNEL | PAGE) == 1
    cpu.select(2)
    assert cpu.fills(KERNEL | PAGE) == 0


def test_a_pid_written_from_outside_counts_from_the_next_run_on(cpu: Processes) -> None:
    cpu.map(1, PAGE, ONE)
    cpu.map(2, PAGE, TWO)
    for process in (1, 2, 1):
        cpu.registers.set_spr("pidr", process)
        assert cpu.read(PAGE) == process


@pytest.mark.parametrize("local", ["", "l"])
@pytest.mark.parametrize("msr", [DATA, PROBLEM])
def test_tlbie_of_a_page_takes_that_page_of_that_process_alone(
    cpu: Processes, msr: int, local: str
) -> None:
    for process in (1, 2):
        cpu.map(process, PAGE, ONE)
        cpu.map(process, OTHER, ONE)
        cpu.select(process)
        assert cpu.read(PAGE, msr) == cpu.read(OTHER, msr) == 1
    cpu.map(2, PAGE, TWO)
    cpu.flush(PAGE, 2, TLB, local)
    assert cpu.read(PAGE, msr) == 2
    assert cpu.fills(OTHER, msr) == 0


def test_tlbie_reaches_a_process_that_does_not_run(cpu: Processes) -> None:
    for rb in (PAGE, OF_PROCESS, EVERYTHING, PAGE | SIZE_64K, PAGE | SIZE_2M):
        cpu.map(1, PAGE, ONE)
        cpu.select(1)
        cpu.flush(OF_PROCESS, 1)
        assert cpu.read(PAGE, PROBLEM) == 1
        cpu.select(2)
        cpu.map(1, PAGE, TWO)
        cpu.flush(rb, 1)
        cpu.select(1)
        assert cpu.read(PAGE, PROBLEM) == 2


@pytest.mark.parametrize(
    ("rb", "kind"),
    [
        (LARGE | SIZE_64K, TLB),
        (LARGE | SIZE_2M, TLB),
        (LARGE, GROUP),
        (OF_PROCESS, TLB),
        (OF_PROCESS, ALL),
        (EVERYTHING, ALL),
    ],
)
def test_tlbie_of_more_takes_all_of_its_pages(cpu: Processes, rb: int, kind: int) -> None:
    pages = range(LARGE, LARGE + 0x10000, 0x1000)
    cpu.select(1)
    for page in pages:
        cpu.map(1, page, ONE)
        assert cpu.read(page) == 1
        cpu.map(1, page, TWO)
    cpu.flush(rb, 1, kind)
    assert [cpu.read(page) for page in pages] == [2] * len(pages)


def test_tlbie_of_process_0_takes_the_kernels_pages_and_no_others(cpu: Processes) -> None:
    for rb in (KERNEL | PAGE, OF_PROCESS):
        cpu.select(1)
        cpu.map(0, PAGE, ONE)
        cpu.map(1, OTHER, ONE)
        cpu.flush(EVERYTHING, 0)
        for msr in (DATA, PROBLEM):
            assert cpu.read(KERNEL | PAGE, msr) == cpu.read(OTHER, msr) == 1
        cpu.map(0, PAGE, TWO)
        cpu.flush(rb, 0)
        for msr in (DATA, PROBLEM):
            assert cpu.read(KERNEL | PAGE, msr) == 2
    cpu.read(OTHER, PROBLEM)
    cpu.flush(OF_PROCESS, 2)
    assert cpu.fills(OTHER, PROBLEM) == 0


def test_tlbie_of_walks_alone_takes_no_translation(cpu: Processes) -> None:
    cpu.map(1, PAGE, ONE)
    cpu.select(1)
    cpu.read(PAGE)
    cpu.flush(OF_PROCESS, 1, WALKS)
    assert cpu.fills(PAGE) == 0


# ---- code --------------------------------------------------------------------------------------

CALL = """
        mtctr   r4
        bctrl
        mr      r10,r3
        mtctr   r4
        bctrl
        sc      1
"""


def give(cpu: Processes, real: int, value: int) -> None:
    """A function there that gives `value`."""
    cpu.memory.write(real, assemble(f"li r3,{value}\n blr").image())


@pytest.mark.parametrize("rb", [PAGE, OF_PROCESS, EVERYTHING])
def test_a_branch_goes_where_its_page_lies_now(cpu: Processes, rb: int) -> None:
    relocated = REAL.replace(IR=1, DR=1)
    cpu.select(1)
    for real, value in ((ONE, 11), (TWO, 12), (ONE, 11)):
        give(cpu, real, value)
        cpu.map(1, PAGE, real)
        cpu.flush(rb, 1)
        registers = cpu.run(CALL, relocated, at=CODE, r4=PAGE)
        assert registers.gpr(3) == registers.gpr(10) == value


def test_a_branch_goes_where_the_page_of_its_process_lies(cpu: Processes) -> None:
    for process, real in ((1, ONE), (2, TWO)):
        give(cpu, real, process)
        cpu.map(process, PAGE, real)
    for process in (1, 2, 1, 2):
        cpu.select(process)
        registers = cpu.run(CALL, PROBLEM, at=CODE, r4=PAGE)
        assert registers.gpr(3) == registers.gpr(10) == process


def test_code_stored_through_a_mapping_of_a_process_that_ran_before_is_seen(
    cpu: Processes,
) -> None:
    """Process 1 has written to the page already, unseen; then process 2 runs code from it."""
    store = "stw r5,0(r4)\n sc 1"
    old, new = (int.from_bytes(assemble(f"li r3,{n}").image(), "big") for n in (1, 2))
    give(cpu, ONE, 1)
    cpu.map(1, PAGE, ONE)
    cpu.map(2, OTHER, ONE)
    for word, value in ((old, 1), (new, 2), (old, 1)):
        cpu.select(1)
        cpu.run(store, PROBLEM, at=CODE, r4=PAGE, r5=word)
        cpu.run(store, PROBLEM, at=CODE, r4=PAGE, r5=word)
        cpu.select(2)
        assert cpu.run(CALL, PROBLEM, at=CODE, r4=OTHER).gpr(3) == value
