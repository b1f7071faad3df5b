n=world
cat <<END
hello $n $((1 + 1)) `echo back` \$n
END
cat <<'END'
hello $n
END
cat <<-END
	tabs	gone
	END
while read -r a b; do echo "$b $a"; done <<< "x y z"
f() { cat; }; f <<A; f <<B
from a
A
from b
B
