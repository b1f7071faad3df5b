/* Runs pieces of code, each with several states: on the real processor, and translated.
   Standard input: how many pieces, how often each is run, bytes of code; of each piece EAX to EDI in
   ModRM's order, EFLAGS, a number that its further states come from, and where its code lies; then
   all code, that goes to CODE.  Answers: the registers afterwards and the data area, of each run.
   A piece ends with a jump to where the word before CODE says. */
#include <stddef.h>
#include <stdint.h>

#define CODE 0x11001000
#define DATA 0x20000000
#define SIZE 1024
#define PATTERNS 8
#define CODE_SIZE 0x800000

struct piece {
    uint32_t registers[8], flags, number, place;
};

uint32_t registers[8], flags, results[8], saved_stack, code_address;
static uint8_t input[8 << 20], output[(32 + SIZE) * 1000], patterns[PATTERNS][SIZE];
static const uint32_t special[8] = {0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80, 0x7F, 0x8000};

void *memcpy(void *to, const void *from, size_t count);

__asm__(".globl enter_piece\n"
        "enter_piece:\n"
        " pusha\n mov %esp, saved_stack\n"
        " mov flags, %eax\n mov %al, %ah\n mov flags+1, %al\n shr $3, %al\n"
        " add $0x7f, %al\n sahf\n" /* OF, then the others */
        " mov registers+16, %esp\n"
        " mov registers, %eax\n mov registers+4, %ecx\n mov registers+8, %edx\n"
        " mov registers+12, %ebx\n mov registers+20, %ebp\n mov registers+24, %esi\n"
        " mov registers+28, %edi\n"
        " jmp *code_address\n"
        ".globl leave_piece\n"
        "leave_piece:\n"
        " mov %eax, results\n mov %ecx, results+4\n mov %edx, results+8\n mov %ebx, results+12\n"
        " mov %esp, results+16\n mov %ebp, results+20\n mov %esi, results+24\n"
        " mov %edi, results+28\n"
        " mov saved_stack, %esp\n cld\n popa\n ret\n");
void enter_piece(void);
void leave_piece(void);

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static void map(uint32_t at, uint32_t length)
{
    long how[6] = {at, length, 3, 0x32, -1, 0};
    call(90, (long)how, 0, 0);
}

static uint32_t next(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    return *x ^= *x << 5;
}

static void change(uint32_t *x)
{
    static const uint8_t free[5] = {0, 1, 2, 6, 7};
    for (int n = 0; n < 5; n++) {
        uint32_t y = next(x);
        registers[free[n]] = y & 0x100 ? special[y >> 9 & 7] : next(x);
    }
    flags = (next(x) & 0x8D5) | 0x202;
}

int main(int argc, char **argv)
{
    uint32_t used = 0, filled = 0;
    for (long n; (n = call(3, 0, (long)input + used, sizeof input - used)) > 0;)
        used += n;
    uint32_t *head = (uint32_t *)input;
    struct piece *pieces = (struct piece *)(head + 3);
    map(CODE - 0x1000, CODE_SIZE);
    map(DATA, 0x10000);
    *(uint32_t *)(CODE - 0x1000) = (uint32_t)leave_piece;
    memcpy((void *)CODE, pieces + head[0], head[2]);
    call(125, CODE - 0x1000, CODE_SIZE, 5);
    for (unsigned k = 0; k < PATTERNS; k++)
        for (unsigned i = 0; i < SIZE; i++)
            patterns[k][i] = i * 37 + (i >> 5) * 11 + k * 91;
    for (unsigned n = 0; n < head[0]; n++) {
        uint32_t x = pieces[n].number;
        memcpy(registers, pieces[n].registers, 32);
        flags = pieces[n].flags;
        code_address = pieces[n].place;
        for (unsigned k = 0; k < head[1]; k++) {
            if (k)
                change(&x);
            memcpy((void *)DATA, patterns[k % PATTERNS], SIZE);
            enter_piece();
            memcpy(output + filled, results, 32);
            memcpy(output + filled + 32, (void *)DATA, SIZE);
            filled += 32 + SIZE;
            if (filled == sizeof output) {
                for (uint32_t at = 0; at < filled;)
                    at += call(4, 1, (long)output + at, filled - at);
                filled = 0;
            }
        }
    }
    for (uint32_t at = 0; at < filled;)
        at += call(4, 1, (long)output + at, filled - at);
    return 0;
}
