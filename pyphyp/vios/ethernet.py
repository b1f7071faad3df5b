"""A Virtual I/O Server's Ethernet: its adapters, and the Shared Ethernet Adapters made of them.

Adapters are the machine file's: those of ready-made ways to the outside, physical ones cabled to
networks outside, and virtual ones.  `mkvdev -sea` makes bridges of them, which are kept in
`ethernet.json` of the server's directory.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, Annotated

from emu.state import Length, record
from emu.values import frozen
from hypervisor.network.bridge import AdapterStation, Bridge
from hypervisor.network.failover import DISCOVERY_VLAN, Failover, HaMode, HaState, Rank
from hypervisor.network.switch import PortSettings

from .error_log import Event
from .record_files import keep, read_kept
from .records import ViosError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence
    from pathlib import Path

    from hypervisor.network.shared_ethernet import ServerPort, SharedEthernet
    from hypervisor.network.switch import Port
    from hypervisor.system.definition import VirtualIoServer
    from pyphyp.network import Network

    from .error_log import ErrorLog

_FIRST_SLOT = 2
MOST_TRUNKS = 16
NOTHING_MEANT = "None"
"""What an attribute is called that names no adapter."""


_HA_EVENTS = {HaState.PRIMARY: Event.SEAHA_PRIMARY, HaState.BACKUP: Event.SEAHA_BACKUP}


class EthernetKind(Enum):
    """As `lsdev` describes it."""

    PHYSICAL = "Ethernet Adapter"
    VIRTUAL = "Virtual I/O Ethernet Adapter (l-lan)"
    SHARED = "Shared Ethernet Adapter"


AdapterName = Annotated[str, Length(1, 16)]


@record
class SharedAdapter:
    """A Shared Ethernet Adapter as it was made by command."""

    name: AdapterName
    physical: AdapterName
    trunks: Annotated[tuple[AdapterName, ...], Length(1, MOST_TRUNKS)]
    default: AdapterName
    default_vlan: Annotated[int, range(1, DISCOVERY_VLAN)]
    ha_mode: HaMode = HaMode.DISABLED
    control: Annotated[str, Length(0, 16)] = ""
    """The adapter of its control channel; without one it finds others by discovery."""


@record
class EthernetState:
    shared: tuple[SharedAdapter, ...] = ()


@frozen
class EthernetDevice:
    name: str
    kind: EthernetKind
    location: str
    address: bytes = b""
    way: SharedEthernet | None = None
    """The ready-made way to the outside that it belongs to."""
    lan: str = ""
    """What a physical one is cabled to."""
    plugged: ServerPort | None = None
    """Where a virtual one is plugged in."""


class Ethernet:
    """That of the server `definition`; `ways` are the ready-made ones that are its.

    `plug` puts its adapters into `network`, `unplug` takes them away.
    """

    def __init__(
        self,
        definition: VirtualIoServer,
        ways: Sequence[SharedEthernet],
        system: str,
        network: Network,
        log: ErrorLog,
    ) -> None:
        self._definition, self._network, self._log = definition, network, log
        self._file = definition.directory / "ethernet.json"
        self._fixed = _fixed(definition, ways, system)
        self._state = _read(self._file)
        self._pulled: set[str] = set()
        """Physical adapters whose cable is not plugged in."""
        self.ports: dict[str, Port] = {}
        """Of adapters, while the server runs."""
        self.bridges: dict[str, Bridge] = {}
        """Of those made by command, while the server runs."""

    # -- looking ---------------------------------------------------------------------------

    @property
    def devices(self) -> list[EthernetDevice]:
        """All of them, by number."""
        made = [EthernetDevice(its.name, EthernetKind.SHARED, "") for its in self.made]
        return sorted([*self._fixed, *made], key=lambda its: int(its.name[3:]))

    @property
    def made(self) -> tuple[SharedAdapter, ...]:
        """Those made by command."""
        return self._state.shared

    def device(self, name: str) -> EthernetDevice | None:
        return next((its for its in self.devices if its.name == name), None)

    def bridged(self) -> Iterator[tuple[EthernetDevice, EthernetDevice, EthernetDevice]]:
        """Each trunk that is bridged, its physical adapter, and the one that bridges both."""
        ready = [[d for d in self._fixed if d.way and d.kind is kind] for kind in EthernetKind]
        for physical, trunk, shared in zip(*ready, strict=True):
            yield trunk, physical, shared
        by_name = {its.name: its for its in self.devices}
        for one in self.made:
            for name in one.trunks:
                if name in by_name and one.physical in by_name:
                    yield by_name[name], by_name[one.physical], by_name[one.name]

    def shared(self, name: str) -> SharedAdapter:
        """One that was made by command; raises `ViosError`."""
        for its in self.made:
            if its.name == name:
                return its
        device = self.device(name)
        if device is not None and device.kind is EthernetKind.SHARED:
            raise ViosError(f'"{name}" comes from the machine file and cannot be changed.')
        raise ViosError(f'Device "{name}" is not a Shared Ethernet Adapter.')

    def priority(self, its: SharedAdapter) -> int:
        """Its trunks' priority."""
        return min(self._port_of(trunk).trunk_priority for trunk in its.trunks)

    def is_available(self, its: SharedAdapter) -> bool:
        return its.name in self.bridges

    def has_link(self, physical: str) -> bool:
        return physical not in self._pulled

    # -- going and coming ------------------------------------------------------------------

    def plug(self) -> None:
        """The server runs: its adapters are there, and bridge."""
        for its in self._fixed:
            if its.lan:
                self._attach(its.name, its.lan, PortSettings())
            elif its.plugged is not None:
                self._attach(its.name, its.plugged.switch, its.plugged.settings)
        for made in self.made:
            try:
                self._check(made)
            except ViosError as wrong:
                self._log.log(Event.VIO_SEA_CFG, made.name, str(wrong))
                continue
            self._bridge(made)

    def _attach(self, name: str, switch: str, settings: PortSettings) -> None:
        label = f"{self._definition.name}/{name}"
        port = self._network.switch(switch).attach(AdapterStation(), settings, label)
        port.stands_by = True
        self.ports[name] = port

    def unplug(self) -> None:
        """The server ends, in whatever way."""
        for name in list(self.bridges):
            self._release(name)
        for port in self.ports.values():
            port.unplug()
        self.ports.clear()

    def _bridge(self, its: SharedAdapter) -> None:
        trunks = [self.ports[name] for name in its.trunks]
        bridge = Bridge(self.ports[its.physical], trunks, its.default_vlan)
        rank = Rank(its.ha_mode, self.priority(its), self._definition.number)
        control = self._network.control

        def became(state: HaState) -> None:
            bridge.changed()
            if (event := _HA_EVENTS.get(state)) is not None and rank.mode is not HaMode.DISABLED:
                self._log.log(event, its.name)

        vlans = tuple(sorted(port.vlans for port in trunks))
        bridge.failover = Failover(rank, self._channels(its), control, became, vlans)
        bridge.cabled = self.has_link(its.physical)
        control.join(bridge.failover)
        self._network.bridges.append(bridge)
        self.bridges[its.name] = bridge

    def _release(self, name: str) -> None:
        if (bridge := self.bridges.pop(name, None)) is not None:
            bridge.release()
            self._network.bridges.remove(bridge)
            if bridge.failover is not None:
                self._network.control.leave(bridge.failover)

    def _channels(self, its: SharedAdapter) -> frozenset[Hashable]:
        """Where it announces itself: its control channel, or the VLANs of its trunks."""
        if its.control:
            port = self._port_of(its.control)
            return frozenset({("control channel", port.switch, port.vlan)})
        ports = [self._port_of(name) for name in its.trunks]
        return frozenset((DISCOVERY_VLAN, port.switch, port.vlan) for port in ports)

    def set_cable(self, physical: str, *, plugged: bool) -> None:
        """Plug in the cable of a physical adapter, or pull it; raises `ViosError`."""
        device = self.device(physical)
        if device is None or not device.lan:
            raise ViosError(f'Device "{physical}" is not a physical adapter with a lan.')
        if not plugged and physical not in self._pulled:
            self._log.log(Event.GOENT_LINK_DOWN, physical)
        (self._pulled.discard if plugged else self._pulled.add)(physical)
        for its in self.made:
            if its.physical == physical and its.name in self.bridges:
                self.bridges[its.name].cabled = plugged

    # -- changing --------------------------------------------------------------------------

    def next_name(self) -> str:
        numbers = {int(its.name[3:]) for its in self.devices}
        return f"ent{next(n for n in range(len(numbers) + 1) if n not in numbers)}"

    def make(self, its: SharedAdapter) -> None:
        """Bridge; raises `ViosError` where that cannot be."""
        self._check(its)
        self._keep((*self.made, its))
        self._bridge(its)

    def change(self, its: SharedAdapter, changed: SharedAdapter) -> None:
        """Have `its` be `changed`; a change of its mode alone leaves it bridging meanwhile."""
        self._check(changed)
        self._keep(tuple(changed if one is its else one for one in self.made))
        bridge = self.bridges.get(its.name)
        if bridge is not None and replace(changed, ha_mode=its.ha_mode) == its:
            assert bridge.failover is not None
            bridge.failover.change_mode(changed.ha_mode)
        else:
            self._release(its.name)
            self._bridge(changed)

    def remove(self, its: SharedAdapter) -> None:
        self._keep(tuple(one for one in self.made if one is not its))
        self._release(its.name)

    def _check(self, its: SharedAdapter) -> None:
        """Raise `ViosError` for what cannot be."""
        physical = self.device(its.physical)
        if physical is None or not physical.lan:
            raise ViosError(f'Device "{its.physical}" is not a physical adapter with a lan.')
        ports = [self._port_of(name) for name in its.trunks]
        for name, port in zip(its.trunks, ports, strict=True):
            if not port.trunk_priority:
                raise ViosError(f'Device "{name}" is not a trunk adapter.')
        if any(fixed.name == its.name for fixed in self._fixed):
            raise ViosError(f'"{its.name}" is another adapter\'s name.')
        used = (its.physical, *its.trunks)
        if len({*used, its.control}) <= len(its.trunks) + bool(its.control):
            raise ViosError("An adapter is named twice.")
        for other in self.made:
            for name in (other.physical, *other.trunks) if other.name != its.name else ():
                if name in (*used, its.control):
                    raise ViosError(f'Device "{name}" is in use by {other.name}.')
        if len({port.switch for port in ports}) > 1:
            raise ViosError("All trunk adapters belong to one virtual switch.")
        if its.ha_mode is HaMode.SHARING and len(ports) < 2:
            raise ViosError("ha_mode=sharing: load is shared by trunk adapters, two at least.")
        if len({port.trunk_priority for port in ports}) > 1:
            raise ViosError("All trunk adapters have one priority.")
        vlans = [vlan for port in ports for vlan in (port.vlan, *port.more_vlans)]
        if len(set(vlans)) < len(vlans):
            raise ViosError("No two trunk adapters have one VLAN.")
        if its.default not in its.trunks or self._port_of(its.default).vlan != its.default_vlan:
            raise ViosError("The default ID is the port VLAN ID of the default adapter.")
        if its.control:
            port = self._port_of(its.control)
            if port.trunk_priority:
                raise ViosError(f'Device "{its.control}" is a trunk, and no control channel.')
            if port.switch == ports[0].switch and port.vlan in vlans:
                raise ViosError(f"The control channel has a VLAN of its own: {port.vlan} is not.")

    def _port_of(self, name: str) -> ServerPort:
        """Where a virtual adapter is plugged in."""
        device = self.device(name)
        if device is None or device.plugged is None:
            raise ViosError(f'Device "{name}" is not a virtual Ethernet adapter.')
        return device.plugged

    def _keep(self, shared: tuple[SharedAdapter, ...]) -> None:
        keep(self._file, EthernetState(shared))
        self._state = EthernetState(shared)


def _read(file: Path) -> EthernetState:
    state = read_kept(file, EthernetState, "Ethernet adapters")
    if not all(its.name[:3] == "ent" and its.name[3:].isdecimal() for its in state.shared):
        raise ViosError(f"{file} does not describe Ethernet adapters: a name")
    return state


def _fixed(
    definition: VirtualIoServer, ways: Sequence[SharedEthernet], system: str
) -> list[EthernetDevice]:
    """The machine file's, by number: physical ones, virtual ones, ready-made bridges."""
    nothing = EthernetDevice("", EthernetKind.PHYSICAL, "")
    physical = [replace(nothing, way=way) for way in ways]
    physical += [replace(nothing, lan=lan) for lan in definition.lans]
    nothing = replace(nothing, kind=EthernetKind.VIRTUAL)
    virtual = [replace(nothing, way=way) for way in ways]
    virtual += [replace(nothing, plugged=port) for port in definition.ethernet]
    there = [
        replace(its, location=f"{system}-P1-C1-T{n}") for n, its in enumerate(physical, start=1)
    ]
    slot = f"{system}-V{definition.number}-C"
    there += [
        replace(its, location=f"{slot}{n}-T1") for n, its in enumerate(virtual, start=_FIRST_SLOT)
    ]
    there += [replace(nothing, kind=EthernetKind.SHARED, way=way) for way in ways]
    return [
        replace(its, name=f"ent{n}", address=_address(f"{system} {definition.number} {n}"))
        for n, its in enumerate(there)
    ]


def _address(text: str) -> bytes:
    """A station's address, locally administered."""
    return b"\x0a" + hashlib.sha256(text.encode()).digest()[:5]
