"""Virtual Ethernet adapters: the logical LAN (LoPAR 17.3).

The guest posts buffers; a frame that comes goes into the smallest that holds it, behind the eight
bytes by which the guest knows the buffer, and an entry of the receive queue tells of it.  What the
guest sends is gathered and handed to the switch.  All of storage that is touched, is by DMA.
"""

from __future__ import annotations

from enum import IntFlag
from typing import TYPE_CHECKING

from emu.state import check
from hypervisor.abi import H, HcallError
from hypervisor.network.frame import BROADCAST, LONGEST, Frame, MacAddress
from hypervisor.network.offload import finished

from .adapter import AdapterKind, no_ioctl
from .lan_buffers import Descriptor, Mark, Opened
from .lan_groups import Groups
from .lan_state import MOST_BUFFERS, LanState, OpenLanState
from .tce import PAGE, READ, WINDOW_BYTES, WRITE, DmaError

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Collection

    from hypervisor.network.switch import Port

    from .adapter import InterruptLine, Slot
    from .tce import TceTable

ENTRY_BYTES = 16
LEAST_BUFFER = 16
FIRMWARE_FRAMES = 64
"""Those that wait for firmware; what comes then is lost."""
_DROPPED_AT = 4088
"""Where in the buffer list the frames are counted for which no buffer was there."""


_ENTRY_TOGGLE, _ENTRY_VALID = 0x8000_0000, 0x4000_0000


class Attribute(IntFlag):
    """What H_ILLAN_ATTRIBUTES tells and sets (LoPAR 17.3.3.8)."""

    ACTIVE_TRUNK = 0x1
    IPV4_CHECKSUM = 0x2
    IPV6_CHECKSUM = 0x4
    TRUNK_PRIORITY = 0xF00
    PADDED_CHECKSUM = 0x2000
    LARGE_SEND_SUPPORTED = 0x8000
    LARGE_RECEIVE = 0x10000


_ALWAYS = Attribute.PADDED_CHECKSUM | Attribute.LARGE_SEND_SUPPORTED
_CHECKSUMS = int(Attribute.IPV4_CHECKSUM | Attribute.IPV6_CHECKSUM)
_SETTABLE = Attribute.IPV4_CHECKSUM | Attribute.IPV6_CHECKSUM | Attribute.LARGE_RECEIVE


class LanAdapter:
    """A virtual Ethernet adapter; `port` is where it is plugged in."""

    kind = AdapterKind.LAN

    def __init__(
        self,
        slot: Slot,
        dma: TceTable,
        interrupt: InterruptLine,
        address: MacAddress,
        allowed: Collection[bytes] | None = None,
    ) -> None:
        """`allowed` are the addresses that the guest may take instead of `address`; None: any."""
        self.slot, self.dma, self.interrupt = slot, dma, interrupt
        self.burned_in = address
        """Its address as it was configured."""
        self._allowed = None if allowed is None else frozenset((address, *allowed))
        self.port: Port | None = None
        self._address = address
        self._attributes = Attribute(0)
        self._groups = Groups()
        self._opened: Opened | None = None
        self._firmware: deque[bytes] | None = None

    @property
    def firmware(self) -> deque[bytes] | None:
        """Where frames go while firmware has it open, and the guest has not."""
        return self._firmware

    @firmware.setter
    def firmware(self, frames: deque[bytes] | None) -> None:
        self._firmware = frames
        self._take_address(self._address)

    @property
    def use(self) -> str:
        return self.dma.use if self._opened is None else "it is open"

    def ioctl(self, subfunction: int, arguments: tuple[int, int, int]) -> tuple[int, ...]:
        return no_ioctl(subfunction)

    # -- what the guest does ---------------------------------------------------------------

    def register(self, buffer_list: int, queue: Descriptor, filters: int, address: int) -> None:
        """Open it, with an empty receive queue."""
        if self._opened is not None:
            raise HcallError(H.RESOURCE, "the adapter is open")
        ring = queue.ioba, queue.length
        if not queue.valid or ring[0] % ENTRY_BYTES or ring[1] % ENTRY_BYTES or not ring[1]:
            raise HcallError(H.PARAMETER, f"no receive queue: {queue.value:#x}")
        if buffer_list % PAGE or filters % PAGE:
            raise HcallError(H.PARAMETER, "buffer list and filter list are pages")
        own = self._permitted(address)
        try:
            self.dma.check(*ring, READ | WRITE)
            self.dma.check(filters, PAGE, READ | WRITE)
            stored = Descriptor(queue.marks & ~Mark.TOGGLE, queue.length, queue.ioba)
            filter_list = Descriptor(Mark.VALID, PAGE, filters)
            head = stored.value.to_bytes(8, "big") + filter_list.value.to_bytes(8, "big")
            self.dma.write(buffer_list, head.ljust(PAGE, b"\0"))
            self.dma.write(ring[0], bytes(ring[1]))
        except DmaError as refused:
            raise HcallError(H.PARAMETER, str(refused)) from None
        self._opened = Opened(buffer_list, ring)
        self._take_address(own)
        self._groups.reset()
        self.interrupt.enabled = False

    def free(self) -> None:
        self._opened = None
        self._take_address(self._address)
        self.interrupt.enabled = False

    def _open(self) -> Opened:
        if self._opened is None:
            raise HcallError(H.RESOURCE, "the adapter is not open")
        return self._opened

    def add_buffer(self, buffer: Descriptor) -> None:
        opened = self._open()
        if not buffer.valid or buffer.length < LEAST_BUFFER or buffer.length % 4:
            raise HcallError(H.PARAMETER, f"no buffer: {buffer.value:#x}")
        if buffer.ioba + buffer.length > WINDOW_BYTES:
            raise HcallError(H.PARAMETER, f"the buffer at {buffer.ioba:#x} leaves the window")
        if opened.count >= MOST_BUFFERS:
            raise HcallError(H.RESOURCE, f"{MOST_BUFFERS} buffers are posted")
        opened.add(buffer.length, buffer.ioba)

    def free_buffer(self, length: int) -> None:
        """Give a buffer of that length back, by an entry that is not valid."""
        opened = self._open()
        if length not in opened.buffers:
            raise HcallError(H.NOT_FOUND, f"no buffer of {length} bytes is posted")
        ioba = opened.take_of(length)
        try:
            self._post(opened, 0, 0, self.dma.read(ioba, 8))
        except DmaError as refused:
            raise HcallError(H.PARAMETER, str(refused)) from None

    def send(self, buffers: list[Descriptor], mss: int) -> None:
        """Send the frame that the valid ones of `buffers` hold."""
        self._open()
        used = [buffer for buffer in buffers if buffer.marks & Mark.VALID]
        length = sum([buffer.length for buffer in used])
        if not used or length > LONGEST:
            raise HcallError(H.PARAMETER, f"{length} bytes in {len(used)} buffers: {LONGEST} fit")
        marks = used[0].marks
        try:
            data = b"".join([self.dma.read(buffer.ioba, buffer.length) for buffer in used])
            frame = Frame.of(
                data,
                unfinished=bool(marks & Mark.NO_CHECKSUM),
                mss=mss & 0xFFFF if marks & Mark.LARGE_SEND else 0,
            )
        except (DmaError, ValueError) as refused:
            raise HcallError(H.PARAMETER, str(refused)) from None
        if not self._own_name(frame):
            raise HcallError(H.DROPPED, f"{frame.source.hex(':')} is not the adapter's address")
        if self.port is None or not self.port.send(frame):
            raise HcallError(H.DROPPED, "nobody is there, or too much waits")

    def _own_name(self, frame: Frame) -> bool:
        """Where addresses are not the guest's choice, frames bear its own; a trunk bridges."""
        if self._allowed is None or frame.source == self._address:
            return True
        return self.port is not None and bool(self.port.settings.trunk_priority)

    def multicast(self, command: int, address: int) -> None:
        """Change what of multicast is taken."""
        self._groups.command(command, address)

    def change_address(self, address: int) -> None:
        """From now on, be it open or not."""
        self._take_address(self._permitted(address))

    def _permitted(self, address: int) -> MacAddress:
        """A station's address that it may have: not a group's, nobody else's, and allowed."""
        wanted = MacAddress(address.to_bytes(8, "big")[2:])
        if wanted[0] & 1 or not any(wanted):
            raise HcallError(H.PARAMETER, f"{wanted.hex(':')} is no station's address")
        if self._allowed is not None and wanted not in self._allowed:
            raise HcallError(H.PARAMETER, f"the operator does not allow {wanted.hex(':')}")
        if self.port is not None and self.port.has_rival(wanted):
            raise HcallError(H.PARAMETER, f"another adapter has {wanted.hex(':')}")
        return wanted

    def _take_address(self, address: MacAddress) -> None:
        self._address = address
        if self.port is not None:
            self.port.address_changed()

    def attributes(self, reset: int, set_: int) -> int:
        """Change those that can be; all of them as they are then."""
        self._attributes = Attribute(
            (self._attributes & ~reset | set_) & _SETTABLE,
        )
        shown = int(self._attributes | _ALWAYS)
        if self.port is not None and (priority := self.port.settings.trunk_priority):
            shown |= priority << 8
            shown |= Attribute.ACTIVE_TRUNK if self.port.active_trunk else 0
        return shown

    # -- what the switch does --------------------------------------------------------------

    @property
    def address(self) -> MacAddress | None:
        if self._opened is not None:
            return self._address
        return None if self.firmware is None else self.burned_in

    def wants(self, group: MacAddress) -> bool:
        if group == BROADCAST:
            return self._opened is not None or self.firmware is not None
        return self._opened is not None and self._groups.wants(group)

    def receive(self, frame: Frame) -> None:
        """Put a frame into the guest's buffers, as far as it takes it unfinished."""
        if (frame.mss or frame.unfinished) and not self._takes_unfinished(frame):
            for piece in finished(frame):
                self._receive(piece)
        else:
            self._receive(frame)

    def _takes_unfinished(self, frame: Frame) -> bool:
        if self._opened is None:  # firmware
            return False
        has = int(self._attributes)
        if frame.unfinished and not has & _CHECKSUMS:
            return False
        return not frame.mss or bool(has & int(Attribute.LARGE_RECEIVE))

    def _receive(self, frame: Frame) -> None:
        if (opened := self._opened) is None:
            if self.firmware is not None and len(self.firmware) < FIRMWARE_FRAMES:
                self.firmware.append(frame.wire)
            return
        data = frame.wire
        offset = 16 if frame.mss else 8
        if (found := opened.take(len(data) + offset)) is None:
            self._drop(opened)
            return
        _, ioba = found
        marks = 0
        if frame.unfinished:
            marks |= Mark.NO_CHECKSUM | Mark.CHECKSUM_GOOD
        head = frame.mss.to_bytes(8, "big") if frame.mss else b""
        marks |= Mark.LARGE_SEND if frame.mss else 0
        try:
            correlator = self.dma.read(ioba, 8)
            self.dma.write(ioba + 8, head + data if head else data)
            self._post(opened, _ENTRY_VALID | marks | offset, len(data), correlator)
        except DmaError:  # the guest's own fault: it loses the frame and the buffer
            return

    def _post(self, opened: Opened, flags: int, length: int, correlator: bytes) -> None:
        base, size = opened.queue
        entries = size // ENTRY_BYTES
        place = base + opened.next % entries * ENTRY_BYTES
        toggle = 0 if opened.next // entries % 2 else _ENTRY_TOGGLE
        self.dma.write(
            place, (flags | toggle).to_bytes(4, "big") + length.to_bytes(4, "big") + correlator
        )
        opened.next += 1
        self.interrupt.signal()

    def _drop(self, opened: Opened) -> None:
        opened.no_buffer += 1
        if self.port is not None:
            self.port.counts.lost += 1
        try:
            self.dma.write(opened.buffer_list + _DROPPED_AT, opened.no_buffer.to_bytes(8, "big"))
        except DmaError:
            return

    # -- state -----------------------------------------------------------------------------

    def state(self) -> LanState:
        opened = self._opened
        return LanState(
            self.slot.number,
            self.interrupt.enabled,
            self._address,
            int(self._attributes),
            self._groups.taken,
            self._groups.filtered,
            tuple(self._groups.table),
            None
            if opened is None
            else OpenLanState(
                opened.buffer_list,
                opened.queue,
                opened.next,
                tuple((n, at) for n, places in opened.buffers.items() for at in places),
                opened.no_buffer,
            ),
        )

    def restore(self, state: LanState) -> None:
        check(state.slot == self.slot.number, f"the adapter of slot {state.slot}")
        self.interrupt.enabled = state.interrupts_enabled
        self._attributes = Attribute(state.attributes & _SETTABLE)
        self._groups.taken, self._groups.filtered = state.multicast, state.filtering
        self._groups.table = list(state.groups)
        self._opened = None
        if (its := state.opened) is not None:
            base, size = its.queue
            whole = size > 0 and not size % ENTRY_BYTES and 0 <= base <= WINDOW_BYTES - size
            check(whole, "a receive queue outside the window")
            opened = self._opened = Opened(its.buffer_list, its.queue)
            opened.next, opened.no_buffer = its.next, its.no_buffer
            for length, ioba in its.buffers:
                valid = length >= LEAST_BUFFER and 0 <= ioba <= WINDOW_BYTES - length
                check(valid, f"a buffer of {length} bytes at {ioba:#x}")
                opened.add(length, ioba)
        self._take_address(MacAddress(state.address))
