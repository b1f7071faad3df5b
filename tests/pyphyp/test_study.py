"""Scripts between a guest and what it calls."""

from __future__ import annotations

import pytest

from firmware import stubs
from pyphyp import (
    Event,
    H,
    HcallError,
    Machine,
    Partition,
    RtasError,
    ServiceError,
    UnknownCallError,
)
from tests.pyphyp.guests import FOREVER, program, put, rtas


@pytest.fixture
def partition(machine: Machine) -> Partition:
    return machine.add_partition(memory="16M")


def client_service(name: str, *arguments: int, returns: int = 1) -> str:
    """Ask for a client service; the array stays at 0x3000."""
    cells = (len(arguments), returns, *arguments)
    text = ", ".join(f"{byte}" for byte in name.encode() + b"\0")
    stores = "".join(
        f"        li r5,{cell}\n        stw r5,{4 * n + 4}(r4)\n" for n, cell in enumerate(cells)
    )
    return f"""
        li      r4,0x3000
        li      r5,service_name
        stw     r5,0(r4)
{stores}
        li      r3,0
        ori     r3,r3,{stubs.CLIENT_INTERFACE_CALL:#x}
        sc      1
        b       .
service_name:
        .byte   {text}
        .balign 4
"""


def run(partition: Partition, body: str, instructions: int = 200) -> None:
    partition.load(program(body + FOREVER))
    partition.run(instructions=instructions)


def test_before_sees_arguments_by_name_and_may_change_them(
    machine: Machine, partition: Partition
) -> None:
    seen = []

    @machine.before("H_PUT_TERM_CHAR")
    def shorten(event: Event) -> None:
        seen.append(dict(event.arguments))
        event.arguments["length"] = 2

    run(partition, put("abc"))
    assert seen[0]["length"] == 3
    assert list(seen[0]) == ["unit", "length", "first", "second"]
    assert partition.console.output == "ab"


def test_before_may_refuse_the_call(machine: Machine, partition: Partition) -> None:
    @machine.before("H_PUT_TERM_CHAR")
    def busy(event: Event) -> None:
        raise HcallError(H.BUSY, "for the study's sake")

    run(partition, put("abc"))
    assert partition.registers.gpr(3) == H.BUSY
    assert partition.console.output == ""


def test_replace_gives_the_results(machine: Machine, partition: Partition) -> None:
    @machine.replace("H_RANDOM")
    def four(event: Event) -> int:
        return 4

    run(partition, "        hcall H_RANDOM\n")
    assert (partition.registers.gpr(3), partition.registers.gpr(4)) == (0, 4)


def test_replacement_registered_last_wins(machine: Machine, partition: Partition) -> None:
    machine.replace("H_RANDOM")(lambda event: 1)
    machine.replace("H_RANDOM")(lambda event: (2, 3))
    run(partition, "        hcall H_RANDOM\n")
    assert (partition.registers.gpr(4), partition.registers.gpr(5)) == (2, 3)


def test_after_sees_and_changes_the_outcome(machine: Machine, partition: Partition) -> None:
    @machine.after("H_RANDOM")
    def add_one(event: Event) -> None:
        assert event.code == H.SUCCESS
        event.results = (event.results[0] & 0xFF,)

    run(partition, "        hcall H_RANDOM\n")
    assert partition.registers.gpr(4) < 0x100


def test_after_may_fail_the_call(machine: Machine, partition: Partition) -> None:
    @machine.after("H_RANDOM")
    def fail(event: Event) -> None:
        raise HcallError(H.HARDWARE, "noise source broken", 9)

    run(partition, "        hcall H_RANDOM\n")
    assert partition.registers.gpr(3) == H.HARDWARE & (1 << 64) - 1
    assert partition.registers.gpr(4) == 9


def test_call_nobody_implements_is_studied_by_number(
    machine: Machine, partition: Partition
) -> None:
    @machine.replace(0x1234)
    def invented(event: Event) -> int:
        assert event.number == 0x1234
        return event.arguments["argument1"] + 1

    run(partition, "        li r4,41\n        hcall 0x1234\n")
    assert (partition.registers.gpr(3), partition.registers.gpr(4)) == (0, 42)


def test_star_stands_for_every_call(machine: Machine, partition: Partition) -> None:
    names = []
    machine.after("*")(lambda event: names.append(event.name))
    token = partition.composition.firmware.rtas.token("get-time-of-day")
    run(partition, "        hcall H_RANDOM\n" + rtas(token, returns=8))
    assert names == ["H_RANDOM", "get-time-of-day", "H_RTAS"]


def test_rtas_calls_are_studied_by_name(machine: Machine, partition: Partition) -> None:
    @machine.after("get-time-of-day")
    def next_century(event: Event) -> None:
        event.results = (event.results[0] + 100, *event.results[1:])

    run(partition, rtas(partition.composition.firmware.rtas.token("get-time-of-day"), returns=8))
    status, year = partition.memory.words(0x3000 + 12, 2)
    assert (status, year) == (0, 2070)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_rtas_calls_are_failed_with_a_status(
    machine: Machine, partition: Partition, moment: str
) -> None:
    def broken(event: Event) -> None:
        raise RtasError(-1, "the clock stands still")

    {"before": machine.before, "after": machine.after}[moment]("get-time-of-day")(broken)
    run(partition, rtas(partition.composition.firmware.rtas.token("get-time-of-day"), returns=8))
    assert partition.memory.words(0x3000 + 12, 2) == (0xFFFF_FFFF, 0)


def test_client_services_are_studied_by_name(machine: Machine, partition: Partition) -> None:
    seen = []

    @machine.after("milliseconds")
    def later(event: Event) -> None:
        seen.append(event.results)
        event.results = (1234,)

    run(partition, client_service("milliseconds"))
    assert seen == [(0,)]
    assert partition.memory.u32(0x300C) == 1234


@pytest.mark.parametrize("moment", ["before", "after"])
def test_client_services_are_failed(machine: Machine, partition: Partition, moment: str) -> None:
    def fail(event: Event) -> None:
        raise ServiceError("no such thing today")

    {"before": machine.before, "after": machine.after}[moment]("peer")(fail)
    run(partition, client_service("peer", 0))
    declared = next(s for s in partition.composition.firmware.services if s.name == "peer")
    assert partition.memory.u32(0x3010) == declared.failure[0] & 0xFFFF_FFFF


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("H_CEED", "H_CEDE"),
        ("h_cede", "H_CEDE"),
        ("get_time_of_day", "get-time-of-day"),
        ("get-prop", "getprop"),
    ],
)
def test_unknown_name_is_refused_at_once_with_a_suggestion(
    machine: Machine, wrong: str, meant: str
) -> None:
    with pytest.raises(UnknownCallError, match=f"did you mean .*{meant}"):
        machine.before(wrong)


def test_name_like_no_other_gets_no_suggestion(machine: Machine) -> None:
    with pytest.raises(UnknownCallError, match=r"'xyzzy'$"):
        machine.after("xyzzy")


def test_unknown_argument_name_lists_those_there_are(
    machine: Machine, partition: Partition
) -> None:
    machine.before("H_PUT_TERM_CHAR")(lambda event: event.arguments["lenght"])
    with pytest.raises(KeyError, match="has no argument 'lenght': unit, length, first, second"):
        run(partition, put("abc"))


def test_exception_of_a_script_reaches_it_and_leaves_the_machine_closable() -> None:
    with Machine(epoch=0) as machine:
        partition = machine.add_partition(memory="16M")

        @machine.before("H_RANDOM")
        def mistake(event: Event) -> None:
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            run(partition, "        hcall H_RANDOM\n")
        assert partition.registers.gpr(3) == 0x300


def test_refusal_of_the_wrong_kind_is_a_mistake_of_the_script(
    machine: Machine, partition: Partition
) -> None:
    @machine.after("H_RANDOM")
    def confused(event: Event) -> None:
        raise RtasError(-1, "this is no RTAS call")

    with pytest.raises(RtasError):
        run(partition, "        hcall H_RANDOM\n")


def test_event_tells_partition_processor_and_time(machine: Machine, partition: Partition) -> None:
    events: list[Event] = []
    machine.after("H_RANDOM")(events.append)
    run(partition, "        hcall H_RANDOM\n")
    assert events[0].partition is partition
    assert events[0].processor.number == 0
    assert 0 < events[0].time_base < 10
    assert repr(events[0]).startswith("<H_RANDOM {} = 0 (")


def test_scripts_go_on_after_a_reboot(machine: Machine, partition: Partition) -> None:
    calls = []
    machine.before("H_PUT_TERM_CHAR")(lambda event: calls.append(event.partition.boots))
    token = partition.composition.firmware.rtas.token("system-reboot")
    run(partition, put("up") + rtas(token), instructions=150)
    assert calls[:2] == [1, 2]
