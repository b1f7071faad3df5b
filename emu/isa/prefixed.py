"""The prefixed instructions of Power ISA v3.1 (I 1.6.3): a prefix and a suffix, eight bytes.

Such an instruction's `word` has 64 bits, the prefix above the suffix; the suffix's fields lie where
they lie in a word of its own.  A form names the prefix's type, then how the suffix is laid out.
"""

from __future__ import annotations

from ..bits import Field, SplitField, Word
from . import forms
from .forms import FORMS, Instruction, Kind, Operand, read_operands
from .forms import InstructionWord as W


class PrefixedWord(Word):
    """The fields beside those of the suffix's form."""

    WIDTH = 64

    PREFIX = Field(0, 31)
    R = Field(11)
    D0 = Field(14, 31)
    IMM0 = Field(16, 31)
    IMM3 = Field(29, 31)
    IMM8 = Field(24, 31)
    TX_OPCODE = Field(37)
    XO_8RR = Field(43, 46)
    IX = Field(46)
    PMSK2 = Field(16, 17)
    PMSK4 = Field(16, 19)
    PMSK8 = Field(16, 23)
    XMSK = Field(24, 27)
    YMSK = Field(28, 31)
    YMSK2 = Field(28, 29)
    TX = Field(47)

    D34 = SplitField(D0, W.D16)
    IMM32 = SplitField(IMM0, W.D16)
    XT_OPCODE = SplitField(TX_OPCODE, W.RT)
    XT_8RR = SplitField(TX, W.RT)


P = PrefixedWord

PREFIX_OPCODE = 1
PREFIXES = {
    "8LS": 0x0400_0000,
    "8RR": 0x0500_0000,
    "MLS": 0x0600_0000,
    "MRR": 0x0700_0000,
    "MMIRR": 0x0790_0000,
}

OPERANDS = forms.OPERANDS | {
    operand.name: operand
    for operand in (
        Operand("si34", Kind.SIGNED, P.D34),
        Operand("d34", Kind.SIGNED, P.D34),
        Operand("pcrel", Kind.UNSIGNED, P.R),
        Operand("imm32", Kind.EITHER, P.IMM32),
        Operand("ix", Kind.UNSIGNED, P.IX),
        Operand("xto", Kind.VSR, P.XT_OPCODE),
        Operand("xti", Kind.VSR, P.XT_8RR),
        Operand("imm3", Kind.UNSIGNED, P.IMM3),
        Operand("pmsk2", Kind.UNSIGNED, P.PMSK2),
        Operand("pmsk4", Kind.UNSIGNED, P.PMSK4),
        Operand("pmsk8", Kind.UNSIGNED, P.PMSK8),
        Operand("xmsk", Kind.UNSIGNED, P.XMSK),
        Operand("ymsk", Kind.UNSIGNED, P.YMSK),
        Operand("ymsk2", Kind.UNSIGNED, P.YMSK2),
        Operand("fn", Kind.UNSIGNED, P.IMM8),
    )
}

ROWS = """
# mnemonic       form     op  xo    operands

paddi            MLS:D    14  -     rt,ra,si34,[pcrel]
plbz             MLS:D    34  -     rt,d34(ra),[pcrel]
plhz             MLS:D    40  -     rt,d34(ra),[pcrel]
plha             MLS:D    42  -     rt,d34(ra),[pcrel]
plwz             MLS:D    32  -     rt,d34(ra),[pcrel]
plwa             8LS:D    41  -     rt,d34(ra),[pcrel]
pld              8LS:D    57  -     rt,d34(ra),[pcrel]
plq              8LS:D    56  -     rte,d34(ra),[pcrel]
pstb             MLS:D    38  -     rs,d34(ra),[pcrel]
psth             MLS:D    44  -     rs,d34(ra),[pcrel]
pstw             MLS:D    36  -     rs,d34(ra),[pcrel]
pstd             8LS:D    61  -     rs,d34(ra),[pcrel]
pstq             8LS:D    60  -     rte,d34(ra),[pcrel]
plfs             MLS:D    48  -     frt,d34(ra),[pcrel]
plfd             MLS:D    50  -     frt,d34(ra),[pcrel]
pstfs            MLS:D    52  -     frt,d34(ra),[pcrel]
pstfd            MLS:D    54  -     frt,d34(ra),[pcrel]
plxsd            8LS:D    42  -     vrt,d34(ra),[pcrel]
plxssp           8LS:D    43  -     vrt,d34(ra),[pcrel]
pstxsd           8LS:D    46  -     vrt,d34(ra),[pcrel]
pstxssp          8LS:D    47  -     vrt,d34(ra),[pcrel]
plxv             8LS:D    50  -     xto,d34(ra),[pcrel]
pstxv            8LS:D    54  -     xto,d34(ra),[pcrel]
plxvp            8LS:D    58  -     xtp,d34(ra),[pcrel]
pstxvp           8LS:D    62  -     xtp,d34(ra),[pcrel]
xxspltidp        8RR:XT   32  2     xti,imm32
xxspltiw         8RR:XT   32  3     xti,imm32
xxsplti32dx      8RR:XT   32  0     xti,ix,imm32
xxblendvb        8RR:XX4  33  0     xt,xa,xb,xc
xxblendvh        8RR:XX4  33  1     xt,xa,xb,xc
xxblendvw        8RR:XX4  33  2     xt,xa,xb,xc
xxblendvd        8RR:XX4  33  3     xt,xa,xb,xc
xxpermx          8RR:XX4  34  0     xt,xa,xb,xc,imm3
xxeval           8RR:XX4  34  1     xt,xa,xb,xc,fn
pnop             MRR:D    0   -

pmxvi4ger8       MMIRR:XX3  59  35    acc,xa,xb,xmsk,ymsk,pmsk8
pmxvi4ger8pp     MMIRR:XX3  59  34    acc,xa,xb,xmsk,ymsk,pmsk8
pmxvi8ger4       MMIRR:XX3  59  3     acc,xa,xb,xmsk,ymsk,pmsk4
pmxvi8ger4pp     MMIRR:XX3  59  2     acc,xa,xb,xmsk,ymsk,pmsk4
pmxvi8ger4spp    MMIRR:XX3  59  99    acc,xa,xb,xmsk,ymsk,pmsk4
pmxvi16ger2      MMIRR:XX3  59  75    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvi16ger2s     MMIRR:XX3  59  43    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvi16ger2pp    MMIRR:XX3  59  107   acc,xa,xb,xmsk,ymsk,pmsk2
pmxvi16ger2spp   MMIRR:XX3  59  42    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvbf16ger2     MMIRR:XX3  59  51    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvbf16ger2pp   MMIRR:XX3  59  50    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvbf16ger2pn   MMIRR:XX3  59  178   acc,xa,xb,xmsk,ymsk,pmsk2
pmxvbf16ger2np   MMIRR:XX3  59  114   acc,xa,xb,xmsk,ymsk,pmsk2
pmxvbf16ger2nn   MMIRR:XX3  59  242   acc,xa,xb,xmsk,ymsk,pmsk2
pmxvf16ger2      MMIRR:XX3  59  19    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvf16ger2pp    MMIRR:XX3  59  18    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvf16ger2pn    MMIRR:XX3  59  146   acc,xa,xb,xmsk,ymsk,pmsk2
pmxvf16ger2np    MMIRR:XX3  59  82    acc,xa,xb,xmsk,ymsk,pmsk2
pmxvf16ger2nn    MMIRR:XX3  59  210   acc,xa,xb,xmsk,ymsk,pmsk2
pmxvf32ger       MMIRR:XX3  59  27    acc,xa,xb,xmsk,ymsk
pmxvf32gerpp     MMIRR:XX3  59  26    acc,xa,xb,xmsk,ymsk
pmxvf32gerpn     MMIRR:XX3  59  154   acc,xa,xb,xmsk,ymsk
pmxvf32gernp     MMIRR:XX3  59  90    acc,xa,xb,xmsk,ymsk
pmxvf32gernn     MMIRR:XX3  59  218   acc,xa,xb,xmsk,ymsk
pmxvf64ger       MMIRR:XX3  59  59    acc,xap,xb,xmsk,ymsk2
pmxvf64gerpp     MMIRR:XX3  59  58    acc,xap,xb,xmsk,ymsk2
pmxvf64gerpn     MMIRR:XX3  59  186   acc,xap,xb,xmsk,ymsk2
pmxvf64gernp     MMIRR:XX3  59  122   acc,xap,xb,xmsk,ymsk2
pmxvf64gernn     MMIRR:XX3  59  250   acc,xap,xb,xmsk,ymsk2
"""


def read_row(row: str) -> Instruction:
    """The instruction that a row of the table is."""
    mnemonic, form, primary, extended, *operands = row.split()
    kind, _, layout = form.partition(":")
    word = W.OPCD.place(int(primary))
    if extended != "-":
        xo = P.XO_8RR if layout == "XT" else FORMS[layout]
        assert xo is not None
        word |= xo.place(int(extended))
    read = read_operands(operands[0], OPERANDS) if operands else ()
    return Instruction(mnemonic, P.PREFIX.place(PREFIXES[kind]) | word, read)


def is_prefix(word: int) -> bool:
    """Whether the word is the first of a prefixed instruction."""
    return W(word).OPCD == PREFIX_OPCODE
