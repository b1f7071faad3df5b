coproc UPPER { while read -r line; do echo "<${line^^}>"; done; }
for w in first second third; do echo "$w" >&"${UPPER[1]}"; read -r answer <&"${UPPER[0]}"; echo "$answer"; done
eval "exec ${UPPER[1]}>&-"
wait $UPPER_PID; echo "ended with $?"
