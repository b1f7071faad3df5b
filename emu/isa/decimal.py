"""Decimal floating point (Power ISA v3.0B, I chapter 5)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# 5.6.1 Arithmetic
dadd[.]          X     59  2     frt,fra,frb
daddq[.]         X     63  2     frte,frae,frbe
dsub[.]          X     59  514   frt,fra,frb
dsubq[.]         X     63  514   frte,frae,frbe
dmul[.]          X     59  34    frt,fra,frb
dmulq[.]         X     63  34    frte,frae,frbe
ddiv[.]          X     59  546   frt,fra,frb
ddivq[.]         X     63  546   frte,frae,frbe

# 5.6.2 Compare, 5.6.3 test
dcmpo            X     59  130   bf,fra,frb
dcmpoq           X     63  130   bf,frae,frbe
dcmpu            X     59  642   bf,fra,frb
dcmpuq           X     63  642   bf,frae,frbe
dtstdc           Z22   59  194   bf,fra,dcm
dtstdcq          Z22   63  194   bf,frae,dcm
dtstdg           Z22   59  226   bf,fra,dcm
dtstdgq          Z22   63  226   bf,frae,dcm
dtstex           X     59  162   bf,fra,frb
dtstexq          X     63  162   bf,frae,frbe
dtstsf           X     59  674   bf,fra,frb
dtstsfq          X     63  674   bf,fra,frbe
dtstsfi          X     59  675   bf,uim6,frb
dtstsfiq         X     63  675   bf,uim6,frbe

# 5.6.4 Quantum adjustment
dquai[.]         Z23   59  67    sim5,frt,frb,rmc
dquaiq[.]        Z23   63  67    sim5,frte,frbe,rmc
dqua[.]          Z23   59  3     frt,fra,frb,rmc
dquaq[.]         Z23   63  3     frte,frae,frbe,rmc
drrnd[.]         Z23   59  35    frt,fra,frb,rmc
drrndq[.]        Z23   63  35    frte,fra,frbe,rmc
drintx[.]        Z23   59  99    r,frt,frb,rmc
drintxq[.]       Z23   63  99    r,frte,frbe,rmc
drintn[.]        Z23   59  227   r,frt,frb,rmc
drintnq[.]       Z23   63  227   r,frte,frbe,rmc

# 5.6.5 Conversion
dctdp[.]         X     59  258   frt,frb
dctqpq[.]        X     63  258   frte,frb
drsp[.]          X     59  770   frt,frb
drdpq[.]         X     63  770   frte,frbe
dcffix[.]        X     59  802   frt,frb
dcffixq[.]       X     63  802   frte,frb
dctfix[.]        X     59  290   frt,frb
dctfixq[.]       X     63  290   frt,frbe

# 5.6.6 Format
ddedpd[.]        X     59  322   sp,frt,frb
ddedpdq[.]       X     63  322   sp,frte,frbe
denbcd[.]        X     59  834   s11,frt,frb
denbcdq[.]       X     63  834   s11,frte,frbe
dxex[.]          X     59  354   frt,frb
dxexq[.]         X     63  354   frt,frbe
diex[.]          X     59  866   frt,fra,frb
diexq[.]         X     63  866   frte,fra,frbe
dscli[.]         Z22   59  66    frt,fra,shd
dscliq[.]        Z22   63  66    frte,frae,shd
dscri[.]         Z22   59  98    frt,fra,shd
dscriq[.]        Z22   63  98    frte,frae,shd
"""
