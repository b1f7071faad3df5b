a=(one two "three four" [7]=eight)
echo "${#a[@]} ${!a[@]} ${a[2]} ${a[-1]}"
a+=(nine); unset 'a[1]'
for i in "${!a[@]}"; do printf '%s=%s;' "$i" "${a[$i]}"; done; echo
echo "${a[@]:1:2}" "${a[@]/e/E}" "${a[*]^^}"
declare -A m=([x]=1 [y]="2 2"); m[z]=3
for k in x y z; do echo "$k ${m[$k]}"; done
mapfile -t lines < <(printf 'l1\nl2\nl3\n'); echo "${#lines[@]} ${lines[2]}"
