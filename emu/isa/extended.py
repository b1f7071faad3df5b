"""Extended mnemonics (Power ISA v3.0B, I appendix C), and `load64`, which is this project's own.

A row reads: mnemonic, its operands, and the instruction it stands for, whose operands are
expressions over the left side's.  `load64 rt,n` stands for five instructions (the operand may be
any 64-bit value, also a symbol that is defined later).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..values import frozen
from .forms import Kind, variants
from .sprs import SPRS

if TYPE_CHECKING:
    from collections.abc import Iterator

# Any 64-bit value into a register, always five instructions long.
LOAD64 = (
    "load64 rt,n = addis rt,0,n@highest; ori rt,rt,n@higher; rldicr rt,rt,32,31; "
    "oris rt,rt,n@h; ori rt,rt,n@l"
)
ROWS = """
li          rt,si       = addi rt,0,si
lis         rt,sis      = addis rt,0,sis
la          rt,d(ra)    = addi rt,ra,d
subi        rt,ra,n     = addi rt,ra,-n
subis       rt,ra,n     = addis rt,ra,-n
subic       rt,ra,n     = addic rt,ra,-n
subic.      rt,ra,n     = addic. rt,ra,-n
sub[o][.]   rt,ra,rb    = subf[o][.] rt,rb,ra
subc[o][.]  rt,ra,rb    = subfc[o][.] rt,rb,ra
pli         rt,si34     = paddi rt,0,si34
pla         rt,d34(ra)  = paddi rt,ra,d34
psubi       rt,ra,n     = paddi rt,ra,-n
lnia        rt          = addpcis rt,0
subpcis     rt,n        = addpcis rt,-n
nop                     = ori 0,0,0
xnop                    = xori 0,0,0
mr[.]       ra,rs       = or[.] ra,rs,rs
not[.]      ra,rs       = nor[.] ra,rs,rs
isellt      rt,ra,rb    = isel rt,ra,rb,0
iselgt      rt,ra,rb    = isel rt,ra,rb,1
iseleq      rt,ra,rb    = isel rt,ra,rb,2

cmpd        ra,rb       = cmp 0,1,ra,rb
cmpd        bf,ra,rb    = cmp bf,1,ra,rb
cmpdi       ra,si       = cmpi 0,1,ra,si
cmpdi       bf,ra,si    = cmpi bf,1,ra,si
cmpld       ra,rb       = cmpl 0,1,ra,rb
cmpld       bf,ra,rb    = cmpl bf,1,ra,rb
cmpldi      ra,ui       = cmpli 0,1,ra,ui
cmpldi      bf,ra,ui    = cmpli bf,1,ra,ui
cmpw        ra,rb       = cmp 0,0,ra,rb
cmpw        bf,ra,rb    = cmp bf,0,ra,rb
cmpwi       ra,si       = cmpi 0,0,ra,si
cmpwi       bf,ra,si    = cmpi bf,0,ra,si
cmplw       ra,rb       = cmpl 0,0,ra,rb
cmplw       bf,ra,rb    = cmpl bf,0,ra,rb
cmplwi      ra,ui       = cmpli 0,0,ra,ui
cmplwi      bf,ra,ui    = cmpli bf,0,ra,ui

extldi[.]   ra,rs,n,b   = rldicr[.] ra,rs,b,n-1
extrdi[.]   ra,rs,n,b   = rldicl[.] ra,rs,b+n==64?0:b+n,64-n
insrdi[.]   ra,rs,n,b   = rldimi[.] ra,rs,64-(b+n),b
rotldi[.]   ra,rs,n     = rldicl[.] ra,rs,n,0
rotrdi[.]   ra,rs,n     = rldicl[.] ra,rs,n?64-n:0,0
rotld[.]    ra,rs,rb    = rldcl[.] ra,rs,rb,0
sldi[.]     ra,rs,n     = rldicr[.] ra,rs,n,63-n
srdi[.]     ra,rs,n     = rldicl[.] ra,rs,n?64-n:0,n
clrldi[.]   ra,rs,n     = rldicl[.] ra,rs,0,n
clrrdi[.]   ra,rs,n     = rldicr[.] ra,rs,0,63-n
clrlsldi[.] ra,rs,b,n   = rldic[.] ra,rs,n,b-n
extlwi[.]   ra,rs,n,b   = rlwinm[.] ra,rs,b,0,n-1
extrwi[.]   ra,rs,n,b   = rlwinm[.] ra,rs,b+n==32?0:b+n,32-n,31
inslwi[.]   ra,rs,n,b   = rlwimi[.] ra,rs,b?32-b:0,b,b+n-1
insrwi[.]   ra,rs,n,b   = rlwimi[.] ra,rs,32-(b+n),b,b+n-1
rotlwi[.]   ra,rs,n     = rlwinm[.] ra,rs,n,0,31
rotrwi[.]   ra,rs,n     = rlwinm[.] ra,rs,n?32-n:0,0,31
rotlw[.]    ra,rs,rb    = rlwnm[.] ra,rs,rb,0,31
slwi[.]     ra,rs,n     = rlwinm[.] ra,rs,n,0,31-n
srwi[.]     ra,rs,n     = rlwinm[.] ra,rs,n?32-n:0,n,31
clrlwi[.]   ra,rs,n     = rlwinm[.] ra,rs,0,n,31
clrrwi[.]   ra,rs,n     = rlwinm[.] ra,rs,0,0,31-n
clrlslwi[.] ra,rs,b,n   = rlwinm[.] ra,rs,n,b-n,31-n

crset       bt          = creqv bt,bt,bt
crclr       bt          = crxor bt,bt,bt
crmove      bt,ba       = cror bt,ba,ba
crnot       bt,ba       = crnor bt,ba,ba
mtcr        rs          = mtcrf 255,rs

hwsync                  = sync 0
msync                   = sync 0
lwsync                  = sync 1
ptesync                 = sync 2
dcbfl       ra,rb       = dcbf ra,rb,1
dcbflp      ra,rb       = dcbf ra,rb,3
dcbtt       ra,rb       = dcbt ra,rb,16
dcbtstt     ra,rb       = dcbtst ra,rb,16

mftb        rt          = mfspr rt,268
mftb        rt,spr      = mfspr rt,spr
mftbl       rt          = mfspr rt,268
mftbu       rt          = mfspr rt,269
mfctrl      rt          = mfspr rt,136
mtsprg      uim2,rs     = mtspr 272+uim2,rs
mfsprg      rt,uim2     = mfspr rt,272+uim2
tendall.                = tend. 1
tsuspend.               = tsr. 0
tresume.                = tsr. 1
rfebb                   = rfebb 1
trap                    = tw 31,0,0

mtfprd      frt,ra      = mtvsrd frt,ra
mtvrd       vrt,ra      = mtvsrd 32+vrt,ra
mffprd      ra,frt      = mfvsrd ra,frt
mfvrd       ra,vrt      = mfvsrd ra,32+vrt
vmr         vrt,vra     = vor vrt,vra,vra
vnot        vrt,vra     = vnor vrt,vra,vra
xxmr        xt,xa       = xxlor xt,xa,xa
xxlnot      xt,xa       = xxlnor xt,xa,xa
xxspltd     xt,xa,l     = xxpermdi xt,xa,xa,l*3
xxmrghd     xt,xa,xb    = xxpermdi xt,xa,xb,0
xxmrgld     xt,xa,xb    = xxpermdi xt,xa,xb,3
xxswapd     xt,xa       = xxpermdi xt,xa,xa,2
xvmovdp     xt,xa       = xvcpsgndp xt,xa,xa
xvmovsp     xt,xa       = xvcpsgnsp xt,xa,xa
"""

# Name of a condition: BO, and which bit of its CR field.
CONDITIONS = {
    "lt": (12, 0), "gt": (12, 1), "eq": (12, 2), "so": (12, 3), "un": (12, 3),
    "ge": (4, 0), "nl": (4, 0), "le": (4, 1), "ng": (4, 1), "ne": (4, 2), "ns": (4, 3),
    "nu": (4, 3),
}  # fmt: skip
# Decrementing CTR: BO, and whether BI is an operand.
DECREMENTS = {
    "dnz": (16, False), "dz": (18, False), "dnzt": (8, True), "dnzf": (0, True),
    "dzt": (10, True), "dzf": (2, True), "t": (12, True), "f": (4, True),
}  # fmt: skip
TRAPS = {
    "lgt": 1, "llt": 2, "eq": 4, "lge": 5, "lnl": 5, "lle": 6, "lng": 6, "gt": 8, "ge": 12,
    "nl": 12, "lt": 16, "le": 20, "ng": 20, "ne": 24, "u": 31,
}  # fmt: skip
# What a hint adds to BO: the at bits, 0b11 for taken and 0b10 for not taken, lie in two places.
_CONDITION_HINTS = {"": 0, "+": 3, "-": 2}
_DECREMENT_HINTS = {"": 0, "+": 9, "-": 8}


@frozen
class Step:
    """One instruction an extended mnemonic stands for; its operands are expressions."""

    mnemonic: str
    operands: tuple[str, ...]


@frozen
class Extended:
    """One extended mnemonic with one number of operands."""

    mnemonic: str
    parameters: tuple[str, ...]
    steps: tuple[Step, ...]
    in_parentheses: bool = False  # the last parameter


def branches() -> Iterator[str]:
    """The rows of the conditional branches."""
    yield from ("blr = bclr 20,0", "blrl = bclrl 20,0", "bctr = bcctr 20,0")
    yield from ("bctrl = bcctrl 20,0", "btar = bctar 20,0", "btarl = bctarl 20,0")
    for (name, (bo, bit)), (hint, at) in _product(CONDITIONS, _CONDITION_HINTS):
        for form in ("", "l", "a", "la"):
            target = "bda" if "a" in form else "bd"
            yield f"b{name}{form}{hint} {target} = bc{form} {bo + at},{bit},{target}"
            yield f"b{name}{form}{hint} bf,{target} = bc{form} {bo + at},4*bf+{bit},{target}"
        for form in ("lr", "lrl", "ctr", "ctrl", "tar", "tarl"):
            yield f"b{name}{form}{hint} = bc{form} {bo + at},{bit}"
            yield f"b{name}{form}{hint} bf = bc{form} {bo + at},4*bf+{bit}"
    for name, (bo, has_bi) in DECREMENTS.items():
        hints = _DECREMENT_HINTS if not has_bi else _CONDITION_HINTS if len(name) == 1 else {"": 0}
        for hint, at in hints.items():
            bi, comma = ("bi", "bi,") if has_bi else ("0", "")
            for form in ("", "l", "a", "la"):
                target = "bda" if "a" in form else "bd"
                yield f"b{name}{form}{hint} {comma}{target} = bc{form} {bo + at},{bi},{target}"
            registers = ("lr", "lrl") + (("ctr", "ctrl") if len(name) == 1 else ())
            for form in registers:
                yield f"b{name}{form}{hint} {comma[:-1]} = bc{form} {bo + at},{bi}"


def _product(
    left: dict[str, tuple[int, int]], right: dict[str, int]
) -> Iterator[tuple[tuple[str, tuple[int, int]], tuple[str, int]]]:
    return ((a, b) for a in left.items() for b in right.items())


def traps() -> Iterator[str]:
    for name, to in TRAPS.items():
        yield f"tw{name} ra,rb = tw {to},ra,rb"
        yield f"td{name} ra,rb = td {to},ra,rb"
        yield f"tw{name}i ra,si = twi {to},ra,si"
        yield f"td{name}i ra,si = tdi {to},ra,si"


# SPRs that are read under another number than they are written, or not at all (III 4.4.4).
_WRITE_ONLY = frozenset(("ctrl", "tbl", "tbu", "tbu40"))
# The performance monitor's registers have two numbers each, with and without privilege.
_MONITORS = range(736, 800)
_READ_ONLY = frozenset(("pvr", "pir", "tb", "tir"))


def moves() -> Iterator[str]:
    """`mtlr`, `mflr` and so on for every SPR that has one name for both directions."""
    for name, number in SPRS.items():
        if name.endswith(("_user", "_read")) or number in _MONITORS:
            continue
        if name not in _WRITE_ONLY | {"tb"}:
            yield f"mf{name} rt = mfspr rt,{number}"
        if name not in _READ_ONLY:
            yield f"mt{name} rs = mtspr {number},rs"


def rows() -> Iterator[str]:
    yield LOAD64
    yield from (row for row in ROWS.split("\n") if row)
    yield from branches()
    yield from traps()
    yield from moves()


def read_row(row: str) -> Iterator[Extended]:
    """The extended mnemonics one row stands for."""
    left, _, right = row.partition(" = ")
    pattern, _, operands = left.partition(" ")
    operands = operands.strip()
    parameters = tuple(operands.strip(")").replace("(", ",").split(",")) if operands else ()
    for mnemonic, taken in variants(pattern):
        steps = []
        for step in right.split(";"):
            base, _, arguments = step.strip().partition(" ")
            for mark in ("[o]", "[.]"):
                base = base.replace(mark, mark.strip("[]") if mark in taken else "")
            steps.append(Step(base, tuple(arguments.split(","))))
        yield Extended(mnemonic, parameters, tuple(steps), "(" in operands)


REGISTER_KINDS = frozenset(
    (Kind.GPR, Kind.FPR, Kind.VR, Kind.VSR, Kind.ACC, Kind.CR_FIELD, Kind.CR_BIT, Kind.SPR)
)
