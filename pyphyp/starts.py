"""What a partition boots, and boots again when its guest asks for it; and how that is saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Protocol

from emu.bits import ByteOrder
from emu.state import U64, Length, StateError, check, record
from emu.values import frozen
from firmware import elf
from firmware.boot import BootImage

from .flat import FlatImage, byte_order_of
from .symbols import Symbols, of_elf

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from .compose import Composition

_IMAGE_LIMIT = 1 << 32

KERNEL, INITRD, PROGRAM = "kernel", "initrd", "program"
"""The sections of a saved partition that hold what was booted."""


class Start(Protocol):
    """What a partition boots, and boots again when the guest asks for it."""

    @property
    def byte_order(self) -> ByteOrder:
        """The program's own, as its ELF file says."""

    def symbols(self) -> Symbols:
        """What its file knows of names."""

    def start(self, composition: Composition) -> None: ...


class Booted:
    """A kernel that firmware loads."""

    def __init__(self, image: BootImage) -> None:
        self.image = image

    @classmethod
    def of(
        cls, kernel: Path | bytes, initrd: Path | bytes | None, bootargs: str, *, direct: bool
    ) -> Self:
        """The kernel and its initial file system given as files, or as their content."""
        initial = None if initrd is None else _bytes(initrd)
        return cls(BootImage(_bytes(kernel), initial, bootargs, direct))

    @property
    def byte_order(self) -> ByteOrder:
        return byte_order_of(self.image.kernel)

    def symbols(self) -> Symbols:
        return of_elf(self.image.kernel)

    def start(self, composition: Composition) -> None:
        composition.firmware.boot(self.image)


@frozen
class DeviceBoot:
    """The program that firmware finds on a disk or disc, each time it boots."""

    specifiers: str = ""
    bootargs: str | None = None

    @property
    def byte_order(self) -> ByteOrder:
        return ByteOrder.BIG

    def symbols(self) -> Symbols:
        return Symbols()

    def start(self, composition: Composition) -> None:
        composition.firmware.boot_from_device(self.specifiers, self.bootargs)


class Reader(Protocol):
    """A section that is read when it is needed."""

    def read(self, limit: int) -> bytes: ...


class Deferred:
    """What a saved partition booted: not read before its guest reboots."""

    def __init__(self, state: StartState, sections: dict[str, Reader]) -> None:
        self._state, self._sections = state, sections

    @property
    def byte_order(self) -> ByteOrder:
        return self.resolve().byte_order

    def symbols(self) -> Symbols:
        return self.resolve().symbols()

    def start(self, composition: Composition) -> None:
        self.resolve().start(composition)

    def resolve(self) -> Start:
        return rebuilt(
            self._state,
            {name: section.read(_IMAGE_LIMIT) for name, section in self._sections.items()},
        )


@record
class KernelState:
    """A kernel's arguments; it and its initial file system are sections of their own."""

    bootargs: str
    direct: bool


@record
class SegmentState:
    address: U64
    size: U64
    data_bytes: U64


@record
class ProgramState:
    """A program that needs no loader; its bytes are a section of their own."""

    entry: U64
    byte_order: ByteOrder
    entry_order: ByteOrder
    segments: Annotated[tuple[SegmentState, ...], Length(0, 4096)]


@record
class DeviceBootState:
    specifiers: str
    bootargs: str | None


@record
class StartState:
    """One of them, or none: then the guest cannot be booted again."""

    kernel: KernelState | None = None
    program: ProgramState | None = None
    device: DeviceBootState | None = None


def described(start: Start | None) -> tuple[StartState, dict[str, bytes]]:
    """What to keep of `start`: a record, and sections by name."""
    if isinstance(start, Deferred):
        start = start.resolve()
    if isinstance(start, Booted):
        image = start.image
        files = {KERNEL: image.kernel}
        if image.initrd is not None:
            files[INITRD] = image.initrd
        return StartState(kernel=KernelState(image.bootargs, image.direct)), files
    if isinstance(start, FlatImage):
        segments = start.executable.segments
        state = ProgramState(
            start.executable.entry,
            start.byte_order,
            start.entry_order,
            tuple(SegmentState(s.address, s.size, len(s.data)) for s in segments),
        )
        return StartState(program=state), {PROGRAM: b"".join(s.data for s in segments)}
    if isinstance(start, DeviceBoot):
        return StartState(device=DeviceBootState(start.specifiers, start.bootargs)), {}
    return StartState(), {}


def rebuilt(state: StartState, files: dict[str, bytes]) -> Start:
    """The start that `described` gave this for."""
    if state.kernel is not None:
        check(KERNEL in files, "the kernel is missing")
        its = state.kernel
        return Booted(BootImage(files[KERNEL], files.get(INITRD), its.bootargs, its.direct))
    if state.device is not None:
        return DeviceBoot(state.device.specifiers, state.device.bootargs)
    if state.program is None:
        raise StateError("what was booted was not saved")
    check(PROGRAM in files, "the program is missing")
    segments, at = [], 0
    for segment in state.program.segments:
        check(
            segment.data_bytes <= segment.size, "a segment of the program is longer than its place"
        )
        data = files[PROGRAM][at : at + segment.data_bytes]
        segments.append(elf.Segment(segment.address, data, segment.size))
        at += segment.data_bytes
    executable = elf.Executable(tuple(segments), state.program.entry)
    program = state.program
    return FlatImage(executable, program.byte_order, program.entry_order, Symbols)


def _bytes(source: Path | bytes) -> bytes:
    return source if isinstance(source, bytes) else source.read_bytes()
