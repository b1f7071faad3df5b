printf 'a b c d\n' | { read -r x y; echo "$x/$y"; }
printf 'one\\\ntwo\n' | { read x; echo "$x"; }
printf 'k=v' | { IFS== read -r k v; echo "$? $k $v"; }
printf 'abcdef' | { read -r -n 3 x; read -r -N 2 y; echo "$x $y"; }
printf 'x\0y\0' | { read -r -d '' a; read -r -d '' b; echo "$a$b"; }
read -r -t 0.1 z < <(sleep 1); echo "$(($? > 128))"
read -ra w <<< "  some   words here "; echo "${#w[@]} ${w[1]}"
