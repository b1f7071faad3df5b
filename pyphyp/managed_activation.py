"""Capacity on demand in a running machine: cores and memory come by code and go when time is up.

What partitions are entitled to when an activation ends stays theirs, as unreturned capacity, until
they give it up; nothing more is given out of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from hypervisor.dispatching.dispatcher import CapacityError
from hypervisor.system.capacity_on_demand import CapacityOnDemand
from hypervisor.system.units import ProcUnits

if TYPE_CHECKING:
    from hypervisor.dispatching.dispatcher import ProcessorDispatcher
    from hypervisor.system.allocation import Allocation
    from hypervisor.system.capacity_on_demand import Grant


class Activation:
    """Keeps what is given out and dispatched at what codes activate."""

    def __init__(self, allocation: Allocation, dispatcher: ProcessorDispatcher) -> None:
        self._allocation, self._dispatcher = allocation, dispatcher
        self.on_demand = CapacityOnDemand(allocation.system)
        self.newest: Grant | None = None
        """What the last code that was accepted gave."""
        self._there = self.on_demand.cores
        """Activated, or unreturned."""
        self._unreturned = False

    def enter(self, code: str, now: int) -> Grant:
        """Take an activation code at time base `now`; ManagementError where it is refused."""
        grant = self.on_demand.enter(code, now // TIME_BASE_HZ)
        self.newest = grant
        self._adapt()
        return grant

    def settle(self, now: int) -> None:
        """Between windows: what is over by time base `now` goes."""
        if not self.on_demand.running and not self._unreturned:
            return
        ends = self.on_demand.next_end
        if ends is not None and ends <= now // TIME_BASE_HZ:
            self.on_demand.expire(now // TIME_BASE_HZ)
            self._adapt()
        elif self._unreturned:
            self._adapt()

    def _adapt(self) -> None:
        allocation = self._allocation
        allocation.edition = self.on_demand.edition
        allocation.activated_cores = self.on_demand.cores
        allocation.activated_mib = self.on_demand.memory_mib
        while self._there < self.on_demand.cores:
            self._dispatcher.add_core()
            self._there += 1
        while self._there > self.on_demand.cores and self._take_one():
            self._there -= 1
        self._unreturned = self._there > self.on_demand.cores

    def _take_one(self) -> bool:
        """Deactivate a core, if what partitions are entitled to needs it no more."""
        allocation = self._allocation
        left = ProcUnits.processors(self._there - 1 - allocation.dedicated_cores)
        reserved = sum(pool.reserved for pool in allocation.system.pools)
        working = [core for core in self._dispatcher.cores if not core.failed]
        free = [core for core in working if core.owner is None]
        if allocation.entitled() + reserved > left or not free:
            return False
        try:
            self._dispatcher.fail_core(free[-1].number)
        except CapacityError:  # cores have broken down besides
            return False
        return True
