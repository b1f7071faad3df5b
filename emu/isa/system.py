"""System calls, SPRs, translation and interrupts (Power ISA v3.0B, I 3.3.17, II, III)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# I 3.3.17, III 4.4.4 Moves
mtspr            XFX   31  467   spr,rs
mfspr            XFX   31  339   rt,spr
mtmsr            X     31  146   rs,[l15]
mtmsrd           X     31  178   rs,[l15]
mfmsr            X     31  83    rt

# III 3.3 System linkage and power saving
sc               SC    17  2     [lev]
scv              SC    17  1     lev
rfscv            XL    19  82
rfid             XL    19  18
hrfid            XL    19  274
rfebb            XL    19  146   s
stop             XL    19  370
doze             XL    19  402
nap              XL    19  434
sleep            XL    19  466
rvwinkle         XL    19  498
attn             X     0   256

# III 5.9.3 Segment lookaside buffer
slbie            X     31  434   rb
slbieg           X     31  466   rs,rb
slbia            X     31  498   [ih]
slbmte           X     31  402   rs,rb
slbmfev          X     31  851   rt,rb,[l15]
slbmfee          X     31  915   rt,rb,[l15]
slbfee.          X     31  979   rt,rb              LK=1
slbsync          X     31  338

# III 5.9.3.3 Translation lookaside buffer
tlbie            X     31  306   rb,rs,[ric],[prs],[r]
tlbiel           X     31  274   rb,[rs],[ric],[prs],[r]
tlbsync          X     31  566

# III 11 Processor control
msgsnd           X     31  206   rb
msgclr           X     31  238   rb
msgsndp          X     31  142   rb
msgclrp          X     31  174   rb
msgsync          X     31  886

# II 5 Transactional memory; II 7 branch history
tbegin.          X     31  654   [l]                LK=1
tend.            X     31  686   [a6]               LK=1
tcheck           X     31  718   bf
tabort.          X     31  910   ra                 LK=1
treclaim.        X     31  942   ra                 LK=1
trechkpt.        X     31  1006                     LK=1
tsr.             X     31  750   l                  LK=1
clrbhrb          X     31  430
"""
