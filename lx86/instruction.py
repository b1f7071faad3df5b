"""One decoded instruction: a compact record, and its text in Intel's syntax.

Registers go by their numbers in ModRM (SDM volume 2, 2.1.5): EAX 0, ECX 1, EDX 2, EBX 3, ESP 4,
EBP 5, ESI 6, EDI 7; in 64-bit mode RAX and so on, and R8 to R15.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .three_bytes import THREE_BYTES, text

EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI = range(8)
_NEW = range(8, 16)
_NAMES = {
    8: ("rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", *(f"r{n}" for n in _NEW)),
    4: ("eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi", *(f"r{n}d" for n in _NEW)),
    2: ("ax", "cx", "dx", "bx", "sp", "bp", "si", "di", *(f"r{n}w" for n in _NEW)),
    1: ("al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil", *(f"r{n}b" for n in _NEW)),
}
_HIGH = ("ah", "ch", "dh", "bh")
SEGMENTS = ("es", "cs", "ss", "ds", "fs", "gs")
ES, CS, SS, DS, FS, GS = range(6)
NO_SEGMENT = -1
_LONG = (1 << 64) - 1
NO_EFFECT = -1
TRANSFERS = frozenset(["callw", "retw", "jmpw", "lcall", "ljmp", "lret", "iret"])
"""Branches between segments, and those that cut EIP to 16 bits."""
CHANGING = frozenset(
    [
        "adc", "add", "and", "btc", "btr", "bts", "cmpxchg", "cmpxchg8b", "dec", "inc", "neg",
        "not", "or", "rcl", "rcr", "rol", "ror", "sar", "sbb", "shl", "shld", "shr", "shrd", "sub",
        "xadd", "xor",
    ]
)  # fmt: skip
"""Those that store to what they load, if their first operand is storage."""
STRINGS = frozenset(["movs", "stos", "lods", "scas", "cmps"])
_POINTER = {1: "byte", 2: "word", 4: "dword", 6: "fword", 8: "qword", 10: "tbyte", 16: "xmmword"}
CONDITIONS = (
    "o",
    "no",
    "b",
    "ae",
    "e",
    "ne",
    "be",
    "a",
    "s",
    "ns",
    "p",
    "np",
    "l",
    "ge",
    "le",
    "g",
)


@dataclass(slots=True, frozen=True)
class Reg:
    """`size` bytes of register `number`, the second byte of it if `high`."""

    number: int
    size: int
    high: bool = False

    def __str__(self) -> str:
        return _HIGH[self.number] if self.high else _NAMES[self.size][self.number]


@dataclass(slots=True, frozen=True)
class Mem:
    """`size` bytes at base + index * scale + displacement; -1: no such register."""

    size: int
    base: int
    index: int
    shift: int  # log2 of the scale
    displacement: int  # as a signed number
    segment: int  # as in SEGMENTS; DS also where none matters
    short: bool = False  # the address is cut to 16 bits, in 64-bit mode to 32
    long: bool = False  # in 64-bit mode

    def __str__(self) -> str:
        names = _NAMES[8 if self.long and not self.short else 4]
        parts = [names[self.base]] if self.base >= 0 else []
        if self.index >= 0:
            parts.append(names[self.index] + (f"*{1 << self.shift}" if self.shift else ""))
        text = "+".join(parts)
        if not parts:
            text = f"{self.displacement & (_LONG if self.long else 0xFFFFFFFF):#x}"
        elif self.displacement:
            text += f"{'-' if self.displacement < 0 else '+'}{abs(self.displacement):#x}"
        segment = f"{SEGMENTS[self.segment]}:" if self.segment in (FS, GS) else ""
        return f"{_POINTER.get(self.size, '')} {segment}[{text}]".strip()


@dataclass(slots=True, frozen=True)
class Imm:
    """A number, signed; `target` if it is where a branch goes."""

    value: int
    target: bool = False

    def __str__(self) -> str:
        if self.target:
            return f"{self.value:#x}"
        return f"{'-' if self.value < 0 else ''}{abs(self.value):#x}"


@dataclass(slots=True, frozen=True)
class Seg:
    """A segment register."""

    number: int

    def __str__(self) -> str:
        return SEGMENTS[self.number]


Operand = Reg | Mem | Imm | Seg


@dataclass(slots=True)
class Instruction:
    address: int
    length: int
    name: str  # mnemonic without prefixes; x87, MMX and SSE: "x87", "simd", or `THREE_BYTES`
    size: int  # of operands, in bytes
    operands: tuple[Operand, ...]
    condition: int  # of jcc, setcc, cmovcc: the low bits of the opcode
    repeat: int  # 0, 0xf2 or 0xf3
    lock: bool
    opcode: int  # as 0x89, 0x0faf
    prefix: int  # mandatory prefix of an SSE opcode: 0, 0x66, 0xf2, 0xf3
    modrm: int  # -1: none
    segment: int = DS  # what a prefix named, for string instructions
    rex: int = 0  # a REX prefix
    reg: int = field(init=False)
    """ModRM's register, with REX.R,"""
    rm: int = field(init=False)
    """and its other one, with REX.B."""
    next: int = field(init=False)
    target: int | None = field(init=False)
    """Where a direct branch goes."""
    effect: int = field(init=False, default=NO_EFFECT, compare=False)
    """By number, how it uses and replaces flags (effects.py), as far as the decoder has told."""

    def __post_init__(self) -> None:
        self.reg = self.modrm >> 3 & 7 | (self.rex & 4) << 1
        self.rm = self.modrm & 7 | (self.rex & 1) << 3
        self.next = self.address + self.length
        operand = self.operands[-1] if self.operands else None
        self.target = operand.value if isinstance(operand, Imm) and operand.target else None

    @property
    def changes_storage(self) -> bool:
        """Whether what it loads must be writable, so that its load faults as a store does.

        ENTER's load is there only to find that out.
        """
        if self.name in CHANGING:
            return isinstance(self.operands[0], Mem)
        return self.name in ("enter", "xchg")

    def moved(self, distance: int) -> Instruction:
        """The same, of 32 bits, that far away, with its targets."""
        if not distance:
            return self
        operands = tuple(
            Imm((o.value + distance) & 0xFFFFFFFF, True) if isinstance(o, Imm) and o.target else o
            for o in self.operands
        )
        return replace(self, address=(self.address + distance) & 0xFFFFFFFF, operands=operands)

    def __str__(self) -> str:
        name = self.name
        if name == THREE_BYTES:
            rm = self.rm if self.modrm >= 0xC0 else -1
            return text(self.opcode, self.prefix, self.reg, rm, self.operands)
        if name in ("jcc", "setcc", "cmovcc"):
            name = name[:-2] + CONDITIONS[self.condition]
        elif name in ("x87", "simd"):
            name = f"{name} {self.opcode:04x}/{self.prefix:02x}/{self.modrm & 0xFF:02x}"
        if self.repeat and self.name not in ("simd", "x87"):
            name = ("rep " if self.repeat == 0xF3 else "repne ") + name
        if self.lock:
            name = "lock " + name
        operands = ", ".join(map(str, self.operands))
        if name == "int" and isinstance(self.operands[0], Imm):
            operands = f"{self.operands[0].value & 0xFF:#x}"
        return f"{name} {operands}".strip()
