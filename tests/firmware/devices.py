"""Media in memory and adapters with drives for them, which a guest boots from."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from firmware.block_devices import BlockDevice, block_devices
from firmware.boot import PlatformFirmware
from hypervisor.scsi.command import Nexus
from hypervisor.scsi.disk import Disk
from hypervisor.scsi.optical import OpticalDrive
from hypervisor.scsi.target import Targets
from hypervisor.vio.adapter import AdapterKind, Slot
from hypervisor.vio.vscsi import VscsiServer
from tests.firmware.guest import Guest
from tests.firmware.labels import BLOCK, mbr_record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.partition import Partition

BLOCKS = 4096
DISK = "/vdevice/v-scsi@30000002/disk@8000000000000000"
DRIVE = "/vdevice/v-scsi@30000002/cdrom@8100000000000000"


class Bytes:
    """A medium in memory."""

    def __init__(self, content: bytes, *, read_only: bool = False) -> None:
        self.content, self.read_only = bytearray(content), read_only
        self.size = len(content)

    def read(self, offset: int, length: int) -> bytes:
        return bytes(self.content[offset : offset + length])

    def write(self, offset: int, data: bytes) -> None:
        self.content[offset : offset + len(data)] = data

    def flush(self) -> None: ...

    def discard(self, offset: int, length: int) -> None: ...

    def close(self) -> None: ...


def disk_with(pieces: Iterable[tuple[int, bytes]] = (), blocks: int = BLOCKS) -> Bytes:
    """A disk with bytes from certain blocks on."""
    medium = Bytes(bytes(blocks * BLOCK))
    for block, data in pieces:
        medium.write(block * BLOCK, data)
    return medium


def program(address: int = 0x20_0000, *, segments: int = 1, code: bytes = b"\x48\0\0\0") -> bytes:
    """A 32-bit big-endian executable, as GRUB's core image is one."""
    ident = b"\x7fELF\x01\x02\x01".ljust(16, b"\0")
    header = struct.pack(">HHIIIIIHHHHHH", 2, 20, 1, address, 52, 0, 0, 52, 32, segments, 40, 0, 0)
    at = 52 + 32 * segments
    segment = struct.pack(">IIIIIIII", 1, at, address, address, len(code), 0x1000, 7, 4)
    return ident + header + segment * segments + code


def attach(partition: Partition, *media: Bytes | None) -> None:
    """An adapter with disks, and behind them a drive for each medium that is read-only."""
    targets = Targets()
    for medium in media:
        if medium is None or medium.read_only:
            drive = OpticalDrive("DRIVE")
            if medium is not None:
                drive.load(medium)
            targets.add(drive)
        else:
            targets.add(Disk(medium, "SERIAL"))
    client = partition.virtual_io.add_crq_adapter(AdapterKind.CLIENT_SCSI, Slot(2))
    VscsiServer(client, targets, Nexus("3:2"))


def device(partition: Partition, medium: Bytes) -> BlockDevice:
    attach(partition, medium)
    return next(iter(block_devices(partition).values()))


def boot(partition: Partition, *media: Bytes | None, wanted: str = "") -> Guest:
    attach(partition, *media)
    firmware = PlatformFirmware(partition)
    firmware.boot_from_device(wanted)
    return Guest(partition, firmware)


def prep_disk(code: bytes = b"\x48\0\0\0") -> Bytes:
    return disk_with([(0, mbr_record((0x41, 8, 64))), (8, program(code=code))])


def chosen(guest: Guest, name: str) -> str:
    return guest.firmware.tree.at("/chosen").properties[name].rstrip(b"\0").decode()
