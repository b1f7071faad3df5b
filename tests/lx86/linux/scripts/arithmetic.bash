echo $((7 / 2)) $((-7 / 2)) $((-7 % 3)) $((2 ** 62)) $((1 << 63)) $((0x7fffffffffffffff + 1))
echo $((16#ff + 8#17 + 2#101)) $((a = 5, a++ + ++a)) $((3 > 2 ? 10 : 20)) $((~0)) $((!0))
let "b = 3 * 4" "c = b ^ 5"; echo $b $c
((b += c, b > 20)) && echo more
for ((i = 0, s = 0; i < 500; i++)); do ((s += i * i)); done; echo $s
echo $((1 / 0)) ; echo "not reached"
