"""Fixed-point instructions (Power ISA v3.0B, I chapter 3)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# 3.3.9 Arithmetic
addi             D     14  -     rt,ra,si
addis            D     15  -     rt,ra,sis
addpcis          DX    19  2     rt,dx
add[o][.]        XO    31  266   rt,ra,rb
subf[o][.]       XO    31  40    rt,ra,rb
addic            D     12  -     rt,ra,si
addic.           D     13  -     rt,ra,si
subfic           D     8   -     rt,ra,si
addc[o][.]       XO    31  10    rt,ra,rb
subfc[o][.]      XO    31  8     rt,ra,rb
adde[o][.]       XO    31  138   rt,ra,rb
subfe[o][.]      XO    31  136   rt,ra,rb
addme[o][.]      XO    31  234   rt,ra
subfme[o][.]     XO    31  232   rt,ra
addze[o][.]      XO    31  202   rt,ra
subfze[o][.]     XO    31  200   rt,ra
addex            Z23   31  170   rt,ra,rb,cy
neg[o][.]        XO    31  104   rt,ra
mulli            D     7   -     rt,ra,si
mulhw[.]         XO    31  75    rt,ra,rb
mulhwu[.]        XO    31  11    rt,ra,rb
mullw[o][.]      XO    31  235   rt,ra,rb
divw[o][.]       XO    31  491   rt,ra,rb
divwu[o][.]      XO    31  459   rt,ra,rb
divwe[o][.]      XO    31  427   rt,ra,rb
divweu[o][.]     XO    31  395   rt,ra,rb
modsw            X     31  779   rt,ra,rb
moduw            X     31  267   rt,ra,rb
darn             X     31  755   rt,l14
mulhd[.]         XO    31  73    rt,ra,rb
mulhdu[.]        XO    31  9     rt,ra,rb
mulld[o][.]      XO    31  233   rt,ra,rb
maddhd           VA    4   48    rt,ra,rb,rc
maddhdu          VA    4   49    rt,ra,rb,rc
maddld           VA    4   51    rt,ra,rb,rc
divd[o][.]       XO    31  489   rt,ra,rb
divdu[o][.]      XO    31  457   rt,ra,rb
divde[o][.]      XO    31  425   rt,ra,rb
divdeu[o][.]     XO    31  393   rt,ra,rb
modsd            X     31  777   rt,ra,rb
modud            X     31  265   rt,ra,rb

# 3.3.10 Compare, 3.3.11 trap, 3.3.12 select
cmpi             D     11  -     bf,l,ra,si
cmp              X     31  0     bf,l,ra,rb
cmpli            D     10  -     bf,l,ra,ui
cmpl             X     31  32    bf,l,ra,rb
cmprb            X     31  192   bf,l,ra,rb
cmpeqb           X     31  224   bf,ra,rb
twi              D     3   -     to,ra,si
tw               X     31  4     to,ra,rb
tdi              D     2   -     to,ra,si
td               X     31  68    to,ra,rb
isel             A     31  15    rt,ra,rb,bc

# 3.3.13 Logical
andi.            D     28  -     ra,rs,ui
andis.           D     29  -     ra,rs,ui
ori              D     24  -     ra,rs,ui
oris             D     25  -     ra,rs,ui
xori             D     26  -     ra,rs,ui
xoris            D     27  -     ra,rs,ui
and[.]           X     31  28    ra,rs,rb
xor[.]           X     31  316   ra,rs,rb
nand[.]          X     31  476   ra,rs,rb
or[.]            X     31  444   ra,rs,rb
nor[.]           X     31  124   ra,rs,rb
eqv[.]           X     31  284   ra,rs,rb
andc[.]          X     31  60    ra,rs,rb
orc[.]           X     31  412   ra,rs,rb
extsb[.]         X     31  954   ra,rs
extsh[.]         X     31  922   ra,rs
extsw[.]         X     31  986   ra,rs
cntlzw[.]        X     31  26    ra,rs
cnttzw[.]        X     31  538   ra,rs
cntlzd[.]        X     31  58    ra,rs
cnttzd[.]        X     31  570   ra,rs
cmpb             X     31  508   ra,rs,rb
popcntb          X     31  122   ra,rs
popcntw          X     31  378   ra,rs
popcntd          X     31  506   ra,rs
prtyw            X     31  154   ra,rs
prtyd            X     31  186   ra,rs
bpermd           X     31  252   ra,rs,rb

# 3.3.14 Rotate and shift
rlwinm[.]        M     21  -     ra,rs,sh,mb,me
rlwnm[.]         M     23  -     ra,rs,rb,mb,me
rlwimi[.]        M     20  -     ra,rs,sh,mb,me
rldicl[.]        MD    30  0     ra,rs,sh6,mb6
rldicr[.]        MD    30  1     ra,rs,sh6,me6
rldic[.]         MD    30  2     ra,rs,sh6,mb6
rldimi[.]        MD    30  3     ra,rs,sh6,mb6
rldcl[.]         MDS   30  8     ra,rs,rb,mb6
rldcr[.]         MDS   30  9     ra,rs,rb,me6
slw[.]           X     31  24    ra,rs,rb
srw[.]           X     31  536   ra,rs,rb
srawi[.]         X     31  824   ra,rs,sh
sraw[.]          X     31  792   ra,rs,rb
sld[.]           X     31  27    ra,rs,rb
srd[.]           X     31  539   ra,rs,rb
sradi[.]         XS    31  413   ra,rs,sh6
srad[.]          X     31  794   ra,rs,rb
extswsli[.]      XS    31  445   ra,rs,sh6

# 3.3.15 Decimal assists
cdtbcd           X     31  282   ra,rs
cbcdtd           X     31  314   ra,rs
addg6s           XO    31  74    rt,ra,rb

# 3.3.17 Move to and from system registers (the condition register; SPRs: system.py)
mtcrf            XFX   31  144   fxm,rs
mtocrf           XFX   31  144   fxm,rs             B11=1
mfcr             XFX   31  19    rt
mfocrf           XFX   31  19    rt,fxm             B11=1
mcrxrx           X     31  576   bf
setb             X     31  128   rt,bfa
"""
