"""Which virtual processor has the core: turns of fixed length, in a fixed order.

A partition's virtual processors share one engine, and so one physical processor.  While several
are ready each gets a turn; one that is alone keeps the core until another can be woken.  The same
partition takes the same turns each time; a `seed` varies their lengths, to explore other orders.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Annotated

from emu.engine import UNLIMITED
from emu.state import U64, check, record

from .dispatching.records import Dispatched, Preemption, Wake
from .generator import GeneratorState, generator_state, restore_generator
from .processor import Standing, VirtualProcessor

if TYPE_CHECKING:
    from collections.abc import Sequence

TURN = 100_000
"""Time-base ticks of one turn.  Shorter ones cost more exchanges of the processor's state."""
FOREVER = 1 << 62
_READY, _WAKING = Standing.READY, Standing.WAKING  # an enumeration looks its members up slowly
PAUSES = 50
"""How often a guest may say in its turn that it only waits before others are tried."""


@record
class DispatcherState:
    """Processors by number."""

    holder: int | None
    last: int
    preferred: int | None
    conferred: bool
    turn_ends: Annotated[int, range(FOREVER + 1)]
    pauses: U64
    lengths: GeneratorState | None


class Dispatcher:
    """Gives out turns among `processors`."""

    def __init__(self, processors: Sequence[VirtualProcessor], seed: int | None = None) -> None:
        self._processors = processors
        self._lengths = None if seed is None else random.Random(seed)
        self._holder: VirtualProcessor | None = None
        self._last = len(processors) - 1
        self._preferred: VirtualProcessor | None = None
        self._conferred = False
        self.turn_ends = 0
        self.pauses = UNLIMITED

    def choose(self, now: int) -> VirtualProcessor | None:
        """The processor to run at time base `now`; None: all of them wait.

        Its turn lasts until `turn_ends`, or until it has given way `pauses` times.
        """
        holder = self._holder
        if holder is not None and now < self.turn_ends and holder.wake_if_interrupted():
            if self.pauses == UNLIMITED:
                if self._others_ready(holder):
                    self._share(now)
                else:
                    self.turn_ends = min(self.turn_ends, self._next_out_of_sleep)
            return holder
        heir = self._preferred
        chosen = self._next()
        if chosen is not holder:
            self._exchange(chosen, now, heir)
        self._conferred = False
        if chosen is not None:
            if self._others_ready(chosen):
                self._share(now)
            else:
                self.turn_ends, self.pauses = self._others_wake(chosen), UNLIMITED
        return chosen

    def alone(self, ends: int) -> bool:
        """Whether there is nothing to choose before time base `ends`: the only processor there is
        has the core and can go on."""
        return (
            len(self._processors) == 1
            and ends <= self.turn_ends
            and self._processors[0].standing is _READY
        )

    def _share(self, now: int) -> None:
        """Somebody else is ready: the turn has an end, and waiting busily ends it sooner."""
        self.turn_ends, self.pauses = now + self._turn(), PAUSES

    def hold(self, holder: VirtualProcessor, until: int) -> None:
        """Whoever chooses among partitions has chosen `holder`: its turn lasts until `until`."""
        self._holder, self._last, self._preferred = holder, holder.number, None
        self.turn_ends, self.pauses = until, UNLIMITED

    def take_preferred(self) -> VirtualProcessor | None:
        """To whom the holder gave the rest of its turn, if to anybody."""
        preferred, self._preferred = self._preferred, None
        return preferred

    def end_turn(self) -> None:
        """Let others run."""
        self.turn_ends = 0
        self._preferred = None

    def confer(self, to: VirtualProcessor | None = None) -> None:
        """The holder gives the rest of its turn to others, to one of them if that can run."""
        self.turn_ends = 0
        self._preferred, self._conferred = to, True

    def paused(self, left: int) -> None:
        """The holder's run is over; of its pauses that many are left."""
        if self.pauses != UNLIMITED:
            self.pauses = left

    def state(self) -> DispatcherState:
        return DispatcherState(
            holder=None if self._holder is None else self._holder.number,
            last=self._last,
            preferred=None if self._preferred is None else self._preferred.number,
            conferred=self._conferred,
            turn_ends=self.turn_ends,
            pauses=self.pauses,
            lengths=None if self._lengths is None else generator_state(self._lengths),
        )

    def restore(self, state: DispatcherState) -> None:
        numbers = range(len(self._processors))
        for number in (state.holder, state.last, state.preferred):
            check(number is None or number in numbers, f"there is no processor {number}")
        self._holder = None if state.holder is None else self._processors[state.holder]
        self._preferred = None if state.preferred is None else self._processors[state.preferred]
        self._last, self.turn_ends, self.pauses = state.last, state.turn_ends, state.pauses
        self._conferred = state.conferred
        same = (state.lengths is None) == (self._lengths is None)
        check(same, "the turns' lengths vary in one of configuration and state only")
        if self._lengths is not None and state.lengths is not None:
            restore_generator(self._lengths, state.lengths)

    def _next(self) -> VirtualProcessor | None:
        preferred = self.take_preferred()
        if preferred is not None and preferred.wake_if_interrupted():
            return preferred
        count = len(self._processors)
        order = (self._processors[(self._last + step) % count] for step in range(1, count + 1))
        return next((p for p in order if p.wake_if_interrupted()), None)

    def _exchange(
        self, chosen: VirtualProcessor | None, now: int, heir: VirtualProcessor | None
    ) -> None:
        """The core changes hands: the areas of both tell.  What was conferred is for `heir`."""
        if (holder := self._holder) is not None:
            holder.preempted(self._preemption(holder), now)
        self._holder = chosen
        if chosen is not None:
            chosen.dispatched(_facts(chosen, now, conferred=chosen is heir))
            self._last = chosen.number

    def _preemption(self, holder: VirtualProcessor) -> Preemption:
        if holder.standing is not Standing.READY:
            return Preemption.CEDE
        return Preemption.CONFER if self._conferred else Preemption.TIME_SLICE

    def _others_ready(self, holder: VirtualProcessor) -> bool:
        return any(p.wake_if_interrupted() for p in self._processors if p is not holder)

    @property
    def _next_out_of_sleep(self) -> int:
        """The time base at which a processor that has been woken meanwhile is ready."""
        waking = (p.rests_until for p in self._processors if p.standing is _WAKING)
        return min(waking, default=FOREVER)

    def _turn(self) -> int:
        return TURN if self._lengths is None else TURN // 2 + self._lengths.randrange(TURN)

    def _others_wake(self, holder: VirtualProcessor) -> int:
        """The time base at which the decrementer of another processor wakes it."""
        waiting = (p.next_event for p in self._processors if p is not holder)
        return min(waiting, default=FOREVER)


def _facts(chosen: VirtualProcessor, now: int, *, conferred: bool) -> Dispatched:
    """Of a dispatch on the one core there is."""
    lost_at = 0 if chosen.preemption is None else chosen.preemption.at
    ready_since = max(chosen.ready_since, lost_at)
    if conferred:
        reason = Wake.CONFERRED
    elif chosen.ready_since < lost_at:
        reason = Wake.TIME_SLICE
    else:
        reason = chosen.woken_by
    return Dispatched(0, now, reason, waited=max(now - ready_since, 0), dispersed=False)
