"""One shape for whatever a guest calls: hypercalls, RTAS calls, client interface services.

The three dispatch tables have events of their own; an `Event` shows each of them with named
arguments, so that traces and scripts need not know which is which.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from enum import Enum
from typing import TYPE_CHECKING

from firmware.client_interface import ServiceError, ServiceEvent
from firmware.rtas import RtasError, RtasEvent
from hypervisor.abi import H, HcallError
from hypervisor.hcall import HcallEvent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from firmware.client_interface import Service
    from firmware.rtas import RtasCall
    from hypervisor.hcall import Hcall
    from hypervisor.processor import VirtualProcessor

    from .api import Partition

TableEvent = HcallEvent | RtasEvent | ServiceEvent


class CallKind(Enum):
    """Whom a guest calls; the value is the word that traces use."""

    HCALL = "hcall"
    RTAS = "rtas"
    CLIENT = "of"


_KINDS: dict[type[TableEvent], CallKind] = {
    HcallEvent: CallKind.HCALL,
    RtasEvent: CallKind.RTAS,
    ServiceEvent: CallKind.CLIENT,
}


def declared_call(event: TableEvent) -> Hcall | RtasCall | Service | None:
    """The declaration of what was called; None where there is none."""
    return event.service if isinstance(event, ServiceEvent) else event.call


class Arguments(MutableMapping[str, int]):
    """A call's arguments by the names of its handler's parameters; they may be changed."""

    def __init__(self, event: TableEvent) -> None:
        self._event = event
        call = declared_call(event)
        declared = call.parameters if call is not None else ()
        count = len(event.arguments)
        beyond = (f"argument{n + 1}" for n in range(len(declared), count))
        self._names = (*declared[:count], *beyond)

    def _index(self, name: str) -> int:
        if name in self._names:
            return self._names.index(name)
        raise KeyError(f"{self._event.name} has no argument {name!r}: {', '.join(self._names)}")

    def __getitem__(self, name: str) -> int:
        return self._event.arguments[self._index(name)]

    def __setitem__(self, name: str, value: int) -> None:
        values = list(self._event.arguments)
        values[self._index(name)] = value
        self._event.arguments = tuple(values)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a call's arguments can be changed, not removed")

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}: {value:#x}' for name, value in self.items())}}}"


class Event:
    """One call of a guest.

    Before the call its `arguments` may be changed, after it its `code` and `results`.
    """

    __slots__ = ("arguments", "kind", "partition", "table_event", "time_base")

    def __init__(self, partition: Partition, table_event: TableEvent) -> None:
        self.partition = partition
        self.table_event = table_event
        self.arguments = Arguments(table_event)
        self.kind = _KINDS[type(table_event)]
        self.time_base = self.processor.time_base

    @property
    def name(self) -> str:
        return self.table_event.name

    @property
    def number(self) -> int | None:
        """The hcall's number or the RTAS call's token; client services have names only."""
        match self.table_event:
            case HcallEvent(number=number) | RtasEvent(token=number):
                return number
            case _:
                return None

    @property
    def processor(self) -> VirtualProcessor:
        processor: VirtualProcessor = self.table_event.processor
        return processor

    @property
    def code(self) -> int:
        """An hcall's `H` code or an RTAS call's status; 0 for client services, which have none."""
        match self.table_event:
            case HcallEvent(code=code) | RtasEvent(status=code):
                return code
            case _:
                return 0

    @code.setter
    def code(self, value: int) -> None:
        match self.table_event:
            case HcallEvent() as event:
                event.code = H(value)
            case RtasEvent() as event:
                event.status = value
            case _:
                raise AttributeError(f"client service {self.name} returns no code: set results")

    @property
    def code_name(self) -> str:
        """`code` as the specification spells it; empty for client services."""
        if self.kind is CallKind.CLIENT:
            return ""
        code = self.code
        return code.title if isinstance(code, H) else str(int(code))

    @property
    def results(self) -> tuple[int, ...]:
        """What the call returns besides its code."""
        return self.table_event.results

    @results.setter
    def results(self, values: tuple[int, ...]) -> None:
        self.table_event.results = values

    @property
    def why(self) -> str:
        """Why the call was refused, in words; empty where it was not."""
        return self.table_event.why

    def refuse(self, refusal: HcallError | RtasError | ServiceError) -> None:
        """Turn the outcome into `refusal`, which must be of the call's own kind."""
        event = self.table_event
        match event, refusal:
            case HcallEvent(), HcallError():
                event.code = refusal.code
            case RtasEvent(), RtasError():
                event.status = refusal.status
            case ServiceEvent(), ServiceError():
                pass
            case _:
                raise refusal
        event.results, event.why = refusal.results, refusal.why
        if isinstance(event, ServiceEvent) and not event.results and event.service:
            event.results = event.service.failure

    def __repr__(self) -> str:
        return f"<{self.name} {self.arguments!r} = {self.code} {self.results}>"
