# A guest for a debugger to look at: calls, storage, a vector, a hypercall, and an end.

H_PUT_TERM_CHAR = 0x58

        .org    0x1000
        .globl  _start, work, twice, stored, finish
_start: mr      r31,r5
        load64  r3,0x2000000002802000   # floating point, vectors and VSX
        mfmsr   r4
        or      r4,r4,r3
        mtmsrd  r4
        load64  r1,0x20000
        li      r0,0
        std     r0,0(r1)
        bl      work
finish: li      r3,H_PUT_TERM_CHAR
        li      r4,0
        li      r5,5
        load64  r6,0x646F6E650A000000   # done
        li      r7,0
calls:  sc      1
        b       exit

work:   mflr    r0
        std     r0,16(r1)
        stdu    r1,-64(r1)
        li      r3,21
        mtvsrdd vs2,r1,r3
        vspltisw v2,3
        bl      twice
        addi    r1,r1,64
        ld      r0,16(r1)
        mtlr    r0
        blr

twice:  add     r3,r3,r3
        load64  r4,counter
        lwz     r5,0(r4)
        addi    r5,r5,1
stored: stw     r5,0(r4)
        blr

exit:   mtspr   26,r31          # firmware's client interface is big-endian code
        load64  r4,0x8000000000000000
        mtspr   27,r4
        li      r3,exit_call
        rfid

        .balign 8
exit_call:
        .byte   0, 0, exit_name>>8, exit_name&255, 0, 0, 0, 0, 0, 0, 0, 0
exit_name:
        .asciz  "exit"
        .balign 8
        .globl  counter
counter: .long  41
