/* Switches and tables of functions: an interpreter, indexes of all sizes and beyond the tables. */
#include "bench.h"
typedef unsigned F(unsigned, unsigned);
NOI unsigned add(unsigned a, unsigned b) { return a + b; }
NOI unsigned sub(unsigned a, unsigned b) { return a - b; }
NOI unsigned turn(unsigned a, unsigned b) { return a << (b & 31) | a >> (-b & 31); }
NOI unsigned more(unsigned a, unsigned b) { if (a & 1) return a ^ b; return a * 5 + b; }
static F *const functions[4] = {add, sub, turn, more};
static F *changing[4] = {more, add, more, sub};
static unsigned char code[512];
NOI unsigned interpret(const unsigned char *p, unsigned n)
{
    unsigned a = n, r[4] = {1, 2, 3, 4};
    for (;; p += 2)
        switch (p[0]) {
        case 0: a += p[1]; break;
        case 1: a = a << 3 | a >> 29; break;
        case 2: r[p[1] & 3] = a; break;
        case 3: a -= r[p[1] & 3]; break;
        case 4: a = functions[p[1] & 3](a, r[2]); break;
        case 5: a = changing[p[1] & 3](a, r[1]); break;
        case 6: if (a & 1) a += 11; break;
        case 7: if ((int)a < 0) a = -a; break;
        case 8: if (--n == 0) return a + r[3]; p = code - 2; break;
        case 9: changing[p[1] & 3] = functions[a & 3]; break;
        }
}
NOI unsigned wide(long n) { switch (n) { case 3: return 7; case 4: return 9; case 5: return 1; case 6: return 4; case 7: return 12; case 8: return 5; } return n; }
NOI unsigned shortened(short n) { switch (n) { case -3: return 70; case -2: return 91; case -1: return 13; case 0: return 42; case 1: return 120; case 2: return 51; } return n + 3; }
NOI unsigned counted(unsigned n, unsigned m) { unsigned s = 0; while (n--) switch (n % m) { case 0: s += 3; case 1: s ^= n; break; case 2: s = s * 3 + 1; break; case 3: s -= n; break; case 4: s += s >> 3; break; case 5: return s; default: s++; } return s; }
int main(int c, char **v)
{
    unsigned n = c > 1 ? atoi(v[1]) : 1, s = 0;
    for (unsigned i = 0; i < 500; i += 2) {
        code[i] = i * 7 % 23 == 8 ? 10 : i * 7 % 23;
        code[i + 1] = i * 37 >> 2;
    }
    code[500] = 8;
    for (unsigned i = 0; i < n * 20; i++) {
        s = s * 31 + interpret(code, 3 + i % 5);
        s ^= wide(i % 13) + wide(-(long)i) + wide((long)i << (8 * sizeof(long) - 9)) + shortened(i - 6) + shortened(i << 9);
        s += counted(i * 3, 3 + i % 7);
    }
    printf("switches %x\n", s);
    return 0;
}
