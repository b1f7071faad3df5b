/* As oracle.c, for x86-64.  A case: the sixteen registers in ModRM's order, RFLAGS, the code's
   length, the code.  An answer: the registers afterwards and the data area. */
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define CODE ((uint8_t *)0x10000000)
#define RETURN ((uint8_t *)0x10010000)
#define DATA ((uint8_t *)0x20000000)
#define SIZE 1024

uint64_t registers[18], results[16], saved_stack;

#define EACH_BUT_RSP(F) F(0, rax) F(1, rcx) F(2, rdx) F(3, rbx) F(5, rbp) F(6, rsi) F(7, rdi) \
    F(8, r8) F(9, r9) F(10, r10) F(11, r11) F(12, r12) F(13, r13) F(14, r14) F(15, r15)
#define LOAD(n, r) " mov registers+8*" #n ", %" #r "\n"
#define STORE(n, r) " mov %" #r ", results+8*" #n "\n"

__asm__(".globl enter_case\n"
        "enter_case:\n"
        " push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
        " mov %rsp, saved_stack\n"
        " push registers+8*16\n popfq\n"
        " mov registers+8*4, %rsp\n" EACH_BUT_RSP(LOAD)
        " jmp *code_address\n"
        ".globl leave_case\n"
        "leave_case:\n" EACH_BUT_RSP(STORE) " mov %rsp, results+8*4\n"
        " mov saved_stack, %rsp\n cld\n"
        " pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n ret\n"
        ".data\ncode_address: .quad 0x10000000\n.text\n");
void enter_case(void);
void leave_case(void);

int main(void)
{
    int all = PROT_READ | PROT_WRITE | PROT_EXEC, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    mmap(CODE, 0x20000, all, how, -1, 0);
    mmap(DATA, 0x10000, PROT_READ | PROT_WRITE, how, -1, 0);
    RETURN[0] = 0xe9;
    *(uint32_t *)(RETURN + 1) = (uint64_t)leave_case - (uint64_t)(RETURN + 5);
    while (fread(registers, 8, 18, stdin) == 18 && registers[17] < 4096
           && fread(CODE, 1, registers[17], stdin) == registers[17]) {
        for (unsigned i = 0; i < SIZE; i++)
            DATA[i] = i * 37 + (i >> 5) * 11;
        enter_case();
        fwrite(results, 8, 16, stdout);
        fwrite(DATA, 1, SIZE, stdout);
    }
    return 0;
}
