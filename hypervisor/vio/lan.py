"""Virtual Ethernet adapters: the logical LAN (LoPAR 17.3).

The guest posts buffers; a frame that comes goes into the smallest that holds it, behind the eight
bytes by which the guest knows the buffer, and an entry of the receive queue tells of it.  What the
guest sends is gathered and handed to the switch.  All of storage that is touched, is by DMA.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

from emu.state import check
from hypervisor.abi import H, HcallError
from hypervisor.network.frame import BROADCAST, LONGEST, Frame, MacAddress
from hypervisor.network.offload import finished

from .adapter import AdapterKind, no_ioctl
from .lan_state import MOST_BUFFERS, MOST_FILTERS, LanState, OpenLanState
from .tce import PAGE, READ, WINDOW_BYTES, WRITE, DmaError

if TYPE_CHECKING:
    from hypervisor.network.switch import Port

    from .adapter import InterruptLine, Slot
    from .tce import TceTable

ENTRY_BYTES = 16
LEAST_BUFFER = 16
FIRMWARE_FRAMES = 64
"""Those that wait for firmware; what comes then is lost."""
_DROPPED_AT = 4088
"""Where in the buffer list the frames are counted for which no buffer was there."""


class Mark(IntFlag):
    """The high-order bits of a descriptor and, but for the first two, of a queue entry."""

    VALID = 0x8000_0000
    TOGGLE = 0x4000_0000
    LARGE_SEND = 0x0400_0000
    NO_CHECKSUM = 0x0200_0000
    CHECKSUM_GOOD = 0x0100_0000


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
_SETTABLE = Attribute.IPV4_CHECKSUM | Attribute.IPV6_CHECKSUM | Attribute.LARGE_RECEIVE


class Multicast(IntFlag):
    """The command of H_MULTICAST_CTRL: what to change, what to, and the table's command."""

    MODIFY_RECEPTION = 0x80000
    MODIFY_FILTERING = 0x40000
    ENABLE_RECEPTION = 0x20000
    ENABLE_FILTERING = 0x10000


_TABLE_COMMAND, _ADD, _REMOVE, _CLEAR = 0xFFFF, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A buffer as a register names it."""

    marks: int
    length: int
    ioba: int

    @classmethod
    def of(cls, value: int) -> Descriptor:
        return cls(value >> 32 & 0xFF00_0000, value >> 32 & 0xFF_FFFF, value & 0xFFFF_FFFF)

    @property
    def valid(self) -> bool:
        return bool(self.marks & Mark.VALID)

    @property
    def value(self) -> int:
        return self.marks << 32 | self.length << 32 | self.ioba


class _Opened:
    """What lasts from registering to freeing."""

    def __init__(self, buffer_list: int, queue: tuple[int, int]) -> None:
        self.buffer_list, self.queue = buffer_list, queue
        self.next = 0
        self.buffers: dict[int, deque[int]] = {}
        """Addresses by length."""
        self.count = 0
        self.no_buffer = 0

    def add(self, length: int, ioba: int) -> None:
        self.buffers.setdefault(length, deque()).append(ioba)
        self.count += 1

    def take(self, least: int) -> tuple[int, int] | None:
        """Length and address of the smallest buffer of at least so many bytes."""
        length = min((n for n in self.buffers if n >= least), default=None)
        if length is None:
            return None
        return length, self.take_of(length)

    def take_of(self, length: int) -> int:
        addresses = self.buffers[length]
        ioba = addresses.popleft()
        if not addresses:
            del self.buffers[length]
        self.count -= 1
        return ioba


class LanAdapter:
    """A virtual Ethernet adapter; `port` is where it is plugged in."""

    kind = AdapterKind.LAN

    def __init__(
        self, slot: Slot, dma: TceTable, interrupt: InterruptLine, address: MacAddress
    ) -> None:
        self.slot, self.dma, self.interrupt = slot, dma, interrupt
        self.burned_in = address
        """Its address as it was configured."""
        self.port: Port | None = None
        self._address = address
        self._attributes = Attribute(0)
        self._multicast = self._filtering = False
        self._groups: list[bytes] = []
        self._opened: _Opened | None = None
        self.firmware: deque[bytes] | None = None
        """Where frames go while firmware has it open, and the guest has not."""

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
        self._opened = _Opened(buffer_list, ring)
        self._address = MacAddress(address.to_bytes(8, "big")[2:])
        self._multicast = self._filtering = False
        self._groups = []
        self.interrupt.enabled = False

    def free(self) -> None:
        self._opened = None
        self.interrupt.enabled = False

    def _open(self) -> _Opened:
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
        used = [buffer for buffer in buffers if buffer.valid]
        if not used or sum(buffer.length for buffer in used) > LONGEST:
            raise HcallError(
                H.PARAMETER, f"a frame in {len(used)} buffers, {LONGEST} bytes at most"
            )
        marks = used[0].marks
        try:
            data = b"".join(self.dma.read(buffer.ioba, buffer.length) for buffer in used)
            frame = Frame.of(
                data,
                unfinished=bool(marks & Mark.NO_CHECKSUM),
                mss=mss & 0xFFFF if marks & Mark.LARGE_SEND else 0,
            )
        except (DmaError, ValueError) as refused:
            raise HcallError(H.PARAMETER, str(refused)) from None
        if self.port is None or not self.port.send(frame):
            raise HcallError(H.DROPPED, "nobody is there, or too much waits")

    def multicast(self, command: int, address: int) -> None:
        """Change what of multicast is taken: reception, filtering, the filter table."""
        if command & Multicast.MODIFY_RECEPTION:
            self._multicast = bool(command & Multicast.ENABLE_RECEPTION)
        if command & Multicast.MODIFY_FILTERING:
            self._filtering = bool(command & Multicast.ENABLE_FILTERING)
        group = address.to_bytes(8, "big")[2:]
        match command & _TABLE_COMMAND:
            case 0:
                pass
            case command if command == _ADD:
                if group not in self._groups:
                    if len(self._groups) >= MOST_FILTERS:
                        raise HcallError(H.CONSTRAINED, f"{MOST_FILTERS} filters are set")
                    self._groups.append(group)
            case command if command == _REMOVE:
                if group not in self._groups:
                    raise HcallError(H.PARAMETER, "no such filter")
                self._groups.remove(group)
            case command if command == _CLEAR:
                self._groups.clear()
            case other:
                raise HcallError(H.PARAMETER, f"no command {other} of the filter table")

    def change_address(self, address: int) -> None:
        self._address = MacAddress(address.to_bytes(8, "big")[2:])

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
        if self._opened is None:
            return False
        return self._multicast and (not self._filtering or group in self._groups)

    def receive(self, frame: Frame) -> None:
        """Put a frame into the guest's buffers, as far as it takes it unfinished."""
        checksums = self._attributes & (Attribute.IPV4_CHECKSUM | Attribute.IPV6_CHECKSUM)
        large = bool(self._attributes & Attribute.LARGE_RECEIVE)
        for_firmware = self._opened is None
        if for_firmware or (frame.mss and not large) or (frame.unfinished and not checksums):
            for piece in finished(frame):
                self._receive(piece)
        else:
            self._receive(frame)

    def _receive(self, frame: Frame) -> None:
        if (opened := self._opened) is None:
            if self.firmware is not None and len(self.firmware) < FIRMWARE_FRAMES:
                self.firmware.append(frame.wire)
            return
        data = frame.wire
        offset = 16 if frame.mss else 8
        if (found := opened.take(len(data) + offset)) is None:
            opened.no_buffer += 1
            self._count_dropped(opened)
            return
        _, ioba = found
        marks = 0
        if frame.unfinished:
            marks |= Mark.NO_CHECKSUM | Mark.CHECKSUM_GOOD
        head = frame.mss.to_bytes(8, "big") if frame.mss else b""
        if frame.mss:
            marks |= Mark.LARGE_SEND
        try:
            correlator = self.dma.read(ioba, 8)
            self.dma.write(ioba + 8, head + data)
            self._post(opened, _ENTRY_VALID | marks | offset, len(data), correlator)
        except DmaError:  # the guest's own fault: it loses the frame and the buffer
            return

    def _post(self, opened: _Opened, flags: int, length: int, correlator: bytes) -> None:
        base, size = opened.queue
        entries = size // ENTRY_BYTES
        place = base + opened.next % entries * ENTRY_BYTES
        toggle = 0 if opened.next // entries % 2 else _ENTRY_TOGGLE
        self.dma.write(place + 4, length.to_bytes(4, "big") + correlator)
        self.dma.write(place, (flags | toggle).to_bytes(4, "big"))
        opened.next += 1
        self.interrupt.signal()

    def _count_dropped(self, opened: _Opened) -> None:
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
            self._multicast,
            self._filtering,
            tuple(self._groups),
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
        self.interrupt.enabled, self._address = state.interrupts_enabled, MacAddress(state.address)
        self._attributes = Attribute(state.attributes & _SETTABLE)
        self._multicast, self._filtering = state.multicast, state.filtering
        self._groups = list(state.groups)
        self._opened = None
        if (its := state.opened) is not None:
            base, size = its.queue
            whole = size > 0 and not size % ENTRY_BYTES and 0 <= base <= WINDOW_BYTES - size
            check(whole, "a receive queue outside the window")
            opened = self._opened = _Opened(its.buffer_list, its.queue)
            opened.next, opened.no_buffer = its.next, its.no_buffer
            for length, ioba in its.buffers:
                valid = length >= LEAST_BUFFER and 0 <= ioba <= WINDOW_BYTES - length
                check(valid, f"a buffer of {length} bytes at {ioba:#x}")
                opened.add(length, ioba)
