"""The dispatcher's promises for machines with all there is, while things happen to them.

Dedicated partitions in all sharing modes, pools with maxima and reserved units, cores that fail (an
activation that ends takes one in the same way) and come, partitions that go and come back.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hypervisor.dispatching.dispatcher import CapacityError
from hypervisor.dispatching.records import WINDOW
from hypervisor.system.definition import SharedProcessorPool
from hypervisor.system.share import DedicatedShare, SharedShare, SharingMode
from hypervisor.system.units import ProcUnits

from .synthetic import BUSY, Synthetic, dispatch
from .test_dispatching import DEMANDS, OVERSHOOT, TICKS, consumed
from .test_dispatching_dedicated import standing

if TYPE_CHECKING:
    from hypervisor.dispatching.dispatcher import ProcessorDispatcher

EVENTS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["fail", "add", "stop", "start"])), max_size=4
)


def synthetic(draw: Any, *, donates: bool = True) -> Synthetic:
    return Synthetic(draw(DEMANDS), draw(st.integers(0, OVERSHOOT)), donates)


@st.composite
def machines(draw: Any) -> Any:
    """Dedicated partitions first, each on one or two cores; the rest is shared, in pools 0 to 2."""
    members: list[Any] = []
    cores = draw(st.integers(1, 3))
    free = cores * 100
    for _ in range(draw(st.integers(0, 3))):
        own = draw(st.integers(1, 2))
        cores += own
        share = DedicatedShare(own, draw(st.sampled_from(SharingMode)))
        donates = draw(st.booleans())
        members.append((share, [synthetic(draw, donates=donates) for _ in range(own)]))
    reserved = draw(st.integers(0, 20))
    free -= reserved
    for _ in range(draw(st.integers(1, 6))):
        virtual = draw(st.integers(1, 3))
        if free < 5 * virtual:
            break
        units = draw(st.integers(5 * virtual, min(free, 100 * virtual)))
        free -= units
        capped, weight = draw(st.booleans()), draw(st.integers(0, 255))
        pool = draw(st.integers(0, 2))
        members.append(
            (
                SharedShare(ProcUnits(units), virtual, capped, weight, pool),
                [synthetic(draw) for _ in range(virtual)],
            )
        )
    pools = []
    for number in (1, 2):
        entitled = sum(s.entitled for s, _ in members if not s.dedicated and s.pool == number)
        its = reserved if number == 1 else 0
        least = max(entitled + its, 5)
        maximum = draw(st.integers(least, least + 100))
        pools.append(
            SharedProcessorPool(number, f"pool{number}", ProcUnits(maximum), ProcUnits(its))
        )
    return cores, members, pools


def happen(dispatcher: ProcessorDispatcher, event: str, shares: list[Any]) -> None:
    match event:
        case "fail":
            core = next(c for c in dispatcher.cores if not c.failed)
            before = standing(dispatcher)
            try:
                dispatcher.fail_core(core.number)
            except CapacityError:
                assert standing(dispatcher) == before
        case "add":
            dispatcher.add_core()
        case "stop" if dispatcher.members:
            dispatcher.remove(min(dispatcher.members))
        case "start":
            for number, share in enumerate(shares, start=1):
                if number not in dispatcher.members:
                    count = share.virtual_processors
                    fresh = [Synthetic(BUSY, wake=dispatcher.now) for _ in range(count)]
                    with suppress(CapacityError):
                        dispatcher.add(number, share, fresh)
                    return


@settings(max_examples=40, deadline=None)
@given(machines(), EVENTS)
def test_promises_hold_whatever_happens(machine: Any, events: Any) -> None:
    cores, members, pools = machine
    shares = [share for share, _ in members]
    dispatcher = dispatch(cores, members, pools)
    for window in range(6):
        for when, event in events:
            if when == window:
                happen(dispatcher, event, shares)
        before = {n: consumed(m) for n, m in dispatcher.members.items()}
        lent = {core.number: core.lent for core in dispatcher.cores}
        used = {core.number: core.used for core in dispatcher.cores}
        of_pool = {number: pool.total for number, pool in dispatcher.pools.items()}
        dispatcher.run_window()
        for core in dispatcher.cores:
            if core.failed or core.kept_for is not None:
                assert core.used == used[core.number]
                continue
            assert core.clock >= dispatcher.now
            assert core.used + core.idle == core.clock - core.begun
            if core.owner is not None and not core.owner.member.lends:
                assert core.lent == lent[core.number]
        for processor in dispatcher.processors:
            if processor.member.dedicated:
                assert processor.core is not None
                assert not processor.core.failed
            times = processor.times
            assert 0 <= processor.counted_until - dispatcher.now <= OVERSHOOT
            assert times.consumed <= processor.counted_until
        for number, member in dispatcher.members.items():
            ticks = consumed(member) - before[number]
            if not member.dedicated and not member.weight:
                # What the windows before did not give is owed.
                most = member.share.entitled * TICKS
                assert ticks <= 3 * most + len(member.processors) * OVERSHOOT
        for pool in pools:
            had = dispatcher.pools[pool.number].total - of_pool[pool.number]
            carried = 2 * dispatcher.pools[pool.number].entitled
            assert had <= pool.maximum * TICKS + carried + 8 * len(dispatcher.cores) * OVERSHOOT


@settings(max_examples=25, deadline=None)
@given(machines())
def test_owners_never_wait_and_lend_by_their_mode(machine: Any) -> None:
    cores, members, pools = machine
    dispatcher = dispatch(cores, members, pools)
    for _ in range(6):
        dispatcher.run_window()
    for member in dispatcher.members.values():
        for processor in member.processors:
            times = processor.times
            if member.dedicated:
                assert times.waited <= OVERSHOOT * times.dispatches
                synthetic = processor.runnable
                assert isinstance(synthetic, Synthetic)
                if not (member.share.sharing.while_active and synthetic.donates):
                    assert times.donated == 0
            else:
                assert times.donated == 0
    assert sum(core.lent for core in dispatcher.cores) == sum(
        processor.times.donated for processor in dispatcher.processors
    )
    for pool in pools:
        total = dispatcher.pools[pool.number].total
        late = dispatcher.pools[pool.number].entitled + cores * OVERSHOOT * 8
        assert total <= 6 * pool.maximum * TICKS + late
    assert dispatcher.now == 6 * WINDOW
