"""What of a managed system can be, rule by rule."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emu.isa_level import IsaLevel
from hypervisor.abi import InterruptOffer, Mmu
from hypervisor.system.bounds import Bounds
from hypervisor.system.definition import (
    Capacity,
    DedicatedProcessors,
    ProcessorGeneration,
    SharedProcessorPool,
    SystemProfile,
)
from hypervisor.system.editions import Edition
from hypervisor.system.units import ProcUnits
from hypervisor.system.validation import problems

from .systems import partition, profile, shared, system

if TYPE_CHECKING:
    from hypervisor.system.definition import ManagedSystem

POWER7, POWER7_PLUS = ProcessorGeneration.POWER7, ProcessorGeneration.POWER7_PLUS


def wrong(it: ManagedSystem) -> list[tuple[str, str]]:
    """Keys and values of what is wrong."""
    return [(problem.key, problem.value) for problem in problems(it)]


def with_processors(units: tuple[int, int, int], virtual: tuple[int, int, int]) -> ManagedSystem:
    return system(partition(1, profile(shared(units, virtual))))


def with_pool(pool: SharedProcessorPool) -> ManagedSystem:
    return system(partition(1), pools=(pool,))


def test_a_system_that_can_be_has_no_problems() -> None:
    assert not problems(system())


def test_all_problems_are_told_at_once() -> None:
    bad = partition(1, profile(shared((20, 10, 5), (1, 1, 1)), memory=(1, 2, 3)))
    assert len(wrong(replace(system(bad), name="", lmb_mib=64))) == 1 + 3 + 2


@pytest.mark.parametrize(
    ("generation", "units", "right"),
    [(POWER7, 9, False), (POWER7, 10, True), (POWER7_PLUS, 4, False), (POWER7_PLUS, 5, True)],
)
def test_a_virtual_processor_needs_its_least_units(
    generation: ProcessorGeneration, units: int, right: bool
) -> None:
    small = partition(1, profile(shared((units,) * 3, (1, 1, 1))))
    small = replace(small, isa_level=IsaLevel.V2_06)
    found = wrong(system(small, generation=generation))
    key = "partitions[0].profiles[0].processors.units"
    kinds = ("minimum", "desired", "maximum")
    assert found == ([] if right else [(f"{key}.{kind}", f"0.0{units}") for kind in kinds])


@pytest.mark.parametrize(
    ("units", "virtual", "key"),
    [
        ((10, 20, 24), (1, 2, 5), "units.maximum"),
        ((10, 101, 200), (1, 1, 2), "units.desired"),
        ((30, 20, 40), (1, 1, 1), "units.minimum"),
        ((10, 20, 15), (1, 1, 1), "units.maximum"),
        ((10, 20, 30), (2, 1, 2), "virtual.minimum"),
        ((200, 300, 400), (2, 3, 33), "virtual.maximum"),
        ((0, 20, 30), (0, 1, 1), "virtual.minimum"),
    ],
)
def test_bounds_of_shared_processors(
    units: tuple[int, int, int], virtual: tuple[int, int, int], key: str
) -> None:
    found = [where for where, _ in wrong(with_processors(units, virtual))]
    assert f"partitions[0].profiles[0].processors.{key}" in found


def test_entitlement_that_no_processor_is_installed_for_is_refused() -> None:
    found = wrong(with_processors((401, 500, 500), (5, 5, 5)))
    assert found == [("partitions[0].profiles[0].processors.units.minimum", "4.01")]
    own = partition(1, profile(DedicatedProcessors(Bounds(5, 5, 5))))
    assert wrong(system(own)) == [("partitions[0].profiles[0].processors.processors.minimum", "5")]


@pytest.mark.parametrize("weight", [-1, 256])
def test_weights_are_from_0_to_255(weight: int) -> None:
    it = system(partition(1, profile(replace(shared(), weight=weight))))
    assert wrong(it) == [("partitions[0].profiles[0].processors.weight", str(weight))]


def test_a_pool_that_is_used_must_be_there() -> None:
    it = system(partition(1, profile(replace(shared(), pool=3))))
    (problem,) = problems(it)
    assert problem.key == "partitions[0].profiles[0].processors.pool"
    assert "one of the pools: 0" in problem.why


@pytest.mark.parametrize(
    ("number", "maximum", "reserved", "key"),
    [
        (0, 100, 0, "pools[0].number"),
        (64, 100, 0, "pools[0].number"),
        (63, 0, 0, "pools[0].maximum"),
        (1, 100, 101, "pools[0].reserved"),
        (1, 500, 401, "pools"),
    ],
)
def test_bounds_of_pools(number: int, maximum: int, reserved: int, key: str) -> None:
    pool = SharedProcessorPool(number, "web", ProcUnits(maximum), ProcUnits(reserved))
    assert [where for where, _ in wrong(with_pool(pool))] == [key]


def test_a_pool_with_no_room_for_a_minimum_is_told() -> None:
    pool = SharedProcessorPool(1, "web", ProcUnits(50), ProcUnits(45))
    it = system(partition(1, profile(replace(shared(), pool=1))), pools=(pool,))
    assert wrong(it) == [("partitions[0].profiles[0].processors.units.minimum", "0.10")]


def test_names_and_numbers_are_given_once() -> None:
    first, second = partition(1), partition(2)
    pool = SharedProcessorPool(1, "web", ProcUnits(100))
    pools = (pool, replace(pool))
    twice = system(first, replace(second, name="lpar1", number=1), pools=pools)
    assert [where for where, _ in wrong(twice)] == [
        "pools[1].number",
        "pools[1].name",
        "partitions[1].name",
        "partitions[1].number",
    ]


@pytest.mark.parametrize(
    ("cores", "key"),
    [
        (Capacity(4, 5), "cores.activated"),
        (Capacity(4, 0), "cores.activated"),
        (Capacity(0, 1), "cores.installed"),
    ],
)
def test_no_more_is_activated_than_is_installed(cores: Capacity, key: str) -> None:
    assert key in [where for where, _ in wrong(system(cores=cores))]


@pytest.mark.parametrize(
    ("memory", "keys"),
    [((64, 100, 256), ["desired"]), ((0, 64, 64), ["minimum"]), ((128, 64, 64), ["minimum"])],
)
def test_memory_comes_in_logical_memory_blocks(
    memory: tuple[int, int, int], keys: list[str]
) -> None:
    it = system(partition(1, profile(shared(), memory)))
    assert [where.rpartition(".")[2] for where, _ in wrong(it)] == keys


@pytest.mark.parametrize("lmb", [0, 8, 96, -64])
def test_a_logical_memory_block_is_a_power_of_two(lmb: int) -> None:
    assert wrong(replace(system(), lmb_mib=lmb))[0] == ("lmb_mib", str(lmb))


def test_partitions_have_what_their_processors_have() -> None:
    newer = replace(partition(1), isa_level=IsaLevel.V3_1)
    radix = replace(partition(1), isa_level=IsaLevel.V2_07, mmu=Mmu.RADIX)
    xive = replace(partition(1), isa_level=IsaLevel.V2_07, interrupts=InterruptOffer.XIVE)
    assert wrong(system(newer)) == [("partitions[0].isa_level", "V3_1")]
    assert wrong(system(radix)) == [("partitions[0].mmu", "radix")]
    assert wrong(system(xive)) == [("partitions[0].interrupts", "xive")]


def test_the_express_edition_has_three_partitions_and_one_pool() -> None:
    pool = SharedProcessorPool(1, "web", ProcUnits(100))
    four = tuple(partition(n) for n in range(1, 5))
    assert not wrong(system(*four[:3], edition=Edition.EXPRESS))
    assert wrong(system(*four, pools=(pool,), edition=Edition.EXPRESS)) == [
        ("pools", "1 defined"),
        ("partitions", "4 defined"),
    ]


def test_profiles_that_are_named_must_be_there() -> None:
    day = SystemProfile("day", (("lpar1", "fast"), ("lpar9", "normal"), ("lpar1", "normal")))
    lost = replace(partition(1), default_profile="slow")
    assert wrong(replace(system(lost), system_profiles=(day,))) == [
        ("partitions[0].default_profile", "'slow'"),
        ("system_profiles[0].partitions.lpar1", "'fast'"),
        ("system_profiles[0].partitions.lpar9", "'normal'"),
    ]
