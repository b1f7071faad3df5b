"""A network outside: what physical Ethernet adapters of a machine are cabled to.

It is a learning bridge without VLANs of its own: tags pass as they are.  Unicast goes to the port
whose adapter has the address, else to where frames of that source came from last, else to all that
bridge: those without an address, and trunks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .switch import Port, VirtualSwitch

if TYPE_CHECKING:
    from .frame import Frame, MacAddress

MOST_LEARNED = 4096
"""Addresses remembered; of more, the one learned first is forgotten."""


class Lan(VirtualSwitch):
    """One such network."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._learned: dict[tuple[int, MacAddress], Port] = {}
        """By tag and address."""

    @property
    def learned(self) -> int:
        """How many addresses it has seen."""
        return len(self._learned)

    def detach(self, port: Port) -> None:
        super().detach(port)
        self._learned = {key: its for key, its in self._learned.items() if its is not port}

    def leads_out(self, port: Port, vlan: int) -> bool:
        """Any that bridges does; Linux then passes merged frames on as they are."""
        return bool(port.settings.trunk_priority)

    def trunk(self, vlan: int) -> Port | None:
        return None

    def _forward(self, origin: Port, frame: Frame) -> bool:
        self._learn(origin, frame)
        takers = self._takers(origin, frame)
        for port in takers:
            port.counts.received += 1
            port.counts.received_bytes += len(frame.data)
            port.station.receive(frame)
        return bool(takers)

    def _learn(self, origin: Port, frame: Frame) -> None:
        if frame.source[0] & 1:
            return
        key = frame.vlan, frame.source
        self._learned.pop(key, None)
        self._learned[key] = origin
        if len(self._learned) > MOST_LEARNED:
            del self._learned[next(iter(self._learned))]

    def _takers(self, origin: Port, frame: Frame) -> list[Port]:
        others = [port for port in self if port is not origin]
        if frame.to_many:
            return [port for port in others if port.station.wants(frame.destination)]
        if owners := self.owners.get(frame.destination):
            return [port for port in owners[:1] if port is not origin]
        if (known := self._learned.get((frame.vlan, frame.destination))) is not None:
            return [] if known is origin else [known]
        return [p for p in others if p.station.address is None or p.settings.trunk_priority]
