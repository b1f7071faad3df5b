"""How firmware starts a program: a kernel it is given, or what a device or a server holds.

Two ways: as a client program of the firmware, which finds everything through the client interface
(what machines do); or directly, with a flattened tree (no firmware code runs at all).  Either way
the kernel is entered big-endian and in real mode; a little-endian one changes over by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import MSR
from emu.memory import MIB

from . import boot_devices, client_services, elf, platform_tree, stubs
from .claims import ClaimError, Claims
from .device_tree import cells, cells64, flatten, string
from .elf import BootError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypervisor.partition import Partition

    from .boot import BootImage, PlatformFirmware
    from .boot_devices import BootDevice
    from .device_tree import Node

FIRMWARE_BYTES = 64 * 1024
"""Storage from 0 on that firmware keeps while a client program runs."""
CLIENT_ENTRY = 0x8000
STACK_TOP = FIRMWARE_BYTES
FRAME_BYTES = 128
CLIENT_BASE = 4 * MIB + 64 * 1024
"""Where a kernel linked at 0 is loaded as a client program.

It copies itself down to 0 later, page by page; at a distance that is no power of two, source and
destination do not compete for the same entries of the engine's translation cache.
"""
PAGE_BYTES = 64 * 1024
ENDS_BELOW = 1 << 32


def build_tree(firmware: PlatformFirmware) -> Node:
    """The device tree of its partition, as a program finds it."""
    root = platform_tree.build(
        firmware.partition, firmware.rtas, firmware.offer, len(firmware.nvram)
    )
    names = root.at("/aliases").properties
    names |= {name: string(path) for name, path in boot_devices.aliases(_devices(firmware))}
    return root


def _devices(firmware: PlatformFirmware) -> dict[str, BootDevice]:
    return {**firmware.block_devices, **firmware.network_devices}


def load_image(firmware: PlatformFirmware, image: BootImage) -> None:
    """Load `image` and set the processor to its entry; `BootError` if it cannot be."""
    firmware.tree.at("/chosen").properties["bootargs"] = string(image.bootargs)
    kernel = elf.parse(image.kernel)
    if image.direct:
        _load_directly(firmware, kernel, image)
    else:
        _load_as_client(firmware, kernel, image.initrd or b"")


def load_from_device(firmware: PlatformFirmware, specifiers: str, bootargs: str | None) -> None:
    """Load what a disk or disc holds or a server gives; `BootError` if none does."""
    settings = firmware.nvram.variables()
    wanted = specifiers or settings.get("boot-device", "")
    program = boot_devices.search(_devices(firmware), firmware.tree, wanted)
    chosen = firmware.tree.at("/chosen").properties
    chosen["bootpath"] = string(program.path)
    if program.bootp_reply:
        chosen["bootp-response"] = program.bootp_reply
    chosen["bootargs"] = string(settings.get("boot-file", "") if bootargs is None else bootargs)
    _load_as_client(firmware, elf.parse(program.image), b"")


def _load_as_client(firmware: PlatformFirmware, kernel: elf.Executable, initrd: bytes) -> None:
    partition = firmware.partition
    base = 0 if kernel.start >= FIRMWARE_BYTES else CLIENT_BASE
    kernel.load(partition.memory, base)
    above = base + kernel.end
    at = _place(partition, initrd, above, "the initial file system") if initrd else 0
    kept = ((base + kernel.start, kernel.end - kernel.start), (at, len(initrd)))
    serve_client(firmware, CLIENT_ENTRY, ((0, FIRMWARE_BYTES), *kept))
    _enter(
        partition,
        base + kernel.entry,
        r1=STACK_TOP - FRAME_BYTES,
        r3=at,
        r4=len(initrd),
        r5=CLIENT_ENTRY,
        wide=kernel.bits == 64,
    )


def serve_client(firmware: PlatformFirmware, entry: int, kept: Iterable[tuple[int, int]]) -> None:
    """Offer the client interface, its entry point at `entry`, to the program to be started.

    `kept` names the storage, as (address, length), that its claims must leave alone;
    `BootError` where two pieces overlap.
    """
    memory = firmware.partition.memory
    memory.write(entry, stubs.entry(stubs.CLIENT_INTERFACE_CALL))
    claims = Claims(memory.size)
    try:
        for address, length in kept:
            if length:
                claims.claim_at(address, length)
    except ClaimError as taken:
        raise BootError(f"{taken}: a kernel must lie below 4 GiB, apart from firmware") from None
    client_services.publish_available(firmware.serve(claims))
    _open_console(firmware)


def _open_console(firmware: PlatformFirmware) -> None:
    """The instances a client program finds open, by their handles in /chosen."""
    tree, client = firmware.tree, firmware.client
    console, memory = tree.find("/vdevice/vty"), tree.at("/memory@0")
    processor = tree.at("/cpus").children[0]
    devices = {
        "stdin": console,
        "stdout": console,
        "memory": memory,
        "mmu": processor,
        "cpu": processor,
    }
    chosen = tree.at("/chosen").properties
    for name, node in devices.items():
        if node and client and (instance := client.instances.open(node)):
            chosen[name] = cells(instance.handle)


def _load_directly(firmware: PlatformFirmware, kernel: elf.Executable, image: BootImage) -> None:
    partition, tree = firmware.partition, firmware.tree
    kernel.load(partition.memory, 0)
    chosen, rtas = tree.at("/chosen").properties, tree.at("/rtas").properties
    chosen["ibm,architecture-vec-5"] = firmware.offer.vector_5()
    end = kernel.end
    if image.initrd:
        start = _place(partition, image.initrd, end, "the initial file system")
        end = start + len(image.initrd)
        chosen["linux,initrd-start"] = cells64(start)
        chosen["linux,initrd-end"] = cells64(end)
    entry = stubs.entry(stubs.RTAS_CALL).ljust(platform_tree.RTAS_BYTES, b"\0")
    at = _place(partition, entry, end, "RTAS")
    partition.nonmaskable.area = at + stubs.RTAS_SAVE_AREA
    rtas["linux,rtas-base"] = rtas["linux,rtas-entry"] = cells(at)
    blob = flatten(tree, reservations=((at, len(entry)),))
    _enter(partition, kernel.entry, r3=_place(partition, blob, at + len(entry), "the device tree"))


def _place(partition: Partition, data: bytes, above: int, what: str) -> int:
    """Write `data` to the next page boundary at or above `above`; gives the address."""
    memory = partition.memory
    address = -(-above // PAGE_BYTES) * PAGE_BYTES
    end = address + len(data)
    if end > ENDS_BELOW or not memory.contains(address, len(data)):
        raise BootError(
            f"{what} ({len(data):#x} bytes) does not fit at {address:#x}, behind the kernel, "
            f"in {memory.size:#x} bytes of storage: more memory is needed"
        )
    memory.write(address, data)
    return address


def _enter(
    partition: Partition,
    address: int,
    *,
    r3: int,
    r1: int = 0,
    r4: int = 0,
    r5: int = 0,
    wide: bool = True,
) -> None:
    """`wide`: with 64-bit addresses."""
    registers = partition.processors[0].registers
    for number in range(32):
        registers.set_gpr(number, 0)
    for number, value in ((1, r1), (3, r3), (4, r4), (5, r5)):
        registers.set_gpr(number, value)
    registers.msr = MSR(0).replace(SF=int(wide), ME=1)
    registers.nip = address
