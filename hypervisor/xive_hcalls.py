"""The hcalls of XIVE exploitation mode (LoPAR 14.5.4.7.6 to 14.5.4.7.16).

They set up what `xive` is about; the interrupts themselves then need none.  None of them is there
while the partition uses XICS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emu.bits import Field, Word

from .abi import DOUBLEWORD, Flags, H, HcallError, LogicalReal, ProcessorNumber
from .hcall import HcallGroup
from .xive import (
    EVENT_BITS,
    LEAST_FAVOURED,
    LINE_BYTES,
    PRIORITIES,
    QUEUE_SIZES,
    Queue,
    Source,
)
from .xive_pages import PAGE, PAGE_SHIFT, load_source, queue_page, source_page, store_source

if TYPE_CHECKING:
    from emu.memory import Memory

    from .interrupts import Interrupts
    from .xive import XiveController

hcalls = HcallGroup()

_NONE = DOUBLEWORD
"""-1, where there is no address or nothing was loaded."""


class SourceFlags(Word):
    """What H_INT_GET_SOURCE_INFO says of a source."""

    H_INT_ESB = Field(60)
    LSI = Field(61)
    TRIGGER = Field(62)
    """A store to its page triggers it; there is no page of triggers only."""
    STORE_EOI = Field(63)


class ConfigurationFlags(Word):
    """What H_INT_SET_SOURCE_CONFIG is to do besides giving a target."""

    SET_EISN = Field(62)
    MASK = Field(63)


class QueueFlags(Word):
    """Notification of a queue; its generation is shown to who asks for debugging."""

    GENERATION = Field(62)
    ALWAYS_NOTIFY = Field(63)


class QueryFlags(Word):
    DEBUG = Field(63)


class EsbFlags(Word):
    STORE = Field(63)


class XiveOwner(Protocol):
    @property
    def interrupts(self) -> Interrupts: ...
    @property
    def memory(self) -> Memory: ...


class XiveCaller(Protocol):
    """A processor of a partition that may use XIVE."""

    @property
    def number(self) -> int: ...
    @property
    def partition(self) -> XiveOwner: ...


def _controller(caller: XiveCaller, flags: int, known: int = 0) -> XiveController:
    """The caller's controller; refuses the call under XICS, and `flags` that are not known."""
    controller = caller.partition.interrupts.as_xive()
    if flags & ~known:
        raise HcallError(H.PARAMETER, f"flags {flags:#x}: only {known:#x} are known")
    return controller


def _source(controller: XiveController, lisn: int) -> Source:
    if (source := controller.source(lisn)) is None:
        raise HcallError(H.P2, f"no interrupt source {lisn:#x}")
    return source


def _check_server(controller: XiveController, target: int, code: H) -> None:
    if target >= controller.servers:
        raise HcallError(code, f"no interrupt server {target:#x}")


def _queue(controller: XiveController, target: int, priority: int) -> Queue:
    if priority >= PRIORITIES:
        raise HcallError(H.P3, f"priority {priority:#x}: 0 to {PRIORITIES - 1} are possible")
    _check_server(controller, target, H.P2)
    return controller.queue(target, priority)


# -- sources ---------------------------------------------------------------------------------


@hcalls.define(0x3A8, papr="14.5.4.7.6", function_set="hcall-int-exploitation")
def h_int_get_source_info(caller: XiveCaller, flags: Flags, lisn: int) -> tuple[int, int, int, int]:
    """What a source can do, where its pages are (management, then triggers: none), their size."""
    source = _source(_controller(caller, flags), lisn)
    return (
        SourceFlags(0).replace(TRIGGER=1, STORE_EOI=1),
        source_page(source.number),
        _NONE,
        PAGE_SHIFT,
    )


@hcalls.define(0x3AC, papr="14.5.4.7.7", function_set="hcall-int-exploitation")
def h_int_set_source_config(
    caller: XiveCaller,
    flags: Flags,
    lisn: int,
    target: ProcessorNumber,
    priority: int,
    eisn: int,
) -> None:
    """Route a source to the queue of a server and priority; 0xff routes it nowhere."""
    wanted = ConfigurationFlags(flags)
    controller = _controller(caller, flags, ConfigurationFlags(0).replace(SET_EISN=1, MASK=1))
    source = _source(controller, lisn)
    if priority == LEAST_FAVOURED:
        source.masked, source.event_number = True, source.number
        return
    _check_server(controller, target, H.P3)
    if priority >= PRIORITIES:
        raise HcallError(H.P4, f"priority {priority:#x}: 0 to {PRIORITIES - 1} are possible")
    if wanted.SET_EISN:
        if eisn >> EVENT_BITS:
            raise HcallError(H.P5, f"event number {eisn:#x} has more than {EVENT_BITS} bits")
        source.event_number = eisn
    source.server, source.priority, source.masked = target, priority, bool(wanted.MASK)


@hcalls.define(0x3B0, papr="14.5.4.7.8", function_set="hcall-int-exploitation")
def h_int_get_source_config(caller: XiveCaller, flags: Flags, lisn: int) -> tuple[int, int, int]:
    """The server, the priority (0xff: masked) and the event number of a source."""
    source = _source(_controller(caller, flags), lisn)
    priority = LEAST_FAVOURED if source.masked else source.priority
    return source.server, priority, source.event_number


# -- queues ----------------------------------------------------------------------------------


@hcalls.define(0x3B4, papr="14.5.4.7.9", function_set="hcall-int-exploitation")
def h_int_get_queue_info(
    caller: XiveCaller, flags: Flags, target: ProcessorNumber, priority: int
) -> tuple[int, int]:
    """The page through which notifications of a queue are managed, and its size."""
    _queue(_controller(caller, flags), target, priority)
    return queue_page(target, priority), PAGE_SHIFT


@hcalls.define(0x3B8, papr="14.5.4.7.10", function_set="hcall-int-exploitation")
def h_int_set_queue_config(
    caller: XiveCaller,
    flags: Flags,
    target: ProcessorNumber,
    priority: int,
    address: LogicalReal,
    size: int,
) -> None:
    """Give a server a queue of 2 to the power of `size` bytes for a priority; 0: none."""
    controller = _controller(caller, flags, QueueFlags(0).replace(ALWAYS_NOTIFY=1))
    _queue(controller, target, priority)
    if size == 0:
        controller.set_queue(target, priority, Queue())
        return
    if size not in QUEUE_SIZES:
        raise HcallError(H.P5, f"a queue of 2^{size:#x} bytes: 12, 16, 21 and 24 are possible")
    if address % (1 << size) or not caller.partition.memory.contains(address, 1 << size):
        raise HcallError(H.P4, f"no queue of 2^{size} bytes at {address:#x}")
    always = bool(QueueFlags(flags).ALWAYS_NOTIFY)
    controller.set_queue(target, priority, Queue(address, size, always))


@hcalls.define(0x3BC, papr="14.5.4.7.11", function_set="hcall-int-exploitation")
def h_int_get_queue_config(
    caller: XiveCaller, flags: Flags, target: ProcessorNumber, priority: int
) -> tuple[int, int, int, int]:
    """A queue's flags, address, size; with the debug flag also where its next entry goes."""
    controller = _controller(caller, flags, QueryFlags(0).replace(DEBUG=1))
    queue = _queue(controller, target, priority)
    shown = QueueFlags(0).replace(ALWAYS_NOTIFY=int(queue.always_notify))
    if not QueryFlags(flags).DEBUG:
        return shown, queue.address, queue.size, 0
    return shown.replace(GENERATION=queue.generation), queue.address, queue.size, queue.index


# -- reporting lines -------------------------------------------------------------------------


@hcalls.define(0x3C0, papr="14.5.4.7.12", function_set="hcall-int-exploitation")
def h_int_set_os_reporting_line(caller: XiveCaller, flags: Flags, address: LogicalReal) -> None:
    """Where the caller's interrupt context goes when it acknowledges to storage; -1: nowhere."""
    context = _controller(caller, flags).context(caller.number)
    if address == _NONE:
        context.reporting_line = None
        return
    if address % LINE_BYTES or not caller.partition.memory.contains(address, LINE_BYTES):
        raise HcallError(H.P2, f"no pair of cache lines at {address:#x}")
    context.reporting_line = address


@hcalls.define(0x3C4, papr="14.5.4.7.13", function_set="hcall-int-exploitation")
def h_int_get_os_reporting_line(caller: XiveCaller, flags: Flags, target: ProcessorNumber) -> int:
    """The reporting line of a server, or -1."""
    controller = _controller(caller, flags)
    _check_server(controller, target, H.P2)
    line = controller.context(target).reporting_line
    return _NONE if line is None else line


# -- events ----------------------------------------------------------------------------------


@hcalls.define(0x3C8, papr="14.5.4.7.14", function_set="hcall-int-exploitation")
def h_int_esb(caller: XiveCaller, flags: Flags, lisn: int, offset: int, data: int) -> int:
    """A load from or (flag) a store to a source's page; a store gives -1."""
    controller = _controller(caller, flags, EsbFlags(0).replace(STORE=1))
    source = _source(controller, lisn)
    if offset >= PAGE:
        raise HcallError(H.P3, f"offset {offset:#x}: a page has {PAGE:#x} bytes")
    if EsbFlags(flags).STORE:
        store_source(controller, source, offset)
        return _NONE
    return load_source(controller, source, offset)


@hcalls.define(0x3CC, papr="14.5.4.7.15", function_set="hcall-int-exploitation")
def h_int_sync(caller: XiveCaller, flags: Flags, lisn: int) -> None:
    """Wait until all events of a source are in their queue; they are there at once."""
    _source(_controller(caller, flags), lisn)


@hcalls.define(0x3D0, papr="14.5.4.7.16", function_set="hcall-int-exploitation")
def h_int_reset(caller: XiveCaller, flags: Flags) -> None:
    """Put all sources, queues and contexts into their first state."""
    _controller(caller, flags).reset()
