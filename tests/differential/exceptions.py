"""Differences that are no fault of our core: where results are undefined, and where QEMU is wrong.

And those that are and stand in CAVEATS.md.  Each rule names instructions, what may differ of them
and why; everything else must be equal.  A rule that lets a result differ means the registers that
the instruction writes, no others.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu import isa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .block import State

FR, FI, FX, FEX, VX = 0x40000, 0x20000, 0x8000_0000, 0x4000_0000, 0x2000_0000
UX = 0x0800_0000
FPRF, CAUSES_OF_VX, INEXACT = 0x1F000, 0x01F8_0700, 0x0A00_0000
"""Class of a result; VXSNAN to VXCVI; XX and UX."""
VE, ZE = 0x80, 0x10
_HIGH = (1 << 64) - 1 << 64
_SINGLE_STEP = 1 << 29
"""The distance of two neighbours of single precision, as doubles."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Instructions by a pattern, and what is not compared of them."""

    mnemonics: str
    reason: str
    fpscr: int = 0
    """These bits."""
    lower_doublewords: bool = False
    result: bool = False
    """What is written, and CR and XER, which tell of it."""
    last_place: bool = False
    """The results' last place, of single precision."""
    enabled_only: bool = False
    """Only while exceptions are enabled to interrupt."""
    everything: bool = False


RULES = (
    Rule(
        "f.*|l[fx]s.*|lfd.*|lfiw.*|xs.*(?<!qp)(?<!qpo)|mffs.*|mtvsr[dw].?|d.*",
        "doubleword 1 is undefined in ISA 3.0",
        lower_doublewords=True,
    ),
    Rule("fctiw.*", "the upper word is undefined", result=True),
    Rule(
        "divdeo?\\.?",
        "QEMU takes some quotients that do not fit for good; exact arithmetic says so",
        result=True,
    ),
    Rule(
        "x?[vfsx]*r?sqrte.*|vexptefp|vlogefp|vrefp|fres?\\.?|x[sv]re[sd]p",
        "estimates",
        result=True,
        fpscr=0xFFFFFFFF,
    ),
    Rule(
        "vdive[su][wdq]",
        "quotients that do not fit are undefined (test_power10.py has those that do)",
        result=True,
    ),
    Rule("dcffixqq|dctfixqq", "QEMU leaves FI and FR of before", fpscr=FI | FR),
    Rule("dctfixqq", "QEMU does not interrupt", everything=True, enabled_only=True),
    Rule("(pm)?xvb?f.*ger.*", "QEMU notes no underflow beside an overflow", fpscr=UX),
    Rule("bcdcfsq\\.", "what has more than 31 digits gives an undefined result", result=True),
    Rule("fcti.*|x[sv].*", "CAVEATS: instructions of VSX change FI that should not", fpscr=FI | FR),
    Rule("denbcd.*", "QEMU sets no FPRF for a QNaN, and stores garbage", fpscr=FPRF, result=True),
    Rule("mtfsb1\\.?", "QEMU does not set FX", fpscr=FX, result=True),
    Rule("vrldmi", "QEMU does not insert", result=True),
    Rule(
        "xvcv[sd]p[su]x[dw]s", "QEMU takes one element's exception for the next one's", result=True
    ),
    Rule("l[dw]at", "QEMU gives a word where the operation does not happen", result=True),
    Rule("xsn?m(add|sub)qpo?", "CAVEATS: not there", everything=True),
    Rule(
        "(f|x[sv])n?m(add|sub).*s(p|\\.)?|f(add|sub|mul|div|sqrt)s\\.?|frsp\\.?|x[sv](add|sub|mul|div|sqrt).*sp",
        "CAVEATS: rounded twice",
        last_place=True,
        fpscr=FX | FI | FR | FPRF | INEXACT,
    ),
    Rule(
        "xststdcsp",
        "QEMU takes the class of double precision, where denormal numbers of single are normal",
        fpscr=FPRF,
        result=True,
    ),
    Rule("x[sv]sqrt[ds]p", "CAVEATS: negative signaling NaNs", fpscr=CAUSES_OF_VX),
    Rule(
        "f.*|x[sv].*",
        "CAVEATS: of two causes of an enabled invalid operation only the first is recorded",
        fpscr=CAUSES_OF_VX,
        enabled_only=True,
    ),
    Rule(
        "x[sv].*|f.*",
        "CAVEATS: enabled exceptions are incomplete",
        everything=True,
        enabled_only=True,
    ),
)


def _written(word: int, instruction: isa.Instruction) -> tuple[set[int], set[int]]:
    """The GPRs and VSRs that an instruction writes."""
    kinds = (isa.Kind.GPR, isa.Kind.FPR, isa.Kind.VR, isa.Kind.VSR)
    target = next((o for o in instruction.operands if o.kind in kinds), None)
    if target is None:
        return set(), set()
    number = target.field.extract(word)
    if target.kind is isa.Kind.GPR:
        return {number}, set()
    if target.kind is isa.Kind.VR:
        return set(), {32 + number}
    pair = "q" in instruction.mnemonic or instruction.mnemonic.startswith("lfdp")
    return set(), {number, number | 1} if pair else {number}


def rules_for(mnemonic: str, state: State) -> Iterable[Rule]:
    enabled = bool(state.fpscr & (VE | ZE))
    return [
        rule
        for rule in RULES
        if re.fullmatch(rule.mnemonics, mnemonic) and (enabled or not rule.enabled_only)
    ]


def _nearly(ours: int, theirs: int, vector: bool) -> int:
    """`theirs` where no element differs by more than its last place of single precision."""
    if ours == theirs:
        return ours
    shape = ">4f" if vector else ">2d"
    near = True
    for our, their in zip(_floats(shape, ours), _floats(shape, theirs), strict=True):
        if our == their or (our != our and their != their):
            continue
        largest = max(abs(our), abs(their))
        # A single has 24 bits of significand, and none below 2^-149.
        near &= abs(our - their) <= max(largest * 2.0**-23, 2.0**-149)
    return theirs if near else ours


def _floats(shape: str, value: int) -> tuple[float, ...]:
    return struct.unpack(shape, value.to_bytes(16, "big"))


def forgive(word: int, before: State, theirs: State, ours: State) -> State:
    """`ours` with `theirs` wherever a rule lets them differ."""
    result = ours.copy()
    instruction = isa.instruction_of(word)
    if instruction is None:
        return result
    gprs, vsrs = _written(word, instruction)
    for rule in rules_for(instruction.mnemonic, before):
        if rule.everything:
            return theirs
        result.fpscr = result.fpscr & ~rule.fpscr | theirs.fpscr & rule.fpscr
        if rule.result:
            for n in gprs:
                result.gpr[n] = theirs.gpr[n]
            for n in vsrs:
                result.vsr[n] = theirs.vsr[n]
            result.cr, result.xer = theirs.cr, theirs.xer
        if rule.lower_doublewords:
            for n in vsrs:
                result.vsr[n] = result.vsr[n] & _HIGH | theirs.vsr[n] & ~_HIGH
        if rule.last_place:
            vector = instruction.mnemonic.startswith("xv")
            for n in vsrs:
                result.vsr[n] = _nearly(result.vsr[n], theirs.vsr[n], vector)
            result.cr = theirs.cr
    if theirs.outcome:  # Linux keeps 32 bits of FPSCR across a signal
        result.fpscr = result.fpscr & 0xFFFFFFFF | theirs.fpscr & ~0xFFFFFFFF
    return result
