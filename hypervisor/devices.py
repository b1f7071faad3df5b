"""Device pages: logical real addresses behind which something acts, outside a partition's storage.

A processor's load or store there leaves the core as `DeviceAccess`, is carried out by the device
and then completed.  What no device knows reads as ones, and stored is ignored: nothing a guest
does to a device's pages costs it more than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from emu.values import frozen

if TYPE_CHECKING:
    from emu.engine import Engine
    from emu.exits import DeviceAccess


class Device(Protocol):
    """What acts behind pages; `offset` counts from the first of them.

    `length` is 1, 2, 4 or 8 bytes, and `offset` a multiple of it.  Values are big-endian.
    """

    def load(self, processor: int, offset: int, length: int) -> int: ...
    def store(self, processor: int, offset: int, length: int, value: int) -> None: ...


@frozen
class DevicePages:
    """`length` bytes from logical real `address` on, and who acts behind them."""

    address: int
    length: int
    device: Device


def ones(length: int) -> int:
    """What `length` bytes read as where nothing is."""
    return (1 << 8 * length) - 1


class Devices:
    """The device pages of one partition."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._pages: tuple[DevicePages, ...] = ()

    def place(self, *pages: DevicePages) -> None:
        """From now on there are these and no others."""
        self._engine.remove_device_pages()
        for each in pages:
            self._engine.add_device_pages(each.address, each.length)
        self._pages = pages

    def contains(self, address: int, length: int = 1) -> bool:
        """Whether all of the bytes belong to one device."""
        pages = self._find(address)
        return pages is not None and address + length <= pages.address + pages.length

    def load(self, processor: int, address: int, length: int) -> int:
        if (pages := self._find(address)) is None:
            return ones(length)
        return pages.device.load(processor, address - pages.address, length)

    def store(self, processor: int, address: int, length: int, value: int) -> None:
        if (pages := self._find(address)) is not None:
            pages.device.store(processor, address - pages.address, length, value)

    def carry_out(self, processor: int, access: DeviceAccess) -> None:
        """Do what the selected processor came back for, and complete its instruction."""
        value = 0
        if access.store:
            self.store(processor, access.address, access.length, access.value)
        else:
            value = self.load(processor, access.address, access.length)
        self._engine.finish_device_access(value)

    def _find(self, address: int) -> DevicePages | None:
        for pages in self._pages:
            if 0 <= address - pages.address < pages.length:
                return pages
        return None
