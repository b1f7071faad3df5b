"""H_SIGNAL_SYS_RESET, as Linux and QEMU know it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import DOUBLEWORD, H
from hypervisor.processor import Standing
from tests.hypervisor.lpar import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hypervisor.lpar import Lpar

CALL = "H_SIGNAL_SYS_RESET"
ALL, ALL_OTHERS = DOUBLEWORD, DOUBLEWORD - 1


@pytest.fixture
def started() -> Iterator[Lpar]:
    """Of four processors 0 runs, 1 waits for an interrupt, 2 for a prod; 3 is stopped."""
    with opened(processors=4) as lpar:
        lpar.load("addi r20,r20,1\n mfsrr0 r21\n b .", 0x100)
        lpar.load("b .", 0x4000)
        for number, standing in enumerate((Standing.READY, Standing.CEDED, Standing.JOINED)):
            lpar.processor(number).start(0x4000, 0)
            lpar.processor(number).standing = standing
        yield lpar


def reset(lpar: Lpar) -> list[int]:
    """How often each processor came to 0x100."""
    lpar.partition.run(500_000)
    return [lpar.processor(number).gpr(20) for number in range(4)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (0, [1, 0, 0, 0]),
        (1, [0, 1, 0, 0]),
        (2, [0, 0, 1, 0]),
        (3, [0, 0, 0, 0]),
        (ALL, [1, 1, 1, 0]),
        (ALL_OTHERS, [0, 1, 1, 0]),
    ],
)
def test_a_system_reset_reaches_every_started_processor_it_is_for(
    started: Lpar, target: int, expected: list[int]
) -> None:
    assert started.code(CALL, target) == H.SUCCESS
    assert reset(started) == expected


def test_a_system_reset_seems_to_come_behind_the_hcall(started: Lpar) -> None:
    started.start("li r3,H_SIGNAL_SYS_RESET\n li r4,0\n sc 1\n b .")
    assert reset(started)[0] == 1
    assert started.processor().gpr(21) == 0x400C


@pytest.mark.parametrize("target", [4, 1 << 32, DOUBLEWORD - 2, 1 << 63])
def test_a_system_reset_is_for_processors_of_the_partition(started: Lpar, target: int) -> None:
    assert started.code(CALL, target) == H.PARAMETER
    assert reset(started) == [0, 0, 0, 0]
