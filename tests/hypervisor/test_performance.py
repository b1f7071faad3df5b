"""H_GET_PERF_COUNTER_INFO and the hcalls of energy management."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import DOUBLEWORD, H
from hypervisor.performance import ANSWERED, NOT_AVAILABLE
from tests.hypervisor.lpar import ABOVE

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

BUFFER, SIZE = 0x20000, 4096
HEADER = ">IiHHIHBB12x"
HEADER_BYTES = 32
ITSELF, OWN_NUMBER = -1, 1


@dataclass(frozen=True)
class Told:
    code: int
    index: int
    elements: int
    detail: int
    size: int
    version: int
    content: bytes


def ask(lpar: Lpar, request: int, index: int = ITSELF, size: int = SIZE) -> Told:
    head = struct.pack(HEADER, request, index, 0, 0, 0, 0, 8, 0)
    lpar.memory.write(BUFFER, head + b"\xee" * 200)
    code = lpar.code("H_GET_PERF_COUNTER_INFO", BUFFER, size)
    told = struct.unpack(HEADER, lpar.memory.read(BUFFER, HEADER_BYTES))
    again, at, _, elements, detail, element_size, _, version = told
    assert again == request
    content = lpar.memory.read(BUFFER + HEADER_BYTES, element_size)
    assert lpar.memory.read(BUFFER + HEADER_BYTES + element_size, 16) == b"\xee" * 16
    return Told(code, at, elements, detail, element_size, version, content)


def work(lpar: Lpar, ticks: int) -> None:
    """Run for so long, then be idle for as long."""
    lpar.start("b .")
    lpar.partition.run(lpar.partition.time_base + ticks)
    lpar.partition.pass_time(lpar.partition.time_base + ticks)


@pytest.mark.parametrize("request_number", sorted(ANSWERED))
def test_an_answer_says_which_elements_of_which_size_follow(
    lpar: Lpar, request_number: int
) -> None:
    told = ask(lpar, request_number)
    assert (told.code, told.elements, told.detail, told.version) == (H.SUCCESS, 1, 0, 8)
    assert told.size > 0
    assert told.size % 8 == 0


def test_a_processor_is_busy_as_long_as_virtual_ones_run_on_it(lpar: Lpar) -> None:
    work(lpar, 5000)
    told = ask(lpar, 0x10, 0)
    busy, _, owner, state, version = struct.unpack_from(">QIHBB", told.content)
    assert 5000 <= busy < 6000
    assert (owner, state, version) == (0xFFFF, 4, 8)
    assert int.from_bytes(told.content[0x20:0x24], "big") == lpar.processor().registers.spr("pvr")


def test_a_partition_learns_what_it_was_entitled_to_and_what_it_used(lpar3: Lpar) -> None:
    work(lpar3, 5000)
    told = ask(lpar3, 0x20, OWN_NUMBER)
    number, entitled, capped, uncapped, donated, idle = struct.unpack(">6Q", told.content)
    assert number == told.index == OWN_NUMBER
    assert entitled == lpar3.partition.time_base
    assert 5000 <= capped < 6000
    assert (uncapped, donated, idle) == (0, 0, 0)


def test_instructions_are_counted_by_partition_and_by_core(lpar: Lpar) -> None:
    work(lpar, 5000)
    _, instructions, _ = struct.unpack(">H6xQQ", ask(lpar, 0x100).content)
    core = struct.unpack(">II5Q", ask(lpar, 0x94, 0).content)
    assert instructions == core[-1] == lpar.engine.counts().instructions
    assert instructions >= 5000
    assert core[3] == lpar.partition.time_base


def test_affinity_is_perfect_where_there_is_one_domain(lpar: Lpar) -> None:
    assert ask(lpar, 0xB1).content[0xB] == 100


def test_a_partition_may_not_see_others(lpar: Lpar) -> None:
    assert ask(lpar, 0x40).content[:2] == b"\0\x80"
    assert ask(lpar, 0x20, 2).code == H.AUTHORITY
    assert ask(lpar, 0x40, OWN_NUMBER).code == H.NOT_AVAILABLE
    assert ask(lpar, 0x10, 1).code == H.PARAMETER


def test_what_is_not_counted_is_not_available_and_what_is_no_request_a_parameter_error(
    lpar: Lpar,
) -> None:
    for request in NOT_AVAILABLE:
        assert ask(lpar, request, 0).code == H.NOT_AVAILABLE
    for request in (0, 0x11, 0xFFFF_FFFF):
        assert ask(lpar, request, 0).code == H.PARAMETER


def test_a_buffer_that_is_too_small_is_told_so_and_left_alone(lpar: Lpar) -> None:
    head = struct.pack(HEADER, 0x20, -1, 0, 7, 7, 7, 8, 7)
    lpar.memory.write(BUFFER, head + b"\xee" * 200)
    assert lpar.code("H_GET_PERF_COUNTER_INFO", BUFFER, HEADER_BYTES + 47) == H.PARAMETER
    told = struct.unpack(HEADER, lpar.memory.read(BUFFER, HEADER_BYTES))
    assert told[3:6] == (0, 0x1B, 48)
    assert lpar.memory.read(BUFFER + HEADER_BYTES, 48) == b"\xee" * 48


@pytest.mark.parametrize(
    ("address", "size", "code"),
    [
        (ABOVE, SIZE, H.PRIVILEGE),
        (ABOVE - 16, 32, H.PRIVILEGE),
        (BUFFER, DOUBLEWORD, H.PRIVILEGE),
        (DOUBLEWORD, 32, H.PRIVILEGE),
        (BUFFER, 31, H.PARAMETER),
        (BUFFER, 0, H.PARAMETER),
    ],
)
def test_a_buffer_outside_storage_or_without_a_request_is_refused(
    lpar: Lpar, address: int, size: int, code: H
) -> None:
    before = lpar.everything()
    assert lpar.code("H_GET_PERF_COUNTER_INFO", address, size) == code
    assert lpar.everything() == before


def test_energy_is_neither_managed_nor_measured(lpar: Lpar) -> None:
    answer = lpar.call("H_GET_EM_PARMS")
    assert (answer.code, answer.results) == (H.SUCCESS, (0x0002_0002_0002_0002, 0, 0, 0, 0, 0))


ORDERED_REFRESHED = 0x601


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (ORDERED_REFRESHED, H.NOT_AVAILABLE),
        (0x004E_2000_0008_0401, H.NOT_AVAILABLE),
        (0x602, H.UNSUPPORTED),
        (0, H.UNSUPPORTED),
        (ORDERED_REFRESHED | 0x800, -256 - 52),
        (ORDERED_REFRESHED | 0x9000, -256 - 48),
    ],
)
def test_there_is_no_hint_which_processor_saves_energy(lpar: Lpar, flags: int, code: int) -> None:
    assert lpar.code("H_BEST_ENERGY", flags) == code
