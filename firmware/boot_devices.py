r"""Finding a program to boot on disks and discs (LoPAR B.6, CHRP binding 11).

A device specifier is `path[:[partition][,file]]`, or an alias in the path's place; "disk:1" and
"cdrom:,\boot\grub\powerpc.elf" are some.  Without a file, a device's PReP partition holds the
program itself; else the file \ppc\bootinfo.txt of an ISO 9660 file system names it.  What stands
behind the colon of a network is said in `network_boot`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .device_error import DeviceError
from .disk_label import Extent, extent_of, partitions
from .elf import BootError
from .instances import resolve
from .iso9660 import read_file
from .network_boot import load as load_program
from .network_boot import parse_network_arguments
from .network_devices import NetworkDevice

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .block_devices import BlockDevice
    from .device_tree import Node

    BootDevice = BlockDevice | NetworkDevice

ELF_MARK = b"\x7fELF"
PROGRAM_LIMIT = 64 << 20
"""Bytes of a program that is loaded."""
BOOT_INFO = r"\ppc\bootinfo.txt"
_BOOT_INFO_LIMIT = 64 * 1024
_SCRIPT = re.compile(
    r"<boot-script>.{0,1000}?\bboot\s{1,80}&device;:(?:\d|&partition;){0,8},?(\\[^\s<]{1,255})",
    re.IGNORECASE | re.DOTALL,
)


class BootProgram(NamedTuple):
    """A program, and the path of what it came from, for /chosen/bootpath."""

    image: bytes
    path: str
    bootp_reply: bytes = b""
    """What a server said of it, for /chosen/bootp-response."""


class Arguments(NamedTuple):
    """What stands behind the colon of a device specifier."""

    partition: int | None
    file: str


def parse_arguments(text: str) -> Arguments:
    """Raises `DeviceError`."""
    number, comma, file = text.partition(",")
    if not comma and number.startswith("\\"):
        number, file = "", number
    if number and not re.fullmatch(r"[0-9]{1,4}", number):
        raise DeviceError(f"{text!r} names no partition")
    if file and not file.startswith("\\"):
        file = "\\" + file
    return Arguments(int(number) if number else None, file)


def search(devices: Mapping[str, BootDevice], root: Node, specifiers: str) -> BootProgram:
    """The program of the first device of `specifiers`, apart by blanks, that has one.

    Without any, all devices are tried: disks, then drives, then networks.  Raises `BootError`,
    which tells what each lacks.
    """
    if not devices:
        raise BootError("there is no device to boot from: give it a disk, a disc or a network")
    tried = []
    for specifier in specifiers.split() or _in_order(devices):
        try:
            return _load(devices, root, specifier)
        except DeviceError as why:
            tried.append(f"{specifier}: {why}")
    raise BootError("nothing can be booted from: " + "; ".join(tried))


_KINDS = ("disk", "cdrom", "net")


def _in_order(devices: Mapping[str, BootDevice]) -> list[str]:
    return sorted(devices, key=lambda path: _KINDS.index(devices[path].name))


def aliases(devices: Mapping[str, BootDevice]) -> Iterator[tuple[str, str]]:
    """Short names: disk, cdrom and net, the first of a kind; with a number, each."""
    for name in _KINDS:
        paths = [path for path, device in devices.items() if device.name == name]
        yield from ((name, path) for path in paths[:1])
        yield from ((f"{name}{n}", path) for n, path in enumerate(paths))


def _load(devices: Mapping[str, BootDevice], root: Node, specifier: str) -> BootProgram:
    if (found := resolve(root, specifier)) is None:
        raise DeviceError("there is no such device")
    node, text = found
    if (device := devices.get(node.path)) is None:
        raise DeviceError("it cannot be booted from")
    if isinstance(device, NetworkDevice):
        loaded = load_program(device, parse_network_arguments(text), PROGRAM_LIMIT)
        if not loaded.image.startswith(ELF_MARK):
            raise DeviceError(f"{loaded.arguments} is no ELF program")
        return BootProgram(loaded.image, f"{node.path}:{loaded.arguments}", loaded.reply)
    its = parse_arguments(text)
    if its.file:
        extent = extent_of(device, its.partition or 0)
        if (image := read_file(device, extent, its.file, PROGRAM_LIMIT)) is None:
            raise DeviceError(f"no file {its.file}")
        return BootProgram(image, f"{node.path}:{its.partition or ''},{its.file}")
    for number, extent, prep in _bootable(device, its.partition):
        if prep:
            image = device.read(extent.start, min(extent.length, PROGRAM_LIMIT))
            if image.startswith(ELF_MARK):
                return BootProgram(image, f"{node.path}:{number}")
        elif (file := _named_file(device, extent)) is not None:
            image = read_file(device, extent, file, PROGRAM_LIMIT) or b""
            if image:
                return BootProgram(image, f"{node.path}:{number or ''},{file}")
    raise DeviceError("no PReP partition with a program, and no " + BOOT_INFO)


def _bootable(device: BlockDevice, wanted: int | None) -> Iterator[tuple[int, Extent, bool]]:
    """Number and place of what may hold a program, and whether it is the program itself."""
    found = [its for its in partitions(device) if wanted in (None, its.number)]
    yield from ((its.number, its.extent, True) for its in found if its.prep)
    yield from ((its.number, its.extent, False) for its in found if its.chrp)
    if not wanted:
        yield 0, Extent(0, device.size()), False


def _named_file(device: BlockDevice, extent: Extent) -> str | None:
    """The program that \\ppc\\bootinfo.txt boots."""
    text = read_file(device, extent, BOOT_INFO, _BOOT_INFO_LIMIT)
    found = None if text is None else _SCRIPT.search(text.decode("latin-1"))
    return None if found is None else found[1]
