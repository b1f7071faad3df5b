"""The client interface: how a program that firmware has loaded asks it for services.

A service is an ordinary function.  Its first parameter is the `ClientInterface`, the state that
services work on; those after it are the cells of the argument array; what it returns goes to the
return cells; raising `ServiceError` fails the service.  No other module knows the layout of the
array (IEEE 1275 6.3.1, PowerPC binding 8): cells of 32 bits with the address of the service's
name, the number of arguments, the number of returns, then these.
"""

from __future__ import annotations

import inspect
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from emu.bits import low_bits
from emu.engine import TIME_BASE_HZ
from emu.memory import StorageError
from emu.values import frozen, slotted
from hypervisor.abi import H, HcallError
from hypervisor.calls import Interceptors, as_results, summary

from .claims import ClaimError
from .device_error import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from hypervisor.calls import Handler
    from hypervisor.partition import Partition
    from hypervisor.processor import VirtualProcessor

    from .block_devices import BlockDevice
    from .cas import Offer
    from .claims import Claims
    from .device_tree import Node
    from .instances import Instance, Instances
    from .network_devices import NetworkDevice

    HandlerT = TypeVar("HandlerT", bound=Handler)

CELL_BITS = 32
TRUE = FAILURE = -1
ADDRESS_LIMIT = 1 << 32
MOST_CELLS = 32
NOTHING_WAITS = -2
"""What read gives when nothing has come."""
NAME_LIMIT = 64
"""Bytes a service, method or property name may have."""


class ServiceError(Exception):
    """A service fails: its return cells get `results`, or what its declaration says."""

    def __init__(self, why: str, *results: int) -> None:
        super().__init__(why)
        self.why, self.results = why, results


@slotted
class ClientInterface:
    """What firmware keeps for the client program of one partition."""

    partition: Partition
    root: Node
    claims: Claims
    instances: Instances
    services: ServiceTable
    offer: Offer
    block_devices: Mapping[str, BlockDevice]
    """By the path of their node."""
    network_devices: Mapping[str, NetworkDevice]
    """By the path of their node."""
    property_bytes_left: int = 1 << 20
    """How much the client may still add to the tree with setprop."""
    caller: VirtualProcessor | None = None
    """Who has called the service that is carried out."""
    answered_at: int = -1
    """The millisecond that the client was last told."""
    report_area: int = 0
    """Storage that vscsi-report-luns has claimed."""

    def text(self, address: int, limit: int = NAME_LIMIT) -> str:
        """The string a cell points at; at most `limit` bytes."""
        text = self.partition.memory.read_string(address, limit + 1)
        if len(text) > limit:
            raise ServiceError(f"the string at {address:#x} is longer than {limit} bytes")
        return text.decode("latin-1")

    def package(self, phandle: int) -> Node:
        """The node a cell names."""
        if (node := self.root.by_phandle(phandle)) is None:
            raise ServiceError(f"no node has phandle {phandle:#x}")
        return node

    @property
    def millisecond(self) -> int:
        """Milliseconds of the time base."""
        return self.partition.time_base * 1000 // TIME_BASE_HZ

    def rest(self) -> None:
        """The client polls: its processor rests up to the next millisecond."""
        if self.caller is not None:
            self.caller.rest(-(-(self.millisecond + 1) * TIME_BASE_HZ // 1000))

    def block_device(self, node: Node) -> BlockDevice | None:
        """The disk or drive a node stands for."""
        return self.block_devices.get(node.path)

    def network_device(self, node: Node) -> NetworkDevice | None:
        """The Ethernet adapter a node stands for."""
        return self.network_devices.get(node.path)

    def instance(self, ihandle: int) -> Instance:
        """The instance a cell names."""
        if (instance := self.instances.get(ihandle)) is None:
            raise ServiceError(f"no instance has ihandle {ihandle:#x}")
        return instance


@frozen
class Service:
    """One declared service: the source of dispatch, traces and reference page."""

    name: str
    section: str
    failure: tuple[int, ...]
    handler: Handler
    parameters: tuple[str, ...]
    variadic: bool

    @property
    def summary(self) -> str:
        """The first line of the handler's docstring."""
        return summary(self.handler)


class ServiceGroup:
    """The services one module defines."""

    def __init__(self) -> None:
        self._services: list[Service] = []

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services)

    def define(
        self, name: str, *, section: str, failure: tuple[int, ...] = (FAILURE,)
    ) -> Callable[[HandlerT], HandlerT]:
        """Declare the handler of service `name`, specified in IEEE 1275 `section`.

        `failure` is what the return cells hold when the service fails.  A handler with `*cells`
        takes any number of further arguments.
        """

        def declare(handler: HandlerT) -> HandlerT:
            declared = list(inspect.signature(handler).parameters.values())[1:]
            variadic = any(p.kind is p.VAR_POSITIONAL for p in declared)
            names = tuple(p.name for p in declared if p.kind is not p.VAR_POSITIONAL)
            self._services.append(Service(name, section, failure, handler, names, variadic))
            return handler

        return declare


@slotted
class ServiceEvent:
    """One service on its way: what an interceptor may look at and change.

    Before it, `arguments` may be changed, or `ServiceError` raised to fail it.  After it,
    `results` may be changed; `why` says what failed.
    """

    processor: VirtualProcessor
    name: str
    service: Service | None
    arguments: tuple[int, ...]
    results: tuple[int, ...] = ()
    why: str = ""


class ServiceTable:
    """The client services of one partition; it asks for `groups` when it needs one."""

    def __init__(self, groups: Callable[[], Iterable[ServiceGroup]]) -> None:
        self._groups = groups
        self.counts: Counter[str] = Counter()
        self.interceptors: Interceptors[ServiceEvent] = Interceptors()

    @cached_property
    def _services(self) -> dict[str, Service]:
        services = [service for group in self._groups() for service in group]
        if repeated := [name for name, n in Counter(s.name for s in services).items() if n > 1]:
            raise ValueError(f"client service {repeated[0]} is defined twice")
        return {service.name: service for service in services}

    def __iter__(self) -> Iterator[Service]:
        return iter(self._services.values())

    def has(self, name: str) -> bool:
        return name in self._services

    def dispatch(self, processor: VirtualProcessor, client: ClientInterface, block: int) -> None:
        """Carry out the service that the array at `block` asks for.

        Raises `HcallError` (-1 in r3, the binding's mark of failure) if there is no such service
        or no such array.
        """
        memory = processor.partition.memory
        client.caller = processor
        try:
            event, returns, nrets = self._read(processor, client, block)
        except (ServiceError, StorageError) as wrong:
            raise HcallError(H.HARDWARE, str(wrong)) from None
        service = event.service
        self.counts[event.name if service else ""] += 1
        failed = False
        try:
            event.results = self._carry_out(event, client)
        except ServiceError as failure:
            failed, event.why = True, failure.why
            event.results = failure.results or (service.failure if service else ())
        except (ClaimError, DeviceError, StorageError) as wrong:
            failed, event.why = True, str(wrong)
            event.results = service.failure if service else ()
        self.interceptors.after(event)
        cells = [low_bits(cell, CELL_BITS) for cell in event.results[:nrets]]
        memory.write_words(returns, *cells, *[0] * (nrets - len(cells)))
        if failed and service is None:
            raise HcallError(H.HARDWARE, event.why)

    def _read(
        self, processor: VirtualProcessor, client: ClientInterface, block: int
    ) -> tuple[ServiceEvent, int, int]:
        memory = processor.partition.memory
        if block % 4 or block >= ADDRESS_LIMIT:
            raise ServiceError(f"argument array at {block:#x}: 4-aligned below 4 GiB is needed")
        address, nargs, nrets = memory.words(block, 3)
        if nargs > MOST_CELLS or nrets > MOST_CELLS:
            raise ServiceError(f"{nargs} arguments and {nrets} returns: at most {MOST_CELLS} each")
        memory.check(block + 12, 4 * (nargs + nrets))
        name = client.text(address)
        arguments = memory.words(block + 12, nargs)
        event = ServiceEvent(processor, name, self._services.get(name), arguments)
        return event, block + 12 + 4 * nargs, nrets

    def _carry_out(self, event: ServiceEvent, client: ClientInterface) -> tuple[int, ...]:
        if (results := self.interceptors.before(event)) is not None:
            return results
        service = event.service
        if service is None:
            raise ServiceError(f"there is no client service {event.name!r}")
        given, needed = len(event.arguments), len(service.parameters)
        if given < needed or (given > needed and not service.variadic):
            raise ServiceError(f"{service.name} has {needed} arguments, not {given}")
        return as_results(service.handler(client, *event.arguments))
