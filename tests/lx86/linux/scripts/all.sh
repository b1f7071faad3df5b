cd /t
for f in "$@"; do echo "== $f"; ( . ./$f.bash ) 2>&1; echo "status $?"; done
