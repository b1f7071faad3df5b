"""A network outside: it learns where addresses are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.network.frame import BROADCAST
from hypervisor.network.lan import MOST_LEARNED, Lan
from hypervisor.network.switch import PortSettings

from .test_switch import Taker, frame, mac

if TYPE_CHECKING:
    from hypervisor.network.switch import Port


def cabled(count: int) -> tuple[Lan, list[Taker], list[Port]]:
    """Stations without addresses of their own, as bridges are."""
    lan = Lan("office")
    takers = [Taker(None) for _ in range(count)]
    return lan, takers, [lan.attach(taker) for taker in takers]


def test_unicast_goes_to_all_until_its_address_was_seen_and_then_there_alone() -> None:
    lan, takers, ports = cabled(3)
    ports[0].send(frame(mac(9), source=1))
    lan.deliver()
    assert [len(t.got) for t in takers] == [0, 1, 1]
    ports[1].send(frame(mac(1), source=9))
    lan.deliver()
    ports[0].send(frame(mac(9), source=1))
    lan.deliver()
    assert [len(t.got) for t in takers] == [1, 2, 1]
    ports[2].send(frame(BROADCAST, source=9))  # it has moved
    lan.deliver()
    ports[0].send(frame(mac(9), source=1))
    lan.deliver()
    assert [len(t.got) for t in takers] == [2, 3, 2]


def test_tags_pass_as_they_are_and_an_address_is_learned_by_tag() -> None:
    lan, takers, ports = cabled(3)
    ports[1].send(frame(BROADCAST, 7, source=9))
    ports[2].send(frame(BROADCAST, 8, source=9))
    lan.deliver()
    ports[0].send(frame(mac(9), 7))
    ports[0].send(frame(mac(9), 8))
    lan.deliver()
    assert [[f.vlan for f in t.got] for t in takers] == [[7, 8], [8, 7], [7, 8]]


def test_nobody_takes_the_frames_of_an_adapter_by_sending_with_its_address() -> None:
    lan, takers, ports = cabled(2)
    owner = Taker(5)
    lan.attach(owner)
    ports[1].send(frame(BROADCAST, source=5))
    lan.deliver()
    ports[0].send(frame(mac(5)))
    lan.deliver()
    assert len(owner.got) == 2
    assert takers[1].got == []


def test_what_it_has_learned_is_bounded_and_goes_with_the_port() -> None:
    lan, takers, ports = cabled(3)
    for number in range(MOST_LEARNED + 10):
        source = bytes([2, 1, 0, 0, *number.to_bytes(2, "big")])
        ports[1].send(type(frame(mac(1)))(BROADCAST + source + b"\x08\x00"))
        lan.deliver()
    assert lan.learned == MOST_LEARNED
    ports[1].unplug()
    assert lan.learned == 0
    ports[0].send(frame(bytes([2, 1, 0, 0, 1, 0])))
    lan.deliver()
    assert takers[2].got[-1].destination == bytes([2, 1, 0, 0, 1, 0])


def test_what_nobody_has_goes_to_those_that_bridge_alone() -> None:
    lan, takers, ports = cabled(2)
    host, bridge = Taker(5), Taker(6)
    lan.attach(host)
    trunk = lan.attach(bridge, PortSettings(trunk_priority=1))
    ports[0].send(frame(mac(9)))
    lan.deliver()
    assert [len(t.got) for t in (*takers, host, bridge)] == [0, 1, 0, 1]
    assert trunk.active_trunk
    assert not ports[0].active_trunk
