"""Declare hypervisor calls and dispatch them.

A handler is an ordinary function.  Its first parameter is the calling virtual processor; those
after it are R4, R5, ...; what it returns goes to R4, R5, ...; raising `HcallError` sets R3.  No
other module knows this register linkage (LoPAR 14.5.3).

The annotations of the parameters say how a trace prints them.
"""

from __future__ import annotations

import inspect
from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from emu.memory import StorageError
from emu.values import frozen, slotted

from .abi import H, HcallError
from .calls import Interceptors, as_results, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from .calls import Handler

    HandlerT = TypeVar("HandlerT", bound=Handler)


class HcallRegisters(Protocol):
    """The registers that the linkage touches."""

    @property
    def privileged(self) -> bool: ...
    def gpr(self, n: int) -> int: ...
    def gprs(self, first: int, count: int) -> list[int]: ...
    def set_gprs(self, first: int, values: Iterable[int]) -> None: ...


class HcallCaller(Protocol):
    """A virtual processor as the linkage knows it."""

    @property
    def registers(self) -> HcallRegisters: ...
    def postpone(self) -> None: ...


_SUCCESS = H.SUCCESS  # an enumeration looks its members up slowly
_ARGUMENTS_OF_UNKNOWN = 8
"""R4 to R11: what is told of a call that there is not."""


@frozen
class Hcall:
    """One declared hcall: the source of dispatch, traces, device tree and reference page."""

    number: int
    papr: str
    function_set: str
    handler: Handler
    name: str
    parameters: tuple[str, ...]
    arity: int
    """So many parameters."""

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return summary(self.handler)


class Postponed(Exception):  # noqa: N818
    """What a handler raises whose call is answered later.

    Its processor waits until then, with its registers as they are, and makes the call anew.
    """


class HcallGroup:
    """The hcalls one module defines."""

    def __init__(self) -> None:
        self._calls: list[Hcall] = []

    def __iter__(self) -> Iterator[Hcall]:
        return iter(self._calls)

    def define(
        self, number: int, *, papr: str, function_set: str
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the handler of hcall `number`, specified in LoPAR section `papr`.

        An empty `function_set` means that the hcall is announced by none of the strings of
        `ibm,hypertas-functions`.
        """

        def declare(handler: HandlerT) -> HandlerT:
            parameters = tuple(inspect.signature(handler).parameters)[1:]
            name = handler.__name__.upper()
            self._calls.append(
                Hcall(number, papr, function_set, handler, name, parameters, len(parameters))
            )
            return handler

        return declare


@slotted
class HcallEvent:
    """One hcall on its way: what an interceptor may look at and change.

    Before the call, `arguments` may be changed, or `HcallError` raised to refuse the call.
    After it, `code` and `results` may be changed.  `call` is None for an unknown number.
    """

    processor: Any
    number: int
    call: Hcall | None
    arguments: tuple[int, ...]
    code: H = H.SUCCESS
    results: tuple[int, ...] = ()
    why: str = ""

    @property
    def name(self) -> str:
        return self.call.name if self.call else f"{self.number:#x}"


class HcallTable:
    """The hcalls one partition may make."""

    def __init__(self, *groups: HcallGroup) -> None:
        self._calls: dict[int, Hcall] = {}
        self.counts: Counter[int] = Counter()
        self.interceptors: Interceptors[HcallEvent] = Interceptors()
        for call in (call for group in groups for call in group):
            if call.number in self._calls:
                raise ValueError(f"{call.name} repeats hcall {call.number:#x}")
            self._calls[call.number] = call

    def __iter__(self) -> Iterator[Hcall]:
        return iter(self._calls.values())

    def get(self, number: int) -> Hcall | None:
        return self._calls.get(number)

    def name(self, number: int) -> str:
        """The name of hcall `number`, or the number where there is none."""
        call = self._calls.get(number)
        return call.name if call else f"{number:#x}"

    def function_sets(self) -> tuple[str, ...]:
        """The strings of `ibm,hypertas-functions`."""
        return tuple(sorted({s for call in self for s in call.function_set.split()}))

    def dispatch(self, processor: HcallCaller) -> H:
        """Carry out the hcall in R3 and leave its outcome in R3, R4, ..."""
        registers = processor.registers
        number = registers.gpr(3)
        call = self._calls.get(number)
        # An unknown number counts under one key: a guest must not make the host's table grow.
        self.counts[number if call else -1] += 1
        arity = call.arity if call else _ARGUMENTS_OF_UNKNOWN
        arguments: Sequence[int] = registers.gprs(4, arity) if arity else ()
        event = instead = None
        if self.interceptors:
            event = HcallEvent(processor, number, call, tuple(arguments))
        results: tuple[int, ...]
        code, results, why = _SUCCESS, (), ""
        try:
            if not registers.privileged:
                raise HcallError(H.PRIVILEGE, "sc 1 from problem state")
            if event is not None:
                instead, arguments = self.interceptors.before(event), event.arguments
            if instead is not None:
                results = instead
            elif call is None:
                raise HcallError(H.FUNCTION, f"no hcall {number:#x}")
            else:
                results = as_results(call.handler(processor, *arguments))
        except HcallError as refusal:
            code, results, why = refusal.code, refusal.results, refusal.why
        except Postponed:
            self.counts[number] -= 1
            processor.postpone()
            return H.PENDING
        except StorageError as outside:
            code, why = H.PARAMETER, str(outside)
        if event is not None:
            event.code, event.results, event.why = code, results, why
            self.interceptors.after(event)
            code, results = event.code, event.results
        processor.registers.set_gprs(3, (code, *results))
        return code
