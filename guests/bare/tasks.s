# Three processes share the processor by the decrementer's beat; one of them reaches too far.

        .include "papr.inc"

H_REGISTER_PROCESS_TABLE = 0x37C
REGISTER_RADIX  = 0x1D          # flags: register; radix; the guest invalidates its TLB itself

SPR_PID         = 48
PROCESSES       = 3
SLICE           = 20000         # time-base ticks between two beats
LETTERS         = 6             # how many each process writes
BUSY            = 10000         # what it does in between: count

# Where processes see their storage, each its own: code in one page, data in the next.
USER_CODE       = 0x10000000
USER_DATA       = 0x10001000
USER_STATE      = 0x800000000000C030    # MSR: 64-bit, interrupts, problem state, relocated

# Real storage: the process table, then an area for each process.
PROCESS_TABLE   = 0x100000
AREA            = 0x200000
AREA_SIZE       = 0x40000
ROOT            = 0             # in the area: 2^13 entries for 512 GiB each
LEVEL2          = 0x10000       # 2^9 entries for 1 GiB each
LEVEL3          = 0x11000       # 2^9 entries for 2 MiB each
LEVEL4          = 0x12000       # 2^9 entries for 4 KiB each
DATA            = 0x13000
SAVED           = 0x14000       # the process's registers while it does not run

# A radix tree's entries (Power ISA III 6.7).
VALID           = 1 << 63
LEAF            = 1 << 62
TREE_52_BITS    = 0x40000000000000A0
READ            = 4
WRITE           = 2
EXECUTE         = 1

# In SAVED: R0 to R31, then these.
SAVED_SRR0      = 32 * 8
SAVED_SRR1      = 33 * 8
SAVED_LR        = 34 * 8
SAVED_CTR       = 35 * 8
SAVED_XER       = 36 * 8
SAVED_CR        = 37 * 8
RUNNABLE        = 38 * 8        # 1: yes

# System calls of ours: R0 says which.
SYS_PUT         = 1             # write the character in R3
SYS_EXIT        = 2

# ---- interrupts ---------------------------------------------------------------------------

# SPRG1 is where the running process's registers go; R12 takes the vector along.
.macro interrupt vector
        .org    \vector
        mtsprg  2,r13
        mfsprg  r13,1
        std     r12,12*8(r13)
        li      r12,\vector
        b       save
.endm

        interrupt 0x300         # data storage
        interrupt 0x380         # data segment
        interrupt 0x400         # instruction storage
        interrupt 0x480         # instruction segment
        interrupt 0x700         # program
        interrupt 0x900         # decrementer
        interrupt 0xC00         # system call

        .org    0x1000
_start:
        mr      r31,r5
        b       begin

save:
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
        std     \n,\n*8(r13)
        .endr
        mfsprg  r3,2
        std     r3,13*8(r13)
        mfsrr0  r3
        std     r3,SAVED_SRR0(r13)
        mfsrr1  r3
        std     r3,SAVED_SRR1(r13)
        mflr    r3
        std     r3,SAVED_LR(r13)
        mfctr   r3
        std     r3,SAVED_CTR(r13)
        mfxer   r3
        std     r3,SAVED_XER(r13)
        mfcr    r3
        std     r3,SAVED_CR(r13)
        ld      r31,firmware(0)
        cmpwi   r12,0x900
        beq     beat
        cmpwi   r12,0xC00
        beq     system_call

# A process did what it may not: it ends, the others go on.
        ld      r3,running(0)
        addi    r3,r3,'A'
        stb     r3,stopped_letter(0)
        li      r3,stopped_text
        bl      puts
        b       stop

system_call:
        ld      r3,0*8(r13)
        cmpdi   r3,SYS_EXIT
        beq     stop
        cmpdi   r3,SYS_PUT
        bne     go_on           # there is no such system call: nothing happens
        ld      r3,3*8(r13)
        stb     r3,character(0)
        li      r3,character
        li      r4,1
        bl      print
        b       go_on

stop:   li      r3,0
        std     r3,RUNNABLE(r13)

beat:   load64  r3,SLICE
        mtdec   r3

# The next process that can run, in a circle; none: all have ended.
        ld      r14,running(0)
        li      r15,PROCESSES
next:   addi    r14,r14,1
        cmpdi   r14,PROCESSES
        blt     1f
        li      r14,0
1:      bl      saved_area
        ld      r4,RUNNABLE(r3)
        cmpdi   r4,0
        bne     switch
        addi    r15,r15,-1
        cmpdi   r15,0
        bne     next
        li      r3,ended_text
        bl      puts
        b       exit

switch: std     r14,running(0)
        mtsprg  1,r3
        mr      r13,r3
        addi    r4,r14,1        # process 0 is the kernel's
        mtspr   SPR_PID,r4
        isync

go_on:  ld      r3,SAVED_SRR0(r13)
        mtsrr0  r3
        ld      r3,SAVED_SRR1(r13)
        mtsrr1  r3
        ld      r3,SAVED_LR(r13)
        mtlr    r3
        ld      r3,SAVED_CTR(r13)
        mtctr   r3
        ld      r3,SAVED_XER(r13)
        mtxer   r3
        ld      r3,SAVED_CR(r13)
        mtcr    r3
        .irp    n, 0,1,2,3,4,5,6,7,8,9,10,11,12,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,13
        ld      \n,\n*8(r13)
        .endr
        rfid

# saved_area: R3 = where the registers of process R14 lie.  Uses R4.
saved_area:
        load64  r3,AREA_SIZE
        mulld   r3,r3,r14
        load64  r4,AREA+SAVED
        add     r3,r3,r4
        blr

# ---- making the processes -----------------------------------------------------------------

begin:
        std     r31,firmware(0)
        li      r14,0
make:   load64  r5,AREA_SIZE
        mulld   r5,r5,r14
        load64  r4,AREA
        add     r5,r5,r4        # R5: the process's area

        load64  r4,TREE_52_BITS | 13
        or      r4,r4,r5        # the root is the area's first
        addi    r6,r14,1
        sldi    r6,r6,4         # sixteen bytes a process in the table
        load64  r7,PROCESS_TABLE
        stdx    r4,r6,r7

        load64  r8,VALID | LEVEL2 | 9
        or      r4,r8,r5
        std     r4,ROOT(r5)
        load64  r7,LEVEL2
        load64  r8,VALID | LEVEL3 | 9
        or      r4,r8,r5
        stdx    r4,r5,r7
        load64  r7,LEVEL3 + 8 * (USER_CODE >> 21)
        load64  r8,VALID | LEVEL4 | 9
        or      r4,r8,r5
        stdx    r4,r5,r7
        load64  r7,LEVEL4
        load64  r4,VALID | LEAF | READ | EXECUTE | user_program
        stdx    r4,r5,r7        # all share the program
        addi    r7,r7,8
        load64  r8,VALID | LEAF | READ | WRITE | DATA
        or      r4,r8,r5
        stdx    r4,r5,r7        # but none another's data

        load64  r7,DATA
        addi    r4,r14,'A'
        stbx    r4,r5,r7        # the process's letter
        bl      saved_area
        load64  r4,USER_CODE
        std     r4,SAVED_SRR0(r3)
        load64  r4,USER_STATE
        std     r4,SAVED_SRR1(r3)
        li      r4,1
        std     r4,RUNNABLE(r3)
        addi    r14,r14,1
        cmpdi   r14,PROCESSES
        blt     make

        load64  r4,REGISTER_RADIX
        load64  r5,PROCESS_TABLE
        li      r6,0
        li      r7,0            # 4 KiB of it
        hcall   H_REGISTER_PROCESS_TABLE
        cmpdi   r3,0
        bne     refused
        li      r14,PROCESSES-1
        std     r14,running(0)
        b       beat            # as if the last had just had its turn
refused:
        li      r3,refused_text
        bl      puts
        b       exit

        .include "console.inc"
        .include "exit.inc"

        .data
        .balign 8
firmware:       .quad   0
running:        .quad   0       # which process
character:      .byte   0
stopped_text:   .ascii  "\nProcess "
stopped_letter: .asciz  "? reached outside its storage and was stopped.\n"
ended_text:     .asciz  "\nNo process is left.\n"
refused_text:   .asciz  "The hypervisor refused the process table.\n"

# ---- the program that all processes run ---------------------------------------------------

        .balign 4096
user_program:
        load64  r10,USER_DATA
        li      r11,LETTERS
2:      lbz     r3,0(r10)       # the same address in each, another letter in each
        li      r0,SYS_PUT
        sc      0
        load64  r4,BUSY
        mtctr   r4
3:      bdnz    3b
        addi    r11,r11,-1
        cmpdi   r11,LETTERS/2
        bne     4f
        lbz     r3,0(r10)
        cmpwi   r3,'B'
        bne     4f
        lbz     r3,0x900(0)     # the kernel's storage: not in this process's tree
4:      cmpdi   r11,0
        bne     2b
        li      r0,SYS_EXIT
        sc      0
        b       2b
