"""The processor as both halves of Lx86 know it: its state, and why it comes back from running.

At every exit the state is precise: that of the program before the instruction `eip` names.  For a
system call, a breakpoint and INTO that is the instruction behind (SDM volume 3, 6.5: traps); for
all others it is the one that could not complete (faults), and nothing of it has happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Protocol

from .segments import GLOBAL, Descriptor

if TYPE_CHECKING:
    from .cpuid import Model

UNLIMITED = 1 << 62
"""A budget that does not end."""
EFLAGS_ALWAYS = 0x202
"""Bit 1, which is always set, and IF, which a program sees set."""
USER_CODE, USER_DATA = 0x23, 0x2B
"""The selectors Linux gives a 32-bit program (those of a 64-bit kernel)."""
USER_CODE_64 = 0x33
"""And a 64-bit one, with the same data segment."""
TLS_ENTRIES = range(12, 15)
"""The entries of the global descriptor table that set_thread_area fills."""


FLAT = (0, 0, 0, 0)


@dataclass(slots=True)
class X86State:
    """What integer instructions use: general registers, EFLAGS and the segments.

    A 64-bit program's RAX is `eax`, and so on: these fields are then 64 bits (architecture.py).

    `tls` are the entries in `TLS_ENTRIES` of the global table, None for an empty one; `ldt` is the
    local table, which the threads of a process share: what loading a selector looks up.
    """

    eax: int = 0
    ecx: int = 0
    edx: int = 0
    ebx: int = 0
    esp: int = 0
    ebp: int = 0
    esi: int = 0
    edi: int = 0
    r8: int = 0
    r9: int = 0
    r10: int = 0
    r11: int = 0
    r12: int = 0
    r13: int = 0
    r14: int = 0
    r15: int = 0
    eip: int = 0
    eflags: int = EFLAGS_ALWAYS
    cs: int = USER_CODE
    ss: int = USER_DATA
    ds: int = USER_DATA
    es: int = USER_DATA
    fs: int = 0
    gs: int = 0
    fs_base: int = 0
    gs_base: int = 0
    tls: list[Descriptor | None] = field(default_factory=lambda: [None] * len(TLS_ENTRIES))
    ldt: dict[int, Descriptor] = field(default_factory=dict)

    def descriptor(self, selector: int) -> Descriptor | None:
        """The descriptor that a selector names, if a program may see it."""
        entry = selector >> 3
        if selector & 4:
            return self.ldt.get(entry)
        if entry in TLS_ENTRIES:
            return self.tls[entry - TLS_ENTRIES.start]
        return GLOBAL.get(entry)

    def segment_base(self, selector: int) -> int | None:
        """The base that loading `selector` into DS, ES, FS or GS gives; None if that traps.

        Selectors 0 to 3 load, and give a segment whose use traps: its base is taken for 0 here.
        """
        if selector < 4 or selector | 3 in (USER_CODE, USER_DATA):
            return 0
        found = self.descriptor(selector)
        return found.base if found and found.present and found.readable else None

    def use_tables(self) -> None:
        """Load FS and GS again: their descriptors have changed."""
        self.fs_base = self.segment_base(self.fs) or 0
        self.gs_base = self.segment_base(self.gs) or 0

    @property
    def mask(self) -> int:
        """All ones in a word."""
        return (1 << 64) - 1 if self.cs == USER_CODE_64 else 0xFFFF_FFFF

    @property
    def bases(self) -> tuple[int, int, int, int]:
        """Of ES, CS, SS and DS."""
        if self.cs == USER_CODE_64:
            return FLAT
        if (self.cs, self.ds, self.es) == (USER_CODE, USER_DATA, USER_DATA):
            return FLAT
        return (
            self.segment_base(self.es) or 0, self.segment_base(self.cs) or 0, 0,
            self.segment_base(self.ds) or 0,
        )  # fmt: skip

    @property
    def long(self) -> bool:
        """It is that of a 64-bit program."""
        return self.cs == USER_CODE_64

    @property
    def code_16(self) -> bool:
        """Code is that of a 16-bit segment."""
        if self.cs in (USER_CODE, USER_CODE_64):
            return False
        found = self.descriptor(self.cs)
        return found is not None and not found.big


@dataclass(slots=True)
class FloatingState:
    """x87, MMX and SSE: what FXSAVE stores, and what FNINIT and a new program begin with.

    `registers` are R0 to R7 of the x87 stack by their physical number, 80 bits each; MMX's MM0 to
    MM7 are their lower 64 bits.  The top of the stack stands in `status`.  `tags` has two bits for
    each register (SDM volume 1, 8.1.7).
    """

    control: int = 0x037F
    status: int = 0
    tags: int = 0xFFFF
    opcode: int = 0
    instruction: int = 0
    operand: int = 0
    registers: list[int] = field(default_factory=lambda: [0] * 8)
    mxcsr: int = 0x1F80
    xmm: list[int] = field(default_factory=lambda: [0] * 16)
    """A 32-bit program has the first eight."""


class Access(Enum):
    READ = "read"
    WRITE = "write"
    EXECUTE = "execute"


class Vector(IntEnum):
    """Exceptions other than page faults that an instruction can have (SDM volume 3, table 6-1)."""

    DIVIDE_ERROR = 0
    DEBUG = 1
    BREAKPOINT = 3
    OVERFLOW = 4
    BOUND = 5
    INVALID_OPCODE = 6
    SEGMENT_NOT_PRESENT = 11
    STACK = 12
    GENERAL_PROTECTION = 13
    X87_ERROR = 16
    ALIGNMENT = 17
    SIMD_ERROR = 19


@dataclass(frozen=True, slots=True)
class SystemCall:
    """`int 0x80`, or `syscall` in 64-bit code; run again to go on behind it.

    RCX and R11 are then already what SYSCALL makes of them.
    """


@dataclass(frozen=True, slots=True)
class Fault:
    """A page that is not there, or not for this access.  `address` is the first byte refused."""

    address: int
    access: Access


@dataclass(frozen=True, slots=True)
class Trap:
    """An exception with its vector and its error code."""

    vector: Vector
    error: int = 0


@dataclass(frozen=True, slots=True)
class Preempted:
    """The budget is used up."""


@dataclass(frozen=True, slots=True)
class EngineFailure:
    """The engine cannot go on, and the program is not to blame; `reason` says why."""

    reason: str


Exit = SystemCall | Fault | Trap | Preempted | EngineFailure


class Cpu(Protocol):
    """One x86 processor over a program's storage.

    A storage tells its processor what becomes of pages and of code (`storage.Observer`).
    """

    @property
    def model(self) -> Model:
        """The processor it is like."""
        ...

    @property
    def state(self) -> X86State:
        """As of the last exit; what is changed here the next `run` begins with."""
        ...

    @state.setter
    def state(self, state: X86State) -> None: ...

    def floating(self) -> FloatingState:
        """A copy of that part of the state."""
        ...

    def set_floating(self, floating: FloatingState) -> None: ...

    def keep_stores_whole(self) -> None:
        """The program sees its faults from now on, and what a store left that had one: nothing."""
        ...

    def begin(self) -> None:
        """The storage holds another program now."""
        ...

    def run(self, budget: int) -> Exit:
        """Run about `budget` instructions, or until something else happens."""
        ...

    def invalidate(self, start: int, length: int) -> None:
        """Code between these addresses is no longer what it was."""
        ...

    def mapping_changed(self, start: int, length: int) -> None:
        """These whole pages were mapped, unmapped or protected; what they hold may be new."""
        ...

    def close(self) -> None: ...
