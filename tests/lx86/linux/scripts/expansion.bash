p=/usr/local/lib/libfoo.so.1.2
echo "${p##*/} ${p%/*} ${p%%.*} ${p#*/} ${#p} ${p/local/share} ${p//o/0}"
unset u; echo "${u:-default} ${u:=set} ${u:+other}"; echo "$u"
echo {a,b}{1..3} {10..1..3} {x..z} ~root
s='a  b	c'; set -- $s; echo $# "$*"; IFS=, ; t='1,2,,3'; set -- $t; echo $# "$*"; unset IFS
echo "${p:5:5}" "${p: -3}" "${@:2:2}" "${p@Q}"
(echo "${nothing:?is not set}"); echo $?
