/* Loops that a compiler turns into SSSE3, SSE4.1 and SSE4.2, and intrinsics it would not choose.
   Built with -msse4.2, -maes and -mpclmul; says what CPUID says, too, if it is asked. */
#include <cpuid.h>
#include <immintrin.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 256 };
static int32_t a[COUNT], b[COUNT];
static uint8_t s[COUNT], t[COUNT];
static int16_t h[COUNT], g[COUNT];
static double d[COUNT];
static float f[COUNT];

static void sum(const char *name, const void *data, int length)
{
    uint32_t crc = ~0u;
    for (int i = 0; i < length; i++)
        crc = _mm_crc32_u8(crc, ((const uint8_t *)data)[i]);
    printf("%s %08x\n", name, crc);
}

static void fill(void)
{
    uint32_t r = 1;
    for (int i = 0; i < COUNT; i++) {
        r = r * 1664525 + 1013904223;
        a[i] = r >> 3;
        b[i] = (int32_t)(r * 7) >> 9;
        s[i] = r >> 24;
        t[i] = r >> 11;
        h[i] = r >> 16;
        g[i] = r >> 7;
        d[i] = a[i] / 1e5 - 2600;
        f[i] = b[i] / 1e3f;
    }
}

static void integers(void)
{
    static int32_t m[COUNT];
    static uint8_t u[COUNT];
    int bits = 0;
    for (int i = 0; i < COUNT; i++)
        m[i] = a[i] > b[i] ? a[i] : b[i];
    sum("largest", m, sizeof m);
    for (int i = 0; i < COUNT; i++)
        m[i] = a[i] * b[i];
    sum("products", m, sizeof m);
    for (int i = 0; i < COUNT; i++)
        m[i] = s[i] * h[i];
    sum("widened", m, sizeof m);
    for (int i = 0; i < COUNT; i++)
        h[i] = g[i] < 0 ? -g[i] : g[i];
    sum("absolute", h, sizeof h);
    for (int i = 0; i < COUNT; i++)
        u[i] = s[COUNT - 1 - i];
    sum("reversed", u, sizeof u);
    for (int i = 0; i < COUNT; i++)
        bits += __builtin_popcount(a[i]);
    printf("bits %d\n", bits);
}

static void rounded(void)
{
    static double e[COUNT];
    static float c[COUNT];
    for (int i = 0; i < COUNT; i++)
        e[i] = floor(d[i]);
    sum("floor", e, sizeof e);
    for (int i = 0; i < COUNT; i++)
        e[i] = ceil(d[i]) + trunc(d[i]);
    sum("ceil and trunc", e, sizeof e);
    for (int i = 0; i < COUNT; i++)
        c[i] = floorf(f[i]) * rintf(f[i]);
    sum("of singles", c, sizeof c);
}

static void intrinsics(void)
{
    float sums[4];
    __m128 x = _mm_loadu_ps(f), y = _mm_loadu_ps(f + 4);
    __m128i text = _mm_loadu_si128((const void *)"the quick brown ");
    __m128i set = _mm_loadu_si128((const void *)"qxz\0............");
    __m128i wide = _mm_cmpgt_epi64(_mm_set1_epi64x((int64_t)a[3] << 20),
                                   _mm_set1_epi64x((int64_t)a[4] << 19));
    _mm_storeu_ps(sums, _mm_hadd_ps(x, y));
    sum("neighbours", sums, sizeof sums);
    _mm_storeu_ps(sums, _mm_dp_ps(x, y, 0xf1));
    sum("dot product", sums, sizeof sums);
    printf("found at %d\n", _mm_cmpistri(set, text, _SIDD_CMP_EQUAL_ANY));
    printf("%x %d\n", _mm_extract_epi32(wide, 2), _mm_test_all_zeros(wide, wide));
}

static __m128i next_key(__m128i key, __m128i words)
{
    words = _mm_shuffle_epi32(words, 0xff);
    for (int i = 0; i < 3; i++)
        key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
    return _mm_xor_si128(key, words);
}

static void enciphered(void)
{
    __m128i k0 = _mm_loadu_si128((const void *)s), block = _mm_loadu_si128((const void *)t);
    __m128i k1 = next_key(k0, _mm_aeskeygenassist_si128(k0, 1));
    __m128i k2 = next_key(k1, _mm_aeskeygenassist_si128(k1, 0x36));
    __m128i product = _mm_clmulepi64_si128(k0, k1, 0x10);
    for (int i = 0; i < 10; i++)
        block = _mm_aesenc_si128(_mm_aesenc_si128(block, k1), k2);
    block = _mm_aesenclast_si128(block, k0);
    sum("enciphered", &block, sizeof block);
    block = _mm_aesdec_si128(block, _mm_aesimc_si128(k1));
    block = _mm_aesdeclast_si128(block, k2);
    sum("deciphered", &block, sizeof block);
    sum("multiplied", &product, sizeof product);
}

static void library(void)
{
    const char words[] = "some words, and a comma";
    printf("%zu %zu %s\n", strcspn(words, ",;"), strspn(words, "emos "), strstr(words, "and"));
}

int main(int count, char **arguments)
{
    unsigned eax, ebx, ecx, edx;
    (void)arguments;
    fill();
    integers();
    rounded();
    intrinsics();
    enciphered();
    library();
    if (count > 1) {
        __cpuid(1, eax, ebx, ecx, edx);
        printf("%x %x\n", eax, ecx);
    }
    return 0;
}
