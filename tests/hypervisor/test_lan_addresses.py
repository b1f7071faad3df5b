"""Which addresses a virtual Ethernet adapter may have (LoPAR 17.3.3.1 and 17.3.3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hypervisor.abi import H
from hypervisor.network.switch import PortSettings
from hypervisor.vio.adapter import Slot

from .test_lan import OWN, PEER, SLOT, Driver, to_own

if TYPE_CHECKING:
    from tests.hypervisor.lpar import Lpar

OTHER = bytes.fromhex("0a0000000009")
ALLOWED = bytes.fromhex("0a00000000aa")


@pytest.fixture
def driver(lpar: Lpar) -> Driver:
    return Driver(lpar)


def change(driver: Driver, address: bytes) -> int:
    number = int.from_bytes(address, "big")
    return driver.lpar.code("H_CHANGE_LOGICAL_LAN_MAC", SLOT.unit, number)


def restrict(driver: Driver, *allowed: bytes, trunk: int = 0) -> None:
    """The same, by an adapter whose addresses are the operator's choice."""
    driver.port.unplug()
    lans = driver.lpar.partition.virtual_io
    driver.adapter = lans.add_lan(Slot(4), OWN, allowed)
    driver.port = driver.adapter.port = driver.switch.attach(
        driver.adapter, PortSettings(trunk_priority=trunk)
    )


def test_unicasts_follow_an_address_that_was_changed(driver: Driver) -> None:
    driver.open()
    assert change(driver, OTHER) == H.SUCCESS
    driver.post(0x50000, 512)
    driver.arrives(to_own())
    assert driver.entry() is None
    driver.arrives(OTHER + PEER + b"\x12\x34hi")
    assert driver.entry() is not None


@pytest.mark.parametrize("address", [b"\x0b" + bytes(5), bytes(6), b"\xff" * 6])
def test_a_group_s_address_and_none_are_no_station_s(driver: Driver, address: bytes) -> None:
    driver.open()
    assert change(driver, address) == H.PARAMETER
    assert driver.adapter.address == OWN


def test_an_address_that_another_adapter_has_is_refused(driver: Driver) -> None:
    driver.open()
    driver.switch.deliver()
    assert change(driver, PEER) == H.PARAMETER
    driver.peers.unplug()
    driver.switch.deliver()
    assert change(driver, PEER) == H.SUCCESS


def test_an_address_of_another_vlan_may_be_had(driver: Driver) -> None:
    driver.peers.unplug()
    driver.switch.attach(driver.peer, PortSettings(7))
    driver.open()
    driver.switch.deliver()
    assert change(driver, PEER) == H.SUCCESS


def test_an_adapter_that_is_closed_has_no_address_to_be_a_rival(driver: Driver) -> None:
    driver.open()
    driver.switch.deliver()
    assert driver.peers.has_rival(OWN)
    driver.adapter.free()
    driver.switch.deliver()
    assert not driver.peers.has_rival(OWN)


def test_the_operator_says_which_addresses_a_guest_may_take(driver: Driver) -> None:
    restrict(driver, ALLOWED)
    unit = Slot(4).unit
    for address, code in ((OTHER, H.PARAMETER), (ALLOWED, H.SUCCESS), (OWN, H.SUCCESS)):
        number = int.from_bytes(address, "big")
        assert driver.lpar.code("H_CHANGE_LOGICAL_LAN_MAC", unit, number) == code


def sent_as(driver: Driver, source: bytes) -> int:
    driver.memory.write(0x70000, PEER + source + b"\x12\x34")
    for page in range(0x40000, 0x80000, 0x1000):
        assert driver.lpar.code("H_PUT_TCE", Slot(4).liobn, page, page | 3) == H.SUCCESS
    if driver.adapter.address is None:
        ring = 1 << 63 | 64 << 32 | 0x42000
        number = int.from_bytes(OWN, "big")
        code = driver.lpar.code(
            "H_REGISTER_LOGICAL_LAN", Slot(4).unit, 0x40000, ring, 0x41000, number
        )
        assert code == H.SUCCESS
    first = 1 << 63 | 14 << 32 | 0x70000
    arguments = (Slot(4).unit, first, 0, 0, 0, 0, 0, 0, 0)
    return driver.lpar.call("H_SEND_LOGICAL_LAN", *arguments).code


def test_frames_under_another_name_are_dropped_where_names_are_the_operator_s(
    driver: Driver,
) -> None:
    restrict(driver)
    assert sent_as(driver, OTHER) == H.DROPPED
    assert sent_as(driver, OWN) == H.SUCCESS
    driver.switch.deliver()
    assert [frame.source for frame in driver.peer.got] == [OWN]


def test_a_trunk_sends_for_others(driver: Driver) -> None:
    restrict(driver, trunk=1)
    assert sent_as(driver, OTHER) == H.SUCCESS
