hanoi() { (($1)) || return; hanoi $(($1 - 1)) $2 $4 $3; ((moves++)); hanoi $(($1 - 1)) $4 $3 $2; }
moves=0; hanoi 7 a b c; echo $moves
fib() { (($1 < 2)) && { r=$1; return; }; local n=$1 a; fib $((n - 1)); a=$r; fib $((n - 2)); ((r += a)); }
fib 13; echo $r
depth() { (($1)) && depth $(($1 - 1)) || echo bottom; }; depth 300
ack() { if (($1 == 0)); then r=$(($2 + 1)); elif (($2 == 0)); then ack $(($1 - 1)) 1; else ack $1 $(($2 - 1)); ack $(($1 - 1)) $r; fi; }; ack 2 3; echo $r
