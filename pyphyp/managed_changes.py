"""What an operator changes of a running machine: shares, pools, cores that break down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.dispatching.dispatcher import CapacityError
from hypervisor.system.errors import ManagementError
from hypervisor.system.share import SharedShare
from hypervisor.system.units import ProcUnits

if TYPE_CHECKING:
    from hypervisor.dispatching.dispatcher import ProcessorDispatcher
    from hypervisor.system.allocation import Allocation

    from .actions import ChangePool, ChangeProcessors
    from .managed_partition import ManagedPartition


class Changes:
    """Keeps what is given out and what is dispatched the same; refusals are ManagementErrors."""

    def __init__(self, allocation: Allocation, dispatcher: ProcessorDispatcher) -> None:
        self._allocation, self._dispatcher = allocation, dispatcher

    def processors(self, partition: ManagedPartition, action: ChangeProcessors) -> None:
        share = partition.resources.share
        if not isinstance(share, SharedShare):
            why = f"partition {partition.name} has processors of its own"
            raise ManagementError(why, "change a shared one")
        if action.virtual_processors not in (None, share.virtual_processors):
            why = "virtual processors do not change while a partition runs"
            raise ManagementError(why, "shut it down first")
        wanted = SharedShare(
            share.entitled if action.units is None else ProcUnits(action.units),
            share.virtual_processors,
            share.capped if action.capped is None else action.capped,
            share.weight if action.weight is None else action.weight,
            share.pool if action.pool is None else action.pool,
        )
        self.share(partition, wanted)

    def share(self, partition: ManagedPartition, share: SharedShare) -> None:
        partition.resources = self._allocation.change(partition.name, share)
        self._dispatcher.change(partition.configuration.number, share)

    def pool(self, action: ChangePool) -> None:
        maximum = None if action.maximum is None else ProcUnits(action.maximum)
        reserved = None if action.reserved is None else ProcUnits(action.reserved)
        pool = self._allocation.change_pool(action.pool, maximum, reserved)
        self._dispatcher.set_pool(pool.number, pool.maximum, pool.reserved)

    def fail_core(self, number: int) -> None:
        if number > (last := len(self._dispatcher.cores) - 1):
            raise ManagementError(f"there is no core {number}", f"0 to {last}")
        try:
            self._dispatcher.fail_core(number)
        except CapacityError as error:
            raise ManagementError(str(error), "shut down a partition first") from None
