/* What is told of accesses to addresses that x86-64 does not have, and to some that it has. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <ucontext.h>

static sigjmp_buf again;
static siginfo_t told;
static long trap, error;

static void handler(int number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    told = *info;
    trap = at->uc_mcontext.gregs[REG_TRAPNO];
    error = at->uc_mcontext.gregs[REG_ERR];
    siglongjmp(again, number);
}

int main(void)
{
    static const uint64_t places[] = {
        0x7fff00000000, 0x800000000000, 0x1000000000000, 0x4000000000000000, 0x8000000000000000,
        0xffff7fffffffffff, 0xffff800000000000, 0xffffffffff000000, 8,
    };
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    for (int n = 0; n < sizeof places / sizeof *places; n++)
        for (int stores = 0; stores < 2; stores++) {
            int number = sigsetjmp(again, 1);
            if (!number) {
                register char *place = (char *)places[n];
                if (stores)
                    asm volatile("movb $1, (%0)" : : "a"(place) : "memory");
                else
                    asm volatile("movb (%0), %%cl" : : "a"(place) : "ecx");
                printf("%llx went\n", (unsigned long long)places[n]);
                continue;
            }
            printf("%llx %s: signal %d code %d at %p trap %ld error %ld\n",
                   (unsigned long long)places[n], stores ? "store" : "load", number, told.si_code,
                   told.si_addr, trap, error);
        }
    return 42;
}
