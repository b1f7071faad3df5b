"""What the device tree of a partition says (LoPAR appendix B)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from emu.engine import TIME_BASE_HZ
from firmware import platform_tree
from firmware.compatibility import MODES, POWER7, POWER8, POWER9, POWER10, pa_features
from firmware.device_tree import cells, string
from firmware.processor_nodes import processor_node, set_mode

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware
    from firmware.compatibility import CompatibilityMode

MIB = 1 << 20


def test_the_root_names_the_partition(firmware: PlatformFirmware) -> None:
    properties = firmware.tree.properties
    assert properties["device_type"] == string("chrp")
    assert properties["ibm,partition-no"] == cells(3)
    assert properties["ibm,partition-name"] == string("lpar1")


@pytest.mark.parametrize("number", [0, 1, 9, 10, 31])
def test_a_processor_node_is_named_after_its_interrupt_server(number: int) -> None:
    node = processor_node(number, POWER9)
    assert node.full_name == f"PowerPC,POWER9@{number:x}"
    assert node.properties["reg"] == cells(number)
    assert node.properties["ibm,ppc-interrupt-server#s"] == cells(number)
    assert node.properties["ibm,associativity"][-4:] == cells(number)


def test_a_processor_runs_in_power9_mode_and_counts_time_at_the_engines_rate() -> None:
    properties = processor_node(0, POWER9).properties
    assert properties["cpu-version"] == cells(0x0F000005)
    assert properties["timebase-frequency"] == cells(TIME_BASE_HZ)


def test_the_decrementer_has_32_bits() -> None:
    assert "ibm,dec-bits" not in processor_node(0, POWER9).properties


RADIX = "ibm,processor-radix-AP-encodings"
LITTLE_ENDIAN, QUADWORDS, VSX, RADIX_MMU, SECOND_WATCHPOINT = (
    (5, 0),
    (5, 3),
    (18, 0),
    (40, 0),
    (64, 0),
)
HASH_CHECKS, HASHES = (68, 5), (72, 0)
EVENT_BRANCHES, TRANSACTIONS, PERFORMANCE_MONITORS = (5, 2), (22, 0), ((28, 0), (42, 0))


def announced(mode: CompatibilityMode) -> set[tuple[int, int]]:
    """The features of `ibm,pa-features`, as byte and bit."""
    length, kind, *features = pa_features(mode)
    assert (length, kind) == (len(features), 0)
    return {(n, bit) for n, byte in enumerate(features) for bit in range(8) if byte << bit & 0x80}


@pytest.mark.parametrize(
    ("feature", "since"),
    [
        (LITTLE_ENDIAN, POWER7),
        (QUADWORDS, POWER8),
        (VSX, POWER8),
        (RADIX_MMU, POWER9),
        (SECOND_WATCHPOINT, POWER10),
        (HASH_CHECKS, POWER10),
        (HASHES, POWER10),
    ],
)
def test_pa_features_announce_what_a_mode_has(
    feature: tuple[int, int], since: CompatibilityMode
) -> None:
    for mode in MODES:
        assert (feature in announced(mode)) == (mode.isa_level >= since.isa_level)


@pytest.mark.parametrize("mode", MODES)
def test_pa_features_announce_nothing_that_no_mode_has(mode: CompatibilityMode) -> None:
    assert not announced(mode) & {EVENT_BRANCHES, TRANSACTIONS, *PERFORMANCE_MONITORS}


@pytest.mark.parametrize("mode", MODES)
def test_a_node_follows_its_processors_mode_forth_and_back(mode: CompatibilityMode) -> None:
    node, as_made = processor_node(2, POWER9), processor_node(2, POWER9)
    set_mode(node, mode)
    assert node.full_name == f"PowerPC,{mode.name}@2"
    assert node.properties["cpu-version"] == cells(mode.logical_pvr)
    assert (RADIX in node.properties) == (mode in (POWER9, POWER10))
    assert node.properties == processor_node(2, mode).properties
    set_mode(node, POWER9)
    assert (node.name, node.properties) == (as_made.name, as_made.properties)


def test_radix_page_sizes_carry_their_ap_encoding_in_the_first_three_bits() -> None:
    encodings = processor_node(0, POWER9).properties["ibm,processor-radix-AP-encodings"]
    pages = struct.unpack(">4I", encodings)
    assert {page & 0x1FFFFFFF: page >> 29 for page in pages} == {12: 0, 16: 5, 21: 1, 30: 2}


def test_rtas_has_the_token_of_every_call_and_of_no_other(firmware: PlatformFirmware) -> None:
    properties = firmware.tree.at("/rtas").properties
    tokens = {call.name: cells(token) for token, call in firmware.rtas.tokens()}
    assert tokens.items() <= properties.items()
    facts = properties.keys() - tokens.keys()
    assert not {name for name in facts if properties[name][:3] == b"\0\0\x20"}


def test_hypertas_functions_are_those_of_the_hcall_table(firmware: PlatformFirmware) -> None:
    announced = firmware.tree.at("/rtas").properties["ibm,hypertas-functions"]
    sets = firmware.partition.hcalls.function_sets()
    assert announced == b"".join(name.encode() + b"\0" for name in sets)


def test_a_terminal_has_its_unit_address_and_interrupt(firmware: PlatformFirmware) -> None:
    node = firmware.tree.at("/vdevice/vty@30000000")
    assert node.properties["compatible"] == string("hvterm1")
    assert node.properties["reg"] == cells(0x30000000)
    assert node.properties["interrupts"] == cells(0x1001, 0)


def test_the_random_number_facility_stands_where_linux_looks_for_it(
    firmware: PlatformFirmware,
) -> None:
    facilities = firmware.tree.at("/ibm,platform-facilities")
    assert facilities.properties["device_type"] == string("ibm,platform-facilities")
    random = firmware.tree.at("/ibm,platform-facilities/ibm,random-v1")
    assert random.properties["compatible"] == string("ibm,random")


def test_chosen_names_the_first_terminal_as_console(firmware: PlatformFirmware) -> None:
    chosen = firmware.tree.at("/chosen").properties
    assert chosen["linux,stdout-path"] == string("/vdevice/vty@30000000")


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (512, [(0, 512)]),
        (1024, [(0, 1024)]),
        (1100, [(0, 1100)]),
        (1280, [(0, 1024), (1024, 256)]),
        (1600, [(0, 1088), (1088, 256), (1344, 256)]),
    ],
)
def test_memory_is_a_real_mode_area_and_whole_logical_memory_blocks(
    size: int, expected: list[tuple[int, int]]
) -> None:
    nodes = list(platform_tree.memory_nodes(size * MIB, 256 * MIB))
    found = [struct.unpack(">QQ", node.properties["reg"]) for node in nodes]
    assert found == [(base * MIB, length * MIB) for base, length in expected]
    assert [node.full_name for node in nodes] == [f"memory@{base:x}" for base, _ in found]


def test_platform_support_offers_xics_and_either_translation(firmware: PlatformFirmware) -> None:
    support = firmware.tree.at("/chosen").properties["ibm,arch-vec-5-platform-support"]
    assert support == bytes((23, 0x00, 24, 0x80, 25, 0x00, 26, 0x40))
