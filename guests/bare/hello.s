# Writes one line with the terminal hypercall and returns to the firmware.

        .include "papr.inc"

        .org    0x100
_start:
        begin
        mr      r31,r5
        li      r3,greeting
        bl      puts
        b       exit

        .include "console.inc"
        .include "exit.inc"

greeting:
        .asciz  "Hello from a POWER partition.\n"
