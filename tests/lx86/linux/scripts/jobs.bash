set -m
sleep 0.2 & first=$!
{ exit 3; } & second=$!
wait $second; echo "second $?"
wait $first; echo "first $?"
sleep 30 & kill %%; wait $!; echo "killed $?"
(sleep 0.1; echo late) & echo early; wait
for i in 1 2 3; do (exit $i) & p[i]=$!; done
for i in 3 1 2; do wait ${p[i]}; echo "$i: $?"; done
wait -n 2>/dev/null; echo "none left: $?"
