"""Vector instructions, also called VMX and Altivec (Power ISA v3.0B, I chapter 6)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# 6.7 Loads and stores
lvebx            X     31  7     vrt,ra,rb
lvehx            X     31  39    vrt,ra,rb
lvewx            X     31  71    vrt,ra,rb
lvx              X     31  103   vrt,ra,rb
lvxl             X     31  359   vrt,ra,rb
lvsl             X     31  6     vrt,ra,rb
lvsr             X     31  38    vrt,ra,rb
stvebx           X     31  135   vrt,ra,rb
stvehx           X     31  167   vrt,ra,rb
stvewx           X     31  199   vrt,ra,rb
stvx             X     31  231   vrt,ra,rb
stvxl            X     31  487   vrt,ra,rb

# 6.8 Permute
vpkuhum          VX    4   14    vrt,vra,vrb
vpkuwum          VX    4   78    vrt,vra,vrb
vpkuhus          VX    4   142   vrt,vra,vrb
vpkuwus          VX    4   206   vrt,vra,vrb
vpkshus          VX    4   270   vrt,vra,vrb
vpkswus          VX    4   334   vrt,vra,vrb
vpkshss          VX    4   398   vrt,vra,vrb
vpkswss          VX    4   462   vrt,vra,vrb
vpkpx            VX    4   782   vrt,vra,vrb
vpkudum          VX    4   1102  vrt,vra,vrb
vpkudus          VX    4   1230  vrt,vra,vrb
vpksdus          VX    4   1358  vrt,vra,vrb
vpksdss          VX    4   1486  vrt,vra,vrb
vupkhsb          VX    4   526   vrt,vrb
vupkhsh          VX    4   590   vrt,vrb
vupklsb          VX    4   654   vrt,vrb
vupklsh          VX    4   718   vrt,vrb
vupkhpx          VX    4   846   vrt,vrb
vupklpx          VX    4   974   vrt,vrb
vupkhsw          VX    4   1614  vrt,vrb
vupklsw          VX    4   1742  vrt,vrb
vmrghb           VX    4   12    vrt,vra,vrb
vmrghh           VX    4   76    vrt,vra,vrb
vmrghw           VX    4   140   vrt,vra,vrb
vmrglb           VX    4   268   vrt,vra,vrb
vmrglh           VX    4   332   vrt,vra,vrb
vmrglw           VX    4   396   vrt,vra,vrb
vmrgew           VX    4   1932  vrt,vra,vrb
vmrgow           VX    4   1676  vrt,vra,vrb
vspltb           VX    4   524   vrt,vrb,uim4
vsplth           VX    4   588   vrt,vrb,uim3
vspltw           VX    4   652   vrt,vrb,uim2
vspltisb         VX    4   780   vrt,sim5
vspltish         VX    4   844   vrt,sim5
vspltisw         VX    4   908   vrt,sim5
vperm            VA    4   43    vrt,vra,vrb,vrc
vpermr           VA    4   59    vrt,vra,vrb,vrc
vsel             VA    4   42    vrt,vra,vrb,vrc
vsldoi           VA    4   44    vrt,vra,vrb,shb
vslo             VX    4   1036  vrt,vra,vrb
vsro             VX    4   1100  vrt,vra,vrb
vsl              VX    4   452   vrt,vra,vrb
vsr              VX    4   708   vrt,vra,vrb
vslv             VX    4   1860  vrt,vra,vrb
vsrv             VX    4   1796  vrt,vra,vrb
vextractub       VX    4   525   vrt,vrb,uim4
vextractuh       VX    4   589   vrt,vrb,uim4
vextractuw       VX    4   653   vrt,vrb,uim4
vextractd        VX    4   717   vrt,vrb,uim4
vinsertb         VX    4   781   vrt,vrb,uim4
vinserth         VX    4   845   vrt,vrb,uim4
vinsertw         VX    4   909   vrt,vrb,uim4
vinsertd         VX    4   973   vrt,vrb,uim4
vextublx         VX    4   1549  rt,ra,vrb
vextuhlx         VX    4   1613  rt,ra,vrb
vextuwlx         VX    4   1677  rt,ra,vrb
vextubrx         VX    4   1805  rt,ra,vrb
vextuhrx         VX    4   1869  rt,ra,vrb
vextuwrx         VX    4   1933  rt,ra,vrb

# 6.9 Integer arithmetic
vaddcuw          VX    4   384   vrt,vra,vrb
vaddubm          VX    4   0     vrt,vra,vrb
vadduhm          VX    4   64    vrt,vra,vrb
vadduwm          VX    4   128   vrt,vra,vrb
vaddudm          VX    4   192   vrt,vra,vrb
vadduqm          VX    4   256   vrt,vra,vrb
vaddcuq          VX    4   320   vrt,vra,vrb
vaddubs          VX    4   512   vrt,vra,vrb
vadduhs          VX    4   576   vrt,vra,vrb
vadduws          VX    4   640   vrt,vra,vrb
vaddsbs          VX    4   768   vrt,vra,vrb
vaddshs          VX    4   832   vrt,vra,vrb
vaddsws          VX    4   896   vrt,vra,vrb
vsubcuw          VX    4   1408  vrt,vra,vrb
vsububm          VX    4   1024  vrt,vra,vrb
vsubuhm          VX    4   1088  vrt,vra,vrb
vsubuwm          VX    4   1152  vrt,vra,vrb
vsubudm          VX    4   1216  vrt,vra,vrb
vsubuqm          VX    4   1280  vrt,vra,vrb
vsubcuq          VX    4   1344  vrt,vra,vrb
vsububs          VX    4   1536  vrt,vra,vrb
vsubuhs          VX    4   1600  vrt,vra,vrb
vsubuws          VX    4   1664  vrt,vra,vrb
vsubsbs          VX    4   1792  vrt,vra,vrb
vsubshs          VX    4   1856  vrt,vra,vrb
vsubsws          VX    4   1920  vrt,vra,vrb
vaddeuqm         VA    4   60    vrt,vra,vrb,vrc
vaddecuq         VA    4   61    vrt,vra,vrb,vrc
vsubeuqm         VA    4   62    vrt,vra,vrb,vrc
vsubecuq         VA    4   63    vrt,vra,vrb,vrc
vmuloub          VX    4   8     vrt,vra,vrb
vmulouh          VX    4   72    vrt,vra,vrb
vmulouw          VX    4   136   vrt,vra,vrb
vmulosb          VX    4   264   vrt,vra,vrb
vmulosh          VX    4   328   vrt,vra,vrb
vmulosw          VX    4   392   vrt,vra,vrb
vmuleub          VX    4   520   vrt,vra,vrb
vmuleuh          VX    4   584   vrt,vra,vrb
vmuleuw          VX    4   648   vrt,vra,vrb
vmulesb          VX    4   776   vrt,vra,vrb
vmulesh          VX    4   840   vrt,vra,vrb
vmulesw          VX    4   904   vrt,vra,vrb
vmuluwm          VX    4   137   vrt,vra,vrb
vmhaddshs        VA    4   32    vrt,vra,vrb,vrc
vmhraddshs       VA    4   33    vrt,vra,vrb,vrc
vmladduhm        VA    4   34    vrt,vra,vrb,vrc
vmsumudm         VA    4   35    vrt,vra,vrb,vrc
vmsumubm         VA    4   36    vrt,vra,vrb,vrc
vmsummbm         VA    4   37    vrt,vra,vrb,vrc
vmsumuhm         VA    4   38    vrt,vra,vrb,vrc
vmsumuhs         VA    4   39    vrt,vra,vrb,vrc
vmsumshm         VA    4   40    vrt,vra,vrb,vrc
vmsumshs         VA    4   41    vrt,vra,vrb,vrc
vsumsws          VX    4   1928  vrt,vra,vrb
vsum2sws         VX    4   1672  vrt,vra,vrb
vsum4sbs         VX    4   1800  vrt,vra,vrb
vsum4shs         VX    4   1608  vrt,vra,vrb
vsum4ubs         VX    4   1544  vrt,vra,vrb
vnegw            VX    4   1538  vrt,vrb            RA=6
vnegd            VX    4   1538  vrt,vrb            RA=7
vprtybw          VX    4   1538  vrt,vrb            RA=8
vprtybd          VX    4   1538  vrt,vrb            RA=9
vprtybq          VX    4   1538  vrt,vrb            RA=10
vextsb2w         VX    4   1538  vrt,vrb            RA=16
vextsh2w         VX    4   1538  vrt,vrb            RA=17
vextsb2d         VX    4   1538  vrt,vrb            RA=24
vextsh2d         VX    4   1538  vrt,vrb            RA=25
vextsw2d         VX    4   1538  vrt,vrb            RA=26
vavgub           VX    4   1026  vrt,vra,vrb
vavguh           VX    4   1090  vrt,vra,vrb
vavguw           VX    4   1154  vrt,vra,vrb
vavgsb           VX    4   1282  vrt,vra,vrb
vavgsh           VX    4   1346  vrt,vra,vrb
vavgsw           VX    4   1410  vrt,vra,vrb
vabsdub          VX    4   1027  vrt,vra,vrb
vabsduh          VX    4   1091  vrt,vra,vrb
vabsduw          VX    4   1155  vrt,vra,vrb
vmaxub           VX    4   2     vrt,vra,vrb
vmaxuh           VX    4   66    vrt,vra,vrb
vmaxuw           VX    4   130   vrt,vra,vrb
vmaxud           VX    4   194   vrt,vra,vrb
vmaxsb           VX    4   258   vrt,vra,vrb
vmaxsh           VX    4   322   vrt,vra,vrb
vmaxsw           VX    4   386   vrt,vra,vrb
vmaxsd           VX    4   450   vrt,vra,vrb
vminub           VX    4   514   vrt,vra,vrb
vminuh           VX    4   578   vrt,vra,vrb
vminuw           VX    4   642   vrt,vra,vrb
vminud           VX    4   706   vrt,vra,vrb
vminsb           VX    4   770   vrt,vra,vrb
vminsh           VX    4   834   vrt,vra,vrb
vminsw           VX    4   898   vrt,vra,vrb
vminsd           VX    4   962   vrt,vra,vrb

# 6.9.3 Compare
vcmpequb[.]      VC    4   6     vrt,vra,vrb
vcmpequh[.]      VC    4   70    vrt,vra,vrb
vcmpequw[.]      VC    4   134   vrt,vra,vrb
vcmpequd[.]      VC    4   199   vrt,vra,vrb
vcmpgtub[.]      VC    4   518   vrt,vra,vrb
vcmpgtuh[.]      VC    4   582   vrt,vra,vrb
vcmpgtuw[.]      VC    4   646   vrt,vra,vrb
vcmpgtud[.]      VC    4   711   vrt,vra,vrb
vcmpgtsb[.]      VC    4   774   vrt,vra,vrb
vcmpgtsh[.]      VC    4   838   vrt,vra,vrb
vcmpgtsw[.]      VC    4   902   vrt,vra,vrb
vcmpgtsd[.]      VC    4   967   vrt,vra,vrb
vcmpneb[.]       VC    4   7     vrt,vra,vrb
vcmpneh[.]       VC    4   71    vrt,vra,vrb
vcmpnew[.]       VC    4   135   vrt,vra,vrb
vcmpnezb[.]      VC    4   263   vrt,vra,vrb
vcmpnezh[.]      VC    4   327   vrt,vra,vrb
vcmpnezw[.]      VC    4   391   vrt,vra,vrb
vcmpeqfp[.]      VC    4   198   vrt,vra,vrb
vcmpgefp[.]      VC    4   454   vrt,vra,vrb
vcmpgtfp[.]      VC    4   710   vrt,vra,vrb
vcmpbfp[.]       VC    4   966   vrt,vra,vrb

# 6.9.4 Logical, rotate and shift
vand             VX    4   1028  vrt,vra,vrb
vandc            VX    4   1092  vrt,vra,vrb
vor              VX    4   1156  vrt,vra,vrb
vxor             VX    4   1220  vrt,vra,vrb
vnor             VX    4   1284  vrt,vra,vrb
vorc             VX    4   1348  vrt,vra,vrb
vnand            VX    4   1412  vrt,vra,vrb
veqv             VX    4   1668  vrt,vra,vrb
vrlb             VX    4   4     vrt,vra,vrb
vrlh             VX    4   68    vrt,vra,vrb
vrlw             VX    4   132   vrt,vra,vrb
vrld             VX    4   196   vrt,vra,vrb
vslb             VX    4   260   vrt,vra,vrb
vslh             VX    4   324   vrt,vra,vrb
vslw             VX    4   388   vrt,vra,vrb
vsld             VX    4   1476  vrt,vra,vrb
vsrb             VX    4   516   vrt,vra,vrb
vsrh             VX    4   580   vrt,vra,vrb
vsrw             VX    4   644   vrt,vra,vrb
vsrd             VX    4   1732  vrt,vra,vrb
vsrab            VX    4   772   vrt,vra,vrb
vsrah            VX    4   836   vrt,vra,vrb
vsraw            VX    4   900   vrt,vra,vrb
vsrad            VX    4   964   vrt,vra,vrb
vrlwnm           VX    4   389   vrt,vra,vrb
vrldnm           VX    4   453   vrt,vra,vrb
vrlwmi           VX    4   133   vrt,vra,vrb
vrldmi           VX    4   197   vrt,vra,vrb

# 6.10 Floating point
vaddfp           VX    4   10    vrt,vra,vrb
vsubfp           VX    4   74    vrt,vra,vrb
vmaxfp           VX    4   1034  vrt,vra,vrb
vminfp           VX    4   1098  vrt,vra,vrb
vmaddfp          VA    4   46    vrt,vra,vrc,vrb
vnmsubfp         VA    4   47    vrt,vra,vrc,vrb
vrefp            VX    4   266   vrt,vrb
vrsqrtefp        VX    4   330   vrt,vrb
vexptefp         VX    4   394   vrt,vrb
vlogefp          VX    4   458   vrt,vrb
vrfin            VX    4   522   vrt,vrb
vrfiz            VX    4   586   vrt,vrb
vrfip            VX    4   650   vrt,vrb
vrfim            VX    4   714   vrt,vrb
vcfux            VX    4   778   vrt,vrb,uim5
vcfsx            VX    4   842   vrt,vrb,uim5
vctuxs           VX    4   906   vrt,vrb,uim5
vctsxs           VX    4   970   vrt,vrb,uim5

# 6.11-6.14 AES, SHA, polynomials, bits
vcipher          VX    4   1288  vrt,vra,vrb
vcipherlast      VX    4   1289  vrt,vra,vrb
vncipher         VX    4   1352  vrt,vra,vrb
vncipherlast     VX    4   1353  vrt,vra,vrb
vsbox            VX    4   1480  vrt,vra
vshasigmaw       VX    4   1666  vrt,vra,st,six
vshasigmad       VX    4   1730  vrt,vra,st,six
vpmsumb          VX    4   1032  vrt,vra,vrb
vpmsumh          VX    4   1096  vrt,vra,vrb
vpmsumw          VX    4   1160  vrt,vra,vrb
vpmsumd          VX    4   1224  vrt,vra,vrb
vpermxor         VA    4   45    vrt,vra,vrb,vrc
vgbbd            VX    4   1292  vrt,vrb
vbpermq          VX    4   1356  vrt,vra,vrb
vbpermd          VX    4   1484  vrt,vra,vrb
vclzb            VX    4   1794  vrt,vrb
vclzh            VX    4   1858  vrt,vrb
vclzw            VX    4   1922  vrt,vrb
vclzd            VX    4   1986  vrt,vrb
vpopcntb         VX    4   1795  vrt,vrb
vpopcnth         VX    4   1859  vrt,vrb
vpopcntw         VX    4   1923  vrt,vrb
vpopcntd         VX    4   1987  vrt,vrb
vctzb            VX    4   1538  vrt,vrb            RA=28
vctzh            VX    4   1538  vrt,vrb            RA=29
vctzw            VX    4   1538  vrt,vrb            RA=30
vctzd            VX    4   1538  vrt,vrb            RA=31
vclzlsbb         VX    4   1538  rt,vrb             RA=0
vctzlsbb         VX    4   1538  rt,vrb             RA=1

# 6.17 Decimal integers
bcdadd.          BCD   4   1     vrt,vra,vrb,ps     RC21=1
bcdsub.          BCD   4   65    vrt,vra,vrb,ps     RC21=1
bcds.            BCD   4   193   vrt,vra,vrb,ps     RC21=1
bcdus.           BCD   4   129   vrt,vra,vrb        RC21=1
bcdsr.           BCD   4   449   vrt,vra,vrb,ps     RC21=1
bcdtrunc.        BCD   4   257   vrt,vra,vrb,ps     RC21=1
bcdutrunc.       BCD   4   321   vrt,vra,vrb        RC21=1
bcdctsq.         BCD   4   385   vrt,vrb            RC21=1 RA=0
bcdcfsq.         BCD   4   385   vrt,vrb,ps         RC21=1 RA=2
bcdctz.          BCD   4   385   vrt,vrb,ps         RC21=1 RA=4
bcdctn.          BCD   4   385   vrt,vrb            RC21=1 RA=5
bcdcfz.          BCD   4   385   vrt,vrb,ps         RC21=1 RA=6
bcdcfn.          BCD   4   385   vrt,vrb,ps         RC21=1 RA=7
bcdsetsgn.       BCD   4   385   vrt,vrb,ps         RC21=1 RA=31
bcdcpsgn.        VX    4   833   vrt,vra,vrb
vmul10uq         VX    4   513   vrt,vra
vmul10cuq        VX    4   1     vrt,vra
vmul10euq        VX    4   577   vrt,vra,vrb
vmul10ecuq       VX    4   65    vrt,vra,vrb

# 6.16 Status
mfvscr           VX    4   1540  vrt
mtvscr           VX    4   1604  vrb
"""
