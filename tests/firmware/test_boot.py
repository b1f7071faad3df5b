"""How a kernel is loaded and entered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from firmware.boot import BootImage, PlatformFirmware
from firmware.elf import BootError
from firmware.loading import CLIENT_BASE, CLIENT_ENTRY, FIRMWARE_BYTES
from firmware.stubs import RTAS_CALL, entry
from hypervisor.partition import Ending, Partition, Progress
from tests.firmware.guest import MIB, elf_image
from tests.firmware.test_device_tree import parse

if TYPE_CHECKING:
    from emu.registers import Registers

CODE = b"\x60\0\0\0" * 8


def registers(partition: Partition) -> Registers:
    return partition.processors[0].registers


def cell(value: bytes) -> int:
    return int.from_bytes(value, "big")


def test_a_client_program_gets_the_initrd_in_r3_r4_and_the_entry_in_r5(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    firmware.boot(BootImage(elf_image(CODE), initrd=b"initial file system"))
    state = registers(partition)
    assert state.nip == CLIENT_BASE
    assert partition.memory.read(CLIENT_BASE, len(CODE)) == CODE
    assert partition.memory.read(state.gpr(3), state.gpr(4)) == b"initial file system"
    assert state.gpr(5) == CLIENT_ENTRY
    assert 0 < state.gpr(1) < FIRMWARE_BYTES


def test_without_an_initrd_r3_and_r4_are_0(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    firmware.boot(BootImage(elf_image()))
    assert (registers(partition).gpr(3), registers(partition).gpr(4)) == (0, 0)


def test_a_kernel_linked_above_firmware_is_loaded_where_it_is_linked(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    firmware.boot(BootImage(elf_image(CODE, address=2 * MIB)))
    assert registers(partition).nip == 2 * MIB


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_kernel_of_either_byte_order_is_entered_big_endian_in_real_mode(
    partition: Partition, firmware: PlatformFirmware, direct: bool, order: str
) -> None:
    firmware.boot(BootImage(elf_image(order=order), direct=direct))
    msr = registers(partition).msr
    assert (msr.SF, msr.LE, msr.IR, msr.DR, msr.PR, msr.EE) == (1, 0, 0, 0, 0, 0)


def test_storage_behind_the_file_image_is_zero_up_to_the_segments_size(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    partition.memory.write(CLIENT_BASE, b"\xff" * 64)
    firmware.boot(BootImage(elf_image(CODE, size=48)))
    assert partition.memory.read(CLIENT_BASE + 32, 32) == bytes(16) + b"\xff" * 16


def test_booted_directly_a_kernel_finds_everything_in_a_flattened_tree(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    image = BootImage(elf_image(CODE), initrd=b"files", bootargs="quiet", direct=True)
    firmware.boot(image)
    state = registers(partition)
    assert (state.nip, state.gpr(4), state.gpr(5)) == (0, 0, 0)
    blob = state.gpr(3)
    tree = parse(partition.memory.read(blob, partition.memory.u32(blob + 4)))
    chosen, rtas = tree["/chosen"], tree["/rtas"]
    assert chosen["bootargs"] == b"quiet\0"
    start, end = cell(chosen["linux,initrd-start"]), cell(chosen["linux,initrd-end"])
    assert partition.memory.read(start, end - start) == b"files"
    assert (chosen["ibm,architecture-vec-5"][24], chosen["ibm,architecture-vec-5"][26]) == (128, 64)
    at = cell(rtas["linux,rtas-entry"])
    assert partition.memory.read(at, 20) == entry(RTAS_CALL)


def test_a_program_reaches_rtas_through_the_entry_with_sc_1(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    firmware.boot(BootImage(elf_image(), direct=True))
    block = 12 * MIB
    partition.memory.write_words(block, firmware.rtas.token("power-off"), 2, 1, 0, 0, 0x5A)
    state = registers(partition)
    state.nip = cell(firmware.tree.at("/rtas").properties["linux,rtas-entry"])
    state.set_gpr(3, block)
    assert partition.run(partition.time_base + 1000) is Progress.ENDED
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.POWER_OFF
    assert partition.memory.u32(block + 20) == 0


def test_a_program_reaches_the_client_interface_in_32_bit_mode_too(
    partition: Partition, firmware: PlatformFirmware
) -> None:
    firmware.boot(BootImage(elf_image()))
    name, block = 12 * MIB, 13 * MIB
    partition.memory.write(name, b"exit\0")
    partition.memory.write_words(block, name, 0, 0)
    state = registers(partition)
    state.msr = state.msr.replace(SF=0)
    state.set_gpr(3, block)
    state.nip = CLIENT_ENTRY
    assert partition.run(partition.time_base + 1000) is Progress.ENDED
    assert partition.outcome is not None
    assert partition.outcome.ending is Ending.EXIT


def test_a_second_boot_starts_with_a_fresh_tree(firmware: PlatformFirmware) -> None:
    firmware.boot(BootImage(elf_image()))
    firmware.tree.at("/chosen").properties["left-over"] = b""
    firmware.boot(BootImage(elf_image()))
    assert "left-over" not in firmware.tree.at("/chosen").properties


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (b"", "uncompressed vmlinux"),
        (b"\x1f\x8b compressed", "uncompressed vmlinux"),
        (elf_image(machine=62), "EM_PPC64 is needed"),
        (elf_image(bits=32), "uncompressed vmlinux|64-bit ELF"),
        (elf_image(kind=1), "ET_EXEC or ET_DYN"),
        (elf_image(size=64 * MIB), "more memory"),
        (elf_image(address=32 * MIB), "more memory"),
        (elf_image(CODE)[:-4], "incomplete"),
        (elf_image(CODE, size=4), "cut short"),
        (elf_image(b""), "entry point"),
    ],
)
@pytest.mark.parametrize("direct", [False, True])
def test_what_cannot_be_booted_is_refused_with_what_would_be_right(
    firmware: PlatformFirmware, image: bytes, why: str, direct: bool
) -> None:
    with pytest.raises(BootError, match=why):
        firmware.boot(BootImage(image, direct=direct))


@pytest.mark.parametrize("direct", [False, True])
def test_an_initrd_that_does_not_fit_is_refused(firmware: PlatformFirmware, direct: bool) -> None:
    with pytest.raises(BootError, match=r"initial file system .* more memory"):
        firmware.boot(BootImage(elf_image(), initrd=bytes(16 * MIB), direct=direct))
