"""Which multicasts a logical LAN adapter takes (LoPAR 17.3.3.6)."""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

from hypervisor.abi import H, HcallError
from hypervisor.network.frame import BROADCAST

from .lan_state import MOST_FILTERS

if TYPE_CHECKING:
    from hypervisor.network.frame import MacAddress


class Multicast(IntFlag):
    """The command of H_MULTICAST_CTRL: what to change, what to, and the table's command."""

    MODIFY_RECEPTION = 0x80000
    MODIFY_FILTERING = 0x40000
    ENABLE_RECEPTION = 0x20000
    ENABLE_FILTERING = 0x10000


_TABLE_COMMAND, _ADD, _REMOVE, _CLEAR = 0xFFFF, 1, 2, 3


class Groups:
    """Reception, filtering, and the filter table; none is taken to begin with."""

    def __init__(self) -> None:
        self.taken = self.filtered = False
        self.table: list[bytes] = []

    def reset(self) -> None:
        self.taken = self.filtered = False
        self.table = []

    def command(self, command: int, address: int) -> None:
        """Change what is taken."""
        if command & Multicast.MODIFY_RECEPTION:
            self.taken = bool(command & Multicast.ENABLE_RECEPTION)
        if command & Multicast.MODIFY_FILTERING:
            self.filtered = bool(command & Multicast.ENABLE_FILTERING)
        group = address.to_bytes(8, "big")[2:]
        match command & _TABLE_COMMAND:
            case 0:
                pass
            case command if command == _ADD:
                if group not in self.table:
                    if len(self.table) >= MOST_FILTERS:
                        raise HcallError(H.CONSTRAINED, f"{MOST_FILTERS} filters are set")
                    self.table.append(group)
            case command if command == _REMOVE:
                if group not in self.table:
                    raise HcallError(H.PARAMETER, "no such filter")
                self.table.remove(group)
            case command if command == _CLEAR:
                self.table.clear()
            case other:
                raise HcallError(H.PARAMETER, f"no command {other} of the filter table")

    def wants(self, group: MacAddress) -> bool:
        """Broadcasts always."""
        if group == BROADCAST:
            return True
        return self.taken and (not self.filtered or group in self.table)
