/* What compilers make of ordinary programs for POWER10: prefixed loads and addresses relative to
   the instruction, vectors, quadwords, accumulators of matrices; and the C library's own code for
   that processor. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#define ARCH_3_1 0x00040000ul

static uint64_t seed = 88172645463325252ull;

static uint64_t next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

static void show(const char *what, const void *data, size_t size)
{
    uint64_t sum = 14695981039346656037ull;
    for (size_t n = 0; n < size; n++)
        sum = (sum ^ ((const unsigned char *)data)[n]) * 1099511628211ull;
    printf("%s %016llx\n", what, (unsigned long long)sum);
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

static uint32_t constants[64], state[8];

static uint32_t fraction(double root) { return (uint32_t)(int64_t)((root - floor(root)) * 4294967296.0); }

static void sha256_start(void)
{
    int found = 0;
    for (int candidate = 2; found < 64; candidate++) {
        int prime = 1;
        for (int d = 2; d * d <= candidate; d++)
            prime &= candidate % d != 0;
        if (!prime)
            continue;
        constants[found] = fraction(cbrt(candidate));
        if (found < 8)
            state[found] = fraction(sqrt(candidate));
        found++;
    }
}

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void sha256_block(const unsigned char *block)
{
    uint32_t w[64], v[8];
    for (int n = 0; n < 16; n++)
        w[n] = (uint32_t)block[4 * n] << 24 | block[4 * n + 1] << 16 | block[4 * n + 2] << 8
               | block[4 * n + 3];
    for (int n = 16; n < 64; n++)
        w[n] = w[n - 16] + w[n - 7]
               + (rotate(w[n - 15], 7) ^ rotate(w[n - 15], 18) ^ w[n - 15] >> 3)
               + (rotate(w[n - 2], 17) ^ rotate(w[n - 2], 19) ^ w[n - 2] >> 10);
    memcpy(v, state, sizeof v);
    for (int n = 0; n < 64; n++) {
        uint32_t one = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25))
                       + ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[n] + w[n];
        uint32_t two = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22))
                       + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (int n = 0; n < 8; n++)
        state[n] += v[n];
}

static void sha256(void)
{
    unsigned char block[64] = "abc\x80";
    block[63] = 24;
    sha256_start();
    sha256_block(block);
    for (int n = 0; n < 8; n++)
        printf("%08x", state[n]);
    printf("\n");
}

/* ---- numbers --------------------------------------------------------------------------------- */

#define SIZE 48
static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];
static float narrow[SIZE][SIZE];

static void matrices(void)
{
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            left[i][j] = (double)(int64_t)next() / 1e15;
            right[i][j] = (double)(next() % 1000) * 0.125;
        }
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            double sum = 0;
            for (int k = 0; k < SIZE; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
            narrow[i][j] = (float)sum * 0.5f + 1.5f;
        }
    show("matrix", product, sizeof product);
    show("floats", narrow, sizeof narrow);
    printf("%.17g %.9g %a\n", product[3][5], narrow[7][1], product[SIZE - 1][0]);
}

static void quadwords(void)
{
    unsigned __int128 values[64];
    for (int n = 0; n < 64; n++)
        values[n] = (unsigned __int128)next() << 64 | next();
    for (int n = 0; n < 64; n++) {
        unsigned __int128 a = values[n], b = values[(n + 7) % 64] >> n;
        __int128 s = (__int128)a, t = (__int128)b - 5;
        values[n] = (a * b ^ a / (b | 1)) + a % (b | 3);
        values[n] += (unsigned __int128)(s / (t | 1)) - (unsigned __int128)(s % (t | 9));
        values[n] ^= a << (n & 127) | b >> (127 - n) | (unsigned __int128)(s >> (n + 3));
        values[n] += (a < b) + 2 * (s < t) + 4 * (a == b);
    }
    show("quadwords", values, sizeof values);
    _Float128 x = 1;
    for (int n = 1; n < 60; n++)
        x = x * (_Float128)values[n] / ((_Float128)(__int128)values[n - 1] + n);
    show("float128", &x, sizeof x);
}

typedef int vector __attribute__((vector_size(16)));
typedef unsigned long long longs __attribute__((vector_size(16)));

static void vectors(void)
{
    vector a = {1, -2, 300000, 7}, b = {9, 11, -13, 3};
    longs d = {next(), next()}, e = {next() | 1, 77};
    for (int n = 0; n < 100; n++) {
        a = a / (b | 1) + a % (b | 3) + (vector){0x12345678, 0x12345678, 0x12345678, 0x12345678};
        vector larger = a > b;
        b = (larger & (b * 77 + 5)) | (~larger & (a - 0x7ffffff));
        d = d / e * 3 + d % (e | 7);
        e = (e ^ d) * 0x9e3779b97f4a7c15ull | 1;
    }
    show("words", &a, sizeof a);
    show("more words", &b, sizeof b);
    show("doublewords", &d, sizeof d);
}

/* ---- matrices in accumulators ---------------------------------------------------------------- */

typedef __vector unsigned char bytes;

static bytes some_bytes(int n)
{
    union {
        uint64_t d[2];
        float f[4];
        bytes v;
    } value = {.d = {next(), next()}};
    if (n % 3)
        for (int i = 0; i < 4; i++)
            value.f[i] = (float)(int32_t)(value.d[0] >> (7 * i)) / 65536;
    return value.v;
}

static void show_accumulator(const char *what, __vector_quad *accumulator)
{
    bytes rows[4];
    __builtin_mma_disassemble_acc(rows, accumulator);
    show(what, rows, sizeof rows);
}

static void accumulators(void)
{
    __vector_quad integers, shorts, wide, narrow, halves;
    __builtin_mma_xxsetaccz(&integers);
    __builtin_mma_xxsetaccz(&wide);
    __builtin_mma_xxsetaccz(&halves);
    __builtin_mma_xvi16ger2s(&shorts, some_bytes(0), some_bytes(0));
    __builtin_mma_xvf32ger(&narrow, some_bytes(1), some_bytes(1));
    for (int n = 0; n < 50; n++) {
        bytes a = some_bytes(n), b = some_bytes(n + 1);
        __vector_pair pair;
        __builtin_vsx_build_pair(&pair, some_bytes(1), some_bytes(2));
        __builtin_mma_xvi8ger4pp(&integers, a, b);
        __builtin_mma_pmxvi4ger8pp(&integers, b, a, 13, 7, 0x5a);
        __builtin_mma_xvi16ger2spp(&shorts, a, b);
        __builtin_mma_xvf64gerpp(&wide, pair, b);
        __builtin_mma_pmxvf64gernp(&wide, pair, a, 6, 2);
        __builtin_mma_xvf32gerpn(&narrow, a, b);
        __builtin_mma_xvbf16ger2pp(&halves, a, b);
        __builtin_mma_pmxvf16ger2nn(&halves, b, a, 9, 15, 2);
    }
    show_accumulator("bytes", &integers);
    show_accumulator("halfwords", &shorts);
    show_accumulator("doubles", &wide);
    show_accumulator("singles", &narrow);
    show_accumulator("halves", &halves);
}

static void decimals(void)
{
    uint64_t sum = 0;
    for (int n = 0; n < 200; n++) {
        __int128 integer = (__int128)((unsigned __int128)next() << 64 | next()) >> (n % 120), back;
        _Decimal128 decimal;
        __asm__("dcffixqq %0,%1" : "=d"(decimal) : "v"(integer));
        decimal = decimal / 3 + 1;
        __asm__("dctfixqq %0,%1" : "=v"(back) : "d"(decimal));
        sum = sum * 31 + (uint64_t)back + (uint64_t)(back >> 64);
    }
    show("decimals", &sum, sizeof sum);
}

/* ---- storage --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int64_t numbers[5000];
static char text[4097], other[4097];

static void storage(void)
{
    for (int n = 0; n < 5000; n++)
        numbers[n] = (int64_t)next();
    qsort(numbers, 5000, sizeof *numbers, compare);
    show("sorted", numbers, sizeof numbers);
    for (int n = 0; n < 4096; n++)
        text[n] = (char)('a' + next() % 26);
    uint64_t found = 0;
    for (int at = 0; at < 200; at += 3) {
        memcpy(other, text + at, 4096 - (size_t)at);
        other[4096 - at] = 0;
        memmove(other + at, other + at / 2, 1000);
        found = found * 31 + strlen(other + at) + (uint64_t)(strchr(other + at, 'q') - other);
        found = found * 31 + (uint64_t)(strcmp(text + at, other) > 0) + (uint64_t)(memcmp(text, other, 300) < 0);
        found = found * 31 + (uint64_t)((char *)memchr(other, 'z', 4000) - other) + strnlen(other, (size_t)at);
        memset(other + at, at, (size_t)at * 2);
        found += (uint64_t)(strrchr(text, 'x') - text) + strspn(text + at, "aeioubcdfg");
        stpcpy(other + 100, text + 3000 + at);
    }
    show("strings", &found, sizeof found);
    show("copied", other, sizeof other);
}

int main(void)
{
    printf("ISA 3.1: %d\n", (getauxval(AT_HWCAP2) & ARCH_3_1) != 0);
    sha256();
    matrices();
    quadwords();
    vectors();
    accumulators();
    decimals();
    storage();
    return 0;
}
