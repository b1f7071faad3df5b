/* Carries out single instructions on this host's processor: reads cases, writes what became of
   them.  A case has the registers as FXSAVE lays them out, general registers in ModRM's order,
   EFLAGS, 128 bytes of storage at a fixed address (that ESI and EDI hold), and the instruction.
   i386 has EAX to EBX of the general registers; x86-64 all, of which RSP and RBP are not looked
   at. */
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
#ifdef __x86_64__
#define GENERAL 16
#define LEGACY 0 /* bytes before what FXSAVE has, in a signal's frame */
#else
#define GENERAL 4
#define LEGACY 112
#endif

struct test {
    uint8_t code[32];
    unsigned long general[GENERAL], eflags, signal;
    uint8_t storage[128];
    uint8_t floating[512];
} __attribute__((packed));

/* Both are known to the assembler below by their names and offsets. */
struct {
    uint8_t floating[512] __attribute__((aligned(16)));
    unsigned long general[GENERAL], eflags;
} in, out;
static uint8_t saved[512] __attribute__((aligned(16)));
static sigjmp_buf back;

static void caught(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    (void)info;
    memcpy(out.floating, (uint8_t *)u->uc_mcontext.fpregs + LEGACY, 512);
    siglongjmp(back, number);
}

#ifdef __x86_64__
#define EACH(F) F(0, rax) F(1, rcx) F(2, rdx) F(3, rbx) F(6, rsi) F(7, rdi) F(8, r8) F(9, r9) \
    F(10, r10) F(11, r11) F(12, r12) F(13, r13) F(14, r14) F(15, r15)
#define LOAD(n, r) " mov in+512+8*" #n ", %" #r "\n"
#define STORE(n, r) " mov %" #r ", out+512+8*" #n "\n"
asm("run: push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
    " fxrstor in\n" EACH(LOAD)
    " mov $0x11000000, %ebp\n"
    " push in+512+8*16\n popfq\n call *%rbp\n pushfq\n pop out+512+8*16\n" EACH(STORE)
    " fxsave out\n cld\n"
    " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret");
#else
#define EACH(F) F(0, eax) F(1, ecx) F(2, edx) F(3, ebx)
#define LOAD(n, r) " mov in+512+4*" #n ", %" #r "\n"
#define STORE(n, r) " mov %" #r ", out+512+4*" #n "\n"
asm("run: pusha\n"
    " fxrstor in\n" EACH(LOAD)
    " mov $0x10000000, %esi\n mov %esi, %edi\n mov $0x11000000, %ebp\n"
    " pushl in+512+4*4\n popf\n call *%ebp\n pushf\n popl out+512+4*4\n" EACH(STORE)
    " fxsave out\n cld\n popa\n ret");
#endif
void run(void);

static int all(ssize_t (*f)(int, void *, size_t), int file, void *at, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = f(file, (uint8_t *)at + done, length - done);
        if (n <= 0)
            return 0;
        done += n;
    }
    return 1;
}
static ssize_t put(int file, void *at, size_t n) { return write(file, at, n); }

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
    while (all(read, 0, &t, sizeof t)) {
        memcpy(storage, t.storage, 128);
        memcpy(code, t.code, 32);
        memcpy(in.floating, t.floating, 512);
        memcpy(in.general, t.general, sizeof in.general);
        in.eflags = t.eflags;
        t.signal = sigsetjmp(back, 1);
        if (!t.signal)
            run();
        asm volatile("fxrstor %0" : : "m"(saved));
        memcpy(t.storage, storage, 128);
        memcpy(t.floating, out.floating, 512);
        memcpy(t.general, out.general, sizeof out.general);
        t.eflags = out.eflags;
        if (!all(put, 1, &t, sizeof t))
            return 1;
    }
    return 0;
}
