"""The server of a virtual Fibre Channel client adapter: its queues, and who answers what.

What concerns storage that several partitions see waits until their slices are over; commands to
storage that is frozen wait until it is thawed.  All else is done when its hypercall returns.
"""

from __future__ import annotations

import struct
from functools import partial
from typing import TYPE_CHECKING

from emu.state import check
from hypervisor.abi import H, HcallError
from hypervisor.san.storage import lun_bytes
from hypervisor.vio.crq import (
    INITIALIZATION,
    PAYLOAD,
    Element,
    Initialization,
    TransportEvent,
)
from hypervisor.vio.sub_crq import Reachable
from hypervisor.vio.tce import DmaError
from hypervisor.vio.vscsi import ServerIdentity

from . import fcp
from .channels import Channels
from .events import Events
from .fcp import Flag, Outcome, TaskManagement
from .formats import (
    ASYNC_BYTES,
    MAD,
    Event,
    Fault,
    Format,
    LinkState,
    MadStatus,
    Opcode,
)
from .logins import Logins
from .npiv import Npiv
from .passthru import pass_through
from .waiting import MOST_COMMANDS, VfcState, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypervisor.san.fabric import ClientPort, TargetPort
    from hypervisor.vio.sub_crq import ChannelAdapter

    from .logins import Login

_LUN_VALID = 0x40


class VfcServer:
    """Serves the client behind `adapter`, whose port is `port`.

    `device` and `location` are those of the server's own adapter.  Unless it is `present`, the
    Virtual I/O Server that has it does not run yet.
    """

    def __init__(
        self,
        adapter: ChannelAdapter,
        port: ClientPort,
        identity: ServerIdentity | None = None,
        *,
        device: str = "vfchost0",
        location: str = "",
        present: bool = True,
    ) -> None:
        self.adapter, self.port = adapter, port
        self.npiv = Npiv(port, identity or ServerIdentity(), device, location)
        self.logins = Logins(port)
        self.channels = Channels(adapter)
        self.events = Events(adapter)
        self._waiting: list[Waiting] = []
        port.listener = self
        adapter.channel_server, adapter.port_names = self, port.wwpns
        if present:
            adapter.server = self

    # -- the Virtual I/O Server ------------------------------------------------------------

    def server_came(self) -> None:
        """A client whose queue is open begins."""
        self.adapter.server = self
        self.adapter.post(Element.of(INITIALIZATION, Initialization.INIT))

    def server_left(self) -> None:
        """Nobody answers the client any more."""
        self.reset()
        self.adapter.server = None
        self.adapter.transport_event(TransportEvent.PARTNER_FAILED)

    def remove(self) -> None:
        """The adapter is no more."""
        self.reset()
        self.port.listener = None

    def reachable(self) -> Iterator[Reachable]:
        fabric = self.port.fabric
        for target in () if fabric is None else fabric.targets(self.port):
            for number, unit in target.storage:
                lun = lun_bytes(number)
                execute = partial(target.storage.execute, lun)
                yield Reachable(target.wwpn, lun, unit, self.port.nexus(target), execute)

    # -- the queues ------------------------------------------------------------------------

    def reset(self) -> None:
        """The client opened or closed its queue."""
        self._waiting.clear()
        self.logins.abandon()
        self.channels.handles.clear()
        self.npiv.logged_in, self.events.queue = False, None

    def channel(self, handle: int) -> int | None:
        queue = self.channels.handles.get(handle)
        return queue if queue in self.adapter.queues else None

    def queue_freed(self, channel: int) -> None:
        self.channels.freed(channel)

    def receive(self, element: Element) -> None:
        self._take(None, element)

    def receive_on(self, channel: int, element: Element) -> None:
        self._take(channel, element)

    def _take(self, channel: int | None, element: Element) -> None:
        address = element.low
        try:
            match element.format:
                case Format.COMMAND:
                    self._take_command(channel, address)
                case Format.MAD:
                    self._take_mad(channel, address)
                case other:
                    raise HcallError(H.PARAMETER, f"message format {other:#04x}")
        except DmaError as wrong:
            raise HcallError(H.PARAMETER, f"an information unit at {address:#x}: {wrong}") from None

    def _wait(self, waiting: Waiting) -> None:
        if len(self._waiting) >= MOST_COMMANDS:
            raise HcallError(H.DROPPED, "too many requests are under way")
        self._waiting.append(waiting)

    def carry_out(self) -> bool:
        """Do what had to wait, as far as it need not any more; whether there was anything."""
        waiting, self._waiting = self._waiting, []
        for its in waiting:
            try:
                if its.form != Format.COMMAND:
                    self._do_mad(its.channel, its.address)
                    continue
                command = self._read(its.address)
            except DmaError:
                continue  # the client has taken its request away
            if self._is_frozen(its.port_id) and not command.flags & Flag.TASK_MANAGEMENT:
                self._waiting.append(its)
            else:
                self._do_command(its.channel, command)
        return len(self._waiting) < len(waiting)

    def _is_frozen(self, port_id: int) -> bool:
        login = self.logins.find(port_id)
        return login is not None and login.target.storage.frozen

    def _answer(self, channel: int | None, form: int, tag: bytes) -> None:
        element = Element(PAYLOAD << 56 | form << 48, int.from_bytes(tag, "big"))
        if channel is None:
            self.adapter.post(element)
        elif (queue := self.adapter.queues.get(channel)) is not None:
            queue.post(element)

    # -- commands --------------------------------------------------------------------------

    def _read(self, address: int) -> fcp.Command:
        place = fcp.SECOND_VERSION if self.npiv.named else fcp.FIRST_VERSION
        return fcp.read_command(self.adapter.dma, address, place)

    def _take_command(self, channel: int | None, address: int) -> None:
        command = self._read(address)
        login = self.logins.find(command.port_id)
        if login is not None and (login.target.storage.shared or login.target.storage.frozen):
            managed = command.flags & Flag.TASK_MANAGEMENT
            if login.target.storage.shared or not managed:
                its = command.port_id, command.lun, command.cancel_key
                self._wait(Waiting(channel, Format.COMMAND, address, *its))
                return
        self._do_command(channel, command)

    def _do_command(self, channel: int | None, command: fcp.Command) -> None:
        if command.flags & Flag.TASK_MANAGEMENT:
            outcome = self._manage(command)
        elif isinstance(found := self._usable(command.port_id), Fault):
            outcome = Outcome(found)
        else:
            nexus = self.port.nexus(found.target)
            outcome = fcp.execute(command, found.target.storage, nexus, self.adapter.dma)
        self._finish(channel, command, outcome)

    def _usable(self, port_id: int) -> Login | Fault:
        """The login that a command needs, or what it lacks."""
        login = self.logins.find(port_id)
        if login is not None and login.process:
            return login
        if not self.port.online:
            return Fault.LINK_DOWN
        fabric = self.port.fabric
        if fabric is None or fabric.target(self.port, port_id) is None:
            return Fault.NETWORK_DOWN
        return Fault.LOGIN_REQUIRED

    def _finish(self, channel: int | None, command: fcp.Command, outcome: Outcome) -> None:
        try:
            fcp.write_outcome(command, outcome, self.adapter.dma)
        except DmaError:
            return  # whoever takes its request away gets no answer
        self._answer(channel, Format.COMMAND, command.tag)

    def _manage(self, command: fcp.Command) -> Outcome:
        """A task management function."""
        if isinstance(found := self._usable(command.port_id), Fault):
            return Outcome(found)
        storage, lun = found.target.storage, command.lun
        match command.management:
            case TaskManagement.ABORT_TASK_SET | TaskManagement.CLEAR_TASK_SET:
                self._cancel(command.port_id, lun=lun)
            case TaskManagement.UNIT_RESET:
                if (unit := storage.find(lun)) is None:
                    return Outcome(Fault.SCSI, managed=fcp.WRONG_LUN)
                self._cancel(command.port_id, lun=lun)
                unit.reset()
            case TaskManagement.TARGET_RESET:
                self._cancel(command.port_id)
                storage.reset()
            case _:
                return Outcome(Fault.SCSI, managed=fcp.REJECTED)
        return Outcome(Fault.NONE, managed=fcp.COMPLETE)

    def _cancel(
        self,
        port_id: int | None,
        *,
        lun: bytes | None = None,
        key: int | None = None,
        fault: Fault = Fault.CANCELLED,
    ) -> None:
        """End commands that wait for a target; without `port_id`, all of them."""
        kept = []
        for its in self._waiting:
            if (
                its.form != Format.COMMAND
                or port_id not in (None, its.port_id)
                or lun not in (None, its.lun)
                or key not in (None, its.cancel_key)
            ):
                kept.append(its)
                continue
            try:
                self._finish(its.channel, self._read(its.address), Outcome(fault))
            except DmaError:
                continue
        self._waiting = kept

    # -- management datagrams --------------------------------------------------------------

    def _take_mad(self, channel: int | None, address: int) -> None:
        dma = self.adapter.dma
        _, opcode, _, _, _ = MAD.unpack(dma.read(address, MAD.size))
        waits = False
        if opcode in self.logins.handlers:
            mad = dma.read(address, Opcode(opcode).size)
            waits = any(its.storage.shared for its in self.logins.targets_of(opcode, mad))
        elif opcode == Opcode.NPIV_LOGOUT:
            waits = any(login.target.storage.shared for login in self.logins)
        if waits:
            self._wait(Waiting(channel, Format.MAD, address))
        else:
            self._do_mad(channel, address)

    def _do_mad(self, channel: int | None, address: int) -> None:
        dma = self.adapter.dma
        version, opcode, _, length, tag = MAD.unpack(dma.read(address, MAD.size))
        try:
            mad = bytearray(dma.read(address, Opcode(opcode).size))
        except ValueError:
            mad, status = bytearray(MAD.size), MadStatus.NOT_SUPPORTED
        else:
            status = self._status(opcode, mad)
        mad[: MAD.size] = MAD.pack(version, opcode, status, length, tag)
        dma.write(address, bytes(mad))
        self._answer(channel, Format.MAD, tag)

    def _status(self, opcode: int, mad: bytearray) -> MadStatus:
        """Carry out a datagram in place."""
        if opcode == Opcode.NPIV_LOGIN:
            self.logins.abandon()
            return self.npiv.log_in(mad, self.adapter.dma, self.events)
        if not self.npiv.logged_in:
            return MadStatus.FAILED
        if (handler := self.logins.handlers.get(opcode)) is not None:
            return handler(mad)
        match opcode:
            case Opcode.NPIV_LOGOUT:
                self._cancel(None)
                self.logins.forget_all()
                self.npiv.logged_in = False
                return MadStatus.SUCCESS
            case Opcode.DISCOVER_TARGETS:
                return self.npiv.discover(mad, self.adapter.dma)
            case Opcode.TASK_MANAGEMENT:
                flags, key = struct.unpack_from(">II", mad, 40)
                lun = bytes(mad[32:40]) if flags & _LUN_VALID else None
                self._cancel(int.from_bytes(mad[24:32], "big"), lun=lun, key=key)
                return MadStatus.SUCCESS
            case Opcode.PASSTHRU:
                return pass_through(mad, self.port, self.adapter.dma)
            case Opcode.CHANNEL_ENQUIRY:
                return self.channels.enquire(mad)
            case Opcode.CHANNEL_SETUP:
                return self.channels.set_up(mad)
            case Opcode.CONNECTION_INFO:
                return self.channels.inform(mad)
        return MadStatus.NOT_SUPPORTED

    # -- events ----------------------------------------------------------------------------

    def link_changed(self) -> None:
        if self.port.online:
            self.events.tell(Event.LINK_UP, LinkState.UP)
            return
        self._cancel(None, fault=Fault.LINK_DOWN)
        self.logins.forget_all()
        self.events.tell(Event.LINK_DOWN, LinkState.DOWN)

    def targets_changed(self) -> None:
        fabric = self.port.fabric
        for login in self.logins:
            if fabric is None or not fabric.sees(self.port, login.target):
                self._cancel(login.target.port_id, fault=Fault.NETWORK_DOWN)
                self.logins.forget(login.target)
        self.events.tell(Event.STATE_CHANGE)

    def target_reset(self, target: TargetPort) -> None:
        self._cancel(target.port_id, fault=Fault.TRANSPORT_FAULT)
        if self.logins.forget(target):
            self.events.tell(Event.LOGOUT, target=target)

    # -- state -----------------------------------------------------------------------------

    def state(self) -> VfcState:
        return VfcState(
            slot=self.adapter.slot.number,
            logged_in=self.npiv.logged_in,
            named=self.npiv.named,
            events=self.events.queue,
            next_event=self.events.next,
            logins={its.target.port_id: its.process for its in self.logins},
            channels=dict(self.channels.handles),
            waiting=tuple(self._waiting),
        )

    def restore(self, state: VfcState) -> None:
        """Take a client's state over; targets that are not to be seen here are logged out."""
        check(state.slot == self.adapter.slot.number, f"the login of slot {state.slot}")
        check(state.events is None or state.events[1] >= ASYNC_BYTES, "no room for an event")
        self.npiv.logged_in, self.npiv.named = state.logged_in, state.named
        self.events.queue, self.events.next = state.events, state.next_event
        self.channels.handles = dict(state.channels)
        self._waiting = list(state.waiting)
        for port_id, process in state.logins.items():
            self.logins.restore(port_id, process=process)
