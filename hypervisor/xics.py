"""The interrupt controller as PAPR presents it (LoPAR 14.5.4.7, appendix "XICS").

Sources have a server (virtual processor) and a priority; 0 is the most favoured and 0xff is
masked.  Each server presents its most favoured pending interrupt while that beats its current
processor priority (CPPR), and its inter-processor interrupt while the MFRR does.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from emu.state import check, record
from emu.values import slotted

from .abi import H, HcallError, ProcessorNumber
from .hcall import HcallGroup

if TYPE_CHECKING:
    from collections.abc import Iterator

hcalls = HcallGroup()

IPI_SOURCE = 2
MASKED = 0xFF
SOURCE_MASK = 0xFFFFFF


@slotted
class Source:
    """One interrupt source; edge-triggered, as the events of virtual adapters are."""

    number: int
    server: int = 0
    priority: int = MASKED
    saved_priority: int = MASKED
    pending: bool = False
    presented: bool = False


@slotted
class Server:
    """The presentation controller of one virtual processor."""

    number: int
    cppr: int = 0
    mfrr: int = MASKED


@record
class XicsState:
    sources: tuple[Source, ...]
    servers: tuple[Server, ...]


class XicsController:
    """All sources and servers of one partition."""

    def __init__(self, servers: int) -> None:
        self._servers = [Server(n) for n in range(servers)]
        self._sources: dict[int, Source] = {}

    def state(self) -> XicsState:
        sources = (replace(source) for source in self)
        return XicsState(tuple(sources), tuple(replace(s) for s in self._servers))

    def restore(self, state: XicsState) -> None:
        """Take over a state with the very sources and servers that are here."""
        known = sorted(source.number for source in state.sources) == sorted(self._sources)
        check(known, "other interrupt sources than this partition's")
        count = len(self._servers)
        check([s.number for s in state.servers] == list(range(count)), f"not {count} servers")
        byte = range(MASKED + 1)
        for source in state.sources:
            valid = source.server in range(count) and source.priority in byte
            check(valid and source.saved_priority in byte, f"interrupt source {source.number:#x}")
        for server in state.servers:
            check(server.cppr in byte and server.mfrr in byte, f"server {server.number}")
        self._sources = {source.number: replace(source) for source in state.sources}
        self._servers = [replace(server) for server in state.servers]

    # -- sources ---------------------------------------------------------------------------

    def add_source(self, number: int) -> Source:
        if number in self._sources or not IPI_SOURCE < number <= SOURCE_MASK:
            raise ValueError(f"interrupt source {number:#x} is taken or out of range")
        source = self._sources[number] = Source(number)
        return source

    def reset_source(self, number: int) -> None:
        """Mask it, and forget what is pending."""
        self._sources[number] = Source(number)

    def source(self, number: int) -> Source | None:
        return self._sources.get(number)

    def __iter__(self) -> Iterator[Source]:
        return iter(self._sources.values())

    def raise_source(self, number: int) -> None:
        self._sources[number].pending = True

    def masked(self, number: int) -> bool:
        """Whether a source interrupts nobody, as it does until it is given a priority."""
        return self._sources[number].priority == MASKED

    def set_source(self, number: int, server: int, priority: int) -> bool:
        """ibm,set-xive: False if there is no such source or server."""
        source = self._sources.get(number)
        if source is None or server >= len(self._servers) or priority > MASKED:
            return False
        source.server, source.priority, source.saved_priority = server, priority, priority
        return True

    def mask(self, number: int) -> bool:
        """ibm,int-off."""
        if (source := self._sources.get(number)) is None:
            return False
        source.saved_priority, source.priority = source.priority, MASKED
        return True

    def unmask(self, number: int) -> bool:
        """ibm,int-on."""
        if (source := self._sources.get(number)) is None:
            return False
        source.priority = source.saved_priority
        return True

    # -- presentation ----------------------------------------------------------------------

    def server(self, number: int) -> Server:
        if number >= len(self._servers):
            raise HcallError(H.PARAMETER, f"no interrupt server {number:#x}")
        return self._servers[number]

    def _best(self, server: Server) -> tuple[int, int] | None:
        """(priority, source number) of what `server` presents now."""
        candidates = [
            (source.priority, source.number)
            for source in self._sources.values()
            if source.pending and not source.presented and source.server == server.number
        ]
        if server.mfrr < server.cppr:
            candidates.append((server.mfrr, IPI_SOURCE))
        best = min(candidates, default=None)
        return best if best is not None and best[0] < server.cppr else None

    def pending(self, number: int) -> bool:
        """Whether server `number` signals its processor."""
        server = self._servers[number]
        for source in self._sources.values():
            if source.pending:
                return self._best(server) is not None
        return server.mfrr < server.cppr  # asked before each entry: mostly nothing is pending

    def poll(self, server: Server) -> int:
        """XIRR without accepting: CPPR in the first byte, then the presented source or 0."""
        best = self._best(server)
        return server.cppr << 24 | (best[1] if best else 0)

    def accept(self, server: Server) -> int:
        """Take the presented interrupt: the XIRR as H_XIRR returns it."""
        best = self._best(server)
        xirr = server.cppr << 24 | (best[1] if best else 0)
        if best:
            server.cppr = best[0]
            if best[1] != IPI_SOURCE:
                source = self._sources[best[1]]
                source.pending, source.presented = False, True
        return xirr

    def end(self, server: Server, xirr: int) -> None:
        """End of interrupt: restore the CPPR that `xirr` carries.

        That CPPR may be more favoured than the current one.  LoPAR would refuse this, but Linux
        does it when it leaves for another kernel (icp_hv_flush_ipi).
        """
        number = xirr & SOURCE_MASK
        if number != IPI_SOURCE:
            if number not in self._sources:
                raise HcallError(H.PARAMETER, f"no interrupt source {number:#x}")
            self._sources[number].presented = False
        server.cppr = xirr >> 24 & 0xFF


class XicsChoice(Protocol):
    def as_xics(self) -> XicsController:
        """The controller; `HcallError` while another one is in use."""


class XicsOwner(Protocol):
    @property
    def interrupts(self) -> XicsChoice: ...


class XicsCaller(Protocol):
    """A processor of a partition that may use XICS."""

    @property
    def number(self) -> int: ...
    @property
    def time_base(self) -> int: ...
    @property
    def partition(self) -> XicsOwner: ...


def _controller(caller: XicsCaller) -> XicsController:
    return caller.partition.interrupts.as_xics()


def _own_server(caller: XicsCaller) -> Server:
    return _controller(caller).server(caller.number)


@hcalls.define(0x64, papr="14.5.4.7.1", function_set="hcall-interrupt")
def h_eoi(caller: XicsCaller, xirr: int) -> None:
    """Signal the end of the interrupt that `xirr` names, and restore its CPPR."""
    _controller(caller).end(_own_server(caller), xirr)


@hcalls.define(0x68, papr="14.5.4.7.2", function_set="hcall-interrupt")
def h_cppr(caller: XicsCaller, priority: int) -> None:
    """Set the current processor priority."""
    _own_server(caller).cppr = priority & 0xFF


@hcalls.define(0x6C, papr="14.5.4.7.3", function_set="hcall-interrupt")
def h_ipi(caller: XicsCaller, server: ProcessorNumber, mfrr: int) -> None:
    """Set the most favoured request of `server`: an inter-processor interrupt."""
    _controller(caller).server(server).mfrr = mfrr & 0xFF


@hcalls.define(0x70, papr="14.5.4.7.4", function_set="hcall-interrupt")
def h_ipoll(caller: XicsCaller, server: ProcessorNumber) -> tuple[int, int]:
    """Look at the XIRR and MFRR of `server` without accepting an interrupt."""
    polled = _controller(caller).server(server)
    return _controller(caller).poll(polled), polled.mfrr


@hcalls.define(0x74, papr="14.5.4.7.5", function_set="hcall-interrupt")
def h_xirr(caller: XicsCaller) -> int:
    """Accept the most favoured pending interrupt."""
    return _controller(caller).accept(_own_server(caller))


@hcalls.define(0x2FC, papr="14.5.4.7.5", function_set="hcall-interrupt")
def h_xirr_x(caller: XicsCaller, priority: int) -> tuple[int, int]:
    """Accept the most favoured pending interrupt; also give the time base."""
    return _controller(caller).accept(_own_server(caller)), caller.time_base
