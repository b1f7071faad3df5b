"""Storage access (Power ISA v3.0B, I 3.3.2-3.3.7, II chapter 4, III 4.4)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# I 3.3.2 Loads
lbz              D     34  -     rt,d(ra)
lbzu             D     35  -     rt,d(rau)
lhz              D     40  -     rt,d(ra)
lhzu             D     41  -     rt,d(rau)
lha              D     42  -     rt,d(ra)
lhau             D     43  -     rt,d(rau)
lwz              D     32  -     rt,d(ra)
lwzu             D     33  -     rt,d(rau)
lwa              DS    58  2     rt,ds(ra)
ld               DS    58  0     rt,ds(ra)
ldu              DS    58  1     rt,ds(rau)
lbzx             X     31  87    rt,ra,rb
lbzux            X     31  119   rt,rau,rb
lhzx             X     31  279   rt,ra,rb
lhzux            X     31  311   rt,rau,rb
lhax             X     31  343   rt,ra,rb
lhaux            X     31  375   rt,rau,rb
lwzx             X     31  23    rt,ra,rb
lwzux            X     31  55    rt,rau,rb
lwax             X     31  341   rt,ra,rb
lwaux            X     31  373   rt,rau,rb
ldx              X     31  21    rt,ra,rb
ldux             X     31  53    rt,rau,rb

# 3.3.3 Stores
stb              D     38  -     rs,d(ra)
stbu             D     39  -     rs,d(rau)
sth              D     44  -     rs,d(ra)
sthu             D     45  -     rs,d(rau)
stw              D     36  -     rs,d(ra)
stwu             D     37  -     rs,d(rau)
std              DS    62  0     rs,ds(ra)
stdu             DS    62  1     rs,ds(rau)
stbx             X     31  215   rs,ra,rb
stbux            X     31  247   rs,rau,rb
sthx             X     31  407   rs,ra,rb
sthux            X     31  439   rs,rau,rb
stwx             X     31  151   rs,ra,rb
stwux            X     31  183   rs,rau,rb
stdx             X     31  149   rs,ra,rb
stdux            X     31  181   rs,rau,rb

# 3.3.4 Quadword; 3.3.5 byte reversal; 3.3.6, 3.3.7 multiple and string
lq               DQ    56  -     rte,dq(ra)
stq              DS    62  2     rte,ds(ra)
lhbrx            X     31  790   rt,ra,rb
lwbrx            X     31  534   rt,ra,rb
ldbrx            X     31  532   rt,ra,rb
sthbrx           X     31  918   rs,ra,rb
stwbrx           X     31  662   rs,ra,rb
stdbrx           X     31  660   rs,ra,rb
lmw              D     46  -     rt,d(ra)
stmw             D     47  -     rs,d(ra)
lswi             X     31  597   rt,ra,nb
lswx             X     31  533   rt,ra,rb
stswi            X     31  725   rs,ra,nb
stswx            X     31  661   rs,ra,rb

# II 4.3 Caches
icbi             X     31  982   ra,rb
icbt             X     31  22    th4,ra,rb
dcbt             X     31  278   ra,rb,[th]
dcbtst           X     31  246   ra,rb,[th]
dcbz             X     31  1014  ra,rb
dcbst            X     31  54    ra,rb
dcbf             X     31  86    ra,rb,[l9]
copy             X     31  774   ra,rb              L=1
paste.           X     31  902   ra,rb              L=1 LK=1
cpabort          X     31  838

# II 4.5 Atomic updates, 4.6 load and reserve
lwat             X     31  582   rt,ra,fc
ldat             X     31  614   rt,ra,fc
stwat            X     31  710   rs,ra,fc
stdat            X     31  742   rs,ra,fc
lbarx            X     31  52    rt,ra,rb,[eh]
lharx            X     31  116   rt,ra,rb,[eh]
lwarx            X     31  20    rt,ra,rb,[eh]
ldarx            X     31  84    rt,ra,rb,[eh]
lqarx            X     31  276   rte,ra,rb,[eh]
stbcx.           X     31  694   rs,ra,rb           LK=1
sthcx.           X     31  726   rs,ra,rb           LK=1
stwcx.           X     31  150   rs,ra,rb           LK=1
stdcx.           X     31  214   rs,ra,rb           LK=1
stqcx.           X     31  182   rte,ra,rb          LK=1

# II 4.6.3 Ordering
isync            XL    19  150
sync             X     31  598   [l9]
eieio            X     31  854
wait             X     31  30    [l9]

# III 4.4.1 Caching inhibited
lwzcix           X     31  789   rt,ra,rb
lhzcix           X     31  821   rt,ra,rb
lbzcix           X     31  853   rt,ra,rb
ldcix            X     31  885   rt,ra,rb
stwcix           X     31  917   rs,ra,rb
sthcix           X     31  949   rs,ra,rb
stbcix           X     31  981   rs,ra,rb
stdcix           X     31  1013  rs,ra,rb
"""
