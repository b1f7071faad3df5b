printf '%d %5d|%-5d|%05d %x %X %o %+d %i\n' 42 42 42 42 255 255 8 5 0x10
printf '%s|%10s|%-10s|%.2s|%c\n' abc abc abc abc abc
printf '%f %.3f %e %g %G %10.2f|\n' 3.14159 2.71828 12345.678 0.0001 1e20 99.995
printf '%b %q %%\n' 'tab\there' "it's a 'test'"
printf '%s-%s\n' a b c; printf -v v '%03d' 7; echo "$v"
printf '%d\n' abc; echo $?; printf '%*d\n' 6 12; printf '\x41\101\u00e9\n' | od -An -tx1
