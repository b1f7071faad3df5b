# Starts every processor, counts with all of them under one lock, and wakes each with an interrupt.

        .include "papr.inc"

H_EOI           = 0x64
H_CPPR          = 0x68
H_IPI           = 0x6C
H_XIRR          = 0x74
QUIET           = 0xFF          # the least favoured priority: nothing is asked, or all is let in
IPI_PRIORITY    = 4
MSR_EE          = 0x8000
ROUNDS          = 1000
MOST            = 32            # processors

# An external interrupt can only be an inter-processor interrupt here.  It is taken while its
# processor cedes, which keeps nothing in R3 to R12.
        .org    0x500
        hcall   H_XIRR
        mr      r14,r4          # what H_EOI must give back
        mr      r4,r13          # R13: this processor's number
        li      r5,QUIET
        hcall   H_IPI           # the request is taken
        mr      r4,r14
        hcall   H_EOI
        li      r15,1           # R15: interrupted
        rfid

        .org    0x900           # the decrementer is of no use here: as late as possible
        load64  r3,0x7fffffff
        mtdec   r3
        rfid

        .org    0x1000
_start:
        begin
        mr      r31,r5
        interrupts_too
        bl      find_rtas
        li      r3,start_name
        bl      rtas_token
        put_cell r3,start_token

# RTAS refuses to start a processor that is not there: so we learn how many there are.
        li      r24,1           # R24: how many
start_next:
        put_cell r24,start_number
        put_cell r24,start_parameter
        li      r3,start
        bl      rtas
        get_cell r3,start_status
        cmpwi   r3,0
        bne     all_started
        addi    r24,r24,1
        cmpdi   r24,MOST
        blt     start_next
all_started:
        li      r13,0
        bl      work
        li      r25,finished
1:      ld      r3,0(r25)       # the others wait for the interrupt, once they have counted
        or      r1,r1,r1        # we only wait: give way
        cmpd    r3,r24
        bne     1b
        mr      r3,r24
        bl      put_decimal
        li      r3,counted_text
        bl      puts
        ld      r3,counter(0)
        bl      put_decimal
        li      r3,newline
        bl      puts

        li      r26,1           # R26: whom to interrupt next
2:      cmpd    r26,r24
        bge     exit
        mr      r4,r26
        li      r5,IPI_PRIORITY
        hcall   H_IPI
3:      ld      r3,woken(0)
        or      r1,r1,r1
        cmpd    r3,r26
        bne     3b
        addi    r26,r26,1
        b       2b

# A processor begins here with its number in R3.
secondary:
        begin
        mr      r13,r3
        li      r4,QUIET
        hcall   H_CPPR          # let every priority in
        bl      work
        li      r15,0
4:      hcall   H_CEDE          # enables interrupts; the handler sets R15
        mfmsr   r3
        li      r4,0
        ori     r4,r4,MSR_EE
        andc    r3,r3,r4
        mtmsrd  r3
        cmpdi   r15,0
        beq     4b
        li      r3,processor_text
        bl      puts            # nobody else writes now: processor 0 waits for `woken`
        mr      r3,r13
        bl      put_decimal
        li      r3,woken_text
        bl      puts
        li      r3,woken
        bl      increment
5:      hcall   H_CEDE
        b       5b

# work: add one ROUNDS times to what the lock guards, then report.
work:
        mflr    r28
        li      r3,ROUNDS
        mtctr   r3
        li      r9,lock
6:      lwarx   r4,0,r9         # take the lock
        cmpwi   r4,0
        bne     6b
        li      r5,1
        stwcx.  r5,0,r9
        bne     6b
        isync
        ld      r6,counter(0)   # three steps that others must not come between
        addi    r6,r6,1
        std     r6,counter(0)
        lwsync
        li      r5,0
        stw     r5,0(r9)        # let it go
        bdnz    6b
        li      r3,finished
        mtlr    r28

# increment: add one to the doubleword at R3, whoever else does.
increment:
        ldarx   r4,0,r3
        addi    r4,r4,1
        stdcx.  r4,0,r3
        bne     increment
        blr

        .include "firmware.inc"
        .include "decimal.inc"
        .include "console.inc"
        .include "exit.inc"

        .balign 8
counter:        .quad   0
finished:       .quad   0
woken:          .quad   0
lock:           .long   0

        cells
start:                          # start-cpu: number, address, parameter; status
start_token:    .long   0, 3, 1
start_number:   .long   0, secondary
start_parameter: .long  0
start_status:   .long   0
        own_order
start_name:     .asciz  "start-cpu"
counted_text:   .asciz  " processors counted to "
processor_text: .asciz  "processor "
woken_text:     .asciz  " was interrupted\n"
newline:        .asciz  "\n"
