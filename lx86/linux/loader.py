"""From an ELF file to a program's first instruction (System V ABI, its i386 and AMD64 supplements).

A file is looked at wholly before anything of the old program goes: what cannot be loaded is
refused with ENOEXEC, and the caller lives on.
"""

from __future__ import annotations

import errno
import os
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from lx86.cpu import USER_CODE_64, X86State
from lx86.spaces import SPACE_32, SPACE_64
from lx86.storage import EXECUTE, PAGE, READ, WRITE, Page

from .call import refuse
from .memory import STACK_SIZE, page_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .memory import Memory

_EXECUTABLE, _SHARED_OBJECT = 2, 3
_LOAD, _INTERPRETER, _STACK = 1, 3, 0x6474_E551
_MOST_HEADER = 64


@dataclass(frozen=True, slots=True)
class Format:
    """ELF files of one architecture: `word` bytes an address, `start` of the file, `machine`."""

    word: int
    start: bytes
    machine: int
    header: struct.Struct
    segment: struct.Struct
    platform: bytes


FORMATS = (
    Format(
        4, b"\x7fELF\1\1\1", 3, struct.Struct("<16s HHI III I HHHHHH"), struct.Struct("<8I"),
        b"i686",
    ),
    Format(
        8, b"\x7fELF\2\1\1", 62, struct.Struct("<16s HHI QQQ I HHHHHH"),
        struct.Struct("<2I6Q"), b"x86_64",
    ),
)  # fmt: skip


class Aux(IntEnum):
    """The entries of the auxiliary vector."""

    NULL = 0
    PHDR = 3
    PHENT = 4
    PHNUM = 5
    PAGESZ = 6
    BASE = 7
    FLAGS = 8
    ENTRY = 9
    UID = 11
    EUID = 12
    GID = 13
    EGID = 14
    PLATFORM = 15
    HWCAP = 16
    CLKTCK = 17
    SECURE = 23
    RANDOM = 25
    EXECFN = 31


@dataclass(frozen=True, slots=True)
class Segment:
    """A program header."""

    kind: int
    offset: int
    address: int
    file_size: int
    memory_size: int
    flags: int

    @property
    def permissions(self) -> Page:
        """PF_X, PF_W and PF_R are 1, 2 and 4."""
        kind = Page(0)
        kind |= READ if self.flags & 4 else kind
        kind |= WRITE | READ if self.flags & 2 else kind
        kind |= EXECUTE if self.flags & 1 else kind
        return kind


@dataclass(frozen=True, slots=True)
class Image:
    """An ELF file that can be loaded, held open."""

    file: int
    form: Format
    kind: int
    entry: int
    headers: int
    """Where in the file the program headers are."""
    segments: tuple[Segment, ...]

    @property
    def loads(self) -> list[Segment]:
        return [s for s in self.segments if s.kind == _LOAD and s.memory_size]

    @property
    def low(self) -> int:
        return min(s.address for s in self.loads) & -PAGE

    @property
    def high(self) -> int:
        return page_up(max(s.address + s.memory_size for s in self.loads))

    @property
    def executable_stack(self) -> bool:
        """Without PT_GNU_STACK a program is of the time when what could be read could run."""
        stacks = [s.flags for s in self.segments if s.kind == _STACK]
        return not stacks or bool(stacks[-1] & 1)

    def interpreter(self) -> bytes | None:
        """The path of the dynamic linker that the file asks for."""
        for segment in self.segments:
            if segment.kind == _INTERPRETER:
                path = os.pread(self.file, min(segment.file_size, 4096), segment.offset)
                if not path.endswith(b"\0"):
                    refuse(errno.ENOEXEC, "its interpreter's name does not end")
                return path.partition(b"\0")[0]
        return None


def read_image(file: int) -> Image:
    """The ELF file behind a descriptor; raises OSError (ENOEXEC) if it is none for an x86."""
    header = os.pread(file, _MOST_HEADER, 0)
    if len(header) < FORMATS[0].header.size or not header.startswith(b"\x7fELF"):
        refuse(errno.ENOEXEC, "not an ELF file")
    form = next((form for form in FORMATS if header.startswith(form.start)), None)
    if form is None or len(header) < form.header.size:
        refuse(errno.ENOEXEC, "not a program for i386 or x86-64")
    _, kind, machine, _, entry, offset, _, _, _, size, count, *_ = form.header.unpack_from(header)
    if machine != form.machine:
        refuse(errno.ENOEXEC, "not a program for i386 or x86-64")
    if kind not in (_EXECUTABLE, _SHARED_OBJECT) or size != form.segment.size:
        refuse(errno.ENOEXEC, "not an executable file")
    if not 0 < count <= PAGE // size:
        refuse(errno.ENOEXEC, "no program headers")
    table = os.pread(file, size * count, offset) if offset < 1 << 63 else b""
    if len(table) < size * count:
        refuse(errno.ENOEXEC, "its program headers are cut off")
    segments = tuple(_segment(form.word, fields) for fields in form.segment.iter_unpack(table))
    image = Image(file, form, kind, entry, offset, segments)
    _check(image)
    return image


def _segment(word: int, fields: tuple[int, ...]) -> Segment:
    if word == 8:
        kind, flags, place, address, _, in_file, in_memory, _ = fields
    else:
        kind, place, address, _, in_file, in_memory, flags, _ = fields
    return Segment(kind, place, address, in_file, in_memory, flags)


def _check(image: Image) -> None:
    end = (SPACE_64 if image.form.word == 8 else SPACE_32).end
    if not image.loads:
        refuse(errno.ENOEXEC, "nothing to load")
    for segment in image.loads:
        if segment.file_size > segment.memory_size or (segment.address ^ segment.offset) % PAGE:
            refuse(errno.ENOEXEC, "a segment that cannot be mapped")
        if segment.address + segment.memory_size > end - PAGE or segment.offset >> 63:
            refuse(errno.ENOEXEC, "a segment outside the address space")
    if image.kind == _EXECUTABLE and image.low < PAGE:
        refuse(errno.ENOEXEC, "a segment at address 0")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a program is started with."""

    arguments: Sequence[bytes]
    environment: Sequence[bytes]
    name: bytes
    """The path it was started by (AT_EXECFN)."""


class Identity(Protocol):
    """What the auxiliary vector says besides the program."""

    @property
    def features(self) -> int: ...
    def random(self, length: int) -> bytes: ...


def load(
    memory: Memory, image: Image, linker: Image | None, arguments: Arguments, identity: Identity
) -> X86State:
    """Replace what is in `memory` by the program; gives the state it begins with."""
    memory.reset()
    memory.read_implies_execute = image.executable_stack
    layout = memory.layout
    fixed = image.kind == _EXECUTABLE
    base = 0
    if not fixed:
        free = memory.place(image.high - image.low, layout.position_independent)
        # A dynamic linker that is run as a program lies where maps lie, as in Linux.
        base = (free if linker else memory.place(image.high - image.low)) - image.low
    _map(memory, image, base)
    behind = base + image.high if fixed or linker else layout.position_independent
    memory.brk_start = memory.brk = behind
    entry, linker_base = base + image.entry, 0
    if linker is not None:
        if linker.kind == _SHARED_OBJECT:
            linker_base = memory.place(linker.high - linker.low) - linker.low
        _map(memory, linker, linker_base)
        entry = linker_base + linker.entry
    bottom = layout.stack_top - STACK_SIZE
    memory.map(bottom, STACK_SIZE, memory.permissions(READ | WRITE), b"[stack]")
    auxiliary = {
        Aux.PHDR: _headers_address(image, base),
        Aux.PHENT: image.form.segment.size,
        Aux.PHNUM: len(image.segments),
        Aux.PAGESZ: PAGE,
        Aux.BASE: linker_base,
        Aux.FLAGS: 0,
        Aux.ENTRY: base + image.entry,
        Aux.UID: os.getuid(),
        Aux.EUID: os.geteuid(),
        Aux.GID: os.getgid(),
        Aux.EGID: os.getegid(),
        Aux.SECURE: 0,
        Aux.HWCAP: identity.features,
        Aux.CLKTCK: os.sysconf("SC_CLK_TCK"),
    }
    state = X86State(eip=entry, esp=_stack(memory, image.form, arguments, auxiliary, identity))
    if image.form.word == 8:
        state.cs, state.ds, state.es = USER_CODE_64, 0, 0
    return state


def _headers_address(image: Image, base: int) -> int:
    for segment in image.loads:
        if segment.offset <= image.headers < segment.offset + segment.file_size:
            return base + segment.address + image.headers - segment.offset
    return 0


def _map(memory: Memory, image: Image, base: int) -> None:
    name = os.fsencode(os.readlink(f"/proc/self/fd/{image.file}"))
    for segment in image.loads:
        address = base + segment.address
        start, end = address & -PAGE, page_up(address + segment.memory_size)
        if memory.storage.outside(start, end - start):
            refuse(errno.ENOMEM)
        if not memory.storage.is_free(start, PAGE):  # the last page of the segment before
            kept = bytes(memory.storage.raw(start, address - start))
        else:
            kept = os.pread(image.file, address - start, segment.offset & -PAGE)
        kind = segment.permissions
        if kind & READ and memory.read_implies_execute:
            kind |= EXECUTE
        memory.map(start, end - start, kind, name, segment.offset & -PAGE)
        memory.storage.load(start, kept)
        memory.copy_file(address, segment.file_size, image.file, segment.offset)


def _stack(
    memory: Memory, form: Format, arguments: Arguments, auxiliary: dict[Aux, int],
    identity: Identity,
) -> int:  # fmt: skip
    """Fill the stack's top as the ABI says; gives ESP."""
    top = memory.layout.stack_top
    at = top - form.word

    def put(data: bytes) -> int:
        nonlocal at
        at -= len(data)
        if at < top - STACK_SIZE * 3 // 4:
            refuse(errno.E2BIG)
        memory.storage.load(at, data)
        return at

    auxiliary[Aux.EXECFN] = put(arguments.name + b"\0")
    environment = [put(text + b"\0") for text in reversed(arguments.environment)][::-1]
    strings = [put(text + b"\0") for text in reversed(arguments.arguments)][::-1]
    auxiliary[Aux.PLATFORM] = put(form.platform + b"\0")
    auxiliary[Aux.RANDOM] = put(identity.random(16))
    words = [len(strings), *strings, 0, *environment, 0]
    vector = [word for kind, value in auxiliary.items() for word in (kind, value)]
    vector += [Aux.NULL, 0]
    memory.auxiliary = b"".join(word.to_bytes(form.word, "little") for word in vector)
    words += vector
    at &= -16
    at -= -(form.word * len(words)) % 16  # ESP is on a boundary of 16
    return put(b"".join(value.to_bytes(form.word, "little") for value in words))
