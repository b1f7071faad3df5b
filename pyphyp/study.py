"""Study what guests call: functions of a script run before, after or instead of a call.

Calls are named as the specifications name them: `H_CEDE`, `get-time-of-day`, `getprop`; an hcall
nobody implements is named by its number; `*` stands for all.  A function that raises
`HcallError`, `RtasError` or `ServiceError` (each for its own kind of call) refuses the call;
whatever else it raises ends the run and reaches the script.
"""

from __future__ import annotations

from collections import defaultdict
from enum import Enum
from typing import TYPE_CHECKING

from firmware.client_interface import ServiceError
from firmware.rtas import RtasError
from hypervisor.abi import HcallError
from hypervisor.hcall import HcallEvent

from .events import Event, TableEvent
from .suggestions import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from .api import Partition

    Results = int | tuple[int, ...] | None
    Hook = Callable[[Event], Results]

ALL = "*"


class UnknownCallError(LookupError):
    """No hcall, RTAS call or client service has the name a script asked for."""


class Moment(Enum):
    BEFORE = "before"
    REPLACE = "replace"
    AFTER = "after"


class Study:
    """The functions a script registered, by moment and call."""

    def __init__(self, known: Callable[[], Set[str]]) -> None:
        """`known` gives the names of all calls; it is not asked before a script names one."""
        self._known = known
        self._hooks: dict[tuple[Moment, str | int], list[Hook]] = defaultdict(list)
        self.begun = False
        """Whether a script registered anything."""

    def check(self, call: str | int) -> None:
        """Raise UnknownCallError where there is no such call."""
        if isinstance(call, str) and call != ALL and call not in self._known():
            raise UnknownCallError(self._unknown(call))

    def add(self, moment: Moment, call: str | int, hook: Hook) -> None:
        """Run `hook` at `moment` of each `call`."""
        self._hooks[moment, call].append(hook)
        self.begun = True

    def _unknown(self, call: str) -> str:
        by_folded = {name.casefold().replace("_", "-"): name for name in self._known()}
        folded = call.casefold().replace("_", "-")
        close = nearest(folded, by_folded, most=3)
        advice = (
            f"; did you mean {' or '.join(by_folded[name] for name in close)}?" if close else ""
        )
        return f"no hypercall, RTAS call or client service is named {call!r}{advice}"

    def hooks(self, moment: Moment, event: TableEvent) -> list[Hook]:
        """What to run, in the order it was registered."""
        number: tuple[Hook, ...] = ()
        if isinstance(event, HcallEvent):
            number = tuple(self._hooks.get((moment, event.number), ()))
        named = self._hooks.get((moment, event.name), ())
        return [*self._hooks.get((moment, ALL), ()), *named, *number]


class Interceptor:
    """Puts a study between one partition and its calls."""

    def __init__(self, study: Study, partition: Partition) -> None:
        self._study, self._partition = study, partition

    def before(self, event: TableEvent) -> None:
        for hook in self._study.hooks(Moment.BEFORE, event):
            hook(Event(self._partition, event))

    def replace(self, event: TableEvent) -> tuple[int, ...] | None:
        """The results of the replacement registered last, or None."""
        hooks = self._study.hooks(Moment.REPLACE, event)
        if not hooks:
            return None
        match hooks[-1](Event(self._partition, event)):
            case None:
                return ()
            case tuple() as results:
                return results
            case result:
                return (result,)

    def after(self, event: TableEvent) -> None:
        for hook in self._study.hooks(Moment.AFTER, event):
            seen = Event(self._partition, event)
            try:
                hook(seen)
            except (HcallError, RtasError, ServiceError) as refusal:
                seen.refuse(refusal)
