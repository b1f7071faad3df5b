"""H_PAGE_INIT (LoPAR 14.5.4.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from tests.hypervisor.lpar import ABOVE

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

ZERO, COPY, ICACHE_INVALIDATE, ICACHE_SYNCHRONIZE = 0x8000, 0x4000, 0x2000, 0x1000
SET_PAGE_STATE = 1 << 35
HERE, THERE = 0x10000, 0x20000
PAGE = 4096


@pytest.fixture
def filled(lpar: Lpar) -> Lpar:
    lpar.memory.write(HERE - PAGE, b"\x11" * PAGE * 3)
    lpar.memory.write(THERE - PAGE, b"\x22" * PAGE * 3)
    return lpar


def around(lpar: Lpar) -> tuple[bytes, bytes]:
    return lpar.memory.read(HERE - 8, 8), lpar.memory.read(HERE + PAGE, 8)


@pytest.mark.parametrize("caches", [0, ICACHE_INVALIDATE, ICACHE_SYNCHRONIZE])
def test_zero_clears_4_kib(filled: Lpar, caches: int) -> None:
    assert filled.code("H_PAGE_INIT", ZERO | caches, HERE, 0) == H.SUCCESS
    assert filled.memory.read(HERE, PAGE) == bytes(PAGE)
    assert around(filled) == (b"\x11" * 8, b"\x11" * 8)


def test_copy_copies_4_kib(filled: Lpar) -> None:
    assert filled.code("H_PAGE_INIT", COPY, HERE, THERE) == H.SUCCESS
    assert filled.memory.read(HERE, PAGE) == b"\x22" * PAGE
    assert around(filled) == (b"\x11" * 8, b"\x11" * 8)


def test_copy_comes_behind_zero(filled: Lpar) -> None:
    assert filled.code("H_PAGE_INIT", ZERO | COPY, HERE, THERE) == H.SUCCESS
    assert filled.memory.read(HERE, PAGE) == b"\x22" * PAGE


def test_without_zero_and_copy_the_page_stays(filled: Lpar) -> None:
    before = filled.everything()
    for flags in (0, ICACHE_INVALIDATE, ICACHE_SYNCHRONIZE):
        assert filled.code("H_PAGE_INIT", flags, HERE, 1) == H.SUCCESS
    assert filled.everything() == before


@pytest.mark.parametrize(
    ("flags", "destination", "source"),
    [
        (ZERO, HERE + 1, 0),
        (ZERO, HERE + 0x800, 0),
        (ZERO, ABOVE, 0),
        (ZERO, 1 << 63, 0),
        (0, ABOVE, 0),
        (COPY, ABOVE, HERE),
        (COPY, HERE, ABOVE),
        (COPY, HERE, THERE + 8),
        (COPY, HERE, (1 << 64) - PAGE),
        (ZERO | SET_PAGE_STATE, HERE, 0),
        (ZERO | 1, HERE, 0),
        (ZERO | 1 << 63, HERE, 0),
    ],
)
def test_wrong_pages_and_flags_are_refused(
    filled: Lpar, flags: int, destination: int, source: int
) -> None:
    before = filled.everything()
    assert filled.code("H_PAGE_INIT", flags, destination, source) == H.PARAMETER
    assert filled.everything() == before


def test_the_source_counts_only_for_a_copy(filled: Lpar) -> None:
    assert filled.code("H_PAGE_INIT", ZERO, HERE, ABOVE + 3) == H.SUCCESS


def test_code_that_was_copied_over_code_is_what_runs(lpar: Lpar) -> None:
    for value, at in ((1, HERE), (2, THERE)):
        lpar.load(f"li r20,{value}\n blr", at)
    lpar.start(
        f"""
        load64  r31,{HERE:#x}
        mtctr   r31
        bctrl
        mr      r21,r20
        li      r3,H_PAGE_INIT
        li      r4,{COPY:#x}
        load64  r5,{HERE:#x}
        load64  r6,{THERE:#x}
        sc      1
        mtctr   r31
        bctrl
        b       .
        """
    )
    lpar.partition.run(1000)
    assert [lpar.processor().gpr(n) for n in (21, 20)] == [1, 2]
