"""Declare RTAS calls and dispatch them (LoPAR chapter 7).

A handler is an ordinary function.  Its first parameter is the `RtasCaller`; those after it are
the call's arguments; what it returns stands behind the status in the argument buffer; raising
`RtasError` sets the status.  No other module knows the layout of the buffer: 32-bit cells with the
token, the number of arguments, the number of returns, then these.
"""

from __future__ import annotations

import inspect
from collections import Counter
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

from emu.bits import low_bits
from emu.memory import StorageError
from emu.values import frozen, slotted
from hypervisor.abi import H, HcallError
from hypervisor.calls import Interceptors, as_results, summary

from .vital_product_data import LOCATION_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from emu.memory import Memory
    from hypervisor.calls import Handler
    from hypervisor.partition import Partition
    from hypervisor.processor import VirtualProcessor
    from hypervisor.vio.adapter import Slot

    from .device_tree import Node
    from .error_logs import ErrorLogs
    from .injection import InjectionFacility
    from .lamps import Lamps
    from .machine_check import Fault
    from .nvram import Nvram

    HandlerT = TypeVar("HandlerT", bound=Handler)

FIRST_TOKEN = 0x2000
MOST_CELLS = 16
"""Arguments or returns a call may have; no call of LoPAR has more."""
CELL_BITS = 32
ADDRESS_LIMIT = 1 << 32


class Status(IntEnum):
    """The status every call returns first (LoPAR table "RTAS Status Word Values")."""

    SUCCESS = 0
    NO_ERRORS_FOUND = 1
    HARDWARE_ERROR = -1
    BUSY = -2
    PARAMETER_ERROR = -3
    NOT_AUTHORIZED = -9002


class RtasError(Exception):
    """RTAS refuses a call: `status` goes to the first return cell, `results` behind it."""

    def __init__(self, status: int, why: str, *results: int) -> None:
        super().__init__(f"{status}: {why}")
        self.status, self.why, self.results = status, why, results


class RtasFirmware(Protocol):
    """The state of firmware that RTAS calls work on."""

    @property
    def nvram(self) -> Nvram: ...
    @property
    def error_logs(self) -> ErrorLogs: ...
    @property
    def lamps(self) -> Lamps: ...
    @property
    def injection(self) -> InjectionFacility: ...
    def adapter_comes(self, slot: Slot) -> None:
        """The guest may configure what is in a virtual slot."""

    def adapter_leaves(self, slot: Slot) -> None:
        """The guest has isolated what is in a virtual slot."""

    def adapter_node(self, slot: Slot) -> Node | None:
        """The node of what is in a virtual slot, if it is configured."""

    def list_devices(self) -> None:
        """Disks have come or gone."""

    def defer_machine_check(
        self, fault: Fault, processor: int, address: int, *, recovered: bool
    ) -> bool: ...


@frozen
class RtasCaller:
    """Who makes a call: a processor, and the firmware of its partition."""

    processor: VirtualProcessor
    firmware: RtasFirmware

    @property
    def partition(self) -> Partition:
        return self.processor.partition

    @property
    def memory(self) -> Memory:
        return self.processor.partition.memory

    @property
    def time_base(self) -> int:
        return self.processor.partition.time_base


@frozen
class RtasCall:
    """One declared call: the source of dispatch, traces, device tree and reference page."""

    name: str
    papr: str
    nargs: int
    nrets: int
    handler: Handler
    parameters: tuple[str, ...]
    status_last: bool = False
    """The status stands behind the results, not before them."""

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return summary(self.handler)


class RtasGroup:
    """The calls one module defines."""

    def __init__(self) -> None:
        self._calls: list[RtasCall] = []

    def __iter__(self) -> Iterator[RtasCall]:
        return iter(self._calls)

    def define(
        self, name: str, *, papr: str, nargs: int, nrets: int, status_last: bool = False
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the handler of `name`, specified in LoPAR section `papr`.

        `nrets` counts the status.  The handler has `nargs` parameters behind the caller;
        arguments a call may also have are further parameters with defaults.
        """

        def declare(handler: HandlerT) -> HandlerT:
            declared = tuple(inspect.signature(handler).parameters.values())[1:]
            parameters = tuple(parameter.name for parameter in declared)
            needed = sum(parameter.default is parameter.empty for parameter in declared)
            if needed != nargs:
                raise TypeError(f"{name} has {nargs} arguments, its handler needs {needed}")
            self._calls.append(RtasCall(name, papr, nargs, nrets, handler, parameters, status_last))
            return handler

        return declare


@slotted
class RtasEvent:
    """One call on its way: what an interceptor may look at and change.

    Before the call, `arguments` may be changed, or `RtasError` raised to refuse the call.  After
    it, `status` and `results` may be changed.  `call` is None for an unknown token.
    """

    processor: VirtualProcessor
    token: int
    call: RtasCall | None
    arguments: tuple[int, ...]
    status: int = Status.SUCCESS
    results: tuple[int, ...] = ()
    why: str = ""

    @property
    def name(self) -> str:
        return self.call.name if self.call else f"{self.token:#x}"


class RtasTable:
    """The RTAS calls of one partition; tokens follow the order of the groups.

    It asks for `groups` when it needs a call.
    """

    def __init__(self, groups: Callable[[], Iterable[RtasGroup]]) -> None:
        self._groups = groups
        self.counts: Counter[str] = Counter()
        self.interceptors: Interceptors[RtasEvent] = Interceptors()

    @cached_property
    def _calls(self) -> dict[int, RtasCall]:
        calls = [call for group in self._groups() for call in group]
        if repeated := [name for name, n in Counter(c.name for c in calls).items() if n > 1]:
            raise ValueError(f"RTAS call {repeated[0]} is defined twice")
        return dict(enumerate(calls, FIRST_TOKEN))

    def __iter__(self) -> Iterator[RtasCall]:
        return iter(self._calls.values())

    def tokens(self) -> Iterator[tuple[int, RtasCall]]:
        return iter(self._calls.items())

    def token(self, name: str) -> int:
        """The token of call `name`; KeyError if there is none."""
        for token, call in self._calls.items():
            if call.name == name:
                return token
        raise KeyError(name)

    def dispatch(self, processor: VirtualProcessor, firmware: RtasFirmware, block: int) -> None:
        """Carry out the call described at `block`, and write its outcome there.

        Raises `HcallError` where there is no buffer to write the outcome to.
        """
        memory = processor.partition.memory
        token, nargs, nrets = self._header(memory, block)
        arguments = memory.words(block + 12, nargs)
        returns = block + 12 + 4 * nargs
        event = RtasEvent(processor, token, self._calls.get(token), arguments)
        self.counts[event.call.name if event.call else ""] += 1
        try:
            event.results = self._carry_out(event, firmware, nrets)
        except RtasError as refusal:
            event.status, event.results, event.why = refusal.status, refusal.results, refusal.why
        except StorageError as outside:
            event.status, event.why = Status.PARAMETER_ERROR, str(outside)
        self.interceptors.after(event)
        if event.status == Status.HARDWARE_ERROR:
            firmware.error_logs.record_failure(event.name, event.why)
        outcome = [low_bits(cell, CELL_BITS) for cell in (event.status, *event.results)][:nrets]
        outcome += [0] * (nrets - len(outcome))
        if event.call is not None and event.call.status_last:
            outcome = [*outcome[1:], outcome[0]]
        memory.write_words(returns, *outcome)

    @staticmethod
    def _header(memory: Memory, block: int) -> tuple[int, int, int]:
        if block % 4 or block >= ADDRESS_LIMIT:
            raise HcallError(H.PARAMETER, f"argument buffer at {block:#x}: 4-aligned below 4 GiB")
        token, nargs, nrets = memory.words(block, 3)
        if nargs > MOST_CELLS or not 1 <= nrets <= MOST_CELLS:
            raise HcallError(H.PARAMETER, f"{nargs} arguments and {nrets} returns")
        memory.check(block + 12, 4 * (nargs + nrets))
        return token, nargs, nrets

    def _carry_out(self, event: RtasEvent, firmware: RtasFirmware, nrets: int) -> tuple[int, ...]:
        if (results := self.interceptors.before(event)) is not None:
            return results
        call = event.call
        if call is None:
            raise RtasError(Status.HARDWARE_ERROR, f"no RTAS call has token {event.token:#x}")
        if not call.nargs <= len(event.arguments) <= len(call.parameters) or nrets != call.nrets:
            raise RtasError(
                Status.PARAMETER_ERROR,
                f"{call.name} has {call.nargs} arguments and {call.nrets} returns, "
                f"not {len(event.arguments)} and {nrets}",
            )
        return as_results(call.handler(RtasCaller(event.processor, firmware), *event.arguments))


def buffer(memory: Memory, address: int, length: int) -> None:
    """Refuse a buffer that is not inside storage below 4 GiB."""
    if address + length > ADDRESS_LIMIT or not memory.contains(address, length):
        raise RtasError(Status.PARAMETER_ERROR, f"buffer of {length} bytes at {address:#x}")


def location_code(memory: Memory, address: int) -> str:
    """The location code at `address`, a string below 4 GiB."""
    buffer(memory, address, 1)
    return memory.read_string(address, LOCATION_LIMIT).decode("ascii", "replace")
