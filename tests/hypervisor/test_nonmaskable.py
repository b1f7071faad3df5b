"""System resets and machine checks: by the architecture, and to handlers that were registered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.nonmaskable import AREA_BYTES, Handlers, MachineCheck
from hypervisor.partition import Ending
from hypervisor.processor import Standing
from tests.hypervisor.lpar import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hypervisor.lpar import Lpar

AREA, RESET, CHECK = 0x8000, 0x5000, 0x6000
FOUND = MachineCheck(srr1=1 << 21, dar=0x1234, dsisr=0x80, log=b"log of the fault")
COUNTER = "addi r20,r20,1\n mfsrr0 r21\n mfsrr1 r22\n mfdar r23\n mfdsisr r24\n b ."


@pytest.fixture
def lpar() -> Iterator[Lpar]:
    """Two processors that run, each with its number in R3; handlers at all four places."""
    with opened(processors=2) as lpar:
        for vector in (0x100, 0x200, RESET, CHECK):
            lpar.load(f"li r30,{vector:#x}\n{COUNTER}", vector)
        lpar.load("b .", 0x4000)
        for number in range(2):
            lpar.processor(number).start(0x4000, 0x7700 + number)
        lpar.partition.nonmaskable.area = AREA
        yield lpar


def register(lpar: Lpar) -> None:
    lpar.partition.nonmaskable.handlers = Handlers(RESET, CHECK)


def run(lpar: Lpar) -> list[int]:
    """Where each processor came to, by the number its handler left in R30."""
    lpar.partition.run(lpar.partition.time_base + 300_000)
    return [lpar.processor(number).gpr(30) for number in range(2)]


def test_without_handlers_the_vectors_are_the_architectures(lpar: Lpar) -> None:
    lpar.partition.nonmaskable.system_reset(lpar.processor(0))
    lpar.partition.nonmaskable.machine_check(lpar.processor(1), FOUND)
    assert run(lpar) == [0x100, 0x200]
    found = lpar.processor(1)
    assert [found.gpr(n) for n in (3, 21, 23, 24)] == [0x7701, 0x4000, 0x1234, 0x80]
    assert found.gpr(22) & FOUND.srr1


@pytest.fixture
def bare() -> Iterator[Lpar]:
    """A processor that runs and one that is stopped, and no handlers."""
    with opened(processors=2) as lpar:
        lpar.load("b .", 0x4000)
        lpar.processor(0).start(0x4000, 0)
        yield lpar


@pytest.mark.parametrize("kind", ["system reset", "machine check"])
def test_what_nobody_handles_is_a_crash_that_says_so(bare: Lpar, kind: str) -> None:
    for processor in reversed(bare.partition.processors):
        assert bare.partition.outcome is None
        if kind == "system reset":
            processor.system_reset()
        else:
            bare.partition.nonmaskable.machine_check(processor, FOUND)
    outcome = bare.partition.outcome
    assert outcome is not None
    assert outcome.ending is Ending.CRASH
    assert outcome.reason.startswith(f"a {kind} that nobody handles")


def test_where_a_program_interrupt_is_handled_it_is_told_of_a_missing_handler(bare: Lpar) -> None:
    bare.load(f"li r30,0x700\n{COUNTER}", 0x700)
    bare.processor(0).system_reset()
    assert run(bare) == [0x700, 0]
    assert bare.processor(0).gpr(21) == 0x100
    assert bare.partition.outcome is None


def test_registered_handlers_find_r3_and_the_error_log(lpar: Lpar) -> None:
    register(lpar)
    lpar.partition.nonmaskable.machine_check(lpar.processor(1), FOUND)
    assert run(lpar) == [0, CHECK]
    found = lpar.processor(1)
    assert found.gpr(3) == AREA
    assert lpar.memory.u64(AREA) == 0x7701
    assert lpar.memory.read(AREA + 8, len(FOUND.log)) == FOUND.log


def test_resets_of_several_processors_save_each_its_own_r3(lpar: Lpar) -> None:
    register(lpar)
    for number in range(2):
        lpar.partition.nonmaskable.system_reset(lpar.processor(number))
    assert run(lpar) == [RESET, RESET]
    places = [lpar.processor(number).gpr(3) for number in range(2)]
    assert len(set(places)) == 2
    assert [lpar.memory.u64(place) for place in places] == [0x7700, 0x7701]
    assert all(AREA <= place <= AREA + AREA_BYTES - 16 for place in places)


def test_another_processors_check_waits_for_the_error_log(lpar: Lpar) -> None:
    register(lpar)
    nonmaskable = lpar.partition.nonmaskable
    for number in range(2):
        nonmaskable.machine_check(lpar.processor(number), FOUND)
    assert run(lpar) == [CHECK, 0]
    assert not nonmaskable.gives_back_log(lpar.processor(1))
    assert nonmaskable.gives_back_log(lpar.processor(0))
    assert run(lpar) == [CHECK, CHECK]
    assert nonmaskable.gives_back_log(lpar.processor(1))
    assert not nonmaskable.gives_back_log(lpar.processor(1))


def test_a_check_within_a_check_stops_the_partition(lpar: Lpar) -> None:
    register(lpar)
    for _ in range(2):
        lpar.partition.nonmaskable.machine_check(lpar.processor(0), FOUND)
    assert lpar.partition.outcome is not None
    assert lpar.partition.outcome.ending is Ending.CHECKSTOP


def test_a_check_while_they_are_disabled_stops_the_partition(lpar: Lpar) -> None:
    registers = lpar.processor(0).registers
    registers.msr = registers.msr.replace(ME=0)
    lpar.partition.nonmaskable.machine_check(lpar.processor(0), FOUND)
    run(lpar)
    assert lpar.partition.outcome is not None
    assert "MSR[ME]" in lpar.partition.outcome.reason


def test_a_waiting_processor_wakes_and_a_stopped_one_finds_nothing(lpar: Lpar) -> None:
    register(lpar)
    lpar.processor(0).standing = Standing.JOINED
    lpar.processor(1).standing = Standing.STOPPED
    for number in (1, 0):
        lpar.partition.nonmaskable.machine_check(lpar.processor(number), FOUND)
    assert run(lpar) == [CHECK, 0]


def test_what_is_pending_and_waiting_is_state(lpar: Lpar) -> None:
    register(lpar)
    for number in range(2):
        lpar.partition.nonmaskable.machine_check(lpar.processor(number), FOUND)
    lpar.partition.nonmaskable.system_reset(lpar.processor(1))
    state = lpar.partition.state()
    memory = lpar.everything()
    with opened(processors=2) as other:
        other.memory.write(0, memory)
        other.partition.restore(state)
        assert other.partition.state() == state
        assert run(other) == [CHECK, RESET]
        assert other.partition.nonmaskable.gives_back_log(other.processor(0))
        assert run(other) == [CHECK, CHECK]
