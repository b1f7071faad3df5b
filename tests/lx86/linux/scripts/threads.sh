cd /tmp; seq 1 20000 > n
pigz -p 3 -b 128 -c n > n.gz; echo "pigz $?"; pigz -dc n.gz | cmp - n; echo "unpigz $?"; gzip -dc n.gz | cmp - n; echo "gzip $?"
xz -T2 --block-size=32768 -c -0 n > n.xz; echo "xz $?"; xz -T2 -dc n.xz | cmp - n; echo "unxz $?"; xz -l --robot n.xz | grep totals | cut -f3
pbzip2 -p2 -b1 -k -q n; echo "pbzip2 $?"; bzip2 -dc n.bz2 | cmp - n; echo "bzip2 $?"
zstd -T2 -q -c n > n.zst; echo "zstd $?"; zstd -dcq n.zst | cmp - n; echo "unzstd $?"
rm -f n n.*
