/* Carries out single instructions on this host's processor: reads cases, writes what became of
   them.  A case has the registers as FXSAVE lays them out, four general registers, EFLAGS, 128
   bytes of storage at a fixed address (that ESI and EDI hold), and the instruction. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define STORAGE 0x10000000
#define CODE 0x11000000

struct test {
    uint8_t code[16];
    uint32_t general[4]; /* EAX, ECX, EDX, EBX */
    uint32_t eflags, signal;
    uint8_t storage[128];
    uint8_t floating[512];
} __attribute__((packed));

/* Both are known to the assembler below by their names and offsets. */
struct {
    uint8_t floating[512] __attribute__((aligned(16)));
    uint32_t general[4], eflags;
} in, out;
static uint8_t saved[512] __attribute__((aligned(16)));
static sigjmp_buf back;

static void caught(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    (void)info;
    memcpy(out.floating, (uint8_t *)u->uc_mcontext.fpregs + 112, 512);
    siglongjmp(back, number);
}

void run(void);
asm("run: pusha\n"
    "fxrstor in\n"
    "mov in+512, %eax\n"
    "mov in+516, %ecx\n"
    "mov in+520, %edx\n"
    "mov in+524, %ebx\n"
    "mov $0x10000000, %esi\n"
    "mov %esi, %edi\n"
    "mov $0x11000000, %ebp\n"
    "pushl in+528\n"
    "popf\n"
    "call *%ebp\n"
    "pushf\n"
    "popl out+528\n"
    "mov %eax, out+512\n"
    "mov %ecx, out+516\n"
    "mov %edx, out+520\n"
    "mov %ebx, out+524\n"
    "fxsave out\n"
    "cld\n"
    "popa\n"
    "ret");

static int all(int (*f)(int, void *, unsigned), int file, void *at, unsigned length)
{
    for (unsigned done = 0; done < length;) {
        int n = f(file, (uint8_t *)at + done, length - done);
        if (n <= 0)
            return 0;
        done += n;
    }
    return 1;
}
static int get(int file, void *at, unsigned n) { return read(file, at, n); }
static int put(int file, void *at, unsigned n) { return write(file, at, n); }

int main(void)
{
    static uint8_t stack[65536];
    stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    static struct test t;
    uint8_t *storage = mmap((void *)STORAGE, 4096, 3, 0x32, -1, 0);
    uint8_t *code = mmap((void *)CODE, 4096, 7, 0x32, -1, 0);
    sigaltstack(&other, 0);
    for (int n = 4; n <= 11; n++)
        if (n != 9)
            sigaction(n, &action, 0);
    asm("fxsave %0" : "=m"(saved));
    while (all(get, 0, &t, sizeof t)) {
        memcpy(storage, t.storage, 128);
        memcpy(code, t.code, 16);
        memcpy(in.floating, t.floating, 512);
        memcpy(in.general, t.general, 16);
        in.eflags = t.eflags;
        t.signal = sigsetjmp(back, 1);
        if (!t.signal)
            run();
        asm volatile("fxrstor %0" : : "m"(saved));
        memcpy(t.storage, storage, 128);
        memcpy(t.floating, out.floating, 512);
        memcpy(t.general, out.general, 16);
        t.eflags = out.eflags;
        if (!all(put, 1, &t, sizeof t))
            return 1;
    }
    return 0;
}
