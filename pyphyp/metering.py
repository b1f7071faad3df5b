"""What a managed machine's processors did, since it was switched on and in its last second."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from emu.engine import TIME_BASE_HZ
from emu.values import frozen
from hypervisor.dispatching.members import Times
from hypervisor.system.definition import SharedProcessors
from hypervisor.system.share import DedicatedShare, SharedShare
from hypervisor.system.units import WHOLE

from .network_usage import switches_of
from .san_usage import fabrics_of, libraries_of
from .usage import (
    CoreState,
    CoreUsage,
    Dispatched,
    MachineUsage,
    PartitionState,
    PartitionUsage,
    PoolUsage,
    ProcessorMode,
    ProcessorTimes,
)

if TYPE_CHECKING:
    from hypervisor.dispatching.members import Core, Member
    from hypervisor.system.definition import PartitionDefinition, PartitionProfile
    from hypervisor.system.share import ProcessorShare

    from .managed import ManagedMachine
    from .managed_partition import ManagedPartition

_STEP = TIME_BASE_HZ // 10
"""Ticks between the samples that the last second is told from."""
_WINDOWS_A_SECOND = 100
WINDOW_TICKS = TIME_BASE_HZ // _WINDOWS_A_SECOND
_ZERO = Times()


@frozen
class _Sample:
    """The totals at one moment."""

    now: int
    members: dict[Member, Times]
    pools: dict[int, int]
    cores: dict[int, tuple[int, int]]
    """Used and lent, by number."""


class Meter:
    """Watches `machine`; `sample` it between windows."""

    def __init__(self, machine: ManagedMachine) -> None:
        self._machine = machine
        self._samples: deque[_Sample] = deque()
        self._last: dict[int, Member] = {}
        """The partitions by number, also those that do not run any more."""
        self._take()

    def sample(self) -> None:
        """Note the totals, if it is time to."""
        if self._machine.now - self._samples[-1].now >= _STEP:
            self._take()

    def _take(self) -> None:
        dispatcher = self._machine.dispatcher
        self._last.update(dispatcher.members)
        self._samples.append(
            _Sample(
                self._machine.now,
                {member: _total(member) for member in self._last.values()},
                {number: pool.total for number, pool in dispatcher.pools.items()},
                {core.number: (core.used, core.lent) for core in dispatcher.cores},
            )
        )
        while len(self._samples) > 2 and self._samples[1].now <= self._second_ago:
            self._samples.popleft()

    @property
    def _second_ago(self) -> int:
        return self._machine.now - TIME_BASE_HZ

    # -- telling ---------------------------------------------------------------------------

    def usage(self) -> MachineUsage:
        """What there is to tell now."""
        machine, dispatcher = self._machine, self._machine.dispatcher
        self._last.update(dispatcher.members)
        while len(self._samples) > 1 and self._samples[1].now <= self._second_ago:
            self._samples.popleft()
        before = self._samples[0]
        inactive = range(len(dispatcher.cores), machine.system.cores.installed)
        definitions = sorted(machine.system.partitions, key=lambda its: its.number)
        return MachineUsage(
            machine.system.name,
            machine.now,
            machine.now // WINDOW_TICKS,
            tuple(self._partition(definition, before) for definition in definitions),
            tuple(self._pool(number, before) for number in sorted(dispatcher.pools)),
            (
                *(self._core(core, before) for core in dispatcher.cores),
                *(CoreUsage(n, CoreState.INACTIVE, 0, 0, 0, None, ()) for n in inactive),
            ),
            switches_of(machine.network),
            machine.io_servers.usage(),
            fabrics_of(machine.storage_network),
            libraries_of(machine.storage_network),
        )

    def _partition(self, definition: PartitionDefinition, before: _Sample) -> PartitionUsage:
        made = self._machine.partitions.get(definition.name)
        if made is None:
            profile = definition.profile()
            assert profile is not None, "a default profile is checked for"
            off, nothing = PartitionState.NOT_ACTIVATED, _times(0, _ZERO, _ZERO)
            share, memory = _desired(profile), profile.memory_mib.desired
            return _described(definition, profile, share, memory, off, "", nothing, nothing)
        member = self._last.get(definition.number)
        total = _ZERO if member is None else _total(member)
        earlier = _ZERO if member is None else before.members.get(member, _ZERO)
        since = max(before.now, made.activated_at)
        has = made.resources
        return _described(
            definition,
            has.profile,
            has.share,
            has.memory_mib,
            made.state,
            _reason(made),
            _times(self._machine.now - made.activated_at, total, _ZERO),
            _times(self._machine.now - since, total, earlier),
        )

    def _pool(self, number: int, before: _Sample) -> PoolUsage:
        dispatcher = self._machine.dispatcher
        pool, definition = dispatcher.pools[number], self._machine.system.pool(number)
        shared = sum(core.pooled for core in dispatcher.cores)
        return PoolUsage(
            number=number,
            name="DefaultPool" if definition is None else definition.name,
            entitled=pool.entitled * WHOLE // WINDOW_TICKS,
            reserved=0 if definition is None else definition.reserved,
            maximum=shared * WHOLE if definition is None else definition.maximum,
            elapsed=self._machine.now - before.now,
            used=pool.total - before.pools.get(number, 0),
        )

    def _core(self, core: Core, before: _Sample) -> CoreUsage:
        used, lent = before.cores.get(core.number, (0, 0))
        owner = core.kept_for if core.owner is None else core.owner.member.number
        return CoreUsage(
            core.number,
            CoreState.FAILED if core.failed else CoreState.ACTIVE,
            self._machine.now - before.now,
            core.used - used,
            core.lent - lent,
            owner,
            self._lane(core),
        )

    def _lane(self, core: Core) -> tuple[Dispatched, ...]:
        """Who had it last, and who of those that were on it is ready."""
        now = self._machine.now
        ready = [
            p
            for p in self._machine.dispatcher.processors
            if p.core is core and p is not core.holder and p.start <= now
        ]
        lane = ready if core.holder is None else [core.holder, *ready]
        return tuple(Dispatched(p.member.number, p.number) for p in lane)


def _described(
    definition: PartitionDefinition,
    profile: PartitionProfile,
    share: ProcessorShare,
    memory_mib: int,
    state: PartitionState,
    reason: str,
    since_start: ProcessorTimes,
    last_second: ProcessorTimes,
) -> PartitionUsage:
    shared = None if share.dedicated else share
    return PartitionUsage(
        name=definition.name,
        number=definition.number,
        state=state,
        reason=reason,
        profile=profile.name,
        memory_mib=memory_mib,
        mode=(
            ProcessorMode.DEDICATED
            if shared is None
            else ProcessorMode.CAPPED
            if shared.capped
            else ProcessorMode.UNCAPPED
        ),
        sharing=share.sharing.value if share.dedicated else None,
        weight=None if shared is None or shared.capped else shared.weight,
        pool=None if shared is None else shared.pool,
        units=share.entitled,
        virtual_processors=share.virtual_processors,
        since_start=since_start,
        last_second=last_second,
    )


def _desired(profile: PartitionProfile) -> ProcessorShare:
    """What a partition that was never activated would like to have."""
    wants = profile.processors
    if isinstance(wants, SharedProcessors):
        units, virtual = wants.units.desired, wants.virtual.desired
        return SharedShare(units, virtual, wants.capped, wants.weight, wants.pool)
    return DedicatedShare(wants.processors.desired, wants.sharing)


def _reason(made: ManagedPartition) -> str:
    outcome = made.composition.partition.outcome
    if made.runs or outcome is None:
        return ""
    return ": ".join(filter(None, (outcome.ending.value, outcome.reason)))


def _total(member: Member) -> Times:
    total = Times()
    for processor in member.processors:
        total.add(processor.times)
    return total


def _times(elapsed: int, total: Times, before: Times) -> ProcessorTimes:
    return ProcessorTimes(
        elapsed=elapsed,
        entitled=total.entitled - before.entitled,
        consumed=total.consumed - before.consumed,
        spare=total.spare - before.spare,
        waited=total.waited - before.waited,
        ceded=total.ceded - before.ceded,
        donated=total.donated - before.donated,
    )
