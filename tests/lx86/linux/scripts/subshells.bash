x=1; (x=2; cd /tmp; exit 4); echo "$x $? $PWD" | sed "s#$PWD#here#"
y=$(echo inner; exit 6); echo "$y $?"; echo $(echo a; echo b) "$(printf 'c\nd')"
( (echo nested; (echo deeper)) | cat ); echo "${BASH_SUBSHELL}" "$(echo $BASH_SUBSHELL)"
export E=exported; bash -c 'echo "$E $0 $1"' zero one; env -i A=1 bash -c 'echo "$A${E-unset}"'
exec 5>&1; z=$(echo captured; echo direct >&5); echo "$z"; eval 'echo "evaluated $x"'
set -- $(seq 3); echo "$3"; (exec sh -c 'exit 12'); echo $?
