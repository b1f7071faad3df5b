"""Hcalls about processor capacity (LoPAR 14.11.3.6, 14.11.3.7, 14.11.4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .abi import H, HcallError
from .hcall import HcallGroup
from .system.share import HIGHEST_WEIGHT

if TYPE_CHECKING:
    from .processor import VirtualProcessor

hcalls = HcallGroup()

PARAMETERS_LEVEL = 1
"""`ibm,partition-performance-parameters-level`: R8 of H_GET_PPP, R6 to R12 of H_PIC."""
_NO_POOL = 0xFFFF
"""Pool number of a partition with dedicated processors."""


@hcalls.define(0xEC, papr="14.11.3.6", function_set="hcall-splpar")
def h_get_ppp(caller: VirtualProcessor) -> tuple[int, int, int, int, int]:
    """The partition's entitlement, what is unallocated, its pool, weights, processors."""
    capacity = caller.partition.capacity.capacity
    share, pool, weight = capacity.share, capacity.pool, capacity.current_weight
    capped = share.dedicated or share.capped
    unallocated_weight = 0 if capped else capacity.weight - weight
    return (
        share.entitled,
        0 if share.dedicated else max(capacity.unallocated, 0),
        _NO_POOL if share.dedicated else share.pool,
        capped << 48
        | weight << 40
        | unallocated_weight << 32
        | pool.processors << 16
        | capacity.active_processors,
        0
        if share.dedicated
        else capacity.shared_processors << 48 | pool.maximum << 24 | pool.entitled,
    )


@hcalls.define(0xF0, papr="14.11.3.7", function_set="hcall-splpar")
def h_set_ppp(caller: VirtualProcessor, entitled: int, weight: int) -> None:
    """Change the partition's entitlement and weight, as far as its profile and others let it."""
    if weight > HIGHEST_WEIGHT:
        raise HcallError(H.PARAMETER, f"weight {weight}: 0 to {HIGHEST_WEIGHT}")
    manager = caller.partition.capacity
    units, allowed = manager.capacity.constrained(entitled, weight)
    manager.change(units, allowed)
    if (units, allowed) != (entitled, weight):
        raise HcallError(H.CONSTRAINED, f"{units} units and weight {allowed} are what can be had")


@hcalls.define(0xF8, papr="14.11.4.1", function_set="hcall-pic")
def h_pic(caller: VirtualProcessor) -> tuple[int, ...]:
    """How long the pool's processors were idle, how many it has, how much was used of them."""
    manager = caller.partition.capacity
    if (times := manager.pool_times()) is None:
        raise HcallError(H.AUTHORITY, "the partition may not know of its pool")
    capacity = manager.capacity
    share = capacity.share
    return (
        times.idle,
        capacity.pool.processors,
        times.own.elapsed,
        times.own.used,
        times.own.used,
        _NO_POOL if share.dedicated else share.pool,
        times.shared.elapsed,
        times.shared.used,
        times.shared.used,
    )
