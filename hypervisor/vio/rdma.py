"""Copies between a server's storage and its client's: logical remote DMA (LoPAR 17.2.3.2).

Both sides are named by windows: the server's own ones, and those of the clients it is connected
to.  A copy that reaches another partition's storage is made between two slices, when that does
not run; the calling processor waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from hypervisor.abi import H, HcallError
from hypervisor.hcall import HcallGroup, Postponed

from .tce import READ, WINDOW_BYTES, WRITE, DmaError, IoBusAddress, Liobn

if TYPE_CHECKING:
    from .pairs import PairEnd
    from .tce import TceTable, TceTables

hcalls = HcallGroup()

LONGEST_COPY = 128 << 10
"""Bytes of one H_COPY_RDMA.

There is no `ibm,max-virtual-dma-size` to say so: Linux reads that in the wrong byte order.
"""
_LONGEST_WRITE, _LONGEST_READ = 48, 72
"""What registers hold."""


class WindowsOfPartition(Protocol):
    @property
    def tce_tables(self) -> TceTables: ...
    @property
    def remote_windows(self) -> dict[Liobn, PairEnd]: ...
    @property
    def others_stand_still(self) -> bool: ...


class RdmaOwner(Protocol):
    @property
    def virtual_io(self) -> WindowsOfPartition: ...


class RdmaCaller(Protocol):
    """A processor whose partition has windows of its own and of its clients."""

    @property
    def partition(self) -> RdmaOwner: ...


class _Side:
    """Source or destination of a copy; `refusal` is what it is refused with."""

    def __init__(
        self, io: WindowsOfPartition, liobn: Liobn, ioba: IoBusAddress, length: int, refusal: H
    ) -> None:
        self._io, self._ioba, self._length = io, ioba, length
        self._own = io.tce_tables.find(liobn)
        self.remote = io.remote_windows.get(liobn)
        if self._own is None and self.remote is None:
            raise HcallError(refusal, f"no liobn {liobn:#x}")
        if ioba + length > WINDOW_BYTES:
            raise HcallError(refusal, f"{length} bytes at {ioba:#x} end behind the window")

    def check(self, access: int) -> TceTable:
        """The window, if it allows `access`; between slices where it is another partition's."""
        if self.remote is None:
            assert self._own is not None
            window = self._own
        elif not self._io.others_stand_still:
            raise Postponed
        else:
            self.remote.copied = True
            window = self.remote.window
        try:
            window.check(self._ioba, self._length, access)
        except DmaError as wrong:
            raise HcallError(H.PERMISSION, str(wrong)) from None
        return window


@hcalls.define(0x110, papr="17.2.3.2.1.1", function_set="hcall-rdma")
def h_copy_rdma(
    caller: RdmaCaller,
    length: int,
    source_liobn: Liobn,
    source: IoBusAddress,
    destination_liobn: Liobn,
    destination: IoBusAddress,
) -> None:
    """Copy up to 128 KiB from one DMA window to another, the partner's or the partition's own."""
    if length > LONGEST_COPY:
        raise HcallError(H.PARAMETER, f"{length} bytes: {LONGEST_COPY} at most")
    io = caller.partition.virtual_io
    from_ = _Side(io, source_liobn, source, length, H.S_PARM)
    to = _Side(io, destination_liobn, destination, length, H.D_PARM)
    data = from_.check(READ).read(source, length)
    to.check(WRITE).write(destination, data)


@hcalls.define(0x128, papr="17.2.3.2.1.2", function_set="hcall-rdma")
def h_write_rdma(
    caller: RdmaCaller,
    length: int,
    liobn: Liobn,
    destination: IoBusAddress,
    first: int,
    second: int,
    third: int,
    fourth: int,
    fifth: int,
    sixth: int,
) -> None:
    """Write up to 48 bytes, held in registers, to a DMA window."""
    if length > _LONGEST_WRITE:
        raise HcallError(H.PARAMETER, f"{length} bytes: {_LONGEST_WRITE} at most")
    to = _Side(caller.partition.virtual_io, liobn, destination, length, H.D_PARM)
    words = (first, second, third, fourth, fifth, sixth)
    data = b"".join(word.to_bytes(8, "big") for word in words)
    to.check(WRITE).write(destination, data[:length])


@hcalls.define(0x12C, papr="17.2.3.2.1.3", function_set="hcall-rdma")
def h_read_rdma(
    caller: RdmaCaller, length: int, liobn: Liobn, source: IoBusAddress
) -> tuple[int, ...]:
    """Read up to 72 bytes from a DMA window into registers."""
    if length > _LONGEST_READ:
        raise HcallError(H.PARAMETER, f"{length} bytes: {_LONGEST_READ} at most")
    from_ = _Side(caller.partition.virtual_io, liobn, source, length, H.S_PARM)
    data = from_.check(READ).read(source, length).ljust(_LONGEST_READ, b"\0")
    return tuple(int.from_bytes(data[at : at + 8], "big") for at in range(0, _LONGEST_READ, 8))
