"""RTAS calls: declaration, tokens, the argument buffer (LoPAR 7.2), interceptors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware import services
from firmware.rtas import RtasCaller, RtasError, RtasEvent, RtasGroup, RtasTable, Status
from hypervisor.abi import H
from hypervisor.partition import Ending
from tests.firmware.guest import SCRATCH

if TYPE_CHECKING:
    from hypervisor.partition import Partition
    from tests.firmware.guest import Guest

MIB = 1 << 20


def test_tokens_are_given_from_2000_on_in_the_order_of_the_groups() -> None:
    table = RtasTable(lambda: services.ALL)
    assert [token for token, _ in table.tokens()] == list(range(0x2000, 0x2000 + len(list(table))))
    assert table.token("display-character") == 0x2000


def test_a_handler_needs_as_many_parameters_as_its_declaration_has_arguments() -> None:
    group = RtasGroup()
    with pytest.raises(TypeError, match="2 arguments, its handler needs 1"):

        @group.define("wrong", papr="", nargs=2, nrets=1)
        def wrong(caller: RtasCaller, only: int) -> None: ...


def test_a_call_cannot_be_defined_twice() -> None:
    with pytest.raises(ValueError, match="display-character"):
        list(RtasTable(lambda: (services.console.rtas, services.console.rtas)))


def test_an_unknown_token_is_a_hardware_error_status(guest: Guest) -> None:
    assert guest.rtas(0x1FFF) == (-1,)
    assert guest.last_code == H.SUCCESS


@pytest.mark.parametrize(("arguments", "returns"), [((), 2), ((0, 0), 2), ((0,), 1), ((0,), 3)])
def test_a_wrong_number_of_arguments_or_returns_is_a_parameter_error(
    guest: Guest, arguments: tuple[int, ...], returns: int
) -> None:
    assert guest.rtas("query-cpu-stopped-state", *arguments, returns=returns)[0] == -3


def test_check_exception_takes_extended_information_or_not(guest: Guest) -> None:
    six = (0x500, 0x1100, 0xFFFFFFFF, 0, guest.buffer(), 256)
    assert guest.rtas("check-exception", *six) == (1,)
    assert guest.rtas("check-exception", *six, 0) == (1,)


def test_a_call_that_fails_leaves_0_in_the_cells_behind_the_status(guest: Guest) -> None:
    assert guest.rtas("ibm,get-xive", 0x7777, returns=3) == (-3, 0, 0)


@pytest.mark.parametrize("block", [2, 1 << 32, 16 * MIB - 8, (1 << 64) - 4])
def test_a_buffer_that_is_unaligned_or_outside_storage_is_h_parameter(
    guest: Guest, block: int
) -> None:
    assert guest.hypercall(0xF000, block) == H.PARAMETER


@pytest.mark.parametrize("head", [(0x2000, 17, 1), (0x2000, 1, 17), (0x2000, 1, 0)])
def test_a_buffer_with_too_many_or_no_cells_is_h_parameter(
    guest: Guest, head: tuple[int, int, int]
) -> None:
    guest.memory.write_words(SCRATCH, *head)
    assert guest.hypercall(0xF000, SCRATCH) == H.PARAMETER


class Scribe:
    """An interceptor that writes down what it sees, and acts as told."""

    def __init__(
        self, refuse: RtasError | None = None, results: tuple[int, ...] | None = None
    ) -> None:
        self.events: list[RtasEvent] = []
        self._refuse, self._results = refuse, results

    def before(self, event: RtasEvent) -> None:
        if self._refuse:
            raise self._refuse

    def replace(self, event: RtasEvent) -> tuple[int, ...] | None:
        return self._results

    def after(self, event: RtasEvent) -> None:
        self.events.append(event)


def test_an_interceptor_sees_name_arguments_status_and_reason(guest: Guest) -> None:
    scribe = Scribe()
    guest.firmware.rtas.interceptors.append(scribe)
    guest.rtas("ibm,get-xive", 0x7777, returns=3)
    (event,) = scribe.events
    assert (event.name, event.arguments, event.status) == ("ibm,get-xive", (0x7777,), -3)
    assert "0x7777" in event.why


def test_an_interceptor_may_refuse_a_call(guest: Guest, partition: Partition) -> None:
    guest.firmware.rtas.interceptors.append(Scribe(RtasError(Status.BUSY, "later")))
    assert guest.rtas("system-reboot") == (-2,)
    assert partition.outcome is None


def test_an_interceptor_may_give_the_results_itself(guest: Guest) -> None:
    guest.firmware.rtas.interceptors.append(Scribe(results=(0,)))
    assert guest.rtas("query-cpu-stopped-state", 0, returns=2) == (0, 0)


def test_calls_are_counted_by_name_and_unknown_ones_together(guest: Guest) -> None:
    guest.rtas("display-character", 65)
    guest.rtas(1)
    guest.rtas(2)
    assert guest.firmware.rtas.counts == {"display-character": 1, "": 2}


def test_rtas_works_for_a_partition_that_ended_by_it(guest: Guest, partition: Partition) -> None:
    assert guest.rtas("power-off", 0, 0) == (0,)
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.POWER_OFF
