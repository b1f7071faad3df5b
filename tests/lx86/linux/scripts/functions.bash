fact() { local n=$1; ((n < 2)) && { echo 1; return; }; echo $((n * $(fact $((n - 1))))); }
fact 10
outer() { local v=outer; inner; echo "$v"; }; inner() { v=inner; }; v=global; outer; echo "$v"
byref() { local -n r=$1; r+=" changed"; }; t=text; byref t; echo "$t"
ret() { return $1; }; ret 7; echo $?; ret 256; echo $?
f() { echo "$# $FUNCNAME ${BASH_LINENO[0]:+line}"; shift; echo "$@"; }; f a b c
unset -f f; f; echo $?
declare -f ret
