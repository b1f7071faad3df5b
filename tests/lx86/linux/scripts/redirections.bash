f=$(mktemp); exec 3>"$f"; echo three >&3; exec 3>&-; cat "$f"
echo append >> "$f"; exec 4<"$f"; read -r l <&4; read -r m <&4; echo "$l $m"; exec 4<&-
{ echo a; echo b >&2; } > "$f" 2>&1; wc -l < "$f"
exec {fd}<>"$f"; echo over >&$fd; exec {fd}>&-; head -n 1 "$f"
(echo x > /nonexistent/dir/file); echo $?; echo y >&9; echo $?
cat nothing.here 2>/dev/null; echo $?; : > "$f"; [ -s "$f" ] || echo empty; rm "$f"
