"""What `top` says of who runs, who waits and why."""

from __future__ import annotations

from hypervisor.system.definition import SharedProcessorPool
from hypervisor.system.units import ProcUnits
from pyphyp.actions import FailCore, ShutdownPartition
from pyphyp.metering import Meter
from pyphyp.usage_view import plain, rows

from .managed import CEDER, SPINNER, machine, shared

WINDOWS = 50


def test_it_is_said_why_somebody_waits() -> None:
    pool = SharedProcessorPool(1, "small", ProcUnits(15))
    shares = [shared(30), shared(20, weight=0), shared(10, weight=9, pool=1), shared(10, weight=9)]
    with machine(1, shares, SPINNER, pools=[pool]) as its:
        meter = Meter(its)
        its.run(windows=WINDOWS)
        assert [row.why for row in rows(meter.usage())] == [
            "waits: capped",
            "waits: weight 0",
            "waits: pool 1 is at its maximum",
            "waits: others have as good a claim",
        ]


def test_who_ends_or_does_nothing_waits_for_nothing() -> None:
    with machine(1, [shared(30), shared(20)], CEDER) as its:
        meter = Meter(its)
        its.run(windows=WINDOWS)
        its.perform(ShutdownPartition("lpar1", immediate=True))
        assert [row.why for row in rows(meter.usage())] == ["Powered Off", "idle"]


def test_lines_tell_pools_cores_and_partitions() -> None:
    pool = SharedProcessorPool(1, "small", ProcUnits(50))
    shares = [shared(30), shared(20, pool=1)]
    with machine(2, shares, SPINNER, pools=[pool]) as its:
        meter = Meter(its)
        its.run(windows=WINDOWS)
        its.perform(FailCore(1))
        its.run(windows=WINDOWS)
        shown = plain(meter.usage()).splitlines()
        assert shown[0] == "machine: 1.00 s, 0.50 of 1 processor used, 1 failed"
        assert shown[1] == "pool 0 DefaultPool: 0.30 used, 0.30 entitled, 1.00 at most"
        assert shown[2] == "pool 1 small: 0.20 used, 0.20 entitled, 0.50 at most"
        assert shown[3].startswith("core 0: 0.")
        assert shown[4].endswith("used, failed")
        assert shown[6].split()[:7] == ["lpar1", "0.30", "1", "0.30", "0.00", "0.70", "0.00"]
        assert shown[6].endswith("  waits: capped")
