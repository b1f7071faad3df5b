"""The client services (IEEE 1275 6.3.2): device tree, device input and output, memory, control."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import low_bits
from hypervisor.partition import Ending

from . import block_package, network_package
from .client_interface import (
    CELL_BITS,
    FAILURE,
    NAME_LIMIT,
    NOTHING_WAITS,
    ClientInterface,
    ServiceError,
    ServiceGroup,
)
from .client_methods import call_method
from .device_tree import cells64, string
from .instances import PATH_LIMIT, Instance, resolve
from .network_boot import parse_network_arguments

if TYPE_CHECKING:
    from hypervisor.vio.vty import ClientTerminal

    from .device_tree import Node

tree = ServiceGroup()
devices = ServiceGroup()
memory = ServiceGroup()
control = ServiceGroup()

TRANSFER_LIMIT = 1 << 16
PROPERTY_LIMIT = 1 << 16
BOOT_SPECIFIER_LIMIT = 1024
_ENDING_WORDS = {"reset-all": Ending.REBOOT, "power-off": Ending.POWER_OFF}
"""What boot loaders end a run by."""


# -- device tree (6.3.2.2) -------------------------------------------------------------------


def _handle(node: Node | None) -> int:
    return node.phandle if node else 0


def _properties(node: Node) -> dict[str, bytes]:
    """The properties a client sees: the name comes first."""
    return {"name": string(node.name)} | node.all_properties()


def _copy_out(client: ClientInterface, data: bytes, buffer: int, length: int) -> int:
    """As much of `data` as the buffer holds; gives how much there is."""
    client.partition.memory.write(buffer, data[:length])
    return len(data)


def _copy_path(client: ClientInterface, path: str, buffer: int, length: int) -> int:
    """A path, with its terminating zero if there is room; gives its length without."""
    _copy_out(client, string(path), buffer, length)
    return len(path)


@tree.define("peer", section="6.3.2.2", failure=(0,))
def peer(client: ClientInterface, phandle: int) -> int:
    """The node behind this one below the same parent; of 0, the root."""
    if phandle == 0:
        return client.root.phandle
    node = client.package(phandle)
    siblings = node.parent.children if node.parent else [node]
    behind = siblings[siblings.index(node) + 1 :]
    return _handle(behind[0] if behind else None)


@tree.define("child", section="6.3.2.2", failure=(0,))
def child(client: ClientInterface, phandle: int) -> int:
    """The first node below this one."""
    children = client.package(phandle).children
    return _handle(children[0] if children else None)


@tree.define("parent", section="6.3.2.2", failure=(0,))
def parent(client: ClientInterface, phandle: int) -> int:
    """The node above this one."""
    return _handle(client.package(phandle).parent)


@tree.define("finddevice", section="6.3.2.2")
def finddevice(client: ClientInterface, specifier: int) -> int:
    """The node a device specifier names."""
    return _resolve(client, specifier)[0].phandle


def _resolve(client: ClientInterface, specifier: int) -> tuple[Node, str]:
    text = client.text(specifier, PATH_LIMIT)
    if (found := resolve(client.root, text)) is None:
        raise ServiceError(f"there is no device {text!r}")
    return found


@tree.define("getproplen", section="6.3.2.2")
def getproplen(client: ClientInterface, phandle: int, name: int) -> int:
    """The length of a property."""
    return len(_property(client, phandle, name))


def _property(client: ClientInterface, phandle: int, name: int) -> bytes:
    node, text = client.package(phandle), client.text(name)
    if (value := _properties(node).get(text)) is None:
        raise ServiceError(f"{node.path} has no property {text!r}")
    return value


@tree.define("getprop", section="6.3.2.2")
def getprop(client: ClientInterface, phandle: int, name: int, buffer: int, length: int) -> int:
    """Copy a property's value; gives its length, which may exceed the buffer's."""
    return _copy_out(client, _property(client, phandle, name), buffer, length)


@tree.define("nextprop", section="6.3.2.2")
def nextprop(client: ClientInterface, phandle: int, previous: int, buffer: int) -> int:
    """Copy the name of the property behind `previous`: 1, or 0 if there is none."""
    names = list(_properties(client.package(phandle)))
    before = client.text(previous) if previous else ""
    if before and before not in names:
        raise ServiceError(f"there is no property {before!r} to go on from")
    behind = names[names.index(before) + 1 :] if before else names
    client.partition.memory.write(buffer, string(behind[0]) if behind else b"\0")
    return int(bool(behind))


@tree.define("setprop", section="6.3.2.2")
def setprop(client: ClientInterface, phandle: int, name: int, value: int, length: int) -> int:
    """Set a property, new or not; gives the length."""
    node, text = client.package(phandle), client.text(name)
    if not text or text in ("name", "phandle"):
        raise ServiceError(f"property {text!r} cannot be set")
    if length > PROPERTY_LIMIT:
        raise ServiceError(f"a property of {length} bytes: at most {PROPERTY_LIMIT}")
    data = client.partition.memory.read(value, length)
    old = node.properties.get(text)
    growth = length - len(old) if old is not None else length + NAME_LIMIT
    if growth > client.property_bytes_left:
        raise ServiceError("the client has set as many properties as it may")
    client.property_bytes_left -= growth
    node.properties[text] = data
    return length


@tree.define("canon", section="6.3.2.2")
def canon(client: ClientInterface, specifier: int, buffer: int, length: int) -> int:
    """Copy the full path of what a device specifier names."""
    node, arguments = _resolve(client, specifier)
    return _copy_path(client, Instance(0, node, arguments).path, buffer, length)


@tree.define("package-to-path", section="6.3.2.2")
def package_to_path(client: ClientInterface, phandle: int, buffer: int, length: int) -> int:
    """Copy the full path of a node."""
    return _copy_path(client, client.package(phandle).path, buffer, length)


@tree.define("instance-to-package", section="6.3.2.2")
def instance_to_package(client: ClientInterface, ihandle: int) -> int:
    """The node an instance was opened on."""
    return client.instance(ihandle).node.phandle


@tree.define("instance-to-path", section="6.3.2.2")
def instance_to_path(client: ClientInterface, ihandle: int, buffer: int, length: int) -> int:
    """Copy the path an instance was opened by."""
    return _copy_path(client, client.instance(ihandle).path, buffer, length)


tree.define("call-method", section="6.3.2.2")(call_method)


# -- device input and output (6.3.2.3) -------------------------------------------------------


@devices.define("open", section="6.3.2.3", failure=(0,))
def open_(client: ClientInterface, specifier: int) -> int:
    """An instance of what a device specifier names."""
    node, arguments = _resolve(client, specifier)
    if (device := client.block_device(node)) is not None:
        instance = client.instances.open(node, arguments, block_package.opened(device, arguments))
    else:
        if client.network_device(node) is not None:
            parse_network_arguments(arguments)
        instance = client.instances.open(node, arguments)
    if instance is None:
        raise ServiceError("too many instances are open")
    if (network := client.network_device(node)) is not None:
        network.open()
    return instance.handle


@devices.define("close", section="6.3.2.3", failure=())
def close(client: ClientInterface, ihandle: int) -> None:
    """Close an instance."""
    instance = client.instance(ihandle)
    client.instances.close(instance.handle)
    if (network := client.network_device(instance.node)) is not None:
        network.close()


def _terminal(client: ClientInterface, node: Node) -> ClientTerminal:
    for terminal in client.partition.virtual_io.terminals:
        if node is client.root.find(f"/vdevice/vty@{terminal.unit:x}"):
            return terminal
    raise ServiceError(f"{node.path} cannot be read or written")


@devices.define("read", section="6.3.2.3")
def read(client: ClientInterface, ihandle: int, buffer: int, length: int) -> int:
    """Read on from a disk, or a frame, or what was typed, up to `length` bytes.

    -2 if nothing waits.
    """
    instance, memory = client.instance(ihandle), client.partition.memory
    if (device := client.block_device(instance.node)) is not None:
        return block_package.read(device, instance, memory, buffer, length)
    if (network := client.network_device(instance.node)) is not None:
        return network_package.read(client, network, buffer, length)
    terminal = _terminal(client, instance.node)
    length = min(length, TRANSFER_LIMIT)
    memory.check(buffer, length)
    data = terminal.read(length)
    memory.write(buffer, data)
    if not data:
        client.rest()
    return len(data) or NOTHING_WAITS


@devices.define("write", section="6.3.2.3")
def write(client: ClientInterface, ihandle: int, buffer: int, length: int) -> int:
    """Write on to a disk, to a terminal, or send a frame; gives how much was written."""
    instance, memory = client.instance(ihandle), client.partition.memory
    if (device := client.block_device(instance.node)) is not None:
        return block_package.write(device, instance, memory, buffer, length)
    if (network := client.network_device(instance.node)) is not None:
        return network_package.write(client, network, buffer, length)
    terminal = _terminal(client, instance.node)
    length = min(length, TRANSFER_LIMIT)
    terminal.write(memory.read(buffer, length))
    return length


@devices.define("seek", section="6.3.2.3")
def seek(client: ClientInterface, ihandle: int, high: int, low: int) -> int:
    """Set the position a disk is read at: 0.  A terminal has none."""
    instance = client.instance(ihandle)
    if client.block_device(instance.node) is None:
        raise ServiceError(f"{instance.node.path} has no position")
    block_package.seek(instance, high << CELL_BITS | low)
    return 0


# -- memory (6.3.2.4) ------------------------------------------------------------------------


@memory.define("claim", section="6.3.2.4")
def claim(client: ClientInterface, base: int, size: int, alignment: int) -> int:
    """Claim storage: at `base` if `alignment` is 0, else wherever it is free."""
    if alignment == 0:
        claimed = client.claims.claim_at(base, size)
    else:
        claimed = client.claims.claim(size, alignment)
    publish_available(client)
    return claimed


@memory.define("release", section="6.3.2.4", failure=())
def release(client: ClientInterface, base: int, size: int) -> None:
    """Give claimed storage back."""
    client.claims.release(base, size)
    publish_available(client)


def publish_available(client: ClientInterface) -> None:
    """Keep the `available` property of the memory node true."""
    free = b"".join(cells64(piece.base, piece.size) for piece in client.claims.available())
    client.root.at("/memory@0").properties["available"] = free


# -- control (6.3.2.1, 6.3.2.5 to 6.3.2.7) -----------------------------------------------------


@control.define("test", section="6.3.2.1")
def test(client: ClientInterface, name: int) -> int:
    """0 if there is a client service of this name, else -1."""
    return 0 if client.services.has(client.text(name)) else FAILURE


@control.define("boot", section="6.3.2.5", failure=())
def boot(client: ClientInterface, specifier: int) -> None:
    """Reset the partition and boot what the specifier names."""
    client.partition.end(Ending.REBOOT, client.text(specifier, BOOT_SPECIFIER_LIMIT))


@control.define("enter", section="6.3.2.5", failure=())
def enter(client: ClientInterface) -> None:
    """Enter the user interface: there is none, and the client goes on."""


@control.define("exit", section="6.3.2.5", failure=())
def exit_(client: ClientInterface) -> None:
    """The client program is done."""
    client.partition.end(Ending.EXIT)


@control.define("quiesce", section="PowerPC binding 8.4.3", failure=())
def quiesce(client: ClientInterface) -> None:
    """Leave every device at rest."""
    for network in client.network_devices.values():
        network.reset()


@control.define("interpret", section="6.3.2.6")
def interpret(client: ClientInterface, command: int, *cells: int) -> int:
    """Interpret Forth: of its words, those that end the run; else the catch result says no."""
    text = client.text(command, PATH_LIMIT)
    if (ending := _ENDING_WORDS.get(text.strip())) is None:
        raise ServiceError(f"no Forth interpreter for {text!r}")
    client.partition.end(ending)
    return 0


@control.define("milliseconds", section="6.3.2.7")
def milliseconds(client: ClientInterface) -> int:
    """Milliseconds since some start, as far as a cell counts.

    Whoever asks again within one waits for the next, which the answer then is.
    """
    now = client.millisecond
    if now <= client.answered_at:
        client.rest()
        now += 1
    client.answered_at = now
    return low_bits(now, CELL_BITS)


ALL = (tree, devices, memory, control)
"""What a client program may ask for."""
