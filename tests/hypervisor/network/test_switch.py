"""The virtual switch: who gets which frame."""

from __future__ import annotations

import pytest

from hypervisor.network.frame import BROADCAST, Frame, MacAddress
from hypervisor.network.switch import (
    WAITING_BYTES,
    WAITING_FRAMES,
    Port,
    PortSettings,
    VirtualSwitch,
)

GROUP = MacAddress(bytes.fromhex("01005e000001"))


def mac(number: int) -> MacAddress:
    return MacAddress(bytes([2, 0, 0, 0, 0, number]))


class Taker:
    """A station that keeps what comes."""

    def __init__(self, number: int | None, groups: tuple[MacAddress, ...] = ()) -> None:
        self.address = None if number is None else mac(number)
        self.groups = groups
        self.got: list[Frame] = []

    def wants(self, group: MacAddress) -> bool:
        return group == BROADCAST or group in self.groups

    def receive(self, frame: Frame) -> None:
        self.got.append(frame)


def frame(to: bytes, vlan: int = 0, source: int = 1) -> Frame:
    return Frame(to + mac(source) + b"\x08\x00" + b"payload", vlan)


class Lan:
    """Stations in one switch, by number."""

    def __init__(self, **settings: PortSettings) -> None:
        self.switch = VirtualSwitch()
        self.stations: dict[str, Taker] = {}
        self.ports: dict[str, Port] = {}
        for number, (name, its) in enumerate(settings.items(), start=1):
            station = self.stations[name] = Taker(number)
            self.ports[name] = self.switch.attach(station, its)

    def send(self, name: str, *frames: Frame) -> None:
        for one in frames:
            self.ports[name].send(one)
        self.switch.deliver()

    def got(self) -> dict[str, list[int]]:
        """The VLAN tags of what each got."""
        return {name: [f.vlan for f in s.got] for name, s in self.stations.items() if s.got}


def test_unicast_goes_to_the_port_with_the_address_and_to_no_other() -> None:
    lan = Lan(a=PortSettings(), b=PortSettings(), c=PortSettings())
    lan.send("a", frame(mac(2)))
    assert lan.got() == {"b": [0]}
    assert lan.stations["b"].got[0].data.endswith(b"payload")


def test_a_broadcast_goes_to_all_others() -> None:
    lan = Lan(a=PortSettings(), b=PortSettings(), c=PortSettings())
    lan.send("a", frame(BROADCAST))
    assert lan.got() == {"b": [0], "c": [0]}


def test_a_multicast_goes_to_those_who_want_it() -> None:
    lan = Lan(a=PortSettings(), b=PortSettings(), c=PortSettings())
    lan.stations["c"].groups = (GROUP,)
    lan.send("a", frame(GROUP))
    assert lan.got() == {"c": [0]}


def test_vlans_do_not_hear_each_other() -> None:
    lan = Lan(a=PortSettings(10), b=PortSettings(10), c=PortSettings(20))
    lan.send("a", frame(BROADCAST), frame(mac(3)))
    assert lan.got() == {"b": [0]}
    assert lan.ports["a"].counts.dropped == 1


def test_tags_are_put_on_and_taken_off_as_ports_say() -> None:
    lan = Lan(a=PortSettings(1, frozenset({10})), b=PortSettings(10), c=PortSettings(1))
    lan.send("a", frame(BROADCAST, 10), frame(BROADCAST))
    assert lan.got() == {"b": [0], "c": [0]}
    lan.send("b", frame(mac(1), source=2))
    assert lan.got()["a"] == [10]


@pytest.mark.parametrize("vlan", [1, 30])
def test_a_tag_of_the_own_vlan_or_of_none_of_the_ports_is_dropped(vlan: int) -> None:
    lan = Lan(a=PortSettings(1, frozenset({10})), b=PortSettings(1), c=PortSettings(30))
    lan.send("a", frame(BROADCAST, vlan))
    assert lan.got() == {}


def test_what_nobody_has_goes_to_the_trunk_of_the_lowest_number() -> None:
    trunk = [PortSettings(1, frozenset({10}), priority) for priority in (2, 1)]
    lan = Lan(a=PortSettings(), backup=trunk[0], active=trunk[1])
    lan.send("a", frame(mac(77)), frame(BROADCAST))
    assert lan.got() == {"active": [0, 0]}
    assert (lan.ports["active"].active_trunk, lan.ports["backup"].active_trunk) == (True, False)
    lan.ports["active"].unplug()
    lan.send("a", frame(mac(77)))
    assert lan.got()["backup"] == [0]


def test_what_comes_from_the_outside_for_nobody_is_dropped() -> None:
    lan = Lan(a=PortSettings(), trunk=PortSettings(1, frozenset(), 1))
    lan.send("trunk", frame(mac(77), source=9))
    assert lan.got() == {}
    assert lan.ports["trunk"].counts.dropped == 1


def test_a_port_holds_no_more_than_its_limits() -> None:
    lan = Lan(a=PortSettings(), b=PortSettings())
    port = lan.ports["a"]
    small = frame(mac(2))
    assert all(port.send(small) for _ in range(WAITING_FRAMES))
    assert not port.send(small)
    lan.switch.deliver()
    big = Frame(small.data + bytes(60000))
    accepted = sum(port.send(big) for _ in range(WAITING_FRAMES))
    assert accepted == WAITING_BYTES // len(big.data)


def test_what_is_sent_while_it_is_delivered_waits_for_the_next_time() -> None:
    lan = Lan(a=PortSettings(), b=PortSettings())

    class Echo(Taker):
        def receive(self, frame: Frame) -> None:
            super().receive(frame)
            lan.ports["b"].send(Frame(mac(1) + mac(2) + frame.data[12:]))

    echo = lan.ports["b"].station = Echo(2)
    lan.send("a", frame(mac(2)))
    assert len(echo.got) == 1
    assert "a" not in lan.got()
    assert lan.switch.waits
    lan.switch.deliver()
    assert lan.got()["a"] == [0]


@pytest.mark.parametrize(
    ("vlan", "more", "priority"), [(0, (), 0), (4095, (), 0), (1, (1,), 0), (1, (), 16)]
)
def test_settings_that_no_port_has_are_refused(
    vlan: int, more: tuple[int, ...], priority: int
) -> None:
    with pytest.raises(ValueError, match=r"possible|already|priority"):
        PortSettings(vlan, frozenset(more), priority)


def test_a_frame_keeps_its_tag_apart_from_its_bytes() -> None:
    tagged = Frame.of(mac(2) + mac(1) + b"\x81\x00\x20\x0a\x08\x00rest")
    assert (tagged.vlan, tagged.data) == (10, mac(2) + mac(1) + b"\x08\x00rest")
    assert tagged.wire == mac(2) + mac(1) + b"\x81\x00\x00\x0a\x08\x00rest"
    for short in (b"", bytes(13), mac(2) + mac(1) + b"\x81\x00\x00"):
        with pytest.raises(ValueError, match=r"header|type"):
            Frame.of(short)
