"""Floating-point instructions (Power ISA v3.0B, I chapter 4)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# 4.6.2-4.6.4 Loads and stores
lfs              D     48  -     frt,d(ra)
lfsu             D     49  -     frt,d(rau)
lfd              D     50  -     frt,d(ra)
lfdu             D     51  -     frt,d(rau)
stfs             D     52  -     frt,d(ra)
stfsu            D     53  -     frt,d(rau)
stfd             D     54  -     frt,d(ra)
stfdu            D     55  -     frt,d(rau)
lfsx             X     31  535   frt,ra,rb
lfsux            X     31  567   frt,rau,rb
lfdx             X     31  599   frt,ra,rb
lfdux            X     31  631   frt,rau,rb
stfsx            X     31  663   frt,ra,rb
stfsux           X     31  695   frt,rau,rb
stfdx            X     31  727   frt,ra,rb
stfdux           X     31  759   frt,rau,rb
lfiwax           X     31  855   frt,ra,rb
lfiwzx           X     31  887   frt,ra,rb
stfiwx           X     31  983   frt,ra,rb
lfdp             DS    57  0     frte,ds(ra)
stfdp            DS    61  0     frte,ds(ra)
lfdpx            X     31  791   frte,ra,rb
stfdpx           X     31  919   frte,ra,rb

# 4.6.5 Moves
fmr[.]           X     63  72    frt,frb
fneg[.]          X     63  40    frt,frb
fabs[.]          X     63  264   frt,frb
fnabs[.]         X     63  136   frt,frb
fcpsgn[.]        X     63  8     frt,fra,frb
fmrgew           X     63  966   frt,fra,frb
fmrgow           X     63  838   frt,fra,frb

# 4.6.6 Arithmetic
fadd[.]          A     63  21    frt,fra,frb
fadds[.]         A     59  21    frt,fra,frb
fsub[.]          A     63  20    frt,fra,frb
fsubs[.]         A     59  20    frt,fra,frb
fmul[.]          A     63  25    frt,fra,frc
fmuls[.]         A     59  25    frt,fra,frc
fdiv[.]          A     63  18    frt,fra,frb
fdivs[.]         A     59  18    frt,fra,frb
fsqrt[.]         A     63  22    frt,frb
fsqrts[.]        A     59  22    frt,frb
fre[.]           A     63  24    frt,frb
fres[.]          A     59  24    frt,frb
frsqrte[.]       A     63  26    frt,frb
frsqrtes[.]      A     59  26    frt,frb
fmadd[.]         A     63  29    frt,fra,frc,frb
fmadds[.]        A     59  29    frt,fra,frc,frb
fmsub[.]         A     63  28    frt,fra,frc,frb
fmsubs[.]        A     59  28    frt,fra,frc,frb
fnmadd[.]        A     63  31    frt,fra,frc,frb
fnmadds[.]       A     59  31    frt,fra,frc,frb
fnmsub[.]        A     63  30    frt,fra,frc,frb
fnmsubs[.]       A     59  30    frt,fra,frc,frb
fsel[.]          A     63  23    frt,fra,frc,frb
ftdiv            X     63  128   bf,fra,frb
ftsqrt           X     63  160   bf,frb

# 4.6.7 Rounding and conversion
frsp[.]          X     63  12    frt,frb
fctid[.]         X     63  814   frt,frb
fctidz[.]        X     63  815   frt,frb
fctidu[.]        X     63  942   frt,frb
fctiduz[.]       X     63  943   frt,frb
fctiw[.]         X     63  14    frt,frb
fctiwz[.]        X     63  15    frt,frb
fctiwu[.]        X     63  142   frt,frb
fctiwuz[.]       X     63  143   frt,frb
fcfid[.]         X     63  846   frt,frb
fcfidu[.]        X     63  974   frt,frb
fcfids[.]        X     59  846   frt,frb
fcfidus[.]       X     59  974   frt,frb
frin[.]          X     63  392   frt,frb
friz[.]          X     63  424   frt,frb
frip[.]          X     63  456   frt,frb
frim[.]          X     63  488   frt,frb

# 4.6.8 Compare, 4.6.10 status
fcmpu            X     63  0     bf,fra,frb
fcmpo            X     63  32    bf,fra,frb
mffs[.]          X     63  583   frt
mffsce           X     63  583   frt                RA=1
mffscdrn         X     63  583   frt,frb            RA=20
mffscdrni        X     63  583   frt,drm            RA=21
mffscrn          X     63  583   frt,frb            RA=22
mffscrni         X     63  583   frt,rm             RA=23
mffsl            X     63  583   frt                RA=24
mcrfs            X     63  64    bf,bfa
mtfsfi[.]        X     63  134   bf,u,[fw]
mtfsf[.]         XFL   63  711   flm,frb,[fl],[fw]
mtfsb0[.]        X     63  70    fbit
mtfsb1[.]        X     63  38    fbit
"""
