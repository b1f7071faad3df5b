"""The host's threads carry out the same course, whatever their number."""

from __future__ import annotations

from typing import Any

from .managed import CEDER, COUNT, SPINNER, consumed, machine, shared

STARTS = {"lpar1": SPINNER, "lpar2": SPINNER, "lpar3": CEDER, "lpar4": SPINNER}
SHARES = [shared(50, weight=128), shared(70), shared(20), shared(30, weight=64)]


def course(threads: int) -> tuple[Any, ...]:
    with machine(2, SHARES, STARTS, threads=threads) as its:
        its.run(windows=10)
        counted = [its.partitions[name].memory.u64(COUNT) for name in STARTS]
        return list(its.dispatcher.schedule), consumed(its), counted


def test_schedule_and_guests_are_the_same_with_1_2_and_4_host_threads() -> None:
    alone = course(1)
    assert len(alone[0]) > 10
    assert all(alone[2])
    assert course(2) == alone
    assert course(4) == alone
