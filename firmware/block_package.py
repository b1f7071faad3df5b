"""Instances of disks and drives: open, read, write and seek (IEEE 1275 3.8.3, disk-label)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .block_devices import MOST_TRANSFER, BlockDevice
from .boot_devices import parse_arguments
from .device_error import DeviceError
from .disk_label import extent_of

if TYPE_CHECKING:
    from emu.memory import Memory

    from .disk_label import Extent
    from .instances import Instance

_TRANSFER_LIMIT = 64 << 20
"""Bytes of one read or write; more are for the next."""


def opened(device: BlockDevice, arguments: str) -> Extent:
    """What an instance reads and writes: a partition, or all; raises `DeviceError`."""
    its = parse_arguments(arguments)
    if its.file:
        raise DeviceError(f"{its.file}: files are loaded, not opened")
    return extent_of(device, its.partition or 0)


def seek(instance: Instance, position: int) -> None:
    """Set the position; raises `DeviceError` where there is nothing."""
    if position > instance.extent.length:
        raise DeviceError(f"position {position:#x} lies behind the end")
    instance.position = position


def read(device: BlockDevice, instance: Instance, memory: Memory, buffer: int, length: int) -> int:
    """Read on from the position into storage; gives how much there was."""
    length = min(length, _TRANSFER_LIMIT, instance.extent.length - instance.position)
    memory.check(buffer, length)
    for at in range(0, length, MOST_TRANSFER):
        piece = min(MOST_TRANSFER, length - at)
        memory.write(buffer + at, device.read(_place(instance), piece))
        instance.position += piece
    return length


def write(device: BlockDevice, instance: Instance, memory: Memory, buffer: int, length: int) -> int:
    """Write on from the position, whole blocks; gives how much was written."""
    length = min(length, _TRANSFER_LIMIT, instance.extent.length - instance.position)
    memory.check(buffer, length)
    for at in range(0, length, MOST_TRANSFER):
        piece = min(MOST_TRANSFER, length - at)
        device.write(_place(instance), memory.read(buffer + at, piece))
        instance.position += piece
    return length


def _place(instance: Instance) -> int:
    return instance.extent.start + instance.position
