/* Carries out single instructions on this host's processor: reads cases, writes what became of
   them.  As native.c, for x86-64: with the sixteen general registers in ModRM's order, of which RSP
   and RBP are not looked at. */
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
    uint64_t general[16], eflags, signal;
    uint8_t storage[128];
    uint8_t floating[512];
} __attribute__((packed));

/* Both are known to the assembler below by their names and offsets. */
struct {
    uint8_t floating[512] __attribute__((aligned(16)));
    uint64_t general[16], eflags;
} in, out;
static uint8_t saved[512] __attribute__((aligned(16)));
static sigjmp_buf back;

static void caught(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    (void)info;
    memcpy(out.floating, u->uc_mcontext.fpregs, 512);
    siglongjmp(back, number);
}

void run(void);
asm("run: push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    "fxrstor in\n"
    "mov in+512, %rax\n"
    "mov in+520, %rcx\n"
    "mov in+528, %rdx\n"
    "mov in+536, %rbx\n"
    "mov in+560, %rsi\n"
    "mov in+568, %rdi\n"
    "mov in+576, %r8\n"
    "mov in+584, %r9\n"
    "mov in+592, %r10\n"
    "mov in+600, %r11\n"
    "mov in+608, %r12\n"
    "mov in+616, %r13\n"
    "mov in+624, %r14\n"
    "mov in+632, %r15\n"
    "mov $0x11000000, %ebp\n"
    "push in+640\n"
    "popfq\n"
    "call *%rbp\n"
    "pushfq\n"
    "pop out+640\n"
    "mov %rax, out+512\n"
    "mov %rcx, out+520\n"
    "mov %rdx, out+528\n"
    "mov %rbx, out+536\n"
    "mov %rsi, out+560\n"
    "mov %rdi, out+568\n"
    "mov %r8, out+576\n"
    "mov %r9, out+584\n"
    "mov %r10, out+592\n"
    "mov %r11, out+600\n"
    "mov %r12, out+608\n"
    "mov %r13, out+616\n"
    "mov %r14, out+624\n"
    "mov %r15, out+632\n"
    "fxsave out\n"
    "cld\n"
    "pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret");

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
        memcpy(in.general, t.general, 128);
        in.eflags = t.eflags;
        t.signal = sigsetjmp(back, 1);
        if (!t.signal)
            run();
        asm volatile("fxrstor %0" : : "m"(saved));
        memcpy(t.storage, storage, 128);
        memcpy(t.floating, out.floating, 512);
        memcpy(t.general, out.general, 128);
        t.eflags = out.eflags;
        if (!all(put, 1, &t, sizeof t))
            return 1;
    }
    return 0;
}
