"""call-method: ibm,client-architecture-support, instantiate-rtas, translate."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from emu.isa_level import IsaLevel
from firmware.boot import BootImage, PlatformFirmware
from firmware.compatibility import POWER9, POWER10, CompatibilityMode
from firmware.device_tree import cells
from firmware.stubs import RTAS_CALL, entry
from tests.firmware.guest import Guest, elf_image
from tests.firmware.test_cas import client_vectors

if TYPE_CHECKING:
    from hypervisor.partition import Partition

TRUE = FAILED = 0xFFFF_FFFF


def architecture_support(guest: Guest, vectors: int) -> tuple[int, ...]:
    root = guest.call("open", "/")
    return guest.method("ibm,client-architecture-support", root, vectors, returns=2)


def test_agreement_leaves_architecture_vec_5_in_chosen(guest: Guest) -> None:
    assert architecture_support(guest, guest.place(client_vectors())) == (0, 0)
    vector = guest.firmware.tree.at("/chosen").properties["ibm,architecture-vec-5"]
    assert (vector[0], vector[24], vector[26]) == (len(vector) - 2, 0x40, 0x40)


@pytest.mark.parametrize("mode", [POWER10, POWER9])
def test_agreement_puts_the_processors_into_their_mode(
    partition: Partition, mode: CompatibilityMode
) -> None:
    partition.configuration = replace(partition.configuration, isa_level=IsaLevel.V3_1)
    firmware = PlatformFirmware(partition)
    firmware.boot(BootImage(elf_image()))
    guest = Guest(partition, firmware)
    assert partition.engine.isa_level is IsaLevel.V3_1
    processor = firmware.tree.at("/cpus/PowerPC,POWER10@0")
    known = ((0xFFFF_FFFF, mode.logical_pvr), (0xFFFF_FFFF, 0x0F00_0004))
    assert architecture_support(guest, guest.place(client_vectors(known))) == (0, 0)
    assert partition.engine.isa_level is mode.isa_level
    assert processor.path == f"/cpus/PowerPC,{mode.name}@0"
    assert processor.properties["cpu-version"] == cells(mode.logical_pvr)


def test_refusal_is_true_on_the_stack_and_no_exception(guest: Guest) -> None:
    assert architecture_support(guest, guest.place(client_vectors(interrupts=0x40))) == (0, TRUE)
    assert "ibm,architecture-vec-5" not in guest.firmware.tree.at("/chosen").properties


def test_vectors_outside_storage_are_caught(guest: Guest) -> None:
    assert architecture_support(guest, 0xFFFF_F000)[0] == FAILED


def test_instantiate_rtas_puts_the_entry_where_the_client_wants_it(guest: Guest) -> None:
    rtas, base = guest.call("open", "/rtas"), 0xC00000
    assert guest.method("instantiate-rtas", rtas, base, returns=2) == (0, base)
    assert guest.memory.read(base, 20) == entry(RTAS_CALL)


def test_instantiate_rtas_outside_storage_fails(guest: Guest) -> None:
    rtas = guest.call("open", "/rtas")
    assert guest.method("instantiate-rtas", rtas, 16 * (1 << 20) - 64, returns=2)[0] == FAILED


def test_translate_maps_storage_onto_itself(guest: Guest) -> None:
    mmu = struct.unpack(">I", guest.firmware.tree.at("/chosen").properties["mmu"])[0]
    assert guest.method("translate", mmu, 0x1234, returns=5) == (0, TRUE, 0, 0, 0x1234)
    assert guest.method("translate", mmu, 0xF000_0000, returns=2) == (0, 0)


@pytest.mark.parametrize("stack", [(), (1, 2)])
def test_a_method_with_a_wrong_number_of_cells_fails(guest: Guest, stack: tuple[int, ...]) -> None:
    rtas = guest.call("open", "/rtas")
    assert guest.method("instantiate-rtas", rtas, *stack, returns=2)[0] == FAILED


def test_a_method_that_is_not_there_has_a_catch_result(guest: Guest) -> None:
    root = guest.call("open", "/")
    assert guest.method("instantiate-rtas", root, 0, returns=2)[0] != 0


def test_a_method_of_no_instance_has_a_catch_result(guest: Guest) -> None:
    assert guest.method("instantiate-rtas", 0x1234, 0, returns=2)[0] == FAILED
