"""Methods of packages that call-method reaches (IEEE 1275 6.3.2.2, LoPAR B.5.2).

A method is an ordinary function with its stack comment as its signature: parameters are in the
order they are pushed, results too, so the last is the top of the stack.
"""

from __future__ import annotations

import inspect
import struct
from typing import TYPE_CHECKING, TypeVar

from emu.values import frozen

from . import cas, network_package, stubs
from .client_interface import CELL_BITS, TRUE, ClientInterface, ServiceError
from .interrupt_nodes import set_interrupt_mode
from .platform_tree import RTAS_BYTES
from .processor_nodes import set_mode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .block_devices import BlockDevice
    from .device_tree import Node
    from .instances import Instance
    from .network_devices import NetworkDevice

    Handler = Callable[..., tuple[int, ...]]
    HandlerT = TypeVar("HandlerT", bound=Handler)

FALSE = 0
REPORT_BYTES, REPORT_ALIGNMENT = 0x5000, 0x1000
"""Storage for the table of vscsi-report-luns, which may have 2,048 units."""
NO_SUCH_METHOD = -21
"""Catch result of a method that is not there (ANS Forth THROW code: unsupported operation)."""


@frozen
class Method:
    """One declared method: of the nodes called `package`, or with that device_type."""

    name: str
    package: str
    papr: str
    handler: Handler
    arity: int


class MethodGroup:
    """The methods one module defines."""

    def __init__(self) -> None:
        self._methods: dict[tuple[str, str], Method] = {}

    def define(self, name: str, *, package: str, papr: str = "") -> Callable[[HandlerT], HandlerT]:
        """Declare the handler of method `name`."""

        def declare(handler: HandlerT) -> HandlerT:
            arity = len(inspect.signature(handler).parameters) - 2  # client, instance
            self._methods[package, name] = Method(name, package, papr, handler, arity)
            return handler

        return declare

    def find(self, node: Node, name: str) -> Method | None:
        device_type = node.properties.get("device_type", b"").rstrip(b"\0").decode("latin-1")
        return self._methods.get((node.name, name)) or self._methods.get((device_type, name))


methods = MethodGroup()


def call_method(client: ClientInterface, name: int, ihandle: int, *stack: int) -> tuple[int, ...]:
    """Call a method of an instance; gives the catch result, then the stack from its top."""
    instance, text = client.instance(ihandle), client.text(name)
    method = methods.find(instance.node, text)
    if method is None:
        raise ServiceError(f"{instance.node.path} has no method {text!r}", NO_SUCH_METHOD)
    if len(stack) != method.arity:
        raise ServiceError(f"{text} takes {method.arity} cells, not {len(stack)}")
    results = method.handler(client, instance, *reversed(stack))
    return (0, *reversed(results))


@methods.define("ibm,client-architecture-support", package="", papr="B.5.2.3")
def client_architecture_support(
    client: ClientInterface, instance: Instance, vectors: int
) -> tuple[int, ...]:
    """( vec -- err? ) Agree on what client and platform do; see `cas`."""
    try:
        request = cas.read_request(client.partition.memory, vectors)
        agreement = cas.negotiate(request, client.offer)
    except cas.CasError as refusal:
        raise ServiceError(str(refusal), 0, TRUE) from None
    client.root.at("/chosen").properties["ibm,architecture-vec-5"] = agreement.vector_5
    for processor in client.root.at("/cpus").children:
        set_mode(processor, agreement.mode)
    client.partition.engine.set_isa_level(agreement.mode.isa_level)
    client.partition.interrupts.use(agreement.interrupts)
    set_interrupt_mode(client.root, agreement.interrupts, len(client.partition.processors))
    return (FALSE,)


@methods.define("instantiate-rtas", package="rtas", papr="B.5.2.2")
def instantiate_rtas(client: ClientInterface, instance: Instance, base: int) -> tuple[int, ...]:
    """( base -- entry ) Put RTAS at `base`."""
    client.partition.memory.check(base, RTAS_BYTES)
    client.partition.memory.write(base, stubs.entry(stubs.RTAS_CALL))
    client.partition.nonmaskable.area = base + stubs.RTAS_SAVE_AREA
    return (base,)


@methods.define("translate", package="cpu")
def translate(client: ClientInterface, instance: Instance, virtual: int) -> tuple[int, ...]:
    """( virt -- phys.lo phys.hi mode true | false ) Firmware runs in real mode."""
    if not client.partition.memory.contains(virtual):
        return (FALSE,)
    return virtual, 0, 0, TRUE


@methods.define("block-size", package="block")
def block_size(client: ClientInterface, instance: Instance) -> tuple[int, ...]:
    """( -- bytes ) Of a block of the medium."""
    return (_device(client, instance).geometry()[0],)


@methods.define("#blocks", package="block")
def blocks(client: ClientInterface, instance: Instance) -> tuple[int, ...]:
    """( -- n ) How many blocks the medium has, as far as a cell counts."""
    return (min(_device(client, instance).geometry()[1], (1 << CELL_BITS) - 1),)


def _device(client: ClientInterface, instance: Instance) -> BlockDevice:
    if (device := client.block_device(instance.node)) is None:
        raise ServiceError(f"{instance.node.path} has no blocks", NO_SUCH_METHOD)
    return device


@methods.define("read", package="network")
def read_frame(
    client: ClientInterface, instance: Instance, buffer: int, length: int
) -> tuple[int, ...]:
    """( addr len -- actual ) The next frame; -2 where none waits."""
    return (network_package.read(client, _network(client, instance), buffer, length),)


@methods.define("write", package="network")
def write_frame(
    client: ClientInterface, instance: Instance, buffer: int, length: int
) -> tuple[int, ...]:
    """( addr len -- actual ) Send a frame."""
    return (network_package.write(client, _network(client, instance), buffer, length),)


@methods.define("load", package="network")
def load_file(client: ClientInterface, instance: Instance, address: int) -> tuple[int, ...]:
    """( addr -- len ) Load the file that the instance's arguments name, or the server."""
    return (network_package.load(client, instance, _network(client, instance), address),)


def _network(client: ClientInterface, instance: Instance) -> NetworkDevice:
    if (device := client.network_device(instance.node)) is None:
        raise ServiceError(f"{instance.node.path} is no network", NO_SUCH_METHOD)
    return device


@methods.define("vscsi-report-luns", package="vscsi")
def report_luns(client: ClientInterface, instance: Instance) -> tuple[int, ...]:
    """( -- table n ) Lists of the disks of an adapter, of 64 bits each, ended by zero.

    The table has a pair of cells for each list; the second is its address.  Here is one list, at
    a place that is claimed once: the next call writes to it again.
    """
    below = instance.node.path + "/"
    its = [d for path, d in client.block_devices.items() if path.startswith(below)]
    luns = [device.lun for device in its if not device.removable]
    at = client.report_area
    if not at:
        at = client.report_area = client.claims.claim(REPORT_BYTES, REPORT_ALIGNMENT)
    table = struct.pack(">II", 0, at + 8) + b"".join(luns) + bytes(8)
    client.partition.memory.write(at, table)
    return at, 1
