printf '%s\n' 10 9 2 33 1 | sort -n | tr '\n' ' '; printf '%s\n' 10 9 2 | sort | tr '\n' ' '; echo
quick() { local p l=() g=(); (($# < 2)) && { echo "$@"; return; }; p=$1; shift; for x; do if ((x < p)); then l+=($x); else g+=($x); fi; done; echo $(quick "${l[@]}") $p $(quick "${g[@]}"); }
quick 5 3 9 1 7 3
printf 'b 2\na 10\nc 1\n' | sort -k2,2n; printf 'a\nb\na\n' | sort | uniq -c | awk '{print $1 $2}'
printf '1,x\n2,y\n' > /tmp/l.$$; printf '2,q\n3,r\n' > /tmp/r.$$; join -t, /tmp/l.$$ /tmp/r.$$; comm -12 <(cut -d, -f1 /tmp/l.$$) <(cut -d, -f1 /tmp/r.$$); rm /tmp/[lr].$$
