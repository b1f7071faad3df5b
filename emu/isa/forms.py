"""How an instruction word is laid out: fields, operands, forms (Power ISA v3.0B, I 1.6).

A row of the instruction tables beside this file says everything about one instruction:

    add[o][.]    XO   31  266   rt,ra,rb
    lwz          D    32  -     rt,d(ra)
    dcbzl        X    31  1014  ra,rb          B10=1

mnemonic, form, primary opcode, extended opcode, operands in the assembler's order, and fields
with a fixed value.  `[.]` stands for two instructions, without and with Rc=1; `[o]` likewise for
OE and `[l]` for LK.  Operands in square brackets may be left out and are then 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from ..bits import Field, SplitField, Word
from ..values import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class InstructionWord(Word):
    """The fields of all forms, under the names of Power ISA I 1.6.2 where it gives one."""

    WIDTH = 32

    OPCD = Field(0, 5)
    RT = Field(6, 10)
    RA = Field(11, 15)
    RB = Field(16, 20)
    RC = Field(21, 25)
    BF = Field(6, 8)
    BFA = Field(11, 13)
    L9 = Field(9, 10)
    B9 = Field(9)
    B10 = Field(10)
    B11 = Field(11)
    L14 = Field(14, 15)
    B15 = Field(15)
    U = Field(16, 19)
    TH4 = Field(7, 10)
    RM = Field(19, 20)
    DRM = Field(18, 20)
    L = Field(10)
    A6 = Field(6)
    IH = Field(8, 10)
    RIC = Field(12, 13)
    PRS = Field(14)
    R = Field(15)
    BH = Field(19, 20)
    B20 = Field(20)
    D16 = Field(16, 31)
    DS = Field(16, 29)
    DQ = Field(16, 27)
    LI = Field(6, 29)
    BD = Field(16, 29)
    AA = Field(30)
    LK = Field(31)
    EH = Field(31)
    RC31 = Field(31)
    RC21 = Field(21)
    OE = Field(21)
    FXM = Field(12, 19)
    FLM = Field(7, 14)
    FLM_L = Field(6)
    FLM_W = Field(15)
    LEV = Field(20, 26)
    SHB = Field(22, 25)
    DM = Field(22, 23)
    CY = Field(21, 22)
    ST = Field(16)
    SIX = Field(17, 20)
    UIM2 = Field(14, 15)
    UIM3 = Field(13, 15)
    UIM4 = Field(12, 15)
    IMM8 = Field(13, 20)
    UIM6 = Field(10, 15)
    DCM = Field(16, 21)
    DCMX = Field(9, 15)
    RMC = Field(21, 22)
    SP = Field(11, 12)
    S11 = Field(11)
    PS = Field(22)
    SH3 = Field(23, 25)
    BM0 = Field(16, 25)
    MB = Field(21, 25)
    ME = Field(26, 30)
    # Pieces, and the extended opcode of each form.
    B26 = Field(26)
    B28 = Field(28)
    B29 = Field(29)
    B30 = Field(30)
    D0 = Field(16, 25)
    XO_D = Field(31, 31)
    XO_DS = Field(30, 31)
    XO_DQ = Field(29, 31)
    XO_X = Field(21, 30)
    XO_XO = Field(22, 30)
    XO_Z23 = Field(23, 30)
    XO_A = Field(26, 30)
    XO_MD = Field(27, 29)
    XO_MDS = Field(27, 30)
    XO_XS = Field(21, 29)
    XO_VX = Field(21, 31)
    XO_VC = Field(22, 31)
    XO_VA = Field(26, 31)
    XO_XX3 = Field(21, 28)
    XO_XX3C = Field(22, 28)
    XO_XXDM = Field(24, 28)
    XO_XX4 = Field(26, 27)
    XO_SC = Field(30, 31)
    XO_DQP = Field(28, 31)
    XO_BCD = Field(23, 31)
    B25 = Field(25)
    TP = Field(6, 9)

    SPR = SplitField(RB, RA)
    SH6 = SplitField(B30, RB)
    MB6 = SplitField(B26, MB)
    DX = SplitField(D0, RA, RC31)
    XT = SplitField(RC31, RT)
    XT_DQ = SplitField(B28, RT)
    XA = SplitField(B29, RA)
    XB = SplitField(B30, RB)
    XC = SplitField(B28, RC)
    XTP = SplitField(B10, TP)
    BM = SplitField(BM0, RA, RC31)
    DH = SplitField(RC31, RT)  # below a sign that is always 1
    DCMXV = SplitField(B25, B29, RA)


W = InstructionWord

# The extended opcode of each form; None where the primary opcode says it all.
FORMS: dict[str, Field | None] = {
    "I": None, "B": None, "D": None, "M": None, "SC": W.XO_SC,
    "DS": W.XO_DS, "DQ": W.XO_DQ, "DX": W.XO_A, "X": W.XO_X, "XL": W.XO_X, "XFX": W.XO_X,
    "XFL": W.XO_X, "XO": W.XO_XO, "XS": W.XO_XS, "Z23": W.XO_Z23, "A": W.XO_A, "MD": W.XO_MD,
    "MDS": W.XO_MDS, "VX": W.XO_VX, "VC": W.XO_VC, "VA": W.XO_VA, "XX1": W.XO_X, "XX2": W.XO_XS,
    "XX3": W.XO_XX3, "XX3C": W.XO_XX3C, "XXDM": W.XO_XXDM, "XX4": W.XO_XX4,
    "Z22": W.XO_XO, "VN": W.XO_VA, "BCD": W.XO_BCD, "DQP": W.XO_DQP,
}  # fmt: skip


class Kind(Enum):
    """What an operand may be; the value is how a message calls it."""

    GPR = "a general register (r0-r31)"
    FPR = "a floating-point register (f0-f31)"
    VR = "a vector register (v0-v31)"
    VSR = "a VSX register (vs0-vs63)"
    ACC = "an accumulator (a0-a7)"
    CR_FIELD = "a condition register field (cr0-cr7)"
    CR_BIT = "a condition register bit (4*cr7+eq)"
    SPR = "a special purpose register"
    SIGNED = "a signed value"
    UNSIGNED = "an unsigned value"
    EITHER = "a signed or unsigned value"
    RELATIVE = "a branch target"
    ABSOLUTE = "an absolute branch target"


_BOTH_SIGNS = (Kind.SIGNED, Kind.RELATIVE, Kind.ABSOLUTE)


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand: what it may be, and the bits it goes to."""

    name: str
    kind: Kind
    field: Field | SplitField
    scale: int = 1
    low: int | None = None
    high: int | None = None
    even: bool = False
    optional: bool = False
    in_parentheses: bool = False

    @property
    def range(self) -> range:
        """The values that can be encoded; a branch target counts from the instruction."""
        codes = 2**self.field.width
        first = -codes // 2 if self.kind in (*_BOTH_SIGNS, Kind.EITHER) else 0
        past = codes // 2 if self.kind in _BOTH_SIGNS else codes
        if self.low is not None:
            first = self.low
        if self.high is not None:
            past = self.high + 1
        return range(first * self.scale, past * self.scale, 2 if self.even else self.scale)

    def place(self, value: int) -> int:
        return self.field.place(value // self.scale)


OPERANDS = {
    operand.name: operand
    for operand in (
        Operand("rt", Kind.GPR, W.RT),
        Operand("rs", Kind.GPR, W.RT),
        Operand("rte", Kind.GPR, W.RT, even=True),  # names a pair of registers
        Operand("ra", Kind.GPR, W.RA),
        Operand("rau", Kind.GPR, W.RA, low=1),  # updated, so not r0
        Operand("rb", Kind.GPR, W.RB),
        Operand("rc", Kind.GPR, W.RC),
        Operand("frt", Kind.FPR, W.RT),
        Operand("frte", Kind.FPR, W.RT, even=True),
        Operand("fra", Kind.FPR, W.RA),
        Operand("frae", Kind.FPR, W.RA, even=True),
        Operand("frb", Kind.FPR, W.RB),
        Operand("frbe", Kind.FPR, W.RB, even=True),
        Operand("frc", Kind.FPR, W.RC),
        Operand("vrt", Kind.VR, W.RT),
        Operand("vra", Kind.VR, W.RA),
        Operand("vrb", Kind.VR, W.RB),
        Operand("vrc", Kind.VR, W.RC),
        Operand("xt", Kind.VSR, W.XT),
        Operand("xtq", Kind.VSR, W.XT_DQ),
        Operand("xa", Kind.VSR, W.XA),
        Operand("xb", Kind.VSR, W.XB),
        Operand("xc", Kind.VSR, W.XC),
        Operand("xtp", Kind.VSR, W.XTP, scale=2),
        Operand("xap", Kind.VSR, W.XA, even=True),
        Operand("acc", Kind.ACC, W.BF),
        Operand("bf", Kind.CR_FIELD, W.BF),
        Operand("bfa", Kind.CR_FIELD, W.BFA),
        Operand("bt", Kind.CR_BIT, W.RT),
        Operand("ba", Kind.CR_BIT, W.RA),
        Operand("bb", Kind.CR_BIT, W.RB),
        Operand("bi", Kind.CR_BIT, W.RA),
        Operand("bc", Kind.CR_BIT, W.RC),
        Operand("fbit", Kind.UNSIGNED, W.RT),
        Operand("bo", Kind.UNSIGNED, W.RT),
        Operand("bh", Kind.UNSIGNED, W.BH),
        Operand("spr", Kind.SPR, W.SPR),
        Operand("si", Kind.SIGNED, W.D16),
        Operand("sis", Kind.EITHER, W.D16),
        Operand("ui", Kind.UNSIGNED, W.D16),
        Operand("d", Kind.SIGNED, W.D16),
        Operand("ds", Kind.SIGNED, W.DS, scale=4),
        Operand("dq", Kind.SIGNED, W.DQ, scale=16),
        Operand("dx", Kind.SIGNED, W.DX),
        Operand("li", Kind.RELATIVE, W.LI, scale=4),
        Operand("lia", Kind.ABSOLUTE, W.LI, scale=4),
        Operand("bd", Kind.RELATIVE, W.BD, scale=4),
        Operand("bda", Kind.ABSOLUTE, W.BD, scale=4),
        Operand("sh", Kind.UNSIGNED, W.RB),
        Operand("mb", Kind.UNSIGNED, W.MB),
        Operand("me", Kind.UNSIGNED, W.ME),
        Operand("sh6", Kind.UNSIGNED, W.SH6),
        Operand("mb6", Kind.UNSIGNED, W.MB6),
        Operand("me6", Kind.UNSIGNED, W.MB6),
        Operand("nb", Kind.UNSIGNED, W.RB),
        Operand("fc", Kind.UNSIGNED, W.RB),
        Operand("to", Kind.UNSIGNED, W.RT),
        Operand("th", Kind.UNSIGNED, W.RT),
        Operand("th4", Kind.UNSIGNED, W.TH4),
        Operand("l", Kind.UNSIGNED, W.L),
        Operand("l9", Kind.UNSIGNED, W.L9),
        Operand("l14", Kind.UNSIGNED, W.L14, high=2),
        Operand("l15", Kind.UNSIGNED, W.B15),
        Operand("eh", Kind.UNSIGNED, W.EH),
        Operand("a6", Kind.UNSIGNED, W.A6),
        Operand("s", Kind.UNSIGNED, W.B20),
        Operand("ih", Kind.UNSIGNED, W.IH),
        Operand("ric", Kind.UNSIGNED, W.RIC),
        Operand("prs", Kind.UNSIGNED, W.PRS),
        Operand("r", Kind.UNSIGNED, W.R),
        Operand("lev", Kind.UNSIGNED, W.LEV),
        Operand("fxm", Kind.UNSIGNED, W.FXM),
        Operand("flm", Kind.UNSIGNED, W.FLM),
        Operand("fl", Kind.UNSIGNED, W.FLM_L),
        Operand("fw", Kind.UNSIGNED, W.FLM_W),
        Operand("u", Kind.UNSIGNED, W.U),
        Operand("rm", Kind.UNSIGNED, W.RM),
        Operand("dh", Kind.SIGNED, W.DH, scale=8, low=-64, high=-1),
        Operand("drm", Kind.UNSIGNED, W.DRM),
        Operand("cy", Kind.UNSIGNED, W.CY, high=0),  # other values are reserved
        Operand("shb", Kind.UNSIGNED, W.SHB),
        Operand("dm", Kind.UNSIGNED, W.DM),
        Operand("st", Kind.UNSIGNED, W.ST),
        Operand("six", Kind.UNSIGNED, W.SIX),
        Operand("uim2", Kind.UNSIGNED, W.UIM2),
        Operand("uim3", Kind.UNSIGNED, W.UIM3),
        Operand("uim4", Kind.UNSIGNED, W.UIM4),
        Operand("uim5", Kind.UNSIGNED, W.RA),
        Operand("sim5", Kind.SIGNED, W.RA),
        Operand("imm8", Kind.UNSIGNED, W.IMM8),
        Operand("uim5b", Kind.UNSIGNED, W.RB),
        Operand("uim6", Kind.UNSIGNED, W.UIM6),
        Operand("dcm", Kind.UNSIGNED, W.DCM),
        Operand("dcmx", Kind.UNSIGNED, W.DCMX),
        Operand("dcmxv", Kind.UNSIGNED, W.DCMXV),
        Operand("rmc", Kind.UNSIGNED, W.RMC),
        Operand("sp", Kind.UNSIGNED, W.SP),
        Operand("s11", Kind.UNSIGNED, W.S11),
        Operand("shd", Kind.UNSIGNED, W.DCM),
        Operand("ps", Kind.UNSIGNED, W.PS),
        Operand("sh3", Kind.UNSIGNED, W.SH3),
        Operand("bm", Kind.UNSIGNED, W.BM),
    )
}


@frozen
class Instruction:
    """One mnemonic of the architecture: its fixed bits and its operands."""

    mnemonic: str
    word: int
    """Of 32 bits, or of 64 (`prefixed.py`)."""
    operands: tuple[Operand, ...]

    @property
    def prefixed(self) -> bool:
        """Whether it has eight bytes."""
        return self.word.bit_length() > InstructionWord.WIDTH

    @property
    def required(self) -> int:
        """How many operands must be written."""
        return sum(not operand.optional for operand in self.operands)

    @property
    def syntax(self) -> str:
        """The operands as the tables write them, for messages."""
        text = ""
        for operand in self.operands:
            if operand.in_parentheses:
                text += f"({operand.name})"
            else:
                name = f"[{operand.name}]" if operand.optional else operand.name
                text += f", {name}" if text else name
        return text


_SUFFIXES = {"[o]": ("o", W.OE), "[l]": ("l", W.LK), "[.]": (".", W.RC31)}


def variants(pattern: str) -> Iterator[tuple[str, str]]:
    """Each mnemonic a pattern stands for, with the suffixes it took: `neg[.]` is neg and neg."""
    for mark, (suffix, _) in _SUFFIXES.items():
        if mark in pattern:
            for mnemonic, taken in variants(pattern.replace(mark, "", 1)):
                yield mnemonic, taken
            for mnemonic, taken in variants(pattern.replace(mark, suffix, 1)):
                yield mnemonic, mark + taken
            return
    yield pattern, ""


def read_row(row: str) -> Iterator[Instruction]:
    """The instructions one row of a table stands for."""
    pattern, form, primary, extended, *rest = row.split()
    word = W.OPCD.place(int(primary))
    if (xo := FORMS[form]) is not None and extended != "-":
        word |= xo.place(int(extended))
    operands: tuple[Operand, ...] = ()
    if rest and "=" not in rest[0]:
        operands = read_operands(rest.pop(0))
    for name, value in (fixed.split("=") for fixed in rest):
        word |= W.fields()[name].place(int(value))
    record = W.RC21 if form in ("VC", "XX3C") else W.RC31
    for mnemonic, taken in variants(pattern):
        bits = word
        for mark, (_, field) in _SUFFIXES.items():
            if mark in taken:
                bits |= (record if mark == "[.]" else field).place(1)
        yield Instruction(mnemonic, bits, operands)


def read_operands(text: str, known: Mapping[str, Operand] = OPERANDS) -> tuple[Operand, ...]:
    """`rt,d(ra),[eh]` as operands."""
    operands = []
    for name in text.replace("(", ",(").split(","):
        operand = known[name.strip("()[]")]
        if name.startswith("["):
            operand = replace(operand, optional=True)
        elif name.startswith("("):
            operand = replace(operand, in_parentheses=True)
        operands.append(operand)
    return tuple(operands)
