"""Virtual processors of a partition: turns, waiting, waking, and what they share."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from emu.assembler import assemble
from emu.memory import MIB
from hypervisor import splpar, xics
from hypervisor.configuration import PartitionConfiguration
from hypervisor.dispatch import TURN
from hypervisor.hcall import HcallTable
from hypervisor.partition import Ending, Partition, Progress
from hypervisor.processor import Standing
from hypervisor.splpar_areas import Area

if TYPE_CHECKING:
    from collections.abc import Iterator

H_CEDE, H_CONFER, H_PROD, H_IPI, H_JOIN, H_XIRR = 0xE0, 0xE4, 0xE8, 0x6C, 0x298, 0x74
FOREVER = "0: addi r20,r20,1\n b 0b"


@contextmanager
def partition(processors: int, interleaving: int | None = None) -> Iterator[Partition]:
    configuration = PartitionConfiguration(
        memory_bytes=MIB, virtual_processors=processors, interleaving=interleaving
    )
    made = Partition(configuration, HcallTable(splpar.hcalls, xics.hcalls))
    try:
        yield made
    finally:
        made.close()


def start(made: Partition, number: int, source: str, at: int, parameter: int = 0) -> None:
    made.memory.write(at, assemble(source, origin=at).image())
    made.processors[number].start(at, parameter)


def purr(made: Partition, number: int) -> int:
    return made.processors[number].registers.spr("purr")


def test_busy_processors_get_equal_turns() -> None:
    with partition(4) as made:
        for number in range(4):
            start(made, number, FOREVER, 0x4000 + number * 0x100)
        assert made.run(40 * TURN) is Progress.RAN
        spent = [purr(made, number) for number in range(4)]
        assert sum(spent) == made.time_base
        assert max(spent) - min(spent) <= 4 * 2  # two instructions a block


def test_a_processor_that_is_alone_keeps_the_core() -> None:
    with partition(4) as made:
        start(made, 2, FOREVER, 0x4000)
        made.processors[0].stop()
        assert made.run(100 * TURN) is Progress.RAN
        assert made.engine.counts().entries == 1


def test_the_same_partition_takes_the_same_turns_and_a_seed_takes_others() -> None:
    source = """
        load64  r9,0x8000
        addi    r10,r9,0x100
0:      lwarx   r8,0,r9         # the next place in the log
        addi    r8,r8,1
        stwcx.  r8,0,r9
        bne     0b
        stbx    r3,r8,r10
        li      r7,3000
        mtctr   r7
1:      bdnz    1b
        b       0b
    """

    def order(interleaving: int | None) -> bytes:
        with partition(3, interleaving) as made:
            for number in range(3):
                start(made, number, source, 0x4000 + number * 0x100, parameter=number + 1)
            made.run(50 * TURN)
            return made.memory.read(0x8101, made.memory.u32(0x8000))

    usual = order(None)
    assert set(usual) == {1, 2, 3}
    assert order(None) == usual
    assert order(1) == order(1) != usual
    assert order(2) != order(1)


def test_a_lock_under_contention_loses_no_count() -> None:
    source = """
        li      r10,2000
        mtctr   r10
        load64  r9,0x8000
        load64  r11,0x8008
0:      lwarx   r8,0,r9
        cmpwi   r8,0
        bne     0b
        li      r7,1
        stwcx.  r7,0,r9
        bne     0b
        isync
        ld      r6,0(r11)       # not atomic by itself
        addi    r6,r6,1
        std     r6,0(r11)
        lwsync
        li      r7,0
        stw     r7,0(r9)
        bdnz    0b
        b       .
    """
    with partition(4, interleaving=7) as made:
        for number in range(4):
            start(made, number, source, 0x4000 + number * 0x100)
        made.run(30 * TURN)
        assert made.memory.u64(0x8008) == 4 * 2000


def test_waiting_busily_with_priority_hints_gives_way_to_others() -> None:
    with partition(2) as made:
        start(made, 0, "0: or r1,r1,r1\n or r2,r2,r2\n b 0b", 0x4000)
        start(made, 1, FOREVER, 0x4100)
        made.run(40 * TURN)
        assert purr(made, 0) < made.time_base // 50


def test_conferring_gives_the_turn_to_the_named_processor() -> None:
    confer = f"li r3,{H_CONFER:#x}\n li r4,2\n li r5,0\n sc 1\n addi r20,r20,1\n b ."
    with partition(3) as made:
        start(made, 0, confer, 0x4000)
        start(made, 1, FOREVER, 0x4100)
        start(made, 2, FOREVER, 0x4200)
        made.run(TURN // 2)
        assert purr(made, 1) == 0
        assert purr(made, 2) > 0


def test_conferring_to_a_processor_dispatched_since_is_no_gift() -> None:
    confer = f"li r3,{H_CONFER:#x}\n li r4,1\n li r5,99\n sc 1\n 0: b 0b"
    with partition(2) as made:
        made.memory.write_u16(0x8004, 640)
        made.processors[1].areas.register(Area.VPA, 0x8000, made.memory, dispatched=False)
        start(made, 0, confer, 0x4000)
        start(made, 1, FOREVER, 0x4100)
        made.run(TURN // 2)
        assert purr(made, 1) == 0


def test_a_prod_wakes_a_ceded_processor() -> None:
    cede = f"li r3,{H_CEDE:#x}\n sc 1\n li r20,1\n b ."
    prod = f"li r3,{H_PROD:#x}\n li r4,1\n sc 1\n b ."
    with partition(2) as made:
        start(made, 1, cede, 0x4100)
        made.processors[0].stop()
        assert made.run(TURN) is Progress.IDLE
        start(made, 0, prod, 0x4000)
        made.run(3 * TURN)
        assert made.processors[1].gpr(20) == 1


def test_a_prod_before_the_cede_is_remembered() -> None:
    cede = f"li r3,{H_CEDE:#x}\n sc 1\n addi r20,r20,1\n b 0x4000"
    with partition(1) as made:
        start(made, 0, cede, 0x4000)
        made.processors[0].prod()
        assert made.run(TURN) is Progress.IDLE
        assert made.processors[0].gpr(20) == 1


def test_an_inter_processor_interrupt_wakes_its_target() -> None:
    cede = f"li r3,0x68\n li r4,0xff\n sc 1\n li r3,{H_CEDE:#x}\n sc 1\n b ."
    external = f"li r3,{H_XIRR:#x}\n sc 1\n mr r20,r4\n b ."
    ipi = f"li r3,{H_IPI:#x}\n li r4,1\n li r5,5\n sc 1\n b ."
    with partition(2) as made:
        made.memory.write(0x500, assemble(external, origin=0x500).image())
        start(made, 1, cede, 0x4100)
        made.processors[0].stop()
        assert made.run(TURN) is Progress.IDLE
        start(made, 0, ipi, 0x4000)
        made.run(3 * TURN)
        assert made.processors[1].gpr(20) == 0xFF00_0002


def test_the_last_processor_to_join_goes_on_and_can_wake_the_others() -> None:
    join = f"""
        load64  r3,{H_JOIN:#x}
        sc      1
        mr      r20,r3
        cmpdi   r3,18           # H_CONTINUE
        bne     .
        li      r3,{H_PROD:#x}
        li      r4,0
        sc      1
        b       .
    """
    with partition(2) as made:
        start(made, 0, join, 0x4000)
        start(made, 1, "li r7,100\n mtctr r7\n 0: bdnz 0b\n" + join, 0x4100)
        made.run(5 * TURN)
        assert made.processors[1].gpr(20) == 18
        assert made.processors[0].gpr(20) == 0


def test_the_yield_count_is_odd_while_a_processor_waits_and_even_while_it_runs() -> None:
    register = "load64 r3,0xdc\n load64 r4,0x200000000000\n li r5,0\n load64 r6,0x8000\n sc 1\n"
    with partition(1) as made:
        made.memory.write_u16(0x8004, 640)
        cede = f"li r3,{H_CEDE:#x}\n sc 1\n load64 r9,0x8100\n lwz r20,0(r9)\n b ."
        start(made, 0, register + cede, 0x4000)
        assert made.run(TURN) is Progress.IDLE
        assert made.memory.u32(0x8100) == 1
        made.processors[0].prod()
        made.run(2 * TURN)
        assert made.processors[0].gpr(20) == 2


def test_a_partition_whose_processors_all_stopped_ends() -> None:
    with partition(2) as made:
        made.processors[0].stop()
        assert made.run(TURN) is Progress.ENDED
        assert made.outcome is not None
        assert made.outcome.ending is Ending.CRASH


def test_idle_partitions_wait_for_the_first_decrementer() -> None:
    cede = f"mtdec r3\n li r3,{H_CEDE:#x}\n sc 1\n b ."
    with partition(2) as made:
        start(made, 0, cede, 0x4000, parameter=5000)
        start(made, 1, cede, 0x4100, parameter=700)
        assert made.run(TURN) is Progress.IDLE
        assert 700 < made.next_event < 800
        made.pass_time(made.next_event)
        made.run(made.time_base + 10)
        assert made.processors[0].standing is Standing.CEDED
        assert made.processors[1].standing is Standing.READY


@pytest.mark.parametrize("count", [0, 33])
def test_a_partition_has_1_to_32_virtual_processors(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 32"), partition(count):
        pass
