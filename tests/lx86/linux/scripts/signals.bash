trap 'echo usr1' USR1; kill -USR1 $BASHPID; echo after
trap 'echo in exit $?' EXIT
(trap 'echo child exit' EXIT; trap 'echo term; exit 9' TERM; kill -TERM $BASHPID; echo no); echo "$?"
trap '' USR2; kill -USR2 $BASHPID; echo ignored; trap - USR2
(kill -USR2 $BASHPID); echo "$?"
(kill -SEGV $BASHPID; echo no) 2>/dev/null; echo "$?"
trap 'echo err' ERR; false; true; trap - ERR
trap -p USR1; f() { trap 'echo returned' RETURN; }; f
