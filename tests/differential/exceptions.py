"""Differences that are no fault of our core: where results are undefined, and where QEMU is wrong.

And those that are and stand in CAVEATS.md.  Each rule names instructions, what may differ of them
and why; everything else must be equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .block import State

FR, FI, FX, FPRF, VXSNAN, VE = 0x40000, 0x20000, 0x80000000, 0x1F000, 0x1000000, 0x80
_HIGH = (1 << 64) - 1 << 64


@dataclass(frozen=True, slots=True)
class Rule:
    """Instructions by a pattern, and what is not compared of them."""

    mnemonics: str
    reason: str
    fpscr: int = 0
    """These bits."""
    lower_doublewords: bool = False
    target: bool = False
    """Registers of any kind that are written, CR and XER with them."""
    enabled_only: bool = False
    """Only while invalid operations are enabled to interrupt."""
    everything: bool = False


RULES = (
    Rule(
        "f.*|l[fx]s.*|lfd.*|lfiw.*|xs.*(?<!qp)(?<!qpo)|mffs.*|mtvsr[dw].?|d.*",
        "doubleword 1 is undefined in ISA 3.0",
        lower_doublewords=True,
    ),
    Rule("fctiw.*", "the upper word is undefined", target=True),
    Rule("div[dw]eu?o?\\.?", "the quotient is undefined when it does not fit", target=True),
    Rule(
        "x?[vfsx]*r?sqrte.*|vexptefp|vlogefp|vrefp|fres?\\.?|x[sv]re[sd]p",
        "estimates",
        target=True,
        fpscr=0xFFFFFFFF,
    ),
    Rule("bcdcfsq\\.", "what has more than 31 digits gives an undefined result", target=True),
    Rule("fcti.*|x[sv].*", "CAVEATS: instructions of VSX change FI that should not", fpscr=FI | FR),
    Rule("denbcd.*", "QEMU sets no FPRF for a QNaN, and stores garbage", fpscr=FPRF, target=True),
    Rule("mtfsb1\\.?", "QEMU does not set FX", fpscr=FX, target=True),
    Rule("vrldmi", "QEMU does not insert", target=True),
    Rule(
        "xvcv[sd]p[su]x[dw]s", "QEMU takes one element's exception for the next one's", target=True
    ),
    Rule("l[dw]at", "QEMU gives a word where the operation does not happen", target=True),
    Rule(
        "[vx].*fp\\.?|vrfi.|v(add|sub|madd|nmsub)fp",
        "NaNs and subnormal numbers of VMX",
        target=True,
    ),
    Rule("xsn?m(add|sub)qpo?", "CAVEATS: not there", everything=True),
    Rule(
        "(f|x[sv])n?m(add|sub).*s(p|\\.)?|f(add|sub|mul|div|sqrt|rsp)s?\\.?|frsp.*|x[sv].*sp",
        "CAVEATS: rounded twice",
        target=True,
        fpscr=FX | 0x0E01F000 | FI,
    ),
    Rule("f.*|x[sv].*", "CAVEATS: enabled invalid operations", everything=True, enabled_only=True),
)


def rules_for(mnemonic: str, state: State) -> Iterable[Rule]:
    enabled = bool(state.fpscr & (VE | 0x10))
    return [
        rule
        for rule in RULES
        if re.fullmatch(rule.mnemonics, mnemonic) and (enabled or not rule.enabled_only)
    ]


def forgive(mnemonic: str, before: State, theirs: State, ours: State) -> State:
    """`ours` with `theirs` wherever a rule lets them differ."""
    result = ours.copy()
    for rule in rules_for(mnemonic, before):
        if rule.everything:
            return theirs
        result.fpscr = result.fpscr & ~rule.fpscr | theirs.fpscr & rule.fpscr
        if rule.target:
            result.gpr, result.vsr = theirs.gpr, theirs.vsr
            result.cr, result.xer = theirs.cr, theirs.xer
        elif rule.lower_doublewords:
            pairs = zip(result.vsr, theirs.vsr, strict=True)
            result.vsr = [our & _HIGH | their & ~_HIGH for our, their in pairs]
    if theirs.outcome:  # Linux keeps 32 bits of FPSCR across a signal
        result.fpscr = result.fpscr & 0xFFFFFFFF | theirs.fpscr & ~0xFFFFFFFF
    return result
