"""Vital product data, and the lamps of the parts it names (LoPAR 7.3.17 to 7.3.20, chapter 12)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from emu.state import StateError
from firmware.lamps import Lamp, LampsState, LitLamp
from firmware.services.product_data import product_data

if TYPE_CHECKING:
    from firmware.boot import PlatformFirmware
    from hypervisor.partition import Partition
    from tests.firmware.guest import Guest

OUTSIDE = 0xFFFF_0000
SYSTEM = "Upyphyp.PYP0001"
BY_LOCATION = 0xFFFF_FFFF


def stanzas(data: bytes) -> list[dict[str, str]]:
    """Names and keywords, decoded as the PCI specification says; checksums must be right."""
    found, rest = [], data
    while rest:
        (length,) = struct.unpack_from(">I", rest)
        data, rest = rest[4 : 4 + length], rest[4 + length :]
        assert data[0] == 0x82
        (name_bytes,) = struct.unpack_from("<H", data, 1)
        at = 3 + name_bytes
        keywords = {"name": data[3:at].decode()}
        assert data[at] == 0x90
        end = at + 3 + struct.unpack_from("<H", data, at + 1)[0]
        at += 3
        while at < end:
            length = data[at + 2]
            keywords[data[at : at + 2].decode()] = data[at + 3 : at + 3 + length].decode()
            at += 3 + length
        assert data[end] == 0x79
        assert (sum(data[:end]) + data[end + 1]) % 256 == 0
        found.append(keywords)
        assert len(data) == end + 2
    return found


def read_all(guest: Guest, location: str = "", length: int = 4096) -> bytes:
    place, area = guest.string(location), guest.buffer(length)
    data, sequence = b"", 1
    while True:
        status, sequence, given = guest.rtas(
            "ibm,get-vpd", place, area, length, sequence, returns=3
        )
        data += guest.memory.read(area, given)
        if status == 0:
            assert sequence == 1
            return data
        assert (status, given) == (1, length)


def test_each_part_has_a_name_and_a_location_code(guest: Guest) -> None:
    found = stanzas(read_all(guest))
    assert [part["name"] for part in found] == [
        *("System VPD", "System Firmware", "Processor", "Memory"),
    ]
    assert all(part["YL"].startswith(SYSTEM) for part in found)
    assert (found[0]["SE"], found[0]["TM"], found[3]["SZ"]) == ("PYP0001", "pyphyp", "16")


@pytest.mark.parametrize("length", [1, 7, 100])
def test_a_small_area_gets_it_in_pieces(guest: Guest, partition: Partition, length: int) -> None:
    assert read_all(guest, length=length) == product_data(partition.configuration)


def test_one_location_gives_one_part(guest: Guest) -> None:
    (memory,) = stanzas(read_all(guest, f"{SYSTEM}-P1-C2"))
    assert memory["name"] == "Memory"


def test_what_is_not_there_is_a_parameter_error(guest: Guest) -> None:
    area, all_of_it = guest.buffer(), guest.string("")
    for arguments in (
        (guest.string("U0000"), area, 256, 1),
        (OUTSIDE, area, 256, 1),
        (all_of_it, OUTSIDE, 256, 1),
        (all_of_it, area, 0xFFFF_FFFF, 1),
        (all_of_it, area, 0, 1),
        (all_of_it, area, 256, 0),
        (all_of_it, area, 256, 5000),
    ):
        assert guest.rtas("ibm,get-vpd", *arguments, returns=3) == (-3, 0, 0)


def test_the_tree_says_how_large_it_is_and_which_lamps_there_are(
    firmware: PlatformFirmware, partition: Partition
) -> None:
    rtas = firmware.tree.at("/rtas").properties
    size = len(product_data(partition.configuration))
    assert int.from_bytes(rtas["ibm,vpd-size"], "big") == size
    for name in ("ibm,get-indicator-indices-types", "ibm,get-sensor-indices-types"):
        assert struct.unpack(">2I", rtas[name]) == (9006, 9007)


# -- lamps -----------------------------------------------------------------------------------


def indices(guest: Guest, kind: int, length: int = 1024) -> list[str]:
    area, start, found = guest.buffer(length), 1, []
    while True:
        arguments = (0, kind, area, length, start)
        status, start = guest.rtas("ibm,get-indices", *arguments, returns=2)
        assert status in (0, 1)
        at = area + 4
        for _ in range(guest.memory.u32(area)):
            index, size = guest.memory.words(at, 2)
            assert (index, size % 4) == (BY_LOCATION, 0)
            found.append(guest.memory.read_string(at + 8).decode())
            at += 8 + size
        if status == 0:
            assert start == 1
            return found


@pytest.mark.parametrize("length", [1024, 40])
def test_the_lamps_are_those_of_the_parts(
    guest: Guest, firmware: PlatformFirmware, length: int
) -> None:
    for lamp in Lamp:
        assert indices(guest, lamp, length) == list(firmware.lamps.locations)


def place(guest: Guest, location: str) -> int:
    encoded = location.encode() + b"\0"
    return guest.place(len(encoded).to_bytes(4, "big") + encoded)


def test_a_lamp_is_switched_on_and_off_and_no_other_is(guest: Guest) -> None:
    memory, system = place(guest, f"{SYSTEM}-P1-C2"), place(guest, SYSTEM)
    assert guest.rtas("ibm,set-dynamic-indicator", 9007, 1, memory) == (0,)
    assert guest.rtas("ibm,get-dynamic-sensor-state", 9007, memory, returns=2) == (0, 1)
    assert guest.rtas("ibm,get-dynamic-sensor-state", 9006, memory, returns=2) == (0, 0)
    assert guest.rtas("ibm,get-dynamic-sensor-state", 9007, system, returns=2) == (0, 0)
    assert guest.rtas("ibm,set-dynamic-indicator", 9007, 0, memory) == (0,)
    assert guest.rtas("ibm,get-dynamic-sensor-state", 9007, memory, returns=2) == (0, 0)


def test_lamps_and_lists_that_are_not_there_are_parameter_errors(guest: Guest) -> None:
    nowhere, system, area = place(guest, "U0000"), place(guest, SYSTEM), guest.buffer()
    for kind, state, where in ((9007, 1, nowhere), (9005, 1, system), (9007, 2, system)):
        assert guest.rtas("ibm,set-dynamic-indicator", kind, state, where) == (-3,)
    assert guest.rtas("ibm,set-dynamic-indicator", 9007, 1, OUTSIDE) == (-3,)
    assert guest.rtas("ibm,get-dynamic-sensor-state", 9, system, returns=2) == (-3, 0)
    for arguments in (
        (0, 9005, area, 256, 1),
        (2, 9007, area, 256, 1),
        (0, 9007, OUTSIDE, 256, 1),
        (0, 9007, area, 20, 1),
        (0, 9007, area, 256, 0),
        (0, 9007, area, 256, 5),
    ):
        assert guest.rtas("ibm,get-indices", *arguments, returns=2) == (-3, 0)


@pytest.mark.parametrize("index", [0, BY_LOCATION])
def test_connectors_that_are_not_there_have_neither_indicators_nor_sensors(
    guest: Guest, index: int
) -> None:
    for indicator in (9001, 9002, 9003, 9006, 9007):
        assert guest.rtas("set-indicator", indicator, index, 1) == (-3,)
    for sensor in (9002, 9003, 9004, 9007):
        assert guest.rtas("get-sensor-state", sensor, index, returns=2) == (-3, 0)


def test_lamps_are_part_of_the_state(guest: Guest, firmware: PlatformFirmware) -> None:
    guest.rtas("ibm,set-dynamic-indicator", 9006, 1, place(guest, SYSTEM))
    state = firmware.lamps.state()
    assert state == LampsState((LitLamp(Lamp.FAULT, SYSTEM),))
    firmware.lamps.restore(LampsState(()))
    assert not firmware.lamps.is_lit(Lamp.FAULT, SYSTEM)
    firmware.lamps.restore(state)
    assert firmware.lamps.is_lit(Lamp.FAULT, SYSTEM)
    with pytest.raises(StateError, match="no part"):
        firmware.lamps.restore(LampsState((LitLamp(Lamp.FAULT, "U0000"),)))
