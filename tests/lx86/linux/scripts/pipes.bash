seq 1 100 | grep 7 | sort -r | head -n 5 | paste -s -d+
yes | head -n 1000 | wc -c
false | true | (exit 5); echo "${PIPESTATUS[@]}"
echo one | { read -r a; echo "read $a"; }
{ echo out; echo err >&2; } 2>&1 >/dev/null | sed 's/^/piped /'
diff <(printf 'a\nb\n') <(printf 'a\nc\n'); echo $?
mkfifo /tmp/p.$$; (echo through > /tmp/p.$$) & cat /tmp/p.$$; wait; rm /tmp/p.$$
