"""Cases for `native`, translated: each at an address of its own."""

from __future__ import annotations

from dataclasses import replace

from lx86.architecture import I386, Architecture
from lx86.cpu import SystemCall, Trap
from lx86.cpuid import DEFAULT, Model
from lx86.decoder import decode
from lx86.options import Options
from lx86.storage import EXECUTE, READ, WRITE
from lx86.translating_cpu import TranslatingCpu
from tests.lx86.spaces import storage_for

from .native import CODE, STORAGE, USED, Case

_PLACE, _PLACES = 0x2000_0000, 1 << 20
_STEP = 64
_EXITS = {4: b"\xcd\x80\x9c\xf4", 8: b"\x0f\x05\x9c\xf4"}
"""By bytes of a word: INT 0x80 or SYSCALL, then PUSHF, so that all flags are wanted, and HLT."""
_SIGNALS = {16: 8, 19: 8, 13: 11, 6: 4}
SHARED = 0x3C
"""Sticky flags that x87 and SSE have in common: each status word also has the other's."""


class Translated:
    """Runs cases."""

    def __init__(self, model: Model = DEFAULT, architecture: Architecture = I386) -> None:
        self.storage = storage_for(architecture)
        self.storage.map(STORAGE, 4096, READ | WRITE)
        self.storage.map(_PLACE, _PLACES, READ | EXECUTE)
        self.cpu = TranslatingCpu(self.storage, model, Options(architecture=architecture))
        self._names = architecture.registers
        self._used = [self._names[n] for n in USED[architecture]]
        self._exit = _EXITS[architecture.word]
        self._next = _PLACE

    def close(self) -> None:
        self.cpu.close()
        self.storage.close()

    def run(self, case: Case, *, again: bool = False) -> Case:
        """`again`: with the code of the last case."""
        if again:
            at = self._next - _STEP
        else:
            at, self._next = self._next, self._next + _STEP
            self.storage.load(at, case.code + self._exit)
        self.storage.load(STORAGE, case.storage)
        s = self.cpu.state
        for name, value in zip(self._names, case.general, strict=False):
            setattr(s, name, value)
        s.esi = s.edi = STORAGE
        s.eip, s.eflags = at, case.eflags
        self.cpu.set_floating(case.floating)
        why = self.cpu.run(10_000)
        assert isinstance(why, SystemCall | Trap), why
        return replace(
            case, floating=self.cpu.floating(), general=[getattr(s, name) for name in self._used],
            eflags=s.eflags, storage=self.storage.read(STORAGE, 128),
            signal=_SIGNALS[why.vector] if isinstance(why, Trap) else 0,
        )  # fmt: skip


def told(case: Case) -> dict[str, int]:
    """For `differences`: which bits of the status word and of MXCSR one instruction leaves right.

    Of the others CAVEATS.md tells.
    """
    if decode(case.code, CODE, long=case.architecture.long).name != "x87":
        return {"status": 0xFFFF & ~SHARED, "mxcsr": 0xFFFF & ~2}
    return {"status": 0xFFFF & ~(2 if reals(case) else 0), "mxcsr": 0xFFFF & ~SHARED}


def reals(case: Case) -> int:
    """How many instructions of the x87 take a single or double from storage."""
    at = found = 0
    while at < len(case.code):
        i = decode(case.code[at:], CODE + at, long=case.architecture.long)
        at += i.length
        load = i.opcode in (0xD9, 0xDD) and not i.modrm >> 3 & 7
        found += i.name == "x87" and i.modrm < 0xC0 and (load or i.opcode in (0xD8, 0xDC))
    return found
