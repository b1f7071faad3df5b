d=$(mktemp -d); cd "$d"
printf 'b\na\nc\n' > f; ln f g; ln -s f h; mkdir -p x/y/z; touch x/y/z/file
[[ -f f && -L h && -d x/y && ! -e nothing && f -ef g ]] && echo kinds
sort f | tee sorted | wc -l; cmp f sorted; echo $?
chmod 640 f; stat -c '%a %s %h %F' f h x; mv f k; cat < g; rm -r x; ls
find . -type f -name '[gks]*' | sort; readlink h; cat h; echo "$?"
cd /; rm -r "$d"; [ -e "$d" ] || echo gone
