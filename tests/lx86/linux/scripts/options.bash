(set -e; false; echo no); echo "$?"
(set -u; echo "$undefined_one"; echo no); echo "$?"
(set -o pipefail; false | true); echo "$?"
(set -e; if false; then :; fi; false || true; ! true; echo still)
(set -x; v=1; echo "$v $((v + 1))") 2>&1
(set -n; echo no); (set -C; echo a > /tmp/clobber.$$; echo b > /tmp/clobber.$$; echo "$?"); rm -f /tmp/clobber.$$
set -- a b; echo "$-" | tr -d -c u; echo "$#"
