"""Special purpose registers by name (Power ISA v3.1B, III 5.4.4; POWER8 and POWER9 user's manuals).

A row is the number and every name it has; the assembler makes `mtlr` and `mflr` of `lr`.
"""

ROWS = """
1    xer
3    dscr_user  udscr
8    lr
9    ctr
13   amr_user   uamr
17   dscr
18   dsisr
19   dar
22   dec
26   srr0
27   srr1
28   cfar
29   amr
48   pid        pidr
61   iamr
128  tfhar
129  tfiar
130  texasr
131  texasru
136  ctrl_read
144  tidr
152  ctrl
153  fscr
157  uamor
158  gsr
159  pspb
176  dpdes
180  dawr0
186  rpr
187  ciabr
188  dawrx0
190  hfscr
256  vrsave
259  sprg3_read usprg3
268  tb         tb_read
269  tbu_read
272  sprg0
273  sprg1
274  sprg2
275  sprg3
282  ear
283  cir
284  tbl
285  tbu
286  tbu40
287  pvr
304  hsprg0
305  hsprg1
306  hdsisr
307  hdar
308  spurr
309  purr
310  hdec
313  hrmor
314  hsrr0
315  hsrr1
318  lpcr
319  lpidr
336  hmer
337  hmeer
338  pcr
339  heir
349  amor
446  tir
455  uhdexcr
464  ptcr
468  hashkeyr
469  hashpkeyr
471  hdexcr
736  usier2
737  usier3
738  ummcr3
752  sier2
753  sier3
754  mmcr3
768  usier
769  ummcr2
770  ummcra
771  upmc1
772  upmc2
773  upmc3
774  upmc4
775  upmc5
776  upmc6
779  ummcr0
780  usiar
781  usdar
782  ummcr1
784  sier
785  mmcr2
786  mmcra
787  pmc1
788  pmc2
789  pmc3
790  pmc4
791  pmc5
792  pmc6
795  mmcr0
796  siar
797  sdar
798  mmcr1
800  bescrs
801  bescrsu
802  bescrr
803  bescrru
804  ebbhr
805  ebbrr
806  bescr
812  udexcr
815  tar
816  asdr
823  psscr_user
828  dexcr
848  ic
849  vtb
850  ldbar
851  mmcrc
853  pmsr
855  psscr
861  l2qosr
880  trig0
881  trig1
882  trig2
884  pmcr
885  rwmr
895  wort
896  ppr
898  ppr32
921  tscr
922  ttr
1006 trace
1008 hid
1023 pir
"""

SPRS = {
    name: int(number) for number, *names in map(str.split, ROWS.split("\n")[1:-1]) for name in names
}
