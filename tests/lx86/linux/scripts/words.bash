text='the cat and the dog and the bird'
declare -A n; for w in $text; do ((n[$w]++)); done
for w in $(printf '%s\n' "${!n[@]}" | sort); do echo "$w ${n[$w]}"; done
awk 'BEGIN { for (i = 1; i <= 5; i++) printf "%d:%.2f:%s ", i, i / 3, sqrt(i); print "" }'
echo "$text" | awk '{ for (i = NF; i; i--) printf "%s ", $i; print length($0), toupper(substr($0, 5, 3)) }'
echo "$text" | sed -n 's/the/THE/2p; y/abc/xyz/; $='; echo "$text" | fold -w 10 -s; echo "$text" | fmt -w 15
primes() { local i j; for ((i = 2; i < 60; i++)); do for ((j = 2; j * j <= i; j++)); do ((i % j)) || continue 2; done; printf '%d ' $i; done; echo; }; primes
