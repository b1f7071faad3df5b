"""Virtual SCSI: the server's side, played by the hypervisor (LoPAR 17.2.3.1, SRP).

The client sends the address of an information unit through its queue; the server reads it by DMA,
carries it out and writes the response over it.  Commands are done when their hypercall returns,
in the order they came, so nothing is ever under way.  Where partitions that run side by side share
a disk, all of an adapter's wait until nobody runs.
"""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import TYPE_CHECKING

from emu.state import record
from emu.values import frozen
from hypervisor.abi import H, HcallError
from hypervisor.scsi.command import Nexus, Task
from hypervisor.scsi.disk import LONGEST_TRANSFER
from hypervisor.scsi.status import CheckConditionError, ReservationConflictError, Status
from hypervisor.scsi.unit import padded

from . import srp
from .crq import INITIALIZATION, PAYLOAD, Element, Initialization, TransportEvent
from .srp import FormatError, Opcode
from .tce import DmaError

if TYPE_CHECKING:
    from hypervisor.scsi.target import Targets

    from .crq import CrqAdapter
    from .srp import Buffer
    from .tce import TceTable

CREDIT = 100
"""Requests that a client may have under way."""
MOST_TRANSFER = 1 << 20
"""Bytes of one command that clients are told to keep to."""
_VERSION = b"16.a"
_AIX = 3
"""The operating system of a Virtual I/O Server; clients tell what it can by this."""
_MAD_VERSION = 1


class Format(IntEnum):
    """The second byte of a queue element."""

    SRP = 0x01
    MAD = 0x02


class Failure(IntEnum):
    """The status of a queue element whose information unit was not answered."""

    NONRECOVERABLE = 0x01


class Mad(IntEnum):
    """Management datagrams."""

    EMPTY = 0x01
    ERROR_LOG = 0x02
    ADAPTER_INFO = 0x03
    CAPABILITIES = 0x05
    ENABLE_FAST_FAIL = 0x08


class MadStatus(IntEnum):
    SUCCESS = 0x00
    NOT_SUPPORTED = 0xF1
    FAILED = 0xF7


_MAD = struct.Struct(">IHH8s")
_INFO = struct.Struct(">8s96sIII8I")
_CAPABILITIES_BYTES, _WITHOUT_RESERVATION = 92, 80
_LISTED = 0x04 | 0x08
_SUPPORTED = 1


@frozen
class ServerIdentity:
    """The partition that plays the server, as clients are told."""

    name: str = "vios"
    number: int = 0
    location: str = ""


@record
class VscsiState:
    """What the server keeps of its client between two commands."""

    slot: int
    logged_in: bool
    locked: tuple[tuple[int, int], ...]
    """Targets and logical unit numbers of drives whose medium it keeps in."""


class VscsiServer:
    """Serves the units of `targets` to the client behind `adapter`."""

    def __init__(
        self,
        adapter: CrqAdapter,
        targets: Targets,
        nexus: Nexus,
        identity: ServerIdentity | None = None,
        *,
        side_by_side: bool = False,
    ) -> None:
        self.adapter, self.targets, self.nexus = adapter, targets, nexus
        self.identity = identity or ServerIdentity(targets.server, targets.number)
        self._logged_in = False
        self._side_by_side = side_by_side
        self._waiting: list[Element] = []
        self._left = 0
        """Which registration of the client's it was when the server ended."""
        targets.join(self)
        adapter.server = self if targets.present else None

    def reset(self) -> None:
        """The client opened or closed its queue."""
        self._waiting.clear()
        self._logged_in = False
        self.targets.logout(self.nexus)

    def remove(self) -> None:
        """The adapter is no more."""
        self.reset()
        self.targets.leave(self)

    def go(self) -> None:
        """The server ends; the client is told."""
        self.reset()
        self._left = self.adapter.registrations
        self.adapter.server = None
        self.adapter.transport_event(TransportEvent.PARTNER_FAILED)

    def come(self) -> None:
        """The server is there again, and begins anew with a client that waits for it.

        One that has still to learn that the server was gone will begin itself.
        """
        self.adapter.server = self
        if self.adapter.registrations != self._left:
            self.adapter.post(Element.of(INITIALIZATION, Initialization.INIT))

    def state(self) -> VscsiState:
        locked = tuple(
            (at.target, at.lun) for at, unit in self.targets if unit.locked_by(self.nexus)
        )
        return VscsiState(self.adapter.slot.number, self._logged_in, locked)

    def restore(self, state: VscsiState) -> None:
        self._logged_in = state.logged_in
        if self._logged_in:
            self.targets.resume(self.nexus)
        for address, unit in self.targets:
            if address in state.locked:
                unit.lock(self.nexus, on=True)

    # -- the queue -------------------------------------------------------------------------

    def receive(self, element: Element) -> None:
        length = element.high & 0xFFFF
        if length > srp.UNIT_BYTES:
            raise HcallError(H.PARAMETER, f"an information unit of {length} bytes: at most 256")
        if not (self._side_by_side and self.targets.shared):
            self._carry_out(element)
        elif len(self._waiting) < CREDIT:
            self._waiting.append(element)
        else:
            raise HcallError(H.DROPPED, f"{CREDIT} messages wait already")

    def settle(self) -> bool:
        """Nobody runs: carry out what waited for that; whether anything did."""
        waiting, self._waiting = self._waiting, []
        for element in waiting:
            try:
                self._carry_out(element)
            except HcallError:
                continue  # the client asked for nothing that can be answered
        return bool(waiting)

    def _carry_out(self, element: Element) -> None:
        address = element.low
        try:
            unit = self.adapter.dma.read(address, srp.UNIT_BYTES)
        except DmaError as wrong:
            raise HcallError(H.PARAMETER, f"an information unit at {address:#x}: {wrong}") from None
        match element.format:
            case Format.SRP:
                answer = self._srp(unit)
            case Format.MAD:
                answer = self._mad(unit)
            case other:
                raise HcallError(H.PARAMETER, f"message format {other:#04x}")
        self._answer(element.format, address, unit[8:16], answer)

    def _answer(self, form: int, address: int, tag: bytes, answer: bytes | None) -> None:
        """Write `answer` over the request, and tell; None: the request meant nothing."""
        status = 0
        if answer is None:
            status, answer = Failure.NONRECOVERABLE, b""
        try:
            self.adapter.dma.write(address, answer)
        except DmaError:
            status, answer = Failure.NONRECOVERABLE, b""
        high = PAYLOAD << 56 | form << 48 | status << 32 | len(answer)
        self.adapter.post(Element(high, int.from_bytes(tag, "big")))

    # -- SRP -------------------------------------------------------------------------------

    def _srp(self, unit: bytes) -> bytes | None:
        opcode, tag = unit[0], unit[8:16]
        if opcode == Opcode.LOGIN_REQUEST:
            self._logged_in = True
            self.targets.login(self.nexus)
            return srp.login_response(tag, CREDIT)
        if not self._logged_in:
            return None
        match opcode:
            case Opcode.COMMAND:
                return self._command(unit, tag)
            case Opcode.TASK_MANAGEMENT:
                return srp.response(tag, task_result=self._manage(unit[30], unit[20:28]))
            case Opcode.INITIATOR_LOGOUT:
                self.reset()
                return srp.response(tag)
        return None

    def _command(self, unit: bytes, tag: bytes) -> bytes | None:
        dma = self.adapter.dma
        try:
            command = srp.command_unit(unit, dma)
            data = command.data_out.read(dma, LONGEST_TRANSFER)
            task = Task(self.nexus, padded(command.cdb), data)
            result = self.targets.execute(command.lun, task)
            moved = command.data_in.write(dma, result)
        except (FormatError, DmaError):
            return None
        except CheckConditionError as failed:
            return _failed(tag, command.data_in, dma, failed)
        except ReservationConflictError:
            return srp.response(tag, status=Status.RESERVATION_CONFLICT)
        return srp.response(tag, in_left=command.data_in.length - moved & 0xFFFFFFFF)

    def _manage(self, function: int, lun: bytes) -> int:
        """The result of a task management function; nothing is ever left to abort."""
        complete, unsupported, failed = 0, 4, 5
        unit = self.targets.find(lun)
        match function:
            case 0x01 | 0x02 | 0x04:  # abort task, abort and clear task set
                return complete
            case 0x08:
                if unit is None:
                    return failed
                unit.reset()
                return complete
        return unsupported

    # -- management datagrams --------------------------------------------------------------

    def _mad(self, unit: bytes) -> bytes | None:
        kind, _, length, tag = _MAD.unpack_from(unit)
        buffer = int.from_bytes(unit[16:24], "big")
        status = MadStatus.SUCCESS
        try:
            match kind:
                case Mad.ADAPTER_INFO:
                    if length < _INFO.size:
                        status = MadStatus.FAILED
                    else:
                        self.adapter.dma.write(buffer, self._information())
                case Mad.CAPABILITIES:
                    status = self._capabilities(buffer, length)
                case Mad.EMPTY | Mad.ERROR_LOG | Mad.ENABLE_FAST_FAIL:
                    pass
                case _:
                    status = MadStatus.NOT_SUPPORTED
        except DmaError:
            status = MadStatus.FAILED
        return _MAD.pack(kind, status, length, tag)

    def _information(self) -> bytes:
        return _INFO.pack(
            _VERSION,
            self.identity.name.encode()[:95],
            self.identity.number,
            _MAD_VERSION,
            _AIX,
            MOST_TRANSFER,
            *[0] * 7,
        )

    def _capabilities(self, buffer: int, length: int) -> MadStatus:
        """Migration and, where the client asks, reservations of SCSI-2 are supported."""
        if length not in (_CAPABILITIES_BYTES, _WITHOUT_RESERVATION):
            return MadStatus.FAILED
        asked = bytearray(self.adapter.dma.read(buffer, length))
        asked[0:4] = (int.from_bytes(asked[0:4], "big") | _LISTED).to_bytes(4, "big")
        asked[4:36] = self.identity.name.encode()[:31].ljust(32, b"\0")
        asked[36:68] = self.identity.location.encode()[:31].ljust(32, b"\0")
        for at in range(68, length, 12):
            asked[at + 6 : at + 8] = _SUPPORTED.to_bytes(2, "big")
        self.adapter.dma.write(buffer, bytes(asked))
        return MadStatus.SUCCESS


def _failed(tag: bytes, into: Buffer, dma: TceTable, failed: CheckConditionError) -> bytes | None:
    """The response to a command that failed, having read what it could."""
    left = 0
    if failed.data:
        try:
            left = into.length - into.write(dma, failed.data) & 0xFFFFFFFF
        except DmaError:
            return None
    return srp.response(tag, status=Status.CHECK_CONDITION, sense=failed.sense, in_left=left)
