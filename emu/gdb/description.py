"""The registers a debugger sees, and the target description that tells it of them.

Features, names and order of all but the last are GDB's own for a 64-bit PowerPC with AltiVec and
VSX (GDB manual, G.5.11); other special purpose registers are a feature of ours.  An accumulator
is its four vector-scalar registers.  Values travel in
the target's byte order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.bits import Field, Word, low_bits

from ..values import frozen

if TYPE_CHECKING:
    from collections.abc import Callable

    from emu.bits import ByteOrder
    from emu.registers import Registers

_SPRS = (
    "srr0", "srr1", "dar", "dsisr", "sprg0", "sprg1", "sprg2", "sprg3", "pidr", "dec", "tb",
    "purr", "cfar", "fscr", "amr", "iamr", "ctrl", "lpcr", "pvr", "pir", "dexcr", "hashkeyr",
)  # fmt: skip
_READ_ONLY = frozenset({"tb", "purr", "lpcr", "pvr"})
"""What the machine keeps to itself: the clock, what it is and how it translates."""
VSCR_BITS = 0x1_0001
"""NJ and SAT."""
SPR_FEATURE = "org.pyphyp.power.spr"


class VectorScalar(Word):
    """A VSR; the first doublewords of the first 32 are the FPRs."""

    WIDTH = 128
    FIRST = Field(0, 63)
    SECOND = Field(64, 127)


@frozen
class Register:
    """One register of the target description; `write` is None where a debugger may only read."""

    name: str
    bits: int
    type: str
    group: str
    read: Callable[[Registers], int | None]
    write: Callable[[Registers, int], None] | None

    @property
    def size(self) -> int:
        """In bytes."""
        return self.bits // 8

    def encode(self, registers: Registers, order: ByteOrder) -> bytes:
        """The value in hexadecimal as it travels; x where there is none."""
        if (value := self.read(registers)) is None:
            return b"xx" * self.size
        return low_bits(value, self.bits).to_bytes(self.size, order.name_for_int).hex().encode()

    def decode(self, registers: Registers, raw: bytes, order: ByteOrder) -> None:
        """Take the bytes of a new value; ValueError where it does not fit or may not be."""
        if len(raw) != self.size:
            raise ValueError(f"{self.name} has {self.size} bytes")
        if self.write is not None:
            self.write(registers, int.from_bytes(raw, order.name_for_int))


def _gpr(n: int) -> Register:
    def write(registers: Registers, value: int) -> None:
        registers.set_gpr(n, value)

    return Register(f"r{n}", 64, "uint64", "general", lambda registers: registers.gpr(n), write)


def _nip(registers: Registers, value: int) -> None:
    registers.nip = value - value % 4


def _msr(registers: Registers, value: int) -> None:
    registers.msr = value


def _cr(registers: Registers, value: int) -> None:
    registers.cr = value


def _fpscr(registers: Registers, value: int) -> None:
    registers.fpscr = value


def _vscr(registers: Registers, value: int) -> None:
    registers.vscr = value & VSCR_BITS


def _spr(name: str, bits: int = 64, type_: str = "uint64", group: str = "general") -> Register:
    def write(registers: Registers, value: int) -> None:
        registers.set_spr(name, value)

    writer = None if name in _READ_ONLY else write
    return Register(name, bits, type_, group, lambda registers: registers.spr(name), writer)


def _fpr(n: int) -> Register:
    def write(registers: Registers, value: int) -> None:
        registers.set_vsr(n, VectorScalar(registers.vsr(n)).replace(FIRST=value))

    def read(registers: Registers) -> int:
        return VectorScalar(registers.vsr(n)).FIRST

    return Register(f"f{n}", 64, "ieee_double", "float", read, write)


def _vsr_second(n: int) -> Register:
    def write(registers: Registers, value: int) -> None:
        registers.set_vsr(n, VectorScalar(registers.vsr(n)).replace(SECOND=value))

    def read(registers: Registers) -> int:
        return VectorScalar(registers.vsr(n)).SECOND

    return Register(f"vs{n}h", 64, "uint64", "vsx", read, write)


def _vr(n: int) -> Register:
    def write(registers: Registers, value: int) -> None:
        registers.set_vsr(32 + n, value)

    return Register(f"vr{n}", 128, "vec128", "vector", lambda r: r.vsr(32 + n), write)


_CORE = (
    *(_gpr(n) for n in range(32)),
    Register("pc", 64, "code_ptr", "general", lambda registers: registers.nip, _nip),
    Register("msr", 64, "uint64", "general", lambda registers: int(registers.msr), _msr),
    Register("cr", 32, "uint32", "general", lambda registers: registers.cr, _cr),
    _spr("lr", 64, "code_ptr"),
    _spr("ctr"),
    _spr("xer", 32, "uint32"),
)
_FPU = (
    *(_fpr(n) for n in range(32)),
    Register("fpscr", 64, "uint64", "float", lambda registers: registers.fpscr, _fpscr),
)
_ALTIVEC = (
    *(_vr(n) for n in range(32)),
    Register("vscr", 32, "uint32", "vector", lambda registers: registers.vscr, _vscr),
    _spr("vrsave", 32, "uint32", "vector"),
)
_VSX = tuple(_vsr_second(n) for n in range(32))
_FEATURES = {
    "org.gnu.gdb.power.core": _CORE,
    "org.gnu.gdb.power.fpu": _FPU,
    "org.gnu.gdb.power.altivec": _ALTIVEC,
    "org.gnu.gdb.power.vsx": _VSX,
    **{f"org.gnu.gdb.power.{name}": (_spr(name),) for name in ("ppr", "dscr", "tar")},
    SPR_FEATURE: tuple(_spr(name, group="system") for name in _SPRS),
}
REGISTERS = tuple(register for feature in _FEATURES.values() for register in feature)
"""By the number they have in packets."""
REGISTER_BYTES = sum(register.size for register in REGISTERS)

_VECTOR_TYPES = """\
    <vector id="v4f" type="ieee_single" count="4"/>
    <vector id="v2d" type="ieee_double" count="2"/>
    <vector id="v4i32" type="int32" count="4"/>
    <vector id="v8i16" type="int16" count="8"/>
    <vector id="v16i8" type="int8" count="16"/>
    <union id="vec128">
      <field name="uint128" type="uint128"/>
      <field name="v2_double" type="v2d"/>
      <field name="v4_float" type="v4f"/>
      <field name="v4_int32" type="v4i32"/>
      <field name="v8_int16" type="v8i16"/>
      <field name="v16_int8" type="v16i8"/>
    </union>
"""


def target_description() -> str:
    """The XML that GDB asks for as target.xml."""
    lines = [
        '<?xml version="1.0"?>',
        '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
        '<target version="1.0">',
        "  <architecture>powerpc:common64</architecture>",
    ]
    for name, registers in _FEATURES.items():
        lines.append(f'  <feature name="{name}">')
        if registers is _ALTIVEC:
            lines.append(_VECTOR_TYPES.rstrip())
        lines.extend(
            f'    <reg name="{r.name}" bitsize="{r.bits}" type="{r.type}" group="{r.group}"/>'
            for r in registers
        )
        lines.append("  </feature>")
    return "\n".join((*lines, "</target>", ""))
