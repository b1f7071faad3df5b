"""Whom a client is logged in to: port login first, then process login (FC-LS-2, FCP-4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.values import slotted
from hypervisor.san.fabric import NAME_SERVER

from .formats import Fault, MadStatus, Opcode, service_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hypervisor.san.fabric import ClientPort, Fabric, TargetPort

_FCP_TYPE, _ESTABLISH_PAIR = 0x08, 0x2000
_EXECUTED, _NOT_POSSIBLE = 0x0100, 0x0500
_TARGET_FUNCTION = 0x12
"""A target, which needs no transfer-ready for reads."""
_FABRIC_REJECT, _INVALID_PORT_ID, _NAME_NOT_REGISTERED = 0x01, 0x1F, 0x02
_NEW_FAILED = 0x02


@slotted
class Login:
    """`process`: the process login is made, too."""

    target: TargetPort
    process: bool = False


class Logins:
    """Those of one client's `port`; each answers a datagram in place and gives its status."""

    def __init__(self, port: ClientPort) -> None:
        self._port = port
        self._logins: dict[int, Login] = {}
        """By port identifier."""
        self.handlers: dict[int, Callable[[bytearray], MadStatus]] = {
            Opcode.PORT_LOGIN: self.port_login,
            Opcode.PROCESS_LOGIN: self.process_login,
            Opcode.QUERY_TARGET: self.query_target,
            Opcode.MOVE_LOGIN: self.move_login,
            Opcode.IMPLICIT_LOGOUT: self.implicit_logout,
        }

    def __iter__(self) -> Iterator[Login]:
        return iter(list(self._logins.values()))

    def __len__(self) -> int:
        return len(self._logins)

    def find(self, port_id: int) -> Login | None:
        return self._logins.get(port_id)

    @property
    def _fabric(self) -> Fabric | None:
        return self._port.fabric

    def _target(self, port_id: int) -> TargetPort | None:
        return None if self._fabric is None else self._fabric.target(self._port, port_id)

    def targets_of(self, opcode: int, mad: bytes) -> list[TargetPort]:
        """Whom a datagram is about."""
        if opcode == Opcode.QUERY_TARGET:
            return []
        port_ids = [int.from_bytes(mad[24:32], "big")]
        if opcode == Opcode.MOVE_LOGIN:
            port_ids.append(int.from_bytes(mad[32:40], "big"))
        found = [login.target for n in port_ids if (login := self._logins.get(n)) is not None]
        return found + [target for n in port_ids if (target := self._target(n)) is not None]

    # -- datagrams -------------------------------------------------------------------------

    def port_login(self, mad: bytearray) -> MadStatus:
        port_id = int.from_bytes(mad[24:32], "big")
        if port_id == NAME_SERVER and self._fabric is not None:
            mad[44:52] = bytes(8)
            mad[56:312] = service_parameters(self._fabric.wwn, self._fabric.wwn)
            return MadStatus.SUCCESS
        if (target := self._target(port_id)) is None:
            mad[44:52] = Fault.UNABLE_TO_ESTABLISH.bytes + bytes(
                [0, _INVALID_PORT_ID, 0, _FABRIC_REJECT]
            )
            return MadStatus.FAILED
        self._log_out(port_id)
        self._logins[port_id] = Login(target)
        mad[44:52] = bytes(8)
        mad[56:312] = service_parameters(target.wwpn, target.wwnn)
        return MadStatus.SUCCESS

    def process_login(self, mad: bytearray) -> MadStatus:
        login = self._logins.get(int.from_bytes(mad[24:32], "big"))
        if login is None:
            mad[96:100] = Fault.LOGIN_REQUIRED.bytes
            return MadStatus.FAILED
        flags = int.from_bytes(mad[34:36], "big") & _ESTABLISH_PAIR
        if mad[32] != _FCP_TYPE:
            mad[34:36] = (flags | _NOT_POSSIBLE).to_bytes(2, "big")
        else:
            if flags and not login.process:
                login.process = True
                login.target.storage.login(self._port.nexus(login.target))
            mad[34:36] = (flags | _EXECUTED).to_bytes(2, "big")
            mad[44:48] = _TARGET_FUNCTION.to_bytes(4, "big")
        mad[96:100] = Fault.NONE.bytes
        return MadStatus.SUCCESS

    def query_target(self, mad: bytearray) -> MadStatus:
        wwpn = int.from_bytes(mad[24:32], "big")
        found = None if self._fabric is None else self._fabric.named(self._port, wwpn)
        if found is None:
            failure = Fault.NAME_NOT_REGISTERED if self._port.online else Fault.LINK_DOWN
            mad[40:48] = failure.bytes + bytes([0, _NAME_NOT_REGISTERED, 0, _FABRIC_REJECT])
            return MadStatus.FAILED
        mad[32:40] = found.port_id.to_bytes(8, "big")
        mad[40:48] = bytes(8)
        return MadStatus.SUCCESS

    def move_login(self, mad: bytearray) -> MadStatus:
        """A target that has another port identifier than before: the login goes there."""
        old, new, wwpn = (int.from_bytes(mad[at : at + 8], "big") for at in (24, 32, 40))
        target = self._target(new)
        if target is None or target.wwpn != wwpn:
            mad[56:60] = _NEW_FAILED.to_bytes(4, "big")
            return MadStatus.FAILED
        self._log_out(old)
        self._log_out(new)
        self._logins[new] = Login(target)
        mad[48:56] = target.wwnn.to_bytes(8, "big")
        mad[56:60] = bytes(4)
        mad[64:320] = service_parameters(target.wwpn, target.wwnn)
        return MadStatus.SUCCESS

    def implicit_logout(self, mad: bytearray) -> MadStatus:
        """Also of a target that the client never logged in to."""
        self._log_out(int.from_bytes(mad[24:32], "big"))
        return MadStatus.SUCCESS

    # -- the end of logins -----------------------------------------------------------------

    def _log_out(self, port_id: int) -> None:
        if (login := self._logins.pop(port_id, None)) is not None and login.process:
            login.target.storage.logout(self._port.nexus(login.target))

    def forget(self, target: TargetPort) -> bool:
        """The target has logged the client out, or is gone; whether it was logged in."""
        mine = [port_id for port_id, its in self._logins.items() if its.target is target]
        for port_id in mine:
            self._log_out(port_id)
        return bool(mine)

    def forget_all(self) -> None:
        for port_id in list(self._logins):
            self._log_out(port_id)

    def abandon(self) -> None:
        """As `forget_all`; but storage that others use at the moment learns it later."""
        for login in self._logins.values():
            if not login.process:
                continue
            nexus, storage = self._port.nexus(login.target), login.target.storage
            if storage.shared:
                self._port.leaving.append((storage, nexus))
            else:
                storage.logout(nexus)
        self._logins.clear()

    def resume(self) -> None:
        """Storage is to know, as before, whom it may have forgotten."""
        for login in self._logins.values():
            if login.process:
                login.target.storage.resume(self._port.nexus(login.target))

    def restore(self, port_id: int, *, process: bool) -> bool:
        """Be logged in as before; False where the target is not to be seen."""
        if (target := self._target(port_id)) is None:
            return False
        self._logins[port_id] = Login(target, process)
        if process:
            target.storage.resume(self._port.nexus(target))
        return True
