parse() {
  local OPTIND=1 o verbose=0 name=
  while getopts ':vn:x' o "$@"; do
    case $o in v) ((verbose++)) ;; n) name=$OPTARG ;; :) echo "-$OPTARG wants more" ;; \?) echo "what is -$OPTARG" ;; *) echo "$o" ;; esac
  done
  shift $((OPTIND - 1)); echo "verbose=$verbose name=$name rest=$*"
}
parse -v -v file; parse -vn joe a b; parse -x -q -n; parse -- -v; parse -nfoo -v - z
getopts a o -b; echo "$? $o"
