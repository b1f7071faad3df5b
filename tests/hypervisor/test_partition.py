"""A partition's run: how long it goes on, and how it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.exits import Checkstop
from emu.memory import MIB
from hypervisor.abi import H
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallGroup, HcallTable
from hypervisor.partition import Ending, Outcome, Partition, Progress, TimeOfDay
from tests.hypervisor.lpar import GROUPS, NUMBERS

if TYPE_CHECKING:
    from hypervisor.processor import VirtualProcessor
    from tests.hypervisor.lpar import Lpar

FOREVER = "addi r20,r20,1\n b .-4"
CEDE = "li r3,H_CEDE\n sc 1\n b ."


def test_a_busy_partition_runs_until_its_time_is_used_up(lpar: Lpar) -> None:
    lpar.start(FOREVER)
    assert lpar.partition.run(1000) is Progress.RAN
    assert 1000 <= lpar.partition.time_base < 1010
    assert lpar.partition.run(1000) is Progress.RAN
    assert lpar.partition.time_base < 1010


def test_an_idle_partition_comes_back_early_and_its_time_is_passed_from_outside(
    lpar: Lpar,
) -> None:
    lpar.start(CEDE)
    assert lpar.partition.run(1000) is Progress.IDLE
    assert lpar.partition.time_base < 10
    lpar.partition.pass_time(700)
    assert lpar.partition.time_base == 700
    lpar.partition.pass_time(3)
    assert lpar.partition.time_base == 700
    assert lpar.partition.run(1000) is Progress.IDLE


def test_the_first_ending_counts(lpar: Lpar) -> None:
    lpar.partition.end(Ending.REBOOT, "wanted")
    lpar.partition.end(Ending.CRASH, "too late")
    assert lpar.partition.outcome == Outcome(Ending.REBOOT, "wanted")


def test_a_partition_that_ended_runs_no_more(lpar: Lpar) -> None:
    lpar.start(FOREVER)
    lpar.partition.end(Ending.POWER_OFF)
    assert lpar.partition.run(1000) is Progress.ENDED
    assert lpar.partition.time_base == 0


def test_an_hcall_can_end_the_run(lpar: Lpar) -> None:
    group = HcallGroup()

    @group.define(0x7FFC, papr="", function_set="")
    def h_end(caller: VirtualProcessor) -> None:
        caller.partition.end(Ending.POWER_OFF, "asked for")

    lpar.partition.hcalls = HcallTable(group)
    lpar.start("li r3,0x7ffc\n sc 1\n li r20,1\n b .")
    assert lpar.partition.run(1000) is Progress.ENDED
    assert lpar.partition.outcome == Outcome(Ending.POWER_OFF, "asked for")
    assert lpar.processor().gpr(20) == 0


def test_a_checkstop_ends_the_partition_with_its_reason(
    lpar: Lpar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lpar.engine, "run", lambda *_: Checkstop("it burns"))
    lpar.start(FOREVER)
    assert lpar.partition.run(1000) is Progress.ENDED
    assert lpar.partition.outcome == Outcome(Ending.CHECKSTOP, "it burns")


def test_a_guest_that_calls_without_end_leaves_when_its_time_is_used_up(lpar: Lpar) -> None:
    lpar.start("li r3,H_POLL_PENDING\n sc 1\n b .-8")
    assert lpar.partition.run(3000) is Progress.RAN
    assert lpar.partition.hcalls.counts[NUMBERS["H_POLL_PENDING"]] > 500


def test_a_guest_sees_the_code_of_an_hcall_in_r3(lpar: Lpar) -> None:
    lpar.start("load64 r3,0x7ffc\n sc 1\n mr r20,r3\n b .")
    lpar.partition.run(1000)
    assert lpar.processor().gpr(20) == (1 << 64) + H.FUNCTION


def test_input_interrupts_a_guest_that_waits_for_it(lpar: Lpar) -> None:
    interrupt = lpar.console.slot.interrupt
    lpar.interrupts.set_source(interrupt, 0, 5)
    lpar.call("H_CPPR", 0xFF)
    lpar.load(
        """
        li      r3,H_XIRR
        sc      1
        mr      r25,r4
        li      r3,H_GET_TERM_CHAR
        li      r4,0
        sc      1
        mr      r26,r4
        mr      r27,r5
        b       .
        """,
        0x500,
    )
    lpar.start(CEDE)
    assert lpar.partition.run(1000) is Progress.IDLE
    lpar.console.type(b"yes")
    assert lpar.partition.run(2000) is Progress.RAN
    assert lpar.processor().gpr(25) == 0xFF << 24 | interrupt
    assert lpar.processor().gpr(26) == 3
    assert lpar.processor().gpr(27).to_bytes(8, "big") == b"yes\0\0\0\0\0"


def test_the_same_partition_does_the_same_twice() -> None:
    def end() -> tuple[int, int, bytes]:
        configuration = PartitionConfiguration(memory_bytes=MIB)
        partition = Partition(configuration, HcallTable(*GROUPS), seed=3)
        try:
            code = bytes.fromhex("38600300 44000022 7c942214 4bfffff4")  # H_RANDOM, added up
            partition.memory.write(0x4000, code)
            partition.processors[0].start(0x4000, 0)
            partition.run(5000)
            return (
                partition.time_base,
                partition.processors[0].gpr(20),
                partition.random.randbytes(8),
            )
        finally:
            partition.close()

    assert end() == end()


def test_time_of_day_goes_on_with_the_time_base_and_can_be_set() -> None:
    time = TimeOfDay(epoch=1000)
    assert time.now(512_000_000 * 5) == 1005
    time.set(512_000_000 * 5, 2000)
    assert time.now(512_000_000 * 6) == 2001


def test_a_partition_names_the_limits_of_its_configuration() -> None:
    with pytest.raises(ValueError, match="multiple of 4096"):
        Partition(PartitionConfiguration(memory_bytes=1000), HcallTable())
