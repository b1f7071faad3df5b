"""What a partition sees of XIVE in its real address space: pages of sources, queues and threads.

Each source has a page through which its event state is managed, each queue one for that of its
notifications; where in the page an access goes says what it does.  The thread management area
(TIMA) shows the context of the processor that looks at it.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from emu.bits import Field, Word

from .devices import DevicePages, ones
from .xive import PRIORITIES, SOURCES, EventState

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.memory import Memory

    from .xive import Context, Queue, Source, XiveController

PAGE_SHIFT = 16
PAGE = 1 << PAGE_SHIFT
SOURCE_PAGES = 0x0006_0100_0000_0000
QUEUE_PAGES = 0x0006_0200_0000_0000
USER_PAGE = 0x0006_0302_0318_0000
OS_PAGE = USER_PAGE + PAGE


# -- sources and queues ----------------------------------------------------------------------


class Action(IntEnum):
    """What an access to a source's page does, by bits 52:53 of its address."""

    TRIGGER = 0
    """By a store; a load ends the event, as with END."""
    END = 1
    GET_STATE = 2
    SET_STATE = 3


class PageOffset(Word):
    """The address within a page, which repeats itself every 4 KiB."""

    ACTION = Field(52, 53)
    STATE = Field(54, 55)
    """That SET_STATE sets."""


def _load(owner: Source | Queue, offset: int, end: Callable[[], bool]) -> int:
    """The state before; or whether there is another event, where one was ended."""
    where, before = PageOffset(offset), owner.state
    match Action(where.ACTION):
        case Action.TRIGGER | Action.END:
            return int(end())
        case Action.SET_STATE:
            owner.state = EventState(where.STATE)
    return before


def load_source(controller: XiveController, source: Source, offset: int) -> int:
    """A load from a source's page."""
    return _load(source, offset, lambda: controller.end(source))


def store_source(controller: XiveController, source: Source, offset: int) -> None:
    """A store to a source's page; the value does not matter."""
    where = PageOffset(offset)
    match Action(where.ACTION):
        case Action.TRIGGER:
            controller.trigger(source)
        case Action.END:
            controller.end(source)
        case Action.SET_STATE:
            source.state = EventState(where.STATE)


class SourcePages:
    """A page for each source number."""

    def __init__(self, controller: XiveController) -> None:
        self._controller = controller

    def load(self, processor: int, offset: int, length: int) -> int:
        source = self._controller.source(offset >> PAGE_SHIFT)
        return ones(length) if source is None else load_source(self._controller, source, offset)

    def store(self, processor: int, offset: int, length: int, value: int) -> None:
        if (source := self._controller.source(offset >> PAGE_SHIFT)) is not None:
            store_source(self._controller, source, offset)


class QueuePages:
    """A page for each server and priority: loads only."""

    def __init__(self, controller: XiveController) -> None:
        self._controller = controller

    def load(self, processor: int, offset: int, length: int) -> int:
        server, priority = divmod(offset >> PAGE_SHIFT, PRIORITIES)
        queue = self._controller.queue(server, priority)
        return _load(queue, offset, lambda: self._controller.end_queue(server, priority))

    def store(self, processor: int, offset: int, length: int, value: int) -> None:
        pass


def source_page(number: int) -> int:
    return SOURCE_PAGES + (number << PAGE_SHIFT)


def queue_page(server: int, priority: int) -> int:
    return QUEUE_PAGES + (server * PRIORITIES + priority << PAGE_SHIFT)


# -- the thread management area --------------------------------------------------------------


class ContextWord(Word):
    """The first doubleword of a thread context's ring."""

    EVENT = Field(0)
    """The first bit of NSR: an exception for the operating system."""
    CPPR = Field(8, 15)
    IPB = Field(16, 23)
    LSMFB = Field(24, 31)
    ACK = Field(32, 39)
    INC = Field(40, 47)
    AGE = Field(48, 55)
    PIPR = Field(56, 63)


class OwnerWord(Word):
    """The second doubleword: whose context it is."""

    VALID = Field(0)
    CAM = Field(1, 31)


RING_BYTES = 16
OS_RING = range(RING_BYTES, 2 * RING_BYTES)
RINGS = range(4 * RING_BYTES)
# Accesses with effects, by offset and length.
SET_CPPR = OS_RING.start + 1, 1
ACKNOWLEDGE = 0x810, 2
SET_PENDING = 0x812, 1
ACKNOWLEDGE_TO_LINE = 0xC10, 1
_NOT_COUNTED = 0xFF


def ring(context: Context, server: int) -> bytes:
    """The operating system's ring of a context."""
    first = ContextWord(0).replace(
        EVENT=int(context.interrupts),
        CPPR=context.cppr,
        IPB=context.pending,
        LSMFB=_NOT_COUNTED,
        ACK=_NOT_COUNTED,
        AGE=_NOT_COUNTED,
        PIPR=context.most_favoured,
    )
    second = OwnerWord(0).replace(VALID=1, CAM=server)
    return first.to_bytes(8, "big") + second.to_bytes(8, "big")


class ThreadPages:
    """The user's page, in which there is nothing, and the operating system's."""

    def __init__(self, controller: XiveController, memory: Memory) -> None:
        self._controller = controller
        self._memory = memory

    def load(self, processor: int, offset: int, length: int) -> int:
        context, at = self._controller.context(processor), offset - PAGE
        if (at, length) == ACKNOWLEDGE:
            taken = context.acknowledge()
            return ContextWord(0).replace(EVENT=int(taken), CPPR=context.cppr) >> 48
        if at in OS_RING:
            within = at - OS_RING.start
            return int.from_bytes(ring(context, processor)[within : within + length], "big")
        return 0 if at in RINGS else ones(length)

    def store(self, processor: int, offset: int, length: int, value: int) -> None:
        context, where = self._controller.context(processor), (offset - PAGE, length)
        if where == SET_CPPR:
            context.set_cppr(value)
        elif where == SET_PENDING and value < PRIORITIES:
            context.notify(value)
        elif where == ACKNOWLEDGE_TO_LINE:
            self._acknowledge_to_line(context, processor)

    def _acknowledge_to_line(self, context: Context, processor: int) -> None:
        """Acknowledge, and leave the ring as it was before at the start of the reporting line."""
        before = ring(context, processor)
        context.acknowledge()
        if context.reporting_line is not None:
            self._memory.write(context.reporting_line, before)


def pages(controller: XiveController, memory: Memory) -> tuple[DevicePages, ...]:
    """All pages of a partition's controller."""
    queues = controller.servers * PRIORITIES
    return (
        DevicePages(USER_PAGE, 2 * PAGE, ThreadPages(controller, memory)),
        DevicePages(SOURCE_PAGES, SOURCES * PAGE, SourcePages(controller)),
        DevicePages(QUEUE_PAGES, queues * PAGE, QueuePages(controller)),
    )
