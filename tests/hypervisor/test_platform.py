"""What a partition asks about the platform (LoPAR 14.11.6.1, 14.15.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from emu.memory import MIB
from hypervisor.abi import DOUBLEWORD, H
from hypervisor.configuration import PartitionConfiguration
from hypervisor.hcall import HcallTable
from hypervisor.partition import Partition
from tests.hypervisor.lpar import GROUPS, NUMBERS

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

SHORT = 0x8000
"""Marks a domain number that fits 15 bits."""


def unpacked(registers: tuple[int, ...]) -> list[int]:
    """The domain numbers in R4 to R9, as LoPAR tells to unpack them."""
    stream = b"".join(register.to_bytes(8, "big") for register in registers)
    halves = [int.from_bytes(stream[n : n + 2], "big") for n in range(0, len(stream), 2)]
    domains = []
    while halves and halves[0] != 0xFFFF:
        first = halves.pop(0)
        domains.append(first - SHORT if first & SHORT else first << 16 | halves.pop(0))
    assert all(half == 0xFFFF for half in halves)
    return domains


@pytest.mark.parametrize("flags", [1, 2])
def test_home_node_of_a_processor_is_that_of_its_device_tree_node(lpar3: Lpar, flags: int) -> None:
    for number in range(3):
        answer = lpar3.call("H_HOME_NODE_ASSOCIATIVITY", flags, number)
        assert answer.code == H.SUCCESS
        assert unpacked(answer.results) == [0, 0, 0, 0, number]


@pytest.mark.parametrize("flags", [0, 3, 1 << 63 | 1, DOUBLEWORD])
def test_home_node_needs_a_defined_flag_before_a_processor(lpar3: Lpar, flags: int) -> None:
    assert lpar3.code("H_HOME_NODE_ASSOCIATIVITY", flags, 99) == H.PARAMETER


@pytest.mark.parametrize("number", [3, DOUBLEWORD])
def test_home_node_needs_a_processor_of_the_partition(lpar3: Lpar, number: int) -> None:
    assert lpar3.code("H_HOME_NODE_ASSOCIATIVITY", 1, number) == H.P2


def test_cpu_characteristics_ask_for_no_work_against_speculation(lpar: Lpar) -> None:
    answer = lpar.call("H_GET_CPU_CHARACTERISTICS")
    assert answer.code == H.SUCCESS
    characteristics, behaviour = answer.results[:2]
    assert characteristics == 1 << 59  # level 1 data cache is private to a thread
    needs = {0: "favour security", 1: "flush L1D", 2: "bounds barrier", 5: "count cache"}
    for bit, need in needs.items():
        assert not behaviour >> 63 - bit & 1, need


def test_random_numbers_repeat_with_the_seed_and_only_then() -> None:
    def numbers(seed: int) -> list[int]:
        configuration = PartitionConfiguration(memory_bytes=MIB)
        partition = Partition(configuration, HcallTable(*GROUPS), seed=seed)
        processor = partition.processors[0]
        drawn = []
        for _ in range(8):
            processor.set_gpr(3, NUMBERS["H_RANDOM"])
            assert partition.hcalls.dispatch(processor) == H.SUCCESS
            drawn.append(processor.gpr(4))
        partition.close()
        return drawn

    assert numbers(1) == numbers(1) != numbers(2)
    assert len(set(numbers(1))) == 8
    assert max(numbers(1)) >= 1 << 60
