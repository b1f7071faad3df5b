d=$(mktemp -d); cd "$d"; touch a1 a2 b1 .hidden 'sp ace' c.txt; mkdir sub; touch sub/deep.txt
echo * ; echo a? [!a]* ; echo *.txt nothing*; shopt -s nullglob; echo none: nothing*; shopt -u nullglob
shopt -s dotglob globstar; echo * ; echo **/*.txt; shopt -s nocaseglob; echo A*; shopt -s failglob
(echo zzz*) ; echo $?; set -f; echo *; cd /; rm -r "$d"
