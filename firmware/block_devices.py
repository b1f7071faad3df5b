"""Disks and drives as firmware uses them: by SCSI commands to the units behind the adapters."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hypervisor.scsi.command import Task
from hypervisor.scsi.disk import BlockUnit
from hypervisor.scsi.optical import OpticalDrive
from hypervisor.scsi.status import CheckConditionError, ReservationConflictError, SenseKey
from hypervisor.scsi.unit import padded
from hypervisor.vio.adapter import AdapterKind
from hypervisor.vio.crq import CrqAdapter
from hypervisor.vio.sub_crq import ChannelAdapter
from hypervisor.vio.vscsi import VscsiServer

from .device_error import DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypervisor.partition import Partition
    from hypervisor.scsi.command import Nexus
    from hypervisor.scsi.unit import LogicalUnit

MOST_TRANSFER = 1 << 20
"""Bytes of one command."""
_ATTENTIONS = 16
"""How often a unit may have something else to tell before it carries out a command."""
_READ_CAPACITY, _READ_10, _READ_16, _WRITE_10, _WRITE_16 = 0x25, 0x28, 0x88, 0x2A, 0x8A
_MOST_BLOCKS_10 = 1 << 32


_NODES = {AdapterKind.CLIENT_SCSI: "v-scsi", AdapterKind.CLIENT_FC: "vfc-client"}


class BlockDevice:
    """One unit, read and written at byte offsets.

    `unit_address` is its node's, `lun` the node's `reg`.
    """

    def __init__(
        self,
        unit: LogicalUnit,
        nexus: Nexus,
        execute: Callable[[Task], bytes],
        unit_address: str,
        lun: bytes,
    ) -> None:
        self._nexus, self._carry_out = nexus, execute
        self.unit_address, self.lun = unit_address, lun
        self.removable = isinstance(unit, OpticalDrive)

    @property
    def name(self) -> str:
        """That of its node, without unit address."""
        return "cdrom" if self.removable else "disk"

    def geometry(self) -> tuple[int, int]:
        """Bytes of a block, and how many blocks there are; raises `DeviceError`."""
        data = self._execute(bytes([_READ_CAPACITY]))
        return int.from_bytes(data[4:8], "big"), int.from_bytes(data[0:4], "big") + 1

    def size(self) -> int:
        """In bytes; raises `DeviceError` where there is no medium."""
        block, count = self.geometry()
        return block * count

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes; raises `DeviceError`."""
        block, _ = self.geometry()
        first, last = offset // block, -(-(offset + length) // block)
        data = bytearray()
        while first < last:
            count = min(last - first, MOST_TRANSFER // block)
            data += self._execute(_cdb(_READ_10, _READ_16, first, count))
            first += count
        skipped = offset % block
        return bytes(data[skipped : skipped + length])

    def write(self, offset: int, data: bytes) -> None:
        """Write whole blocks; raises `DeviceError`."""
        block, _ = self.geometry()
        if offset % block or len(data) % block:
            raise DeviceError(f"{len(data)} bytes at {offset:#x}: whole blocks of {block} only")
        for at in range(0, len(data), MOST_TRANSFER):
            piece = data[at : at + MOST_TRANSFER]
            first = (offset + at) // block
            self._execute(_cdb(_WRITE_10, _WRITE_16, first, len(piece) // block), piece)

    def _execute(self, cdb: bytes, data: bytes = b"") -> bytes:
        task = Task(self._nexus, padded(cdb), data)
        for _ in range(_ATTENTIONS):
            try:
                return self._carry_out(task)
            except CheckConditionError as failed:
                if failed.condition.key is not SenseKey.UNIT_ATTENTION:
                    what = failed.condition.name.lower().replace("_", " ")
                    raise DeviceError(what) from None
            except ReservationConflictError:
                raise DeviceError("another initiator has reserved it") from None
        raise DeviceError("it does not become ready")


def _cdb(short: int, long: int, first: int, count: int) -> bytes:
    if first + count <= _MOST_BLOCKS_10:
        return bytes([short, 0]) + first.to_bytes(4, "big") + b"\0" + count.to_bytes(2, "big")
    return bytes([long, 0]) + first.to_bytes(8, "big") + count.to_bytes(4, "big")


def devices_of(adapter: object) -> Iterator[BlockDevice]:
    """The disks and drives behind an adapter, in the order of their addresses."""
    if isinstance(adapter, ChannelAdapter) and adapter.channel_server is not None:
        for its in adapter.channel_server.reachable():
            if isinstance(its.unit, BlockUnit):
                where = its.port.to_bytes(8, "big")
                name = f"{its.port:x},{its.lun.hex()}"
                yield BlockDevice(its.unit, its.nexus, its.execute, name, where + its.lun)
    elif isinstance(adapter, CrqAdapter) and isinstance(adapter.server, VscsiServer):
        server = adapter.server
        for address, unit in server.targets:
            if isinstance(unit, BlockUnit):
                lun = address.wire
                execute = partial(server.targets.execute, lun)
                yield BlockDevice(unit, server.nexus, execute, lun.hex(), lun)


def block_devices(partition: Partition) -> dict[str, BlockDevice]:
    """All of a partition, by the path of their node."""
    return {
        f"/vdevice/{_NODES[adapter.kind]}@{adapter.slot.unit:x}/"
        f"{device.name}@{device.unit_address}": device
        for adapter in partition.virtual_io.bus
        for device in devices_of(adapter)
    }
