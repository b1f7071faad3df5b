/* Floating point of many kinds; what it computed goes out as bytes. */
#ifndef FT
#define FT double
#endif
#define COUNT 40
#define NOI __attribute__((noinline, noclone))

static FT values[COUNT], results[COUNT][8];
static int integers[COUNT][4];

static void put(const void *data, unsigned length)
{
    long result;
#ifdef __x86_64__
    __asm__ volatile("syscall" : "=a"(result) : "a"(1L), "D"(1L), "S"(data), "d"((long)length)
                     : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(4), "b"(1), "c"(data), "d"(length) : "memory");
#endif
}

NOI FT polynomial(FT x)
{
    FT sum = 0;
    for (int n = 0; n < 6; n++)
        sum = sum * x + (FT)(n * n - 3) / 7;
    return sum;
}

NOI FT root(FT x)
{
    FT guess = x > 1 ? x : 1;
    for (int n = 0; n < 20; n++)
        guess = (guess + x / guess) / 2;
    return guess;
}

NOI int compare(FT a, FT b)
{
    int found = 0;
    if (a < b) found |= 1;
    if (a <= b) found |= 2;
    if (a == b) found |= 4;
    if (a != b) found |= 8;
    if (a > b) found |= 16;
    if (a >= b) found |= 32;
    if (__builtin_isunordered(a, b)) found |= 64;
    return found;
}

NOI void sums(void)
{
    for (int n = 0; n < COUNT; n++) {
        results[n][4] += values[n] * values[COUNT - 1 - n];
        results[n][5] = results[n][4] - values[n];
    }
}

int main(void)
{
    for (int n = 0; n < COUNT; n++) {
        long long big = (long long)n * n * n * 1000003;
        values[n] = (FT)(n - 11) / 3 + (FT)n * (FT)1e-7;
        results[n][0] = polynomial(values[n]);
        results[n][1] = root((FT)n);
        results[n][2] = (FT)big;
        results[n][3] = values[n] < 0 ? -values[n] : values[n];
        integers[n][0] = (int)(values[n] * 100);
        integers[n][1] = (unsigned char)(short)values[n];
        integers[n][2] = compare(values[n], values[(n * 7) % COUNT]);
        integers[n][3] = compare(results[n][0], 0 / (FT)(n & 1));
        results[n][6] = (FT)(float)results[n][0];
        results[n][7] = (FT)(long long)(results[n][0] * 1000);
    }
    sums();
    put(results, sizeof results);
    put(integers, sizeof integers);
    return 0;
}
