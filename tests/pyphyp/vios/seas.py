"""Two Virtual I/O Servers that bridge one switch to one network, without a machine around them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypervisor.network.failover import HaMode, HaState
from hypervisor.network.frame import BROADCAST
from hypervisor.network.shared_ethernet import ServerPort
from hypervisor.network.switch import PortSettings
from hypervisor.system.definition import VirtualIoServer
from pyphyp.network import Network
from pyphyp.vios.engine import Vios
from tests.hypervisor.network.test_switch import Taker, frame, mac

from .servers import said

if TYPE_CHECKING:
    from pathlib import Path

    from hypervisor.network.failover import Failover

MS = 1_000_000
CONTROL = 99
OWN = 1000
"""Port VLANs of further trunks, which nobody uses, begin behind this."""
MAKE = "mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1 -attr ha_mode=auto"
WITH_CHANNEL = f"{MAKE} ctl_chan=ent2"
CLIENT, HOST = 1, 2
"""Numbers of stations: one within, one outside."""


class TwoServers:
    """v1 has priority 1, v2 has 2; `sea` is made on each."""

    def __init__(
        self,
        directory: Path,
        sea: str = MAKE,
        vlans: tuple[int, ...] = (),
        more: tuple[int, ...] = (),
    ) -> None:
        """`vlans` are further ones of the trunk, `more` are those of further trunks, one each."""
        self.directory, self.vlans, self.more = directory, vlans, more
        self.network = Network(("office",))
        self.now = 0
        self.vios = [self._server(n) for n in (1, 2)]
        self.client, self.host = Taker(CLIENT), Taker(HOST)
        self.client_port = self.network.switch("ETHERNET0").attach(self.client)
        self.host_port = self.network.switch("office").attach(self.host)
        if sea:
            for vios in self.vios:
                said(vios, sea)

    def _server(self, number: int) -> Vios:
        name = f"v{number}"
        trunk = ServerPort(trunk_priority=number, more_vlans=self.vlans)
        more = (
            ServerPort(vlan=OWN + vlan, trunk_priority=number, more_vlans=(vlan,))
            for vlan in self.more
        )
        ports = (trunk, ServerPort(vlan=CONTROL), *more)
        definition = VirtualIoServer(
            name, number + 2, self.directory / name, 1 << 10, lans=("office",), ethernet=ports
        )
        return Vios(definition, (), system="U9009.PYP0001", network=self.network)

    def outsider(self, vlan: int) -> Taker:
        """A station in another VLAN of the switch."""
        station = Taker(7)
        self.network.switch("ETHERNET0").attach(station, PortSettings(vlan))
        return station

    def pass_time(self, milliseconds: int, step: int = 10) -> None:
        """With a look at both at every step."""
        for _ in range(milliseconds // step):
            self.now += step * MS
            self.network.exchange(self.now)
            carried = [vlan for vios in self.vios for vlan in self.carried(vios)]
            assert len(carried) == len(set(carried))
            if not self.more:
                assert sum(self.bridges(vios) for vios in self.vios) <= 1
            primaries = (HaState.PRIMARY, HaState.PRIMARY_SH)
            assert sum(its.state in primaries for its in self.members) <= 1

    @property
    def members(self) -> list[Failover]:
        """Those that take part in failover."""
        found = [its.failover for its in self.network.bridges if its.failover is not None]
        return [its for its in found if its.rank.mode is not HaMode.DISABLED]

    @staticmethod
    def bridges(vios: Vios) -> bool:
        """Whether anything passes through the server."""
        return bool(TwoServers.carried(vios))

    @staticmethod
    def carried(vios: Vios) -> list[int]:
        """VLANs that pass through the server."""
        return [
            vlan
            for bridge in vios.ethernet.bridges.values()
            for port in bridge.trunks
            for vlan in port.vlans
            if vlan < OWN and bridge.carries(port) and port.is_way_of(vlan)
        ]

    @property
    def states(self) -> list[str]:
        """What each server says of its adapter."""
        sea = f"ent{3 + len(self.more)}"
        shown = [said(vios, f"entstat -all {sea}") if vios.runs else "" for vios in self.vios]
        return [(re.findall(r"State: (\w+)", text) or ["-"])[0] for text in shown]

    def reach(self) -> list[int]:
        """How many frames arrive of a broadcast and a unicast each way: outside, and within."""
        for taker in (self.client, self.host):
            taker.got.clear()
        self.client_port.send(frame(BROADCAST, source=CLIENT))
        self.host_port.send(frame(BROADCAST, source=HOST))
        self.pass_time(30)
        self.client_port.send(frame(mac(HOST), source=CLIENT))
        self.host_port.send(frame(mac(CLIENT), source=HOST))
        self.pass_time(30)
        kinds = b"\x08\x00"
        return [
            len([one for one in taker.got if one.data[12:14] == kinds])
            for taker in (self.host, self.client)
        ]

    def close(self) -> None:
        for vios in self.vios:
            vios.close()
        self.network.close()
