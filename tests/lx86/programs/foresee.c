#include "bench.h"
/* Functions that are given functions, not always the same. */
typedef unsigned F(unsigned, unsigned);
NOI unsigned add(unsigned a, unsigned b) { return a + b; }
NOI unsigned either(unsigned a, unsigned b) { if (a & 1) return a ^ b; return b * 3; }
NOI unsigned nested(unsigned a, unsigned b) { return add(a, 2) ^ either(b, a); }
NOI unsigned apply(F *f, unsigned n, unsigned v) { for (unsigned i = 0; i < n; i++) v = f(v, i); return v; }
NOI unsigned both(unsigned v, F *f, F *g) { return f(v, 1) * 5 + g(v, 2) + f(v, 3); }
static unsigned (*volatile go)(F *, unsigned, unsigned) = apply;
static unsigned (*volatile two)(unsigned, F *, F *) = both;
int main(int c, char **v)
{
    static F *const all[] = {add, either, nested, add, nested, either};
    unsigned n = c > 1 ? atoi(v[1]) : 1, s = 0;
    for (unsigned i = 0; i < n * 40; i++) {
        s = s * 31 + go(all[i % 6], i % 17, i);
        s ^= two(i, all[i % 6], all[(i + 1) % 6]);
    }
    printf("foresee %u\n", s);
    return 0;
}
