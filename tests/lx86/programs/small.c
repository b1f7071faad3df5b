/* What the measuring programs need of a C library, so that nothing but them is measured. */
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>

static char line[256];
static unsigned used;

#ifdef __x86_64__
enum { EXIT = 60, WRITE = 1 };
#else
enum { EXIT = 1, WRITE = 4 };
#endif

static long call(long number, long a, long b, long c)
{
    long result;
#ifdef __x86_64__
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
#else
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
#endif
    return result;
}

static void put(char c) { line[used++] = c; }

static void put_number(uint64_t value, unsigned base, int width)
{
    char digits[24];
    int n = 0;
    do {
        unsigned digit;
        if (base == 16) {
            digit = value & 15;
            value >>= 4;
        } else {
            digit = (uint32_t)value % 10;
            value = (uint32_t)value / 10;
        }
        digits[n++] = digit < 10 ? '0' + digit : 'a' + digit - 10;
    } while (value);
    while (n < width)
        digits[n++] = '0';
    while (n)
        put(digits[--n]);
}

int printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    used = 0;
    for (; *format; format++) {
        if (*format != '%') {
            put(*format);
            continue;
        }
        int width = 0, longs = 0;
        for (format++; *format >= '0' && *format <= '9'; format++)
            width = width * 10 + *format - '0';
        for (; *format == 'l'; format++)
            longs++;
        if (*format == 's') {
            for (const char *s = va_arg(arguments, const char *); *s; s++)
                put(*s);
            continue;
        }
        uint64_t value = longs == 2 ? va_arg(arguments, uint64_t) : va_arg(arguments, unsigned);
        put_number(value, *format == 'x' ? 16 : 10, width);
    }
    va_end(arguments);
    call(WRITE, 1, (long)line, used);
    return used;
}

long strtol(const char *s, char **end, int base)
{
    long value = 0;
    (void)end, (void)base;
    while (*s >= '0' && *s <= '9')
        value = value * 10 + *s++ - '0';
    return value;
}

void *memset(void *to, int byte, size_t count)
{
    void *at = to;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(byte) : "memory");
    return to;
}

void *memcpy(void *to, const void *from, size_t count)
{
    void *at = to;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
    return to;
}

int strcmp(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

char *strcpy(char *to, const char *from)
{
    char *at = to;
    while ((*at++ = *from++))
        ;
    return to;
}

void qsort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    int *x = base; /* of integers only; Shell's sort */
    (void)size;
    for (size_t gap = count / 2; gap; gap /= 2)
        for (size_t i = gap; i < count; i++)
            for (size_t j = i; j >= gap && compare(&x[j - gap], &x[j]) > 0; j -= gap) {
                int t = x[j];
                x[j] = x[j - gap];
                x[j - gap] = t;
            }
}

int main(int, char **);

__attribute__((used)) void begin(long *stack)
{
    call(EXIT, main((int)stack[0], (char **)(stack + 1)), 0, 0);
}

#ifdef __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call begin\n");
#else
__asm__(".globl _start\n_start: mov %esp, %eax\n and $-16, %esp\n sub $12, %esp\n push %eax\n call begin\n");
#endif
