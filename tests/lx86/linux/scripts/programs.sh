cd /tmp; seq 1 500 | grep -v 13 > n
run() { echo "== $*"; "$@"; echo "status $?"; }
gzip -9 < n | gzip -dc | cmp - n; echo "gzip $?"; bzip2 < n | bzip2 -dc | cmp - n; echo "bzip2 $?"
run grep -c '^[1-4]*$' n; run mawk '{ s += $1 * $1 } END { printf "%d %.6f %s\n", s, sqrt(s), substr("hello", 2, 3) }' n
echo 'scale=40; 4*a(1); e(1); 2^200; sqrt(2)' | bc -l
run lua5.4 -e 'local t = {} for i = 1, 200 do t[#t + 1] = (i * 7919) % 251 end table.sort(t) print(t[1], t[100], 7 // 2, 2^0.5, ("x"):rep(5), string.format("%q %.3f", "a\nb", math.pi)) print(pcall(error, "oops"))'
printf 'all: a b\n\t@echo done $^\na:\n\t@echo making $@\nb: a\n\t@echo making $@ after $<\nbad:\n\t@exit 3\n' > Makefile; run make -s; run make -s bad
run sha256sum n; run sort -rn n -o m; run head -n 3 m; run tail -n 2 m; run wc n m; run expr 12 / 5; run tar cf t.tar n m; run tar tf t.tar; run ls -l --time-style=+ /t/all.sh; run od -An -tx1 -N 16 n
run dash -c 'echo $((1 + 2)); exit 4'; run find /tmp -name 'n' -newer /t/all.sh; run sed -n '5,7p' n; run diff n m -q; run nl -s: -n rz m -v 1 | head -n 2; run split -n 2 n part; cat partaa partab | cmp - n; echo $?; rm -f n m t.tar Makefile part*
