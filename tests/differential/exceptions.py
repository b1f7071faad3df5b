"""Differences that are no fault of our core: where results are undefined, and where QEMU is wrong.

Each rule names instructions, what may differ of them
and why; everything else must be equal.  A rule that lets a result differ means the registers that
the instruction writes, no others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu import isa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .block import State

FR, FI, FX, FEX, VX = 0x40000, 0x20000, 0x8000_0000, 0x4000_0000, 0x2000_0000
OX, UX, ZX, XX = 0x1000_0000, 0x0800_0000, 0x0400_0000, 0x0200_0000
FPRF, CAUSES_OF_VX, VXVC, VXSNAN = 0x1F000, 0x01F8_0700, 0x0008_0000, 0x0100_0000
CAUSES = CAUSES_OF_VX | OX | UX | ZX | XX
"""Class of a result; VXSNAN to VXCVI."""
VE, OE, UE, ZE, XE = 0x80, 0x40, 0x20, 0x10, 0x08
ENABLED = VE | OE | UE | ZE | XE
_HIGH = (1 << 64) - 1 << 64

SINGLE = (
    r"(f(n?m)?(add|sub|mul|div|sqrt)s|frsp|xs(n?m)?(add|sub|mul|div|sqrt)[am]?sp|xsrsp)\.?"
    r"|f(n?m)(add|sub)s\.?"
)
DECIMAL = r"d(?!iv[dw]|ar|cb|tst|xex|iex|dedpd|scl|scr).*"
FLOATING = r"f(?!sel|mr|neg|abs|nabs|cpsgn|td|tsq).*|x[sv].*"


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
    cr: bool = False
    outcome: bool = False
    """Whether there is an interrupt, as well."""
    enabled: int = 0
    """Only while one of these bits of FPSCR is on."""
    everything: bool = False
    directed: bool = False
    """Only while FPSCR[RN] names a direction."""
    of_zero: bool = False
    """Only where the result is a decimal zero."""


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
        "vdive[su][wdq]",
        "quotients that do not fit are undefined (test_power10.py has those that do)",
        result=True,
    ),
    Rule(DECIMAL, "QEMU leaves FI and FR of before", fpscr=FI | FR),
    Rule(
        DECIMAL,
        "QEMU does not interrupt, and writes all the same",
        result=True,
        outcome=True,
        fpscr=FPRF | FX | FEX,
        enabled=ENABLED,
    ),
    Rule("dcffixqq|dctfixqq", "QEMU does not interrupt", everything=True, enabled=VE | XE),
    Rule("(pm)?xvb?f.*ger.*", "QEMU notes no underflow beside an overflow", fpscr=UX),
    Rule(
        "(pm)?xvb?f.*ger.*",
        "QEMU scales elements, where exceptions are for the end",
        result=True,
        outcome=True,
        fpscr=OX | UX | XX | FX | FEX | CAUSES_OF_VX | VX,
        enabled=OE | UE,
    ),
    Rule("bcdcfsq\\.", "what has more than 31 digits gives an undefined result", result=True),
    Rule("denbcd.*", "QEMU sets no FPRF for a QNaN, and stores garbage", fpscr=FPRF, result=True),
    Rule("(denbcd|drrnd).*", "QEMU sets FEX although nothing is enabled", fpscr=FEX, result=True),
    Rule("bcd(add|sub)\\.", "QEMU says that zero is greater, too", cr=True, of_zero=True),
    Rule("mtfsb1\\.?", "QEMU does not set FX", fpscr=FX, result=True),
    Rule("vrldmi", "QEMU does not insert", result=True),
    Rule("l[dw]at", "QEMU gives a word where the operation does not happen", result=True),
    Rule(
        "xststdcsp",
        "QEMU takes the class of double precision, where denormal numbers of single are normal",
        fpscr=FPRF,
        result=True,
    ),
    # Binary floating point: what QEMU does otherwise, the exact model says as we do.
    Rule(
        "x?[sfv]*r?sqrte.*|vexptefp|vlogefp|vrefp|fres?\\.?|x[sv]re[sd]p",
        "estimates",
        result=True,
        fpscr=0xFFFFFFFF,
    ),
    Rule(
        "f?r?(sqrt)?es?\\.?|x[sv]r(sqrt)?e[sd]p",
        "estimates are never inexact here",
        outcome=True,
        result=True,
        enabled=ENABLED,
    ),
    Rule(FLOATING, "QEMU does not compute FR", fpscr=FR),
    Rule(
        "fcmp.|xv.*|xs(cmp|max|min).*",
        "QEMU changes FI, which the instruction does not",
        fpscr=FI,
    ),
    Rule(
        "x?[sfv]*nm(add|sub).*",
        "QEMU negates before it rounds",
        result=True,
        fpscr=FPRF,
        directed=True,
    ),
    Rule(FLOATING, "QEMU leaves CR as it is where it interrupts", cr=True, enabled=ENABLED),
    Rule("fcfid(u?s|u)\\.?", "QEMU does not set FPRF", fpscr=FPRF),
    Rule(
        "fcfid.*|xsrsp",
        "QEMU does not write before it interrupts",
        result=True,
        fpscr=FPRF,
        enabled=XE,
    ),
    Rule("xsnmsubqpo", "QEMU rounds as FPSCR says", result=True, fpscr=FPRF),
    Rule(
        "xvcv[sd]p[su]x[dw]s", "QEMU takes one element's exception for the next one's", result=True
    ),
    Rule("(fct|xscv.*[sdwu]x?[dw][sz]).*", "FPRF is undefined", fpscr=FPRF),
    Rule("fcmpo|x[sv]cmpg.*", "QEMU changes C, and sets VXVC behind VXSNAN", fpscr=FPRF),
    Rule("xscmpg[et][dq]p", "QEMU writes before it interrupts", result=True, enabled=VE),
    Rule("fcmpo|xscmpo.*", "VXVC and VXSNAN", fpscr=VXVC, enabled=VE),
    Rule(SINGLE, "QEMU takes the class of denormal numbers as doubles have it", fpscr=FPRF),
    Rule(
        SINGLE + "|xscv(dphp|dpsp|qpdpo?)",
        "what does not fit even when it is scaled is undefined",
        fpscr=FPRF | FR | FI | FEX | OX | UX | XX,
        result=True,
        outcome=True,
        enabled=OE | UE,
    ),
    Rule(
        "xv.*",
        "QEMU writes a vector of which an element interrupts",
        result=True,
        outcome=True,
        enabled=ENABLED,
    ),
    Rule("xv.*", "QEMU looks no further when an element overflows or interrupts", fpscr=UX),
    Rule(
        "xv.*",
        "QEMU looks no further when an element interrupts",
        fpscr=CAUSES | FX | FEX | VX,
        enabled=ENABLED,
    ),
    Rule("xscvsxdsp|xscvuxdsp", "QEMU rounds twice", result=True, fpscr=FPRF | FI | FR),
    Rule(
        "xs(max|min)jdp",
        "QEMU does not look at the second number if the first is a NaN",
        fpscr=VXSNAN | VX | FX | FEX,
    ),
    Rule(
        "xs(max|min)jdp", "the same", result=True, outcome=True, fpscr=CAUSES | FX | FEX, enabled=VE
    ),
    Rule(
        "x[sv](max|min)(dp|sp)",
        "QEMU takes an earlier instruction's exceptions for this one's",
        fpscr=FX | FEX | UX | OX | XX,
        result=True,
        outcome=True,
        enabled=ENABLED,
    ),
    Rule("x[sv](max|min)(dp|sp)", "the same", fpscr=FX | UX | OX | XX),
    Rule(
        "xsrqpix?|xsrqpxp",
        "QEMU takes FPSCR[RN] for its own number",
        result=True,
        fpscr=FPRF | FI | XX | FX,
    ),
    Rule("f?n?m(add|sub)s?\\.?", "QEMU misses a second cause", fpscr=CAUSES_OF_VX),
    Rule("x[sv]n?m(add|sub).*", "QEMU misses a second cause", fpscr=CAUSES_OF_VX),
)


def _written(word: int, instruction: isa.Instruction) -> tuple[set[int], set[int]]:
    """The GPRs and VSRs that an instruction writes."""
    kinds = (isa.Kind.GPR, isa.Kind.FPR, isa.Kind.VR, isa.Kind.VSR, isa.Kind.ACC)
    target = next((o for o in instruction.operands if o.kind in kinds), None)
    if target is None:
        return set(), set()
    number = target.field.extract(word)
    if target.kind is isa.Kind.GPR:
        return {number}, set()
    if target.kind is isa.Kind.VR:
        return set(), {32 + number}
    if target.kind is isa.Kind.ACC:
        return set(), set(range(4 * number, 4 * number + 4))
    pair = "q" in instruction.mnemonic or instruction.mnemonic.startswith("lfdp")
    return set(), {number, number | 1} if pair else {number}


def rules_for(mnemonic: str, state: State) -> Iterable[Rule]:
    return [
        rule
        for rule in RULES
        if re.fullmatch(rule.mnemonics, mnemonic)
        and (not rule.enabled or state.fpscr & rule.enabled)
        and (not rule.directed or state.fpscr & 2)
    ]


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
        if rule.of_zero and any(ours.vsr[n] >> 4 for n in vsrs):
            continue
        result.fpscr = result.fpscr & ~rule.fpscr | theirs.fpscr & rule.fpscr
        if rule.result:
            for n in gprs:
                result.gpr[n] = theirs.gpr[n]
            for n in vsrs:
                result.vsr[n] = theirs.vsr[n]
            result.xer = theirs.xer
        if rule.result or rule.cr:
            result.cr = theirs.cr
        if rule.lower_doublewords:
            for n in vsrs:
                result.vsr[n] = result.vsr[n] & _HIGH | theirs.vsr[n] & ~_HIGH
        if rule.outcome:
            result.outcome, result.nip = theirs.outcome, theirs.nip
    if not ours.fpscr & ~before.fpscr & CAUSES and theirs.fpscr & FX and not result.fpscr & FX:
        # Nothing happened that had not: QEMU sets FX all the same.
        result.fpscr |= FX
        if instruction.mnemonic.endswith("."):
            result.cr = theirs.cr
    if theirs.outcome:  # Linux keeps 32 bits of FPSCR across a signal
        result.fpscr = result.fpscr & 0xFFFFFFFF | theirs.fpscr & ~0xFFFFFFFF
    return result
