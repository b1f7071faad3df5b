"""The virtual switches of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypervisor.network.switch import VirtualSwitch

if TYPE_CHECKING:
    from collections.abc import Iterator


class Network:
    """Switches by name; one that is named is there."""

    def __init__(self) -> None:
        self._switches: dict[str, VirtualSwitch] = {}

    def __iter__(self) -> Iterator[VirtualSwitch]:
        return iter(self._switches.values())

    def switch(self, name: str) -> VirtualSwitch:
        if name not in self._switches:
            self._switches[name] = VirtualSwitch(name)
        return self._switches[name]

    @property
    def waits(self) -> bool:
        """Whether any frame is to be delivered."""
        return any(switch.waits for switch in self)

    def deliver(self) -> bool:
        """Bring all frames that wait where they belong; whether there were any."""
        return any([switch.deliver() for switch in self])
