s="Hello, World"; echo "${s,,} ${s^^} ${s:0:5} ${#s}"
rev=; for ((i = ${#s} - 1; i >= 0; i--)); do rev+=${s:i:1}; done; echo "$rev"
echo "$s" | tr 'a-zA-Z' 'n-za-mN-ZA-M'; echo "$s" | md5sum; echo "$s" | cksum; echo "$s" | base64
printf '%s' "$s" | od -An -c; echo "a:b:c" | cut -d: -f2-; expr "$s" : 'Hel\(.*\)ld'; expr 7 \* 6
echo -e 'a\tb\\n' 'x\x41'; echo -n no; echo; echo $'q\'s\u41'
[ "a" \< "b" ] && [ -z "" -a -n x ] && echo tests
