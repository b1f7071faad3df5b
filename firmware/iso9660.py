"""Files of an ISO 9660 file system (ECMA-119), found by path: enough to load a program.

What is on the medium may be wrong in any way: nothing here reads more than its limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .device_error import DeviceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .block_devices import BlockDevice
    from .disk_label import Extent

_SECTOR = 2048
_FIRST_DESCRIPTOR, _MOST_DESCRIPTORS = 16, 16
_PRIMARY, _TERMINATOR = 1, 255
_ROOT = slice(156, 190)
_DIRECTORY_LIMIT = 1 << 20
_IS_DIRECTORY = 0x02


def read_file(device: BlockDevice, extent: Extent, path: str, limit: int) -> bytes | None:
    r"""The file at `path`, "\ppc\bootinfo.txt", of the file system in `extent`; None if absent.

    Raises `DeviceError` where the file system cannot be read, or the file has over `limit` bytes.
    """
    if (record := _root(device, extent)) is None:
        return None
    for name in (part.upper() for part in path.split("\\") if part):
        if not record[25] & _IS_DIRECTORY:
            return None
        data = _content(device, extent, record, _DIRECTORY_LIMIT)
        found = next((r for r in _records(data) if _name(r) == name), None)
        if found is None:
            return None
        record = found
    if record[25] & _IS_DIRECTORY:
        return None
    return _content(device, extent, record, limit)


def _root(device: BlockDevice, extent: Extent) -> bytes | None:
    """The root directory's record."""
    for n in range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + _MOST_DESCRIPTORS):
        if (n + 1) * _SECTOR > extent.length:
            return None
        descriptor = device.read(extent.start + n * _SECTOR, _SECTOR)
        if descriptor[1:6] != b"CD001" or descriptor[0] == _TERMINATOR:
            return None
        if descriptor[0] == _PRIMARY:
            return descriptor[_ROOT]
    return None


def _content(device: BlockDevice, extent: Extent, record: bytes, limit: int) -> bytes:
    start = int.from_bytes(record[6:10], "big") * _SECTOR
    length = int.from_bytes(record[14:18], "big")
    if length > limit:
        raise DeviceError(f"a file of {length} bytes: at most {limit} are loaded")
    if start + length > extent.length:
        raise DeviceError("a file lies outside the file system")
    return device.read(extent.start + start, length)


def _records(directory: bytes) -> Iterator[bytes]:
    """The records; none crosses a sector, and a length of 0 ends one."""
    at = 0
    while at < len(directory):
        length = directory[at]
        record = directory[at : at + length]
        if length < 34 or len(record) < length or 33 + record[32] > length:
            at = (at // _SECTOR + 1) * _SECTOR
            continue
        yield record
        at += length


def _name(record: bytes) -> str:
    """Without version, in capitals."""
    name = record[33 : 33 + record[32]].decode("latin-1").partition(";")[0]
    return name.upper().rstrip(".")
