/* Runs pieces of code on the real processor: reads cases, writes what becomes of them.
   A case: EAX to EDI in ModRM's order, EFLAGS, the code's length, the code.  An answer: the
   registers afterwards and the data area.  The code ends with a jump to RETURN. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CODE ((uint8_t *)0x10000000)
#define RETURN ((uint8_t *)0x10010000)
#define DATA ((uint8_t *)0x20000000)
#define SIZE 1024

uint32_t registers[8], flags, results[8], saved_stack;

__asm__(".globl enter_case\n"
        "enter_case:\n"
        " pusha\n mov %esp, saved_stack\n"
        " pushl flags\n popf\n"
        " mov registers+16, %esp\n"
        " mov registers, %eax\n mov registers+4, %ecx\n mov registers+8, %edx\n"
        " mov registers+12, %ebx\n mov registers+20, %ebp\n mov registers+24, %esi\n"
        " mov registers+28, %edi\n"
        " jmp *code_address\n"
        ".globl leave_case\n"
        "leave_case:\n"
        " mov %eax, results\n mov %ecx, results+4\n mov %edx, results+8\n mov %ebx, results+12\n"
        " mov %esp, results+16\n mov %ebp, results+20\n mov %esi, results+24\n"
        " mov %edi, results+28\n"
        " mov saved_stack, %esp\n cld\n popa\n ret\n"
        ".data\ncode_address: .long 0x10000000\n.text\n");
void enter_case(void);
void leave_case(void);

int main(void)
{
    int all = PROT_READ | PROT_WRITE | PROT_EXEC, how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
    uint32_t length;
    mmap(CODE, 0x20000, all, how, -1, 0);
    mmap(DATA, 0x10000, PROT_READ | PROT_WRITE, how, -1, 0);
    RETURN[0] = 0xe9;
    *(uint32_t *)(RETURN + 1) = (uint32_t)leave_case - (uint32_t)(RETURN + 5);
    while (fread(registers, 4, 8, stdin) == 8 && fread(&flags, 4, 1, stdin) == 1
           && fread(&length, 4, 1, stdin) == 1 && length < 4096
           && fread(CODE, 1, length, stdin) == length) {
        for (unsigned i = 0; i < SIZE; i++)
            DATA[i] = i * 37 + (i >> 5) * 11;
        enter_case();
        fwrite(results, 4, 8, stdout);
        fwrite(DATA, 1, SIZE, stdout);
    }
    return 0;
}
