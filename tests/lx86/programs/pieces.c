/* Runs pieces of code, each with several states: on the real processor, and translated.
   Standard input: how many pieces, how often each is run, bytes of code; of each piece the general
   registers in ModRM's order, EFLAGS, which bits of AX are told of behind LAHF and SETO AL, a number
   that its further states come from, and where its code lies; then all code, that goes to CODE.
   Answers: the registers afterwards, those bits, and the data area, of each run.  A piece ends with a jump to where the
   doubleword before CODE says. */
#include <stddef.h>
#include <stdint.h>

#define CODE 0x11001000
#define DATA 0x20000000
#define SIZE 1024
#define PATTERNS 8
#define CODE_SIZE 0x800000

#ifdef __x86_64__
#define REGISTERS 16
enum { READ = 0, WRITE = 1, MMAP = 9, MPROTECT = 10 };
#else
#define REGISTERS 8
enum { READ = 3, WRITE = 4, MMAP = 90, MPROTECT = 125 };
#endif
typedef unsigned long word;

struct piece {
    word registers[REGISTERS];
    uint32_t flags, told, number, place;
};
struct answer {
    word registers[REGISTERS], flags;
    uint8_t data[SIZE];
};

word registers[REGISTERS], results[REGISTERS + 1], saved_stack, code_address;
uint32_t flags;
static uint8_t input[8 << 20], patterns[PATTERNS][SIZE];
static struct answer output[1000];

void *memcpy(void *to, const void *from, size_t count);

#define SET_FLAGS /* OF, then the others */ \
    " mov flags, %eax\n mov %al, %ah\n mov flags+1, %al\n shr $3, %al\n add $0x7f, %al\n sahf\n"
#ifdef __x86_64__
#define EACH(F) F(0, rax) F(1, rcx) F(2, rdx) F(3, rbx) F(4, rsp) F(5, rbp) F(6, rsi) F(7, rdi) \
    F(8, r8) F(9, r9) F(10, r10) F(11, r11) F(12, r12) F(13, r13) F(14, r14) F(15, r15)
#define LOAD(n, r) " mov registers+8*" #n ", %" #r "\n"
#define STORE(n, r) " mov %" #r ", results+8*" #n "\n"
__asm__("enter_piece:\n push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        " mov %rsp, saved_stack\n" SET_FLAGS EACH(LOAD) " jmp *code_address\n"
        "leave_piece:\n" EACH(STORE) " lahf\n seto %al\n mov %rax, results+8*16\n mov saved_stack, %rsp\n cld\n"
        " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n");

static long call(long number, long a, long b, long c)
{
    long result;
    register long fourth __asm__("r10") = 0x32, fifth __asm__("r8") = -1, sixth __asm__("r9") = 0;
    __asm__ volatile("syscall" : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
                     : "rcx", "r11", "memory");
    return result;
}
#else
#define EACH(F) F(0, eax) F(1, ecx) F(2, edx) F(3, ebx) F(4, esp) F(5, ebp) F(6, esi) F(7, edi)
#define LOAD(n, r) " mov registers+4*" #n ", %" #r "\n"
#define STORE(n, r) " mov %" #r ", results+4*" #n "\n"
__asm__("enter_piece:\n pusha\n mov %esp, saved_stack\n" SET_FLAGS EACH(LOAD)
        " jmp *code_address\n"
        "leave_piece:\n" EACH(STORE) " lahf\n seto %al\n mov %eax, results+4*8\n"
        " mov saved_stack, %esp\n cld\n popa\n ret\n");

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}
#endif
void enter_piece(void);
void leave_piece(void);

static void map(word at, word length)
{
#ifdef __x86_64__
    call(MMAP, at, length, 3);
#else
    long how[6] = {at, length, 3, 0x32, -1, 0};
    call(MMAP, (long)how, 0, 0);
#endif
}

static uint32_t next(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    return *x ^= *x << 5;
}

static void change(uint32_t *x)
{
#ifdef __x86_64__
    static const uint8_t free[] = {0, 1, 2, 6, 7, 8, 9, 10, 11, 14, 15};
    static const word special[16] = {
        0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80, 0x7F, 0x8000, -1, 1UL << 63, ~(1UL << 63),
        0xFFFFFFFF00000000, 0xFFFFFFFF80000000, 0x100000000, 0x80000000FFFFFFFF, 2};
#else
    static const uint8_t free[] = {0, 1, 2, 6, 7};
    static const word special[8] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80, 0x7F, 0x8000};
#endif
    for (unsigned n = 0; n < sizeof free; n++) {
        uint32_t y = next(x);
        word value = next(x);
        if (sizeof value == 8 && y & 0x10000)
            value |= (uint64_t)next(x) << 32;
        if (y & 0x100)
            value = special[y >> 9 & (sizeof special / sizeof *special - 1)];
        registers[free[n]] = value;
    }
    flags = (next(x) & 0x8D5) | 0x202;
}

static void tell(unsigned count)
{
    for (word at = 0; at < count * sizeof *output;)
        at += call(WRITE, 1, (long)output + at, count * sizeof *output - at);
}

int main(int argc, char **argv)
{
    word used = 0;
    unsigned filled = 0;
    for (long n; (n = call(READ, 0, (long)input + used, sizeof input - used)) > 0;)
        used += n;
    uint32_t *head = (uint32_t *)input;
    struct piece *pieces = (struct piece *)(head + 4);
    map(CODE - 0x1000, CODE_SIZE);
    map(DATA, 0x10000);
    *(word *)(CODE - 8) = (word)leave_piece;
    memcpy((void *)CODE, pieces + head[0], head[2]);
    call(MPROTECT, CODE - 0x1000, CODE_SIZE, 5);
    for (unsigned k = 0; k < PATTERNS; k++)
        for (unsigned i = 0; i < SIZE; i++)
            patterns[k][i] = i * 37 + (i >> 5) * 11 + k * 91;
    for (unsigned n = 0; n < head[0]; n++) {
        uint32_t x = pieces[n].number;
        memcpy(registers, pieces[n].registers, sizeof registers);
        flags = pieces[n].flags;
        code_address = pieces[n].place;
        for (unsigned k = 0; k < head[1]; k++) {
            if (k)
                change(&x);
            memcpy((void *)DATA, patterns[k % PATTERNS], SIZE);
            enter_piece();
            struct answer *a = output + filled++;
            memcpy(a->registers, results, sizeof results);
            a->flags &= pieces[n].told;
            memcpy(a->data, (void *)DATA, SIZE);
            if (filled == sizeof output / sizeof *output) {
                tell(filled);
                filled = 0;
            }
        }
    }
    tell(filled);
    return 0;
}
