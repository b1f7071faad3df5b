# Three processes share the processor by the decrementer's beat; one of them reaches too far.

        .include "papr.inc"

PROCESSES       = 3
SLICE           = 20000         # time-base ticks between two beats
LETTERS         = 6             # how many each process writes
BUSY            = 10000         # what it does in between: count

# Where processes see their storage, each its own: code in one page, data in the next.
USER_CODE       = 0x10000000
USER_DATA       = 0x10001000
        .ifdef  __LITTLE_ENDIAN__
USER_STATE      = 0x800000000000C031    # MSR: 64-bit, interrupts, problem state, relocated, LE
        .else
USER_STATE      = 0x800000000000C030
        .endif

# Real storage: an area for each process; the parts of address spaces follow these.
AREA            = 0x200000
AREA_SIZE       = 0x40000
SAVED           = 0             # the process's registers while it does not run
DATA            = 0x1000        # the page it calls USER_DATA
SPACE           = 0x10000       # what its address space takes

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
        begin
        mr      r31,r5
        interrupts_too
        b       make_processes

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
        ld      r3,hashed(0)
        cmpdi   r3,0
        bne     1f
        bl      enter_radix_space
        b       go_on
1:      bl      enter_hashed_space

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

make_processes:
        std     r31,firmware(0)
        bl      choose_radix
        li      r3,radix_text
        beq     1f
        li      r3,1
        std     r3,hashed(0)
        bl      find_page_table
        li      r3,hashed_text
1:      bl      puts
        li      r14,0
make:   bl      saved_area
        mr      r5,r3           # R5: the process's area
        load64  r7,DATA
        addi    r4,r14,'A'
        stbx    r4,r5,r7        # the process's letter
        load64  r4,USER_CODE
        std     r4,SAVED_SRR0(r5)
        load64  r4,USER_STATE
        std     r4,SAVED_SRR1(r5)
        li      r4,1
        std     r4,RUNNABLE(r5)
        ld      r3,hashed(0)
        cmpdi   r3,0
        bne     2f
        bl      make_radix_space
        b       3f
2:      bl      make_hashed_space
3:      addi    r14,r14,1
        cmpdi   r14,PROCESSES
        blt     make
        li      r14,PROCESSES-1
        std     r14,running(0)
        b       beat            # as if the last had just had its turn

        .include "radix_space.inc"
        .include "hashed_space.inc"
        .include "console.inc"
        .include "exit.inc"

        .data
        .balign 8
firmware:       .quad   0
running:        .quad   0       # which process
hashed:         .quad   0       # 1: their addresses go through a hashed page table
character:      .byte   0
stopped_text:   .ascii  "\nProcess "
stopped_letter: .asciz  "? reached outside its storage and was stopped.\n"
ended_text:     .asciz  "\nNo process is left.\n"
radix_text:     .asciz  "Each process has a radix tree.\n"
hashed_text:    .asciz  "Each process has a segment of the hashed page table.\n"

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
