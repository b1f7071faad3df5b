"""What Power ISA v3.1 adds in one word (its prefixed instructions have two)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# I 3.3.12 Set on condition; 3.3.13, 3.3.16 bits and bytes; 3.3.17 hash
setbc            X     31  384   rt,bi
setbcr           X     31  416   rt,bi
setnbc           X     31  448   rt,bi
setnbcr          X     31  480   rt,bi
cntlzdm          X     31  59    ra,rs,rb
cnttzdm          X     31  571   ra,rs,rb
pdepd            X     31  156   ra,rs,rb
pextd            X     31  188   ra,rs,rb
cfuged           X     31  220   ra,rs,rb
brh              X     31  219   ra,rs
brw              X     31  155   ra,rs
brd              X     31  187   ra,rs
hashst           X     31  722   rb,dh(ra)
hashchk          X     31  754   rb,dh(ra)
hashstp          X     31  658   rb,dh(ra)
hashchkp         X     31  690   rb,dh(ra)

# I 5.6.5 Decimal conversion of quadwords
dcffixqq         X     63  994   frte,vrb           RA=0
dctfixqq         X     63  994   vrt,frbe           RA=1

# I 6.8 Permute
vextdubvlx       VA    4   24    vrt,vra,vrb,rc
vextdubvrx       VA    4   25    vrt,vra,vrb,rc
vextduhvlx       VA    4   26    vrt,vra,vrb,rc
vextduhvrx       VA    4   27    vrt,vra,vrb,rc
vextduwvlx       VA    4   28    vrt,vra,vrb,rc
vextduwvrx       VA    4   29    vrt,vra,vrb,rc
vextddvlx        VA    4   30    vrt,vra,vrb,rc
vextddvrx        VA    4   31    vrt,vra,vrb,rc
vinsblx          VX    4   527   vrt,ra,rb
vinsbrx          VX    4   783   vrt,ra,rb
vinshlx          VX    4   591   vrt,ra,rb
vinshrx          VX    4   847   vrt,ra,rb
vinswlx          VX    4   655   vrt,ra,rb
vinswrx          VX    4   911   vrt,ra,rb
vinsdlx          VX    4   719   vrt,ra,rb
vinsdrx          VX    4   975   vrt,ra,rb
vinsbvlx         VX    4   15    vrt,ra,vrb
vinsbvrx         VX    4   271   vrt,ra,vrb
vinshvlx         VX    4   79    vrt,ra,vrb
vinshvrx         VX    4   335   vrt,ra,vrb
vinswvlx         VX    4   143   vrt,ra,vrb
vinswvrx         VX    4   399   vrt,ra,vrb
vinsw            VX    4   207   vrt,rb,uim4
vinsd            VX    4   463   vrt,rb,uim4
vsldbi           VN    4   22    vrt,vra,vrb,sh3
vsrdbi           VN    4   22    vrt,vra,vrb,sh3    CY=1

# I 6.9 Integers
vmulld           VX    4   457   vrt,vra,vrb
vmulhsw          VX    4   905   vrt,vra,vrb
vmulhuw          VX    4   649   vrt,vra,vrb
vmulhsd          VX    4   969   vrt,vra,vrb
vmulhud          VX    4   713   vrt,vra,vrb
vmulesd          VX    4   968   vrt,vra,vrb
vmulosd          VX    4   456   vrt,vra,vrb
vmuleud          VX    4   712   vrt,vra,vrb
vmuloud          VX    4   200   vrt,vra,vrb
vmsumcud         VA    4   23    vrt,vra,vrb,vrc
vdivsw           VX    4   395   vrt,vra,vrb
vdivuw           VX    4   139   vrt,vra,vrb
vdivesw          VX    4   907   vrt,vra,vrb
vdiveuw          VX    4   651   vrt,vra,vrb
vdivsd           VX    4   459   vrt,vra,vrb
vdivud           VX    4   203   vrt,vra,vrb
vdivesd          VX    4   971   vrt,vra,vrb
vdiveud          VX    4   715   vrt,vra,vrb
vdivsq           VX    4   267   vrt,vra,vrb
vdivuq           VX    4   11    vrt,vra,vrb
vdivesq          VX    4   779   vrt,vra,vrb
vdiveuq          VX    4   523   vrt,vra,vrb
vmodsw           VX    4   1931  vrt,vra,vrb
vmoduw           VX    4   1675  vrt,vra,vrb
vmodsd           VX    4   1995  vrt,vra,vrb
vmodud           VX    4   1739  vrt,vra,vrb
vmodsq           VX    4   1803  vrt,vra,vrb
vmoduq           VX    4   1547  vrt,vra,vrb
vextsd2q         VX    4   1538  vrt,vrb            RA=27
vcmpequq[.]      VC    4   455   vrt,vra,vrb
vcmpgtuq[.]      VC    4   647   vrt,vra,vrb
vcmpgtsq[.]      VC    4   903   vrt,vra,vrb
vcmpuq           VX    4   257   bf,vra,vrb
vcmpsq           VX    4   321   bf,vra,vrb
vrlq             VX    4   5     vrt,vra,vrb
vrlqnm           VX    4   325   vrt,vra,vrb
vrlqmi           VX    4   69    vrt,vra,vrb
vslq             VX    4   261   vrt,vra,vrb
vsrq             VX    4   517   vrt,vra,vrb
vsraq            VX    4   773   vrt,vra,vrb

# I 6.12-6.15 Bits, masks and strings
vclzdm           VX    4   1924  vrt,vra,vrb
vctzdm           VX    4   1988  vrt,vra,vrb
vpdepd           VX    4   1485  vrt,vra,vrb
vpextd           VX    4   1421  vrt,vra,vrb
vcfuged          VX    4   1357  vrt,vra,vrb
vgnb             VX    4   1228  rt,vrb,uim3
vclrlb           VX    4   397   vrt,vra,rb
vclrrb           VX    4   461   vrt,vra,rb
vstribl[.]       VC    4   13    vrt,vrb            RA=0
vstribr[.]       VC    4   13    vrt,vrb            RA=1
vstrihl[.]       VC    4   13    vrt,vrb            RA=2
vstrihr[.]       VC    4   13    vrt,vrb            RA=3
vexpandbm        VX    4   1602  vrt,vrb            RA=0
vexpandhm        VX    4   1602  vrt,vrb            RA=1
vexpandwm        VX    4   1602  vrt,vrb            RA=2
vexpanddm        VX    4   1602  vrt,vrb            RA=3
vexpandqm        VX    4   1602  vrt,vrb            RA=4
vextractbm       VX    4   1602  rt,vrb             RA=8
vextracthm       VX    4   1602  rt,vrb             RA=9
vextractwm       VX    4   1602  rt,vrb             RA=10
vextractdm       VX    4   1602  rt,vrb             RA=11
vextractqm       VX    4   1602  rt,vrb             RA=12
mtvsrbm          VX    4   1602  vrt,rb             RA=16
mtvsrhm          VX    4   1602  vrt,rb             RA=17
mtvsrwm          VX    4   1602  vrt,rb             RA=18
mtvsrdm          VX    4   1602  vrt,rb             RA=19
mtvsrqm          VX    4   1602  vrt,rb             RA=20
vcntmbb          VX    4   1602  rt,vrb,l15         RA=24
vcntmbh          VX    4   1602  rt,vrb,l15         RA=26
vcntmbw          VX    4   1602  rt,vrb,l15         RA=28
vcntmbd          VX    4   1602  rt,vrb,l15         RA=30
mtvsrbmi         DX    4   10    vrt,bm

# I 7.6 VSX
lxvkq            XX1   60  360   xt,uim5b           RA=31
lxvp             DQP   6   0     xtp,dq(ra)
stxvp            DQP   6   1     xtp,dq(ra)
lxvpx            X     31  333   xtp,ra,rb
stxvpx           X     31  461   xtp,ra,rb
lxvrbx           XX1   31  13    xt,ra,rb
lxvrhx           XX1   31  45    xt,ra,rb
lxvrwx           XX1   31  77    xt,ra,rb
lxvrdx           XX1   31  109   xt,ra,rb
stxvrbx          XX1   31  141   xt,ra,rb
stxvrhx          XX1   31  173   xt,ra,rb
stxvrwx          XX1   31  205   xt,ra,rb
stxvrdx          XX1   31  237   xt,ra,rb
xxgenpcvbm       XX1   60  916   xt,vrb,uim5
xxgenpcvhm       XX1   60  917   xt,vrb,uim5
xxgenpcvwm       XX1   60  948   xt,vrb,uim5
xxgenpcvdm       XX1   60  949   xt,vrb,uim5
xvtlsbb          XX2   60  475   bf,xb              RA=2
xvcvbf16spn      XX2   60  475   xt,xb              RA=16
xvcvspbf16       XX2   60  475   xt,xb              RA=17
xscmpeqqp        X     63  68    vrt,vra,vrb
xscmpgeqp        X     63  196   vrt,vra,vrb
xscmpgtqp        X     63  228   vrt,vra,vrb
xsmaxcqp         X     63  676   vrt,vra,vrb
xsmincqp         X     63  740   vrt,vra,vrb
xscvqpuqz        X     63  836   vrt,vrb            RA=0
xscvuqqp         X     63  836   vrt,vrb            RA=3
xscvqpsqz        X     63  836   vrt,vrb            RA=8
xscvsqqp         X     63  836   vrt,vrb            RA=11

# I 7.6.1.14 Matrix-Multiply Assist
xxmfacc          X     31  177   acc                RA=0
xxmtacc          X     31  177   acc                RA=1
xxsetaccz        X     31  177   acc                RA=3
xvi4ger8         XX3   59  35    acc,xa,xb
xvi4ger8pp       XX3   59  34    acc,xa,xb
xvi8ger4         XX3   59  3     acc,xa,xb
xvi8ger4pp       XX3   59  2     acc,xa,xb
xvi8ger4spp      XX3   59  99    acc,xa,xb
xvi16ger2        XX3   59  75    acc,xa,xb
xvi16ger2s       XX3   59  43    acc,xa,xb
xvi16ger2pp      XX3   59  107   acc,xa,xb
xvi16ger2spp     XX3   59  42    acc,xa,xb
xvbf16ger2       XX3   59  51    acc,xa,xb
xvbf16ger2pp     XX3   59  50    acc,xa,xb
xvbf16ger2pn     XX3   59  178   acc,xa,xb
xvbf16ger2np     XX3   59  114   acc,xa,xb
xvbf16ger2nn     XX3   59  242   acc,xa,xb
xvf16ger2        XX3   59  19    acc,xa,xb
xvf16ger2pp      XX3   59  18    acc,xa,xb
xvf16ger2pn      XX3   59  146   acc,xa,xb
xvf16ger2np      XX3   59  82    acc,xa,xb
xvf16ger2nn      XX3   59  210   acc,xa,xb
xvf32ger         XX3   59  27    acc,xa,xb
xvf32gerpp       XX3   59  26    acc,xa,xb
xvf32gerpn       XX3   59  154   acc,xa,xb
xvf32gernp       XX3   59  90    acc,xa,xb
xvf32gernn       XX3   59  218   acc,xa,xb
xvf64ger         XX3   59  59    acc,xap,xb
xvf64gerpp       XX3   59  58    acc,xap,xb
xvf64gerpn       XX3   59  186   acc,xap,xb
xvf64gernp       XX3   59  122   acc,xap,xb
xvf64gernn       XX3   59  250   acc,xap,xb
"""
