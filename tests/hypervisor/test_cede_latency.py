"""How deeply a ceded processor sleeps (LoPAR 14.14.1)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.cede_latency import CLASSIC, SETTINGS, setting_for
from hypervisor.dispatch import TURN
from hypervisor.outcome import STUCK
from hypervisor.partition import Ending, Progress
from hypervisor.processor import Standing
from hypervisor.watchdog import NEVER

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

VPA, SPECIFIER = 0x8000, 0xB0
IPI_PRIORITY = 4
DECREMENTER, EXTERNAL = 0x900, 0x500
COUNT = 0x7000
TAKE = f"""
        li      r10,{COUNT}
        ld      r11,{{0}}(r10)
        addi    r11,r11,1
        std     r11,{{0}}(r10)
{{1}}
        rfid
"""


def sleeps(lpar: Lpar, specifier: int, number: int = 0) -> None:
    """A processor cedes at once, with its decrementer due soon, and spins when it is back."""
    lpar.memory.write_u16(VPA + 4, 640)
    assert lpar.code("H_REGISTER_VPA", 1 << 45, number, VPA, caller=number) == H.SUCCESS
    lpar.memory.write_u8(VPA + SPECIFIER, specifier)
    lpar.load(TAKE.format(0, " lis r12,0x7fff\n mtdec r12"), DECREMENTER)
    take = f"li r3,H_XIRR\n sc 1\n mr r13,r4\n li r3,H_IPI\n li r4,{number}\n li r5,255\n sc 1"
    lpar.load(TAKE.format(8, f"{take}\n li r3,H_EOI\n mr r4,r13\n sc 1"), EXTERNAL)
    assert lpar.code("H_CPPR", 0xFF, caller=number) == H.SUCCESS
    lpar.start("mtdec r3\n li r3,H_CEDE\n sc 1\n mftb r20\n b .", number=number, parameter=300)


def taken(lpar: Lpar) -> tuple[int, int]:
    """How many decrementer and external interrupts the guest took."""
    return lpar.memory.u64(COUNT), lpar.memory.u64(COUNT + 8)


def test_settings_follow_each_other_without_holes_and_none_is_less_than_the_one_before() -> None:
    assert [its.specifier for its in SETTINGS] == list(range(len(SETTINGS)))
    for one, deeper in pairwise(SETTINGS):
        assert one.latency < deeper.latency
        assert one.timer >= deeper.timer
        assert one.external >= deeper.external


@pytest.mark.parametrize(("asked", "given"), [(0, 0), (1, 1), (2, 2), (3, 2), (255, 2)])
def test_a_specifier_gives_the_deepest_setting_that_is_no_deeper(asked: int, given: int) -> None:
    assert setting_for(asked).specifier == given


def test_the_classic_cede_ends_by_the_decrementer_without_latency(lpar: Lpar) -> None:
    sleeps(lpar, 0)
    assert lpar.partition.run(1000) is Progress.IDLE
    due = lpar.processor().next_event
    lpar.partition.pass_time(due)
    lpar.partition.run(due + 100)
    assert taken(lpar) == (1, 0)
    assert 0 <= lpar.processor().gpr(20) - due < 20


def test_without_a_vpa_a_cede_is_the_classic_one(lpar: Lpar) -> None:
    assert lpar.code("H_CEDE") == H.SUCCESS
    assert lpar.processor().sleep is CLASSIC


def test_setting_1_sleeps_through_the_decrementer_until_an_external_interrupt(lpar: Lpar) -> None:
    sleeps(lpar, 1)
    assert lpar.partition.run(1000) is Progress.IDLE
    assert lpar.processor().next_event == NEVER
    lpar.partition.pass_time(5000)
    assert lpar.partition.run(6000) is Progress.IDLE
    lpar.interrupts.server(0).mfrr = IPI_PRIORITY
    assert lpar.partition.run(6000) is Progress.IDLE
    due = lpar.partition.next_event
    assert due == lpar.partition.time_base + SETTINGS[1].latency
    lpar.partition.pass_time(due)
    lpar.partition.run(due + 500)
    assert taken(lpar) == (1, 1), "the decrementer that was due meanwhile, too"
    assert lpar.processor().gpr(20) >= due


@pytest.mark.parametrize("specifier", [2, 255])
def test_setting_2_sleeps_through_external_interrupts_until_a_prod(
    lpar3: Lpar, specifier: int
) -> None:
    lpar = lpar3
    sleeps(lpar, specifier, number=1)
    lpar.start("b .", 0x5000)
    lpar.partition.run(3 * TURN)
    lpar.interrupts.server(1).mfrr = IPI_PRIORITY
    sleeper = lpar.processor(1)
    assert not sleeper.wake_if_interrupted()
    assert sleeper.next_event == NEVER
    now = lpar.partition.time_base
    sleeper.prod()
    assert sleeper.next_event == now + SETTINGS[2].latency
    lpar.partition.pass_time(sleeper.next_event - 1)
    assert not sleeper.wake_if_interrupted()
    lpar.partition.pass_time(sleeper.next_event)
    lpar.partition.run(lpar.partition.time_base + 3 * TURN)
    assert taken(lpar) == (1, 1)


def test_a_busy_processor_gives_the_core_to_one_that_has_slept_when_that_is_awake(
    lpar3: Lpar,
) -> None:
    """It prods and spins; its turn has no end but that."""
    lpar = lpar3
    sleeps(lpar, 2, number=1)
    lpar.start(
        f"load64 r5,{3 * TURN}\n mtctr r5\n0: bdnz 0b\n"
        " li r3,H_PROD\n li r4,1\n sc 1\n mftb r21\n b .",
        0x5000,
    )
    lpar.partition.run(2 * SETTINGS[2].latency)
    latency = lpar.processor(1).gpr(20) - lpar.processor(0).gpr(21)
    assert 0 <= latency - SETTINGS[2].latency < 100


def test_a_second_prod_is_remembered_and_a_system_reset_wakes_no_sooner(lpar: Lpar) -> None:
    sleeps(lpar, 2)
    processor = lpar.processor()
    processor.cede()
    processor.prod()
    due = processor.next_event
    lpar.partition.pass_time(100)
    processor.prod()
    processor.system_reset()
    assert (processor.next_event, processor.prodded) == (due, True)


def test_who_waits_for_a_prod_alone_is_stuck_and_who_waits_for_interrupts_is_not(
    lpar: Lpar,
) -> None:
    sleeps(lpar, 1)
    assert lpar.partition.run(1000) is Progress.IDLE
    assert lpar.partition.next_event > lpar.partition.time_base
    lpar.processor().prod()
    lpar.processor().prod()
    lpar.memory.write_u8(VPA + SPECIFIER, 2)
    lpar.processor().prodded = False
    lpar.processor().cede()
    assert lpar.partition.run(1000) is Progress.ENDED
    assert lpar.partition.outcome is not None
    assert lpar.partition.outcome.ending is Ending.CRASH
    assert lpar.partition.outcome.reason == STUCK


def test_a_sleeping_processor_is_saved_and_wakes_as_it_would_have(lpar: Lpar) -> None:
    sleeps(lpar, 1)
    processor = lpar.processor()
    processor.cede()
    state = processor.state()
    processor.prod()
    waking = processor.state()
    processor.restore(state)
    assert (processor.standing, processor.sleep) == (Standing.CEDED, SETTINGS[1])
    assert processor.next_event == NEVER
    processor.restore(waking)
    assert processor.next_event == SETTINGS[1].latency
    assert processor.state() == waking
