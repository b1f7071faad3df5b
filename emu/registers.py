"""A processor's registers by name (Power ISA I 2.3, 3.2; III 4, 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .bits import DOUBLEWORD, MSR
from .native import ffi, lib

if TYPE_CHECKING:
    from collections.abc import Iterable

# Special purpose registers by number (Power ISA III, SPR table; mnemonics in lower case).
SPR_NUMBERS = {
    "dscr": 17,
    "dsisr": 18,
    "dar": 19,
    "srr0": 26,
    "srr1": 27,
    "cfar": 28,
    "amr": 29,
    "pidr": 48,
    "iamr": 61,
    "ctrl": 152,
    "fscr": 153,
    "dawr0": 180,
    "dawr1": 181,
    "ciabr": 187,
    "dawrx0": 188,
    "dawrx1": 189,
    "vrsave": 256,
    "sprg3_user": 259,
    "tb": 268,
    "sprg0": 272,
    "sprg1": 273,
    "sprg2": 274,
    "sprg3": 275,
    "pvr": 287,
    "lpcr": 318,
    "hashkeyr": 468,
    "tar": 815,
    "dexcr": 828,
    "ppr": 896,
    "pir": 1023,
}
_FUNCTIONS = {
    1: ("core_xer", "core_set_xer"),
    22: ("core_decrementer", "core_set_decrementer"),
    308: ("core_purr", "core_set_purr"),
    309: ("core_purr", "core_set_purr"),
    849: ("core_purr", "core_set_purr"),
}
_GPRS = 32
_PROBLEM_STATE = MSR.PR.place(1)
_VALUES = {8: "core_lr", 9: "core_ctr", 28: "core_cfar"}
_NAMED = SPR_NUMBERS | {
    "xer": 1,
    "lr": 8,
    "ctr": 9,
    "dec": 22,
    "spurr": 308,
    "purr": 309,
    "vtb": 849,
}


class Registers:
    """The registers of the processor that an engine holds."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._gpr = lib.core_gpr(core)
        self._from = [self._gpr + n for n in range(_GPRS)]
        self._spr = lib.core_spr(core)
        self._nip = lib.core_nip(core)
        self._vsr = lib.core_vsr(core)
        self._msr = lib.core_msr(core)

    def gpr(self, n: int) -> int:
        value: int = self._gpr[n]
        return value

    def gprs(self, first: int, count: int) -> list[int]:
        """`count` general purpose registers from `first` on."""
        values: list[int] = ffi.unpack(self._from[first], count)
        return values

    def set_gpr(self, n: int, value: int) -> None:
        self._gpr[n] = value

    def set_gprs(self, first: int, values: Iterable[int]) -> None:
        """Registers from `first` on; each takes the low 64 bits of its value."""
        gpr = self._gpr
        for value in values:
            gpr[first] = value & DOUBLEWORD
            first += 1

    @property
    def nip(self) -> int:
        """Address of the next instruction."""
        value: int = self._nip[0]
        return value

    @nip.setter
    def nip(self, address: int) -> None:
        self._nip[0] = address

    @property
    def privileged(self) -> bool:
        return not self._msr[0] & _PROBLEM_STATE

    @property
    def msr(self) -> MSR:
        return MSR(self._msr[0])

    @msr.setter
    def msr(self, value: int) -> None:
        lib.core_set_msr(self._core, value)

    @property
    def cr(self) -> int:
        value: int = lib.core_cr(self._core)
        return value

    @cr.setter
    def cr(self, value: int) -> None:
        lib.core_set_cr(self._core, value)

    @property
    def fpscr(self) -> int:
        value: int = lib.core_fpscr(self._core)
        return value

    @fpscr.setter
    def fpscr(self, value: int) -> None:
        lib.core_set_fpscr(self._core, value)

    def vsr(self, n: int) -> int:
        """Vector-scalar register `n` (0-63) as 128 bits; 0-31 hold the FPRs in the upper half."""
        value: int = self._vsr[2 * n + 1] << 64 | self._vsr[2 * n]
        return value

    def set_vsr(self, n: int, value: int) -> None:
        self._vsr[2 * n + 1], self._vsr[2 * n] = value >> 64, value & (1 << 64) - 1

    @property
    def vscr(self) -> int:
        return int(lib.core_vscr(self._core))

    @vscr.setter
    def vscr(self, value: int) -> None:
        lib.core_set_vscr(self._core, value)

    def spr(self, which: int | str) -> int:
        """A special purpose register by number or mnemonic; KeyError for an unknown name."""
        number = which if isinstance(which, int) else _NAMED[which.lower()]
        if number in _VALUES:
            return int(getattr(lib, _VALUES[number])(self._core)[0])
        if number in _FUNCTIONS:
            return int(getattr(lib, _FUNCTIONS[number][0])(self._core))
        return int(self._spr[number])

    def set_spr(self, which: int | str, value: int) -> None:
        number = which if isinstance(which, int) else _NAMED[which.lower()]
        if number in _VALUES:
            getattr(lib, _VALUES[number])(self._core)[0] = value
        elif number in _FUNCTIONS:
            getattr(lib, _FUNCTIONS[number][1])(self._core, value)
        else:
            self._spr[number] = value

    def dump(self) -> str:
        """The registers as a text of a few lines, as a crash report shows them."""
        lines = [f"NIP {self.nip:016x}  MSR {self.msr!r}"]
        lines.append(
            "  ".join(f"{name.upper()} {self.spr(name):016x}" for name in ("lr", "ctr", "xer"))
            + f"  CR {self.cr:08x}"
        )
        for first in range(0, 32, 4):
            cells = (f"r{n:<2d} {self.gpr(n):016x}" for n in range(first, first + 4))
            lines.append("  ".join(cells))
        names = ("srr0", "srr1", "dar", "dsisr")
        lines.append("  ".join(f"{name.upper()} {self.spr(name):016x}" for name in names))
        return "\n".join(lines)
