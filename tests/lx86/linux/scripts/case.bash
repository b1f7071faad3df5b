for word in apple Banana 42 x1 '' '*' -v; do
  case $word in
    [0-9]*) echo "$word: number" ;;
    a*|b*) echo "$word: lower" ;;
    [[:upper:]]*) echo "$word: upper" ;&
    x?) echo "$word: fell or x" ;;
    '') echo "empty" ;;
    '*') echo "star" ;;
    *) echo "$word: other" ;;
  esac
done
shopt -s extglob
for f in a.c b.h c.cc d; do case $f in *.@(c|h)) echo "$f yes" ;; !(*.*)) echo "$f none" ;; *) echo "$f no" ;; esac; done
