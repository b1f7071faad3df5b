"""Vector-scalar extension (Power ISA v3.0B, I chapter 7)."""

ROWS = """
# mnemonic       form  op  xo    operands           fixed

# 7.6.1 Loads and stores
lxv              DQ    61  1     xtq,dq(ra)
stxv             DQ    61  5     xtq,dq(ra)
lxsd             DS    57  2     vrt,ds(ra)
lxssp            DS    57  3     vrt,ds(ra)
stxsd            DS    61  2     vrt,ds(ra)
stxssp           DS    61  3     vrt,ds(ra)
lxsdx            XX1   31  588   xt,ra,rb
lxsspx           XX1   31  524   xt,ra,rb
lxsiwax          XX1   31  76    xt,ra,rb
lxsiwzx          XX1   31  12    xt,ra,rb
lxvd2x           XX1   31  844   xt,ra,rb
lxvw4x           XX1   31  780   xt,ra,rb
lxvdsx           XX1   31  332   xt,ra,rb
lxvx             XX1   31  268   xt,ra,rb
lxvb16x          XX1   31  876   xt,ra,rb
lxvh8x           XX1   31  812   xt,ra,rb
lxvwsx           XX1   31  364   xt,ra,rb
lxvl             XX1   31  269   xt,ra,rb
lxvll            XX1   31  301   xt,ra,rb
lxsibzx          XX1   31  781   xt,ra,rb
lxsihzx          XX1   31  813   xt,ra,rb
stxsdx           XX1   31  716   xt,ra,rb
stxsspx          XX1   31  652   xt,ra,rb
stxsiwx          XX1   31  140   xt,ra,rb
stxvd2x          XX1   31  972   xt,ra,rb
stxvw4x          XX1   31  908   xt,ra,rb
stxvx            XX1   31  396   xt,ra,rb
stxvb16x         XX1   31  1004  xt,ra,rb
stxvh8x          XX1   31  940   xt,ra,rb
stxvl            XX1   31  397   xt,ra,rb
stxvll           XX1   31  429   xt,ra,rb
stxsibx          XX1   31  909   xt,ra,rb
stxsihx          XX1   31  941   xt,ra,rb

# 7.6.3 Moves between register files
mfvsrd           XX1   31  51    ra,xt
mfvsrld          XX1   31  307   ra,xt
mfvsrwz          XX1   31  115   ra,xt
mtvsrd           XX1   31  179   xt,ra
mtvsrwa          XX1   31  211   xt,ra
mtvsrwz          XX1   31  243   xt,ra
mtvsrdd          XX1   31  435   xt,ra,rb
mtvsrws          XX1   31  403   xt,ra

# Scalar arithmetic
xsaddsp          XX3   60  0     xt,xa,xb
xssubsp          XX3   60  8     xt,xa,xb
xsmulsp          XX3   60  16    xt,xa,xb
xsdivsp          XX3   60  24    xt,xa,xb
xsadddp          XX3   60  32    xt,xa,xb
xssubdp          XX3   60  40    xt,xa,xb
xsmuldp          XX3   60  48    xt,xa,xb
xsdivdp          XX3   60  56    xt,xa,xb
xsmaddasp        XX3   60  1     xt,xa,xb
xsmaddmsp        XX3   60  9     xt,xa,xb
xsmsubasp        XX3   60  17    xt,xa,xb
xsmsubmsp        XX3   60  25    xt,xa,xb
xsmaddadp        XX3   60  33    xt,xa,xb
xsmaddmdp        XX3   60  41    xt,xa,xb
xsmsubadp        XX3   60  49    xt,xa,xb
xsmsubmdp        XX3   60  57    xt,xa,xb
xsnmaddasp       XX3   60  129   xt,xa,xb
xsnmaddmsp       XX3   60  137   xt,xa,xb
xsnmsubasp       XX3   60  145   xt,xa,xb
xsnmsubmsp       XX3   60  153   xt,xa,xb
xsnmaddadp       XX3   60  161   xt,xa,xb
xsnmaddmdp       XX3   60  169   xt,xa,xb
xsnmsubadp       XX3   60  177   xt,xa,xb
xsnmsubmdp       XX3   60  185   xt,xa,xb
xsmaxcdp         XX3   60  128   xt,xa,xb
xsmincdp         XX3   60  136   xt,xa,xb
xsmaxjdp         XX3   60  144   xt,xa,xb
xsminjdp         XX3   60  152   xt,xa,xb
xsmaxdp          XX3   60  160   xt,xa,xb
xsmindp          XX3   60  168   xt,xa,xb
xscpsgndp        XX3   60  176   xt,xa,xb
xscmpeqdp        XX3   60  3     xt,xa,xb
xscmpgtdp        XX3   60  11    xt,xa,xb
xscmpgedp        XX3   60  19    xt,xa,xb
xscmpudp         XX3   60  35    bf,xa,xb
xscmpodp         XX3   60  43    bf,xa,xb
xscmpexpdp       XX3   60  59    bf,xa,xb
xstdivdp         XX3   60  61    bf,xa,xb
xssqrtsp         XX2   60  11    xt,xb
xsresp           XX2   60  26    xt,xb
xsrsqrtesp       XX2   60  10    xt,xb
xsrsp            XX2   60  281   xt,xb
xssqrtdp         XX2   60  75    xt,xb
xsredp           XX2   60  90    xt,xb
xsrsqrtedp       XX2   60  74    xt,xb
xsabsdp          XX2   60  345   xt,xb
xsnabsdp         XX2   60  361   xt,xb
xsnegdp          XX2   60  377   xt,xb
xsrdpi           XX2   60  73    xt,xb
xsrdpic          XX2   60  107   xt,xb
xsrdpim          XX2   60  121   xt,xb
xsrdpip          XX2   60  105   xt,xb
xsrdpiz          XX2   60  89    xt,xb
xscvdpsp         XX2   60  265   xt,xb
xscvspdp         XX2   60  329   xt,xb
xscvdpspn        XX2   60  267   xt,xb
xscvspdpn        XX2   60  331   xt,xb
xscvdpsxds       XX2   60  344   xt,xb
xscvdpsxws       XX2   60  88    xt,xb
xscvdpuxds       XX2   60  328   xt,xb
xscvdpuxws       XX2   60  72    xt,xb
xscvsxddp        XX2   60  376   xt,xb
xscvuxddp        XX2   60  360   xt,xb
xscvsxdsp        XX2   60  312   xt,xb
xscvuxdsp        XX2   60  296   xt,xb
xstsqrtdp        XX2   60  106   bf,xb
xsaddqp          X     63  4     vrt,vra,vrb
xssubqp          X     63  516   vrt,vra,vrb
xsmulqp          X     63  36    vrt,vra,vrb
xsdivqp          X     63  548   vrt,vra,vrb
xscmpuqp         X     63  644   bf,vra,vrb
xscmpoqp         X     63  132   bf,vra,vrb

# Vector arithmetic
xvaddsp          XX3   60  64    xt,xa,xb
xvsubsp          XX3   60  72    xt,xa,xb
xvmulsp          XX3   60  80    xt,xa,xb
xvdivsp          XX3   60  88    xt,xa,xb
xvadddp          XX3   60  96    xt,xa,xb
xvsubdp          XX3   60  104   xt,xa,xb
xvmuldp          XX3   60  112   xt,xa,xb
xvdivdp          XX3   60  120   xt,xa,xb
xvmaddasp        XX3   60  65    xt,xa,xb
xvmaddmsp        XX3   60  73    xt,xa,xb
xvmsubasp        XX3   60  81    xt,xa,xb
xvmsubmsp        XX3   60  89    xt,xa,xb
xvmaddadp        XX3   60  97    xt,xa,xb
xvmaddmdp        XX3   60  105   xt,xa,xb
xvmsubadp        XX3   60  113   xt,xa,xb
xvmsubmdp        XX3   60  121   xt,xa,xb
xvnmaddasp       XX3   60  193   xt,xa,xb
xvnmaddmsp       XX3   60  201   xt,xa,xb
xvnmsubasp       XX3   60  209   xt,xa,xb
xvnmsubmsp       XX3   60  217   xt,xa,xb
xvnmaddadp       XX3   60  225   xt,xa,xb
xvnmaddmdp       XX3   60  233   xt,xa,xb
xvnmsubadp       XX3   60  241   xt,xa,xb
xvnmsubmdp       XX3   60  249   xt,xa,xb
xvmaxsp          XX3   60  192   xt,xa,xb
xvminsp          XX3   60  200   xt,xa,xb
xvcpsgnsp        XX3   60  208   xt,xa,xb
xvmaxdp          XX3   60  224   xt,xa,xb
xvmindp          XX3   60  232   xt,xa,xb
xvcpsgndp        XX3   60  240   xt,xa,xb
xvcmpeqsp[.]     XX3C  60  67    xt,xa,xb
xvcmpgtsp[.]     XX3C  60  75    xt,xa,xb
xvcmpgesp[.]     XX3C  60  83    xt,xa,xb
xvcmpeqdp[.]     XX3C  60  99    xt,xa,xb
xvcmpgtdp[.]     XX3C  60  107   xt,xa,xb
xvcmpgedp[.]     XX3C  60  115   xt,xa,xb
xvtdivsp         XX3   60  93    bf,xa,xb
xvtdivdp         XX3   60  125   bf,xa,xb
xvsqrtsp         XX2   60  139   xt,xb
xvsqrtdp         XX2   60  203   xt,xb
xvabssp          XX2   60  409   xt,xb
xvnabssp         XX2   60  425   xt,xb
xvnegsp          XX2   60  441   xt,xb
xvabsdp          XX2   60  473   xt,xb
xvnabsdp         XX2   60  489   xt,xb
xvnegdp          XX2   60  505   xt,xb
xvrspi           XX2   60  137   xt,xb
xvrspic          XX2   60  171   xt,xb
xvrspim          XX2   60  185   xt,xb
xvrspip          XX2   60  169   xt,xb
xvrspiz          XX2   60  153   xt,xb
xvrdpi           XX2   60  201   xt,xb
xvrdpic          XX2   60  235   xt,xb
xvrdpim          XX2   60  249   xt,xb
xvrdpip          XX2   60  233   xt,xb
xvrdpiz          XX2   60  217   xt,xb
xvresp           XX2   60  154   xt,xb
xvredp           XX2   60  218   xt,xb
xvrsqrtesp       XX2   60  138   xt,xb
xvrsqrtedp       XX2   60  202   xt,xb
xvcvdpsp         XX2   60  393   xt,xb
xvcvspdp         XX2   60  457   xt,xb
xvcvdpsxds       XX2   60  472   xt,xb
xvcvdpsxws       XX2   60  216   xt,xb
xvcvdpuxds       XX2   60  456   xt,xb
xvcvdpuxws       XX2   60  200   xt,xb
xvcvspsxds       XX2   60  408   xt,xb
xvcvspsxws       XX2   60  152   xt,xb
xvcvspuxds       XX2   60  392   xt,xb
xvcvspuxws       XX2   60  136   xt,xb
xvcvsxddp        XX2   60  504   xt,xb
xvcvsxdsp        XX2   60  440   xt,xb
xvcvsxwdp        XX2   60  248   xt,xb
xvcvsxwsp        XX2   60  184   xt,xb
xvcvuxddp        XX2   60  488   xt,xb
xvcvuxdsp        XX2   60  424   xt,xb
xvcvuxwdp        XX2   60  232   xt,xb
xvcvuxwsp        XX2   60  168   xt,xb
xvtsqrtsp        XX2   60  170   bf,xb
xvtsqrtdp        XX2   60  234   bf,xb

# Logical and permute
xxland           XX3   60  130   xt,xa,xb
xxlandc          XX3   60  138   xt,xa,xb
xxlor            XX3   60  146   xt,xa,xb
xxlxor           XX3   60  154   xt,xa,xb
xxlnor           XX3   60  162   xt,xa,xb
xxlorc           XX3   60  170   xt,xa,xb
xxlnand          XX3   60  178   xt,xa,xb
xxleqv           XX3   60  186   xt,xa,xb
xxmrghw          XX3   60  18    xt,xa,xb
xxmrglw          XX3   60  50    xt,xa,xb
xxperm           XX3   60  26    xt,xa,xb
xxpermr          XX3   60  58    xt,xa,xb
xxpermdi         XXDM  60  10    xt,xa,xb,dm
xxsldwi          XXDM  60  2     xt,xa,xb,dm
xxsel            XX4   60  3     xt,xa,xb,xc
xxspltw          XX2   60  164   xt,xb,uim2
xxspltib         XX1   60  360   xt,imm8
xxextractuw      XX2   60  165   xt,xb,uim4
xxinsertw        XX2   60  181   xt,xb,uim4
xxbrh            XX2   60  475   xt,xb              RA=7
xxbrw            XX2   60  475   xt,xb              RA=15
xxbrd            XX2   60  475   xt,xb              RA=23
xxbrq            XX2   60  475   xt,xb              RA=31

# Quad precision
xsaddqpo         X     63  4     vrt,vra,vrb        LK=1
xssubqpo         X     63  516   vrt,vra,vrb        LK=1
xsmulqpo         X     63  36    vrt,vra,vrb        LK=1
xsdivqpo         X     63  548   vrt,vra,vrb        LK=1
xsmaddqp         X     63  388   vrt,vra,vrb
xsmaddqpo        X     63  388   vrt,vra,vrb        LK=1
xsmsubqp         X     63  420   vrt,vra,vrb
xsmsubqpo        X     63  420   vrt,vra,vrb        LK=1
xsnmaddqp        X     63  452   vrt,vra,vrb
xsnmaddqpo       X     63  452   vrt,vra,vrb        LK=1
xsnmsubqp        X     63  484   vrt,vra,vrb
xsnmsubqpo       X     63  484   vrt,vra,vrb        LK=1
xscpsgnqp        X     63  100   vrt,vra,vrb
xsiexpqp         X     63  868   vrt,vra,vrb
xscmpexpqp       X     63  164   bf,vra,vrb
xststdcqp        X     63  708   bf,vrb,dcmx
xsabsqp          X     63  804   vrt,vrb            RA=0
xsxexpqp         X     63  804   vrt,vrb            RA=2
xsnabsqp         X     63  804   vrt,vrb            RA=8
xsnegqp          X     63  804   vrt,vrb            RA=16
xsxsigqp         X     63  804   vrt,vrb            RA=18
xssqrtqp         X     63  804   vrt,vrb            RA=27
xssqrtqpo        X     63  804   vrt,vrb            RA=27 LK=1
xscvqpuwz        X     63  836   vrt,vrb            RA=1
xscvudqp         X     63  836   vrt,vrb            RA=2
xscvqpswz        X     63  836   vrt,vrb            RA=9
xscvsdqp         X     63  836   vrt,vrb            RA=10
xscvqpudz        X     63  836   vrt,vrb            RA=17
xscvqpdp         X     63  836   vrt,vrb            RA=20
xscvdpqp         X     63  836   vrt,vrb            RA=22
xscvqpsdz        X     63  836   vrt,vrb            RA=25
xscvqpdpo        X     63  836   vrt,vrb            RA=20 LK=1
xsrqpi           Z23   63  5     r,vrt,vrb,rmc
xsrqpix          Z23   63  5     r,vrt,vrb,rmc      LK=1
xsrqpxp          Z23   63  37    r,vrt,vrb,rmc

# Exponents, significands, classes, half precision
xsxexpdp         XX2   60  347   rt,xb              RA=0
xsxsigdp         XX2   60  347   rt,xb              RA=1
xscvhpdp         XX2   60  347   xt,xb              RA=16
xscvdphp         XX2   60  347   xt,xb              RA=17
xsiexpdp         XX1   60  918   xt,ra,rb
xststdcdp        XX2   60  362   bf,xb,dcmx
xststdcsp        XX2   60  298   bf,xb,dcmx
xvxexpdp         XX2   60  475   xt,xb              RA=0
xvxsigdp         XX2   60  475   xt,xb              RA=1
xvxexpsp         XX2   60  475   xt,xb              RA=8
xvxsigsp         XX2   60  475   xt,xb              RA=9
xvcvhpsp         XX2   60  475   xt,xb              RA=24
xvcvsphp         XX2   60  475   xt,xb              RA=25
xviexpdp         XX3   60  248   xt,xa,xb
xviexpsp         XX3   60  216   xt,xa,xb
xvtstdcdp        XX3   60  245   xt,xb,dcmxv
xvtstdcsp        XX3   60  213   xt,xb,dcmxv
"""
