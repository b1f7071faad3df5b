for x in 1 2 3 4 5; do [ $x = 2 ] && continue; [ $x = 4 ] && break; echo $x; done
i=0; until ((i >= 3)); do ((i++)); done; echo $i
for a in 1 2; do for b in 1 2 3; do [ $b = 2 ] && continue 2; echo $a$b; done; done
while :; do while :; do break 2; done; done; echo out
select_it() { local PS3='? '; select c in red green; do echo "got $c"; break; done; }; echo 2 | select_it
n=0; while read -r l; do ((n += ${#l})); done < <(seq 100 120); echo $n
