"""How an hcall is made and answered, whatever it does (LoPAR 14.5.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emu.engine_state import SYSTEM_RESET
from emu.memory import StorageError
from hypervisor.abi import DOUBLEWORD, H, HcallError
from hypervisor.hcall import Hcall, HcallEvent, HcallGroup, HcallTable
from hypervisor.processor import Standing
from hypervisor.splpar_areas import RegisteredAreas
from hypervisor.vio import tce
from tests.hypervisor.lpar import ABOVE, CONSOLE, GROUPS, NUMBERS, PRIVILEGED, UNTOUCHED, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hypervisor.lpar import Lpar

CALLS = [call for group in GROUPS for call in group]


@pytest.fixture(scope="module")
def shared() -> Iterator[Lpar]:
    with opened(processors=2) as made:
        yield made


def test_an_unknown_hcall_is_not_supported_and_changes_no_other_register(lpar: Lpar) -> None:
    assert lpar.code(0x7FFC, 1, 2, 3) == H.FUNCTION


def test_unknown_hcalls_are_counted_under_one_key(lpar: Lpar) -> None:
    for number in (0x7FFC, 0x7FF8, DOUBLEWORD, 3):
        lpar.code(number)
    lpar.call("H_PURR")
    assert lpar.partition.hcalls.counts == {-1: 4, NUMBERS["H_PURR"]: 1}


@pytest.mark.parametrize("name", [*NUMBERS, 0x7FFC])
def test_problem_state_has_no_hcalls(shared: Lpar, name: str | int) -> None:
    shared.processor().registers.msr = PRIVILEGED.replace(PR=1)
    before = shared.everything()
    assert shared.code(name, 1, 0x1000, 0x2000) == H.PRIVILEGE
    assert shared.everything() == before
    shared.processor().registers.msr = PRIVILEGED


def table(handler: object) -> HcallTable:
    group = HcallGroup()
    group.define(0x7FFC, papr="", function_set="")(handler)  # type: ignore[type-var]
    return HcallTable(group)


def test_results_fill_the_registers_from_r4_on(lpar: Lpar) -> None:
    def h_test(caller: object, first: int) -> tuple[int, int]:
        return first + 1, -1

    lpar.partition.hcalls = table(h_test)
    answer = lpar.call(0x7FFC, 6)
    assert answer.code == H.SUCCESS
    assert answer.results == (7, DOUBLEWORD, *[UNTOUCHED] * 4)


def test_a_refusal_may_have_results(lpar: Lpar) -> None:
    def h_test(caller: object) -> None:
        raise HcallError(H.PARTIAL, "some", 5)

    lpar.partition.hcalls = table(h_test)
    answer = lpar.call(0x7FFC)
    assert (answer.code, answer.results[0]) == (H.PARTIAL, 5)


def test_an_address_outside_storage_is_an_invalid_parameter(lpar: Lpar) -> None:
    def h_test(caller: object) -> None:
        raise StorageError(ABOVE, 1, ABOVE)

    lpar.partition.hcalls = table(h_test)
    assert lpar.code(0x7FFC) == H.PARAMETER


def test_a_number_can_be_declared_once() -> None:
    with pytest.raises(ValueError, match="H_GET_TCE repeats hcall 0x1c"):
        HcallTable(*GROUPS, tce.hcalls)


def test_function_sets_of_two_strings_are_announced_as_two(lpar: Lpar) -> None:
    sets = lpar.partition.hcalls.function_sets()
    assert {"hcall-splpar", "SLB-Buffer"} <= set(sets)
    assert "" not in sets
    assert sorted(sets) == list(sets)


def test_a_table_names_the_calls_it_has(lpar: Lpar) -> None:
    assert lpar.partition.hcalls.name(0xE0) == "H_CEDE"
    assert lpar.partition.hcalls.name(0x7FFC) == "0x7ffc"
    assert lpar.partition.hcalls.get(0x7FFC) is None


class Interceptor:
    """Raises one argument, refuses or replaces when told to, and keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[HcallEvent] = []
        self.refuse = False
        self.instead: tuple[int, ...] | None = None

    def before(self, event: HcallEvent) -> None:
        if self.refuse:
            raise HcallError(H.BUSY, "not now")

    def replace(self, event: HcallEvent) -> tuple[int, ...] | None:
        return self.instead

    def after(self, event: HcallEvent) -> None:
        self.seen.append(event)


def test_an_interceptor_can_refuse_replace_and_look_on(lpar: Lpar) -> None:
    interceptor = Interceptor()
    lpar.partition.hcalls.interceptors.append(interceptor)
    interceptor.refuse = True
    assert lpar.code("H_RANDOM") == H.BUSY
    interceptor.refuse, interceptor.instead = False, (77,)
    assert lpar.call("H_RANDOM").results[0] == 77
    assert [(e.name, e.code) for e in interceptor.seen] == [("H_RANDOM", 1), ("H_RANDOM", 0)]
    assert interceptor.seen[0].why == "not now"


addresses = st.integers(0, ABOVE // 128 + 1).map(lambda line: line * 128)
pages = st.integers(0, ABOVE // 4096 + 1).map(lambda page: page * 4096)
functions = st.integers(0, 8).map(lambda function: function << 45)
arguments = st.one_of(
    st.integers(0, DOUBLEWORD),
    st.integers(0, 40),
    st.integers(0, 63).map(lambda bit: 1 << bit),
    st.sampled_from([DOUBLEWORD, DOUBLEWORD - 1, ABOVE - 1, ABOVE - 8, CONSOLE, 0x1001]),
    addresses,
    pages,
    functions,
)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
@settings(max_examples=60, deadline=None)
@given(values=st.lists(arguments, min_size=6, max_size=6), sizes=st.integers(0, DOUBLEWORD))
def test_no_arguments_get_more_than_a_code_or_touch_storage_they_do_not_name(
    shared: Lpar, call: Hcall, values: list[int], sizes: int
) -> None:
    for value in values[: call.arity]:  # what might be an area says how long it is
        if value + 8 <= ABOVE and value % 128 == 0:
            shared.memory.write_u64(value, sizes)
    shared.load("b .", at=SYSTEM_RESET.handler)
    before = shared.everything()
    answer = shared.call(call.number, *values)
    assert H(answer.code).title.startswith("H_")
    after = shared.everything()
    if after != before:
        assert answer.code == H.SUCCESS
        named = {value // 4096 for value in values[: call.arity]}
        for page in range(ABOVE // 4096):
            here = slice(page * 4096, page * 4096 + 4096)
            assert page in named or before[here] == after[here]
    assert shared.partition.outcome is None
    for processor in shared.partition.processors:
        processor.areas, processor.prodded = RegisteredAreas(), False
        processor.standing = Standing.READY
