"""Branches and the condition register (Power ISA v3.0B, I chapter 2)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# 2.4 Branch
b                I     18  -     li
bl               I     18  -     li                 LK=1
ba               I     18  -     lia                AA=1
bla              I     18  -     lia                AA=1 LK=1
bc               B     16  -     bo,bi,bd
bcl              B     16  -     bo,bi,bd           LK=1
bca              B     16  -     bo,bi,bda          AA=1
bcla             B     16  -     bo,bi,bda          AA=1 LK=1
bclr[l]          XL    19  16    bo,bi,[bh]
bcctr[l]         XL    19  528   bo,bi,[bh]
bctar[l]         XL    19  560   bo,bi,[bh]

# 2.5 Condition register
crand            XL    19  257   bt,ba,bb
crxor            XL    19  193   bt,ba,bb
cror             XL    19  449   bt,ba,bb
crnand           XL    19  225   bt,ba,bb
crnor            XL    19  33    bt,ba,bb
creqv            XL    19  289   bt,ba,bb
crandc           XL    19  129   bt,ba,bb
crorc            XL    19  417   bt,ba,bb
mcrf             XL    19  0     bf,bfa
"""
