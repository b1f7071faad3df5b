/* Two processes that share storage: what LOCK promises them, and what XCHG does without it. */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ODD_WIDE: where odd.wide begins in odd, without a promise of its alignment */
enum { ODD_WIDE = 7, TIMES = 60000, PROCESSES = 2, PAGE = 4096 };

typedef struct {
    volatile uint32_t added, incremented, subtracted, swapped, lock, guarded, bits, flipped;
    volatile uint16_t half;
    volatile uint8_t byte;
    volatile uint64_t wide;
    volatile struct __attribute__((packed)) {
        uint8_t before;
        uint32_t word;
        uint16_t half;
        uint64_t wide;
    } odd; /* aligned for nothing */
} shared;

static void add_to_wide(volatile uint64_t *wide)
{
    uint64_t old;
    do
        old = *wide;
    while (!__sync_bool_compare_and_swap(wide, old, old + 0x100000001ull));
}

static void work(shared *s, unsigned me)
{
    for (int n = 0; n < TIMES; n++) {
        uint32_t old;
        __sync_fetch_and_add(&s->added, 3);
        __sync_fetch_and_add(&s->half, 1);
        __sync_fetch_and_add(&s->byte, 1);
        asm volatile("lock incl %0" : "+m"(s->incremented) : : "cc");
        asm volatile("lock subl $5, %0" : "+m"(s->subtracted) : : "cc");
        do
            old = s->swapped;
        while (!__sync_bool_compare_and_swap(&s->swapped, old, old + 1));
        while (__sync_lock_test_and_set(&s->lock, 1))
            ;
        s->guarded++;
        __sync_lock_release(&s->lock);
        asm volatile("lock btcl %1, %0" : "+m"(s->bits) : "r"(me) : "cc");
        asm volatile("lock btcl $9, %0" : "+m"(s->bits) : : "cc");
        asm volatile("lock notl %0" : "+m"(s->flipped) : : "cc");
        asm volatile("lock xorl $0x50005, %0" : "+m"(s->flipped) : : "cc");
        add_to_wide(&s->wide);
        asm volatile("lock addl $7, %0" : "+m"(s->odd.word) : : "cc");
        asm volatile("lock incw %0" : "+m"(s->odd.half) : : "cc");
        add_to_wide((void *)((uint8_t *)&s->odd + ODD_WIDE));
    }
}

/* Locked instructions give values and flags as others do, across a page's end as well. */
static void alone(unsigned char *page)
{
    uint32_t *across = (uint32_t *)(page + PAGE - 3), old = 0x80000000u;
    unsigned char carry, zero;
    *across = 0xfffffffeu;
    asm volatile("lock addl $2, %0\n\tsetc %1\n\tsetz %2" : "+m"(*across), "=r"(carry), "=r"(zero) : : "cc");
    printf("%x %d %d\n", *across, carry, zero);
    asm volatile("lock xaddl %1, %0\n\tseto %2" : "+m"(*across), "+r"(old), "=r"(carry) : : "cc");
    printf("%x %x %d\n", *across, old, carry);
    asm volatile("xchgl %1, %0" : "+m"(*across), "+r"(old));
    printf("%x %x\n", *across, old);
    asm volatile("stc\n\tlock adcl $0, %0\n\tlock sbbl $1, %0" : "+m"(*across) : : "cc");
    printf("%x\n", *across);
}

int main(void)
{
    shared *s = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t children[PROCESSES];
    if (s == MAP_FAILED)
        return 1;
    for (unsigned n = 0; n < PROCESSES; n++) {
        children[n] = fork();
        if (!children[n]) {
            work(s, n);
            _exit(0);
        }
    }
    for (unsigned n = 0; n < PROCESSES; n++)
        waitpid(children[n], NULL, 0);
    printf("%u %u %u %u %u\n", s->added, s->incremented, s->subtracted, s->swapped, s->guarded);
    printf("%x %x %u %u %llx\n", s->bits, s->flipped, s->half, s->byte, (unsigned long long)s->wide);
    printf("%u %u %llx\n", s->odd.word, s->odd.half, (unsigned long long)s->odd.wide);
    alone((unsigned char *)s);
    return 0;
}
