# Counts five decrementer interrupts, one a second, and cedes its processor in between.

        .include "papr.inc"

MSR_EE  = 0x8000
TICKS   = 5

        .org    0x900           # the decrementer's interrupt vector
        std     r20,save(0)     # an interrupt uses no register that it has not saved
        addi    r15,r15,1
        load64  r20,SECOND
        mtdec   r20             # the next one is due in a second
        ld      r20,save(0)
        rfid

        .org    0x1000
_start:
        begin
        mr      r31,r5
        interrupts_too
        li      r15,0           # ticks seen by the handler
        li      r16,0           # ticks told to the console
        load64  r3,SECOND
        mtdec   r3
wait:
        hcall   H_CEDE          # comes back, interrupts enabled, when one is due
        mfmsr   r3
        li      r4,0
        ori     r4,r4,MSR_EE
        andc    r3,r3,r4        # nothing may change R15 from here to the next cede
        mtmsrd  r3
        cmpd    r15,r16
        beq     wait
        addi    r16,r16,1
        addi    r3,r16,'0'
        stb     r3,number(0)
        li      r3,line
        bl      puts
        cmpdi   r16,TICKS
        blt     wait
        b       exit

        .include "console.inc"
        .include "exit.inc"

line:   .ascii  "tick "
number: .ascii  "0\n"
        .byte   0
        .balign 8
save:   .quad   0
