"""Instances of Ethernet adapters: read, write and load (IEEE 1275 3.8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .client_interface import NOTHING_WAITS
from .network_boot import load as load_file
from .network_boot import parse_network_arguments

if TYPE_CHECKING:
    from .client_interface import ClientInterface
    from .instances import Instance
    from .network_devices import NetworkDevice

LOAD_LIMIT = 64 << 20
"""Bytes of a file that is loaded."""


def read(client: ClientInterface, device: NetworkDevice, buffer: int, length: int) -> int:
    """The next frame, cut to `length` bytes; gives how many there are, -2 where none waits."""
    memory = client.partition.memory
    memory.check(buffer, length)
    if (frame := device.receive()) is None:
        client.rest()
        return NOTHING_WAITS
    memory.write(buffer, frame[:length])
    return min(len(frame), length)


def write(client: ClientInterface, device: NetworkDevice, buffer: int, length: int) -> int:
    """Send a frame; gives its bytes.  Raises `DeviceError` for what is no frame."""
    device.check(length)
    device.send(client.partition.memory.read(buffer, length))
    return length


def load(client: ClientInterface, instance: Instance, device: NetworkDevice, address: int) -> int:
    """Load what the instance's arguments say to `address`; gives its bytes."""
    memory = client.partition.memory
    room = max(memory.size - address, 0)
    arguments = parse_network_arguments(instance.arguments)
    program = load_file(device, arguments, min(room, LOAD_LIMIT))
    memory.write(address, program.image)
    if program.reply:
        client.root.at("/chosen").properties["bootp-response"] = program.reply
    return len(program.image)
