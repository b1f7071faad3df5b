d='2024-03-17T12:34'
[[ $d =~ ^([0-9]{4})-([0-9]{2})-([0-9]{2})T(.*)$ ]] && echo "${BASH_REMATCH[@]:1}"
for s in 10.0.0.1 300.1.1.1 a.b.c.d 1.2.3; do [[ $s =~ ^([0-9]{1,3}\.){3}[0-9]{1,3}$ ]] && echo "$s like" || echo "$s unlike"; done
echo 'The quick brown fox' | sed -E 's/(\w+) (\w+)/\2 \1/g; s/o/0/2'
printf 'foo=1\nbar=22\nbaz=\n' | grep -nE '^ba.=[0-9]*$'
printf 'x1\ny22\n' | awk '{ sub(/[0-9]+/, "<&>"); print NR ": " $0 }'
[[ abc == a* && abc != *d && abc < abd ]]; echo $?
