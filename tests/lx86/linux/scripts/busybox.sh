busybox mkdir -p /tmp/bin; busybox --install -s /tmp/bin; PATH=/tmp/bin
printf 'b 2\na 10\nc 1\nb 2\n' > /tmp/bb; mkdir -p /tmp/bbd; cd /tmp/bbd
run() { echo "== $*"; "$@" < /tmp/bb; echo "status $?"; }
run cat; run sort -u; run tac; run wc; run head -n 2; run tail -n 1; run cut -d' ' -f2
run tr a-c x-z; run uniq -c; run rev; run nl; run od -c; run md5sum; run sha1sum; run sha256sum
run base64; run hexdump -C; run grep b; run sed s/b/B/; run awk '{ s += $2 } END { print s }'
run fold -w 2; run expand; run paste -; run tee /tmp/bbd/t; run xargs echo; run strings -n 2; run xxd; run cmp /tmp/bb -
run basename /a/b.c .c; run dirname /a/b; run seq 3 2 9; run expr 6 '*' 7; run printf '%05d\n' 42; run echo hello; run test 1 = 2
run true; run false; run shuf -n 0; run timeout 60 true; run uname -s; run env -i A=1 env; run date -u -d @0 +%F; run ls -1 /t; run touch f; run stat -c %s /tmp/bb; run mkdir d; run rmdir d
run mv f g; run cp /tmp/bb c; run ln -s c l; run readlink l; run rm g c l t; run find /tmp/bb; run id -u; run sleep 0; run factor 360; run dc -e '2 3 + p'; run which sh; run realpath /tmp/../tmp
cd /; rm -r /tmp/bbd /tmp/bb /tmp/bin
