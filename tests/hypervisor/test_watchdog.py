"""H_WATCHDOG, as Linux's driver and QEMU know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.engine import TIME_BASE_HZ
from hypervisor.abi import DOUBLEWORD, H
from hypervisor.partition import Ending, Progress
from hypervisor.watchdog import NUMBER_OF_WATCHDOGS, Action

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

CALL = "H_WATCHDOG"
MILLISECOND = TIME_BASE_HZ // 1000
START, STOP, QUERY, QUERY_LPM = 0x100, 0x200, 0x300, 0x400
ALL = DOUBLEWORD
LEAVE_OTHERS = 1 << 16
LATER = 100 * MILLISECOND


def start(lpar: Lpar, number: int, milliseconds: int, action: Action = Action.RESTART) -> int:
    return lpar.code(CALL, START | action, number, milliseconds)


def test_query_gives_the_least_timeout_and_the_number_of_watchdogs(lpar: Lpar) -> None:
    answer = lpar.call(CALL, QUERY)
    assert answer.code == H.SUCCESS
    assert answer.results[0] == 1 << 48 | NUMBER_OF_WATCHDOGS << 32


def test_a_watchdog_need_not_be_stopped_before_the_partition_moves(lpar: Lpar) -> None:
    assert lpar.call(CALL, QUERY_LPM, 1).results[0] == 2


@pytest.mark.parametrize(
    ("action", "ending", "dump"),
    [
        (Action.POWER_OFF, Ending.POWER_OFF, False),
        (Action.RESTART, Ending.REBOOT, False),
        (Action.DUMP_RESTART, Ending.REBOOT, True),
    ],
)
def test_a_watchdog_that_is_not_stopped_ends_the_run(
    lpar: Lpar, action: Action, ending: Ending, dump: bool
) -> None:
    lpar.start("b .")
    begin = lpar.partition.time_base
    assert start(lpar, 2, 3, action) == H.SUCCESS
    assert lpar.partition.run(LATER) is Progress.ENDED
    outcome = lpar.partition.outcome
    assert outcome is not None
    assert (outcome.ending, outcome.dump) == (ending, dump)
    assert outcome.reason == "watchdog 2 expired"
    assert lpar.partition.time_base == begin + 3 * MILLISECOND


def test_it_expires_at_the_same_tick_however_the_run_is_cut(lpar: Lpar) -> None:
    lpar.start("li r3,H_WATCHDOG\n li r4,0x102\n li r5,1\n li r6,2\n sc 1\n b .")
    until = 0
    while lpar.partition.run(until) is not Progress.ENDED:
        until += 77_777
    assert lpar.partition.time_base == 5 + 2 * MILLISECOND


def test_the_first_to_expire_acts(lpar: Lpar) -> None:
    lpar.start("b .")
    start(lpar, 1, 9)
    start(lpar, 3, 5)
    start(lpar, 4, 7)
    lpar.partition.run(LATER)
    assert lpar.partition.outcome is not None
    assert lpar.partition.outcome.reason == "watchdog 3 expired"


def test_started_again_it_begins_anew(lpar: Lpar) -> None:
    lpar.start("b .")
    start(lpar, 1, 5)
    lpar.partition.run(4 * MILLISECOND)
    start(lpar, 1, 5)
    assert lpar.partition.run(8 * MILLISECOND) is Progress.RAN
    assert lpar.partition.run(LATER) is Progress.ENDED
    assert lpar.partition.time_base == 9 * MILLISECOND


def test_a_stopped_watchdog_does_nothing(lpar: Lpar) -> None:
    lpar.start("b .")
    start(lpar, 1, 5)
    assert lpar.code(CALL, STOP, 1) == H.SUCCESS
    assert lpar.code(CALL, STOP, 1) == H.NOOP
    assert lpar.partition.run(LATER) is Progress.RAN


def test_all_watchdogs_can_be_stopped_at_once(lpar: Lpar) -> None:
    lpar.start("b .")
    assert lpar.code(CALL, STOP, ALL) == H.NOOP
    start(lpar, 1, 5)
    start(lpar, NUMBER_OF_WATCHDOGS, 5)
    assert lpar.code(CALL, STOP, ALL) == H.SUCCESS
    assert lpar.partition.run(LATER) is Progress.RAN


def test_an_idle_partition_is_woken_for_its_watchdog(lpar: Lpar) -> None:
    lpar.start("li r3,H_JOIN\n sc 1\n b .", number=0)
    start(lpar, 1, 5)
    lpar.load("b .", 0x4000)
    lpar.processor().join()
    assert lpar.partition.run(LATER) is Progress.IDLE
    assert lpar.partition.next_event == 5 * MILLISECOND
    lpar.partition.pass_time(lpar.partition.next_event)
    assert lpar.partition.run(LATER) is Progress.ENDED
    assert lpar.partition.outcome is not None
    assert lpar.partition.outcome.ending is Ending.REBOOT


def test_a_timeout_beyond_all_time_never_ends(lpar: Lpar) -> None:
    lpar.start("b .")
    assert start(lpar, 1, DOUBLEWORD) == H.SUCCESS
    assert lpar.partition.run(LATER) is Progress.RAN


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((START, 1, 5), H.PARAMETER),
        ((START | 4, 1, 5), H.PARAMETER),
        ((START | Action.RESTART | LEAVE_OTHERS << 1, 1, 5), H.PARAMETER),
        ((1 << 63 | QUERY,), H.PARAMETER),
        ((0, 1, 5), H.PARAMETER),
        ((0x500, 1, 5), H.PARAMETER),
        ((START | Action.RESTART, 0, 5), H.P2),
        ((START | Action.RESTART, NUMBER_OF_WATCHDOGS + 1, 5), H.P2),
        ((START | Action.RESTART, ALL, 5), H.P2),
        ((STOP, 0), H.P2),
        ((QUERY_LPM, 1 << 32), H.P2),
        ((START | Action.RESTART, 1, 0), H.P3),
    ],
)
def test_wrong_arguments_are_refused_and_start_nothing(
    lpar: Lpar, arguments: tuple[int, ...], code: H
) -> None:
    lpar.start("b .")
    assert lpar.code(CALL, *arguments) == code
    assert lpar.partition.run(LATER) is Progress.RAN


def test_leaving_the_others_running_may_be_asked_for(lpar: Lpar) -> None:
    lpar.start("b .")
    flags = START | Action.POWER_OFF | LEAVE_OTHERS
    assert lpar.code(CALL, flags, 1, 5) == H.SUCCESS
