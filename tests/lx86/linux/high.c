/* What a 64-bit program does at addresses above 4 GiB. */
#define _GNU_SOURCE
#include <cpuid.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define GIB (1ul << 30)
#define RW (PROT_READ | PROT_WRITE)
#define NEW (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static sigjmp_buf again;
static siginfo_t told;

static void handler(int number, siginfo_t *info, void *context)
{
    told = *info;
    siglongjmp(again, number);
}

static uint8_t *map(uint64_t at, uint64_t size, int protection)
{
    void *got = mmap((void *)at, size, protection, NEW | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != (void *)at)
        printf("%lx: not there, errno %d\n", at, got == MAP_FAILED ? errno : 0);
    return (uint8_t *)at;
}

/* What comes of an access; `how`: r, w or x. */
static void try(const char *what, char how, volatile uint8_t *at)
{
    int number = sigsetjmp(again, 1);
    if (number) {
        printf("%s: signal %d code %d at %p\n", what, number, told.si_code, told.si_addr);
        return;
    }
    if (how == 'r')
        (void)*(volatile uint64_t *)at;
    else if (how == 'w')
        *(volatile uint64_t *)at = 1;
    else
        ((void (*)(void))at)();
    printf("%s: done\n", what);
}

static uint64_t call(const void *at) { return ((uint64_t (*)(void))at)(); }

static const uint8_t ONE[] = {0xb8, 1, 0, 0, 0, 0xc3};                /* mov eax, 1; ret */
static const uint8_t HERE[] = {0xe8, 0, 0, 0, 0, 0x58, 0xc3};         /* call .; pop rax; ret */
static const uint8_t NEAR[] = {0x48, 0x8d, 5, 0xf9, 0xff, 0xff, 0xff, /* lea rax, [rip - 7] */
                               0x48, 0x8b, 0, 0xc3};                  /* mov rax, [rax]; ret */
static const uint8_t BEYOND[] = {0x48, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0, 0xc3}; /* mov rax, [...] */

static void code(uint64_t place)
{
    uint8_t *at = map(place, 2 * PAGE, RW);
    memcpy(at, ONE, sizeof ONE);
    try("not to be executed", 'x', at);
    memcpy(at + 16, HERE, sizeof HERE);
    memcpy(at + 32, NEAR, sizeof NEAR);
    memcpy(at + 48, BEYOND, sizeof BEYOND);
    memcpy(at + 50, &(uint8_t *){at + 2 * PAGE - 8}, 8);
    memcpy(at + PAGE - 3, ONE, sizeof ONE); /* on two pages */
    memcpy(at + 2 * PAGE - 8, "highest", 8);
    mprotect(at, 2 * PAGE, PROT_READ | PROT_EXEC);
    printf("%lx: %lu %lx %lx %lu", place, call(at), call(at + 16), call(at + 32),
           call(at + PAGE - 3));
    printf(" %.8s\n", (char *)&(uint64_t){call(at + 48)});
    try("code", 'w', at + 1);
    mprotect(at, 2 * PAGE, RW | PROT_EXEC);
    uint64_t sum = 0;
    for (int n = 0; n < 100; n++) {
        at[1] = n;
        sum += call(at);
    }
    printf("changed: %lu\n", sum);
}

static void pages(uint64_t place)
{
    uint8_t *at = map(place, 4 * PAGE, RW);
    for (int n = 0; n < 4 * PAGE / 8; n++)
        ((uint64_t *)at)[n] = place + n;
    mprotect(at + PAGE, PAGE, PROT_READ);
    mprotect(at + 2 * PAGE, PAGE, PROT_NONE);
    try("read", 'r', at + PAGE);
    try("refused write", 'w', at + PAGE + 8);
    try("refused read", 'r', at + 2 * PAGE);
    try("across", 'w', at + 4 * PAGE - 4);
    try("behind", 'r', at + 4 * PAGE);
    try("refused code", 'x', at + 8);
    munmap(at + 3 * PAGE, PAGE);
    try("unmapped", 'w', at + 3 * PAGE);
    mprotect(at + 2 * PAGE, PAGE, PROT_READ);
    printf("%lx\n", ((uint64_t *)at)[2 * PAGE / 8 + 1]);
    uint8_t *moved = mremap(at, PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place + 256 * GIB);
    printf("%lx %lx\n", (uint64_t)moved, *(uint64_t *)(moved + 8));
}

/* 4 GiB is no end of anything. */
static void border(void)
{
    uint8_t *at = map(4 * GIB - PAGE, 2 * PAGE, RW | PROT_EXEC), *middle = at + PAGE;
    uint8_t *to = at;
    long count = 2 * PAGE;
    asm volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(0x5a) : "memory");
    *(uint64_t *)(middle - 4) = 0x0123456789abcdef;
    printf("%lx %x %lx\n", (uint64_t)to, middle[-5] << 8 | middle[3], *(uint64_t *)(middle - 4));
    asm volatile("fldpi; fstpt %0; fldt %0; fstpl %1"
                 : "=m"(*(char(*)[10])(middle - 5)), "=m"(*(double *)(middle + 64)));
    printf("%.15f\n", *(double *)(middle + 64));
    asm volatile("fxsave64 %0" : "=m"(*(char(*)[512])(middle - 256)));
    printf("%x\n", *(uint32_t *)(middle - 256 + 24) & 0xffc0);
    memcpy(middle - 2, ONE, sizeof ONE);
    memcpy(middle + 256, HERE, sizeof HERE);
    printf("%lu %lx\n", call(middle - 2), call(middle + 256));
}

static void large(void)
{
    uint64_t size = 100 * GIB;
    uint8_t *at = mmap(0, size, RW, NEW, -1, 0);
    for (uint64_t n = 0; n < size; n += 10 * GIB)
        at[n + 12345] = n / GIB;
    mprotect(at + 50 * GIB, GIB, PROT_READ);
    try("read of 100 GiB", 'r', at + 50 * GIB + 4);
    int number = sigsetjmp(again, 1);
    if (!number)
        at[51 * GIB - 1] = 1;
    printf("at %lx\n", number ? ((uint64_t)told.si_addr - (uint64_t)at) / PAGE : 0);
    madvise(at, 40 * GIB, MADV_DONTNEED);
    munmap(at + 60 * GIB, 40 * GIB);
    printf("%d %d %d\n", at[12345], at[30 * GIB + 12345], at[50 * GIB + 12345]);
    uint8_t *none = mmap(0, 16ul << 40, PROT_NONE, NEW, -1, 0);
    uint8_t *inside = none + 9000 * GIB;
    mprotect(inside, 64 << 20, RW);
    inside[64 << 19] = 7;
    printf("%d\n", inside[64 << 19]);
    mmap(inside, 64 << 20, PROT_NONE, NEW | MAP_FIXED, -1, 0);
    number = sigsetjmp(again, 1);
    if (!number)
        inside[0] = 1;
    printf("%d %d %d\n", number, told.si_code, told.si_addr == inside);
    munmap(none, 16ul << 40);
    munmap(at, 60 * GIB);
}

static void refused(void)
{
    static const uint64_t places[] = {0x7ffffffff000, 0x800000000000, 0x1000000000000, 1ul << 63};
    for (int n = 0; n < 4; n++) {
        void *got = mmap((void *)places[n], PAGE, RW, NEW | MAP_FIXED, -1, 0);
        printf("%lx: %d\n", places[n], got == MAP_FAILED ? errno : 0);
    }
    uint8_t *hinted = mmap((void *)(3ul << 40), PAGE, RW, NEW, -1, 0);
    uint8_t *other = mmap((void *)(3ul << 40), PAGE, RW, NEW, -1, 0);
    printf("%lx %d\n", (uint64_t)hinted, other != hinted && (uint64_t)other >> 44 == 7);
}

int main(void)
{
    static uint8_t stack[1 << 16];
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    uint8_t *there = map(0xa000000000, 1 << 16, RW); /* for signals */
    sigaltstack(&(stack_t){.ss_sp = there, .ss_size = 1 << 16}, 0);
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    printf("stack %lx\n", (uint64_t)&action >> 40);
    static const uint64_t places[] = {0x100000000, 0x123000000, 0xc000000000, 0x700000000000,
                                      0x700100000000, 0x1f0000000000, 0x5a0000001000};
    for (int n = 0; n < sizeof places / sizeof *places; n++) {
        code(places[n] + GIB);
        pages(places[n] + 2 * GIB);
    }
    border();
    large();
    refused();
    unsigned a, lines, c, features;
    __cpuid(1, a, lines, c, features);
    printf("CLFLUSH %u, lines of %u bytes\n", features >> 19 & 1, (lines >> 8 & 0xff) * 8);
    asm volatile("clflush %0" : "+m"(*there));
    uint8_t *shared = map(0x660000000000, PAGE, RW);
    *shared = 1;
    if (!fork())
        _exit(*shared += 4);
    int status;
    wait(&status);
    printf("%d %d\n", WEXITSTATUS(status), *shared);
    return 42;
}
