"""What is typed in the padmin sessions whose transcripts are golden."""

from __future__ import annotations

SESSIONS = {
    "storage": """
lssp
lssp -default
mksp -fb clients -sp rootvg -size 4g
mksp -fb clients -sp rootvg -size 1g
mksp -fb huge -sp rootvg -size 20g
mksp -fb inner -sp clients -size 1g
mksp -f datavg hdisk1
mkbdsp -sp clients 100m -bd web_data
mkbdsp -sp clients 50m -vadapter vhost0
mkbdsp -sp rootvg 1000m -bd web_root -vadapter vhost0 -tn web_rootvg
mkbdsp -sp clients -bd web_data -vadapter vhost1
mkbdsp -sp clients 8g -bd large
mkbdsp -sp clients 0g -bd none
mkbdsp 10g
lssp
lssp -type FBPOOL
lssp -type LVPOOL -field pool free -fmt :
lssp -bd -sp clients
lssp -bd -sp clients -field bdname vtd -fmt ,
lssp -bd
lssp -detail -sp rootvg
lssp -detail -sp clients
rmsp clients
rmbdsp -sp clients -bd web_data
rmbdsp -vtd vtscsi0 -savebd
rmsp -f clients
chsp -default clients
rmvdev -vtd web_rootvg -rmlv
lssp
lssp -bd -sp rootvg
""",
    "mappings": """
lsmap -all
lspv
mkvdev -vdev hdisk1 -vadapter vhost0
mkvdev -vdev hdisk1 -vadapter vhost1
mkvdev -vdev hdisk0 -vadapter vhost1
mkvdev -vdev cd0 -vadapter vhost0 -dev disc
mkvdev -vdev rmt0 -vadapter vhost1
mkvdev -vdev hdisk9 -vadapter vhost0
mkvdev -vdev hdisk1 -vadapter vhost7
mkvdev -vdev hdisk1
mkvdev -sea ent0 -vadapter ent1 -default ent1 -defaultid 1
lsmap -all
lsmap -all -type tape optical
lsmap -all -field vtd backing lun -fmt :
lsmap -vadapter vhost1 -fmt :
lsmap -plc U9009.PYP0001-V3-C10
lsmap -all -vadapter vhost0
lsmap -all -field size
lsdev -virtual
lsdev -type disk
lsdev -dev vtscsi0 -parent
lsdev -dev vtscsi0 -attr
lsdev -dev hdisk1 -attr
lsdev -dev nothing
lspv -free
lspv -avail
rmvdev -vdev hdisk1
rmdev -dev disc
rmvdev -vdev hdisk1
lsmap -vadapter vhost0
""",
    "media": """
lsrep
mkvdev -fbo -vadapter vhost0
mkrep -sp rootvg -size 2g
mkrep -sp rootvg -size 2g
mkvopt -name disc -file DIRECTORY/disc.iso -ro
mkvopt -name fromdrive -dev cd0
mkvopt -name blank -size 10m
mkvopt -name huge -size 3g
mkvopt -name ../up -size 1m
mkvdev -fbo -vadapter vhost0
mkvdev -fbo -vadapter vhost1 -dev install
loadopt -disk disc -vtd vtopt0
loadopt -disk disc -vtd install
loadopt -disk blank -vtd vtopt0
loadopt -f -disk blank -vtd vtopt0
loadopt -disk blank -vtd install
loadopt -disk nothing -vtd install
lsrep
lsrep -field name optical -fmt :
lsvopt
lsvopt -vtd install
lsmap -all -type file_opt
rmvopt -name disc
rmrep -f
chvopt -name blank -access ro
unloadopt -vtd vtopt0
unloadopt -vtd vtopt0
chvopt -name blank -access ro
chvopt -name blank -newname empty
rmvopt -f -name disc
chrep -size 64m
lsvopt
rmrep
rmrep -f
lsrep
""",
    "volumes": """
lspv
lsvg
mksp ../up hdisk3
mksp datavg hdisk0
mksp datavg hdisk9
mksp datavg hdisk1 hdisk1
mksp datavg
mksp datavg hdisk1 hdisk2
mksp datavg hdisk3
mkvdev -vdev hdisk1 -vadapter vhost0
mkvdev -vdev hdisk3 -vadapter vhost0
mkvg -vg other hdisk3
mkvg -vg other hdisk1
lspv
lspv -avail
lspv -free
lspv -size
lssp
lssp -detail -sp datavg
mkbdsp -sp datavg 50m -bd web_data -vadapter vhost0
mkbdsp -sp datavg 50m -bd hdisk7
mklv -lv spread datavg 60m
mklv -lv there datavg 8 hdisk2
mklv datavg 1g
mklv -lv ../lv datavg 8m
mklv -lv web_data datavg 8m
mklv -type swap datavg 8m
mksp -fb files -sp datavg -size 16m
chsp -add -sp files -size 4m
mkrep -sp datavg -size 4m
chrep -size 4m
lssp -bd -sp datavg
lsvg datavg
lsvg -lv datavg
lsvg -pv datavg
lsvg -lv datavg -field lvname pvs -fmt :
lsvg -lv rootvg
lsvg -map datavg
lslv web_data
lslv -map spread
lslv -pv spread
lslv -free
lspv hdisk1
lspv -lv hdisk1
lspv -map hdisk2
lspv hdisk3
extendlv there 8m
extendlv there 99g
lsmap -vadapter vhost0
deactivatevg datavg
extendvg datavg hdisk3
rmvdev -vdev hdisk3
extendvg datavg hdisk3
reducevg datavg hdisk3
reducevg datavg hdisk2
reducevg -rmlv datavg hdisk2
rmlv web_data
rmlv -f web_data
rmbdsp -vtd vtscsi1
rmlv -f spread nothing
rmlv -f spread there
rmsp datavg
rmsp files
rmrep
chsp -default datavg
chsp -rm -sp datavg hdisk2
chsp -rm -sp datavg hdisk1
lssp -default
lsvg datavg
mkvg hdisk1
deactivatevg vg00
lsvg vg00
lspv
mklv vg00 8m
activatevg vg00
mklv vg00 8m
mklv vg00 8m
reducevg vg00 hdisk1
reducevg -f -rmlv vg00 hdisk1
activatevg rootvg
lspv -free
""",
    "paths": """
lspath
lspath -status failed
lspath -status lost
lspath -dev hdisk1 -fmt :
lspath -pdev sas1 -field name status
chpath -dev hdisk1 -op disable -pdev sas1
chpath -dev hdisk1 -op disable -pdev sas0
chpath -dev hdisk0 -op disable
chpath -dev hdisk1 -op remove
chpath -dev hdisk1
chpath -dev cd0 -op enable
chpath -dev hdisk1 -op enable -pdev ent0
lspath -dev hdisk1
lspath -status disabled
rmpath -dev hdisk1 -pdev sas0
rmpath -pdev sas0
rmpath -dev hdisk1 -pdev sas1
chpath -dev hdisk1 -op enable -pdev sas1
mkpath -dev hdisk1 -pdev sas1
mkpath -dev hdisk1 -pdev sas0
rmpath -dev hdisk1 -pdev sas1 -rm
lspath -dev hdisk1
mkpath -dev hdisk1 -pdev sas1 -def
mkpath -dev hdisk1 -pdev sas0
mkpath -dev hdisk1
rmpath
lspath -dev hdisk1
cfgdev -dev hdisk7
cfgdev
lspath -dev hdisk1
lsdev -type adapter
lsdev -slots
lsdev -dev sas0 -child
lsdev -plc U9009.PYP0001-V3-C11
lsdev -plc U9009.PYP0001-V3-C99
lsdev -dev vhost0 -attr
lsdev -dev vhost0 -slot
lsdev -dev sas0 -slot
lsdev -dev hdisk1 -attr size_in_mb
lsdev -dev hdisk1 -attr colour
lsdev -dev hdisk1 -range size_in_mb
lsdev -dev hdisk1 -range reserve_policy
chdev -dev hdisk1 -attr reserve_policy=no_reserve
chdev -dev hdisk1 -attr reserve_policy=single_path
chdev -dev hdisk1 -attr reserve_policy=PR_shared
chdev -dev hdisk1 -attr queue_depth=20
chdev -dev hdisk1 -attr
chdev -dev hdisk9 -attr reserve_policy=no_reserve
uname
uname -a
uname -L
lslparinfo
license -view
license -accept
lsdev -vpd
lsdev -parent
lsdev hdisk1
mkvdev -vdev hdisk1 -vadapter vhost0
rmdev -dev vtscsi0 -ucfg
lsdev -dev vtscsi0
lsdev -dev vhost0 -child
rmdev -dev vhost0
cfgdev
lsdev -dev vtscsi0
rmdev -dev vtscsi0
""",
    "pipes": """
lsdev | grep Virtual
lsdev | grep -v Virtual | wc -l
lsdev | grep -c "^v"
lsdev | grep -n Disk$
lsdev | grep -iE "tape|dvd"
lsdev | grep -q nothing
lsdev | grep v.ost | head -1
lsdev | tail -n 2
lsdev | sort -r | head -n 2
lsdev | wc
lsdev | more
lssp -fmt "|"
lssp -fmt '|' | grep 'rootvg|'
ioslevel | grep \\.10$
lsfrob | wc -l
lsmap | wc -l
lsdev |
| wc
lsdev | awk
lsdev | grep
lsdev | grep (a*)*b
lsdev | grep -r x
lsdev | head -x
lsdev | grep "x
""",
    "errors": """
errlog
mkrep -sp rootvg -size 64m
mkvopt -name large -size 65m
mkvopt -name large -size 66m
mkvopt -name large -size 66m
errlog
errlog -ls
errlog -seq 1
errlog -seq 9
errlog -seq x
errlog -rm
errlog -rm -1
errlog -rm 0 -ls
errlog -rm 99999999999999999999
errlog -rm 5
errlog
errlog -rm 0
errlog
help errlog
""",
    "general": """
ioslevel
license
license -ls
hostname
errlog
lspath
lspath -dev hdisk1
lspath -dev hdisk7
lsnports
vfcmap -vadapter vfchost0 -fcp fcs0
lsmap -all -npiv
lsmap -vadapter vfchost0 -npiv
lsmap -all -net
lsmap -vadapter ent1 -net -fmt :
lsmap -vadapter ent7 -net
lsdev
help
help loadopt
help nothing
oem_setup_env
lsmap
lsmap -all -frob
lssp "unclosed
""",
}
